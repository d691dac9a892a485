"""Forward programs as ONNX files: ONNX Runtime gives the logits of the PyTorch model in fp64, and the loss of our
reference; and the graph, imported again, raises to the IR that it was made of, for the small twin of every definition."""
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from safetensors.numpy import load_file, save_file

from torch_model import Config, Model

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / "build/bin"
TWIN = [f"--set={line}" for line in (ROOT / "test/small-twin.txt").read_text().split()]
BATCH, TOKENS, VOCABULARY = 2, 32, 512


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}\n{done.stderr}")
    return done.stdout


def random_weights(module):
    """Values of the parameters of a module's text, by name; near 1 where they begin at 1."""
    draw = np.random.default_rng(0)
    weights = {}
    for name, shape, init in re.findall(r"nf\.parameter @(\S+) : tensor<([\dx]+)xf32> \{init = \"(.*?[^\\])\"", module):
        shape = [int(extent) for extent in shape.split("x")]
        values = draw.normal(0, 0.1, shape) + ("ones" in init)
        if "sinusoidal" not in init:
            weights[name] = values.astype(np.float32)
    return weights


def random_inputs():
    """Arguments of eval; the second sequence ends early."""
    draw = np.random.default_rng(1)
    real = np.arange(TOKENS) < np.array([[TOKENS], [TOKENS - 9]])
    tokens, targets = (draw.integers(0, VOCABULARY, (BATCH, TOKENS), dtype=np.int32) for _ in range(2))
    return {"tokens": tokens, "targets": targets, "loss_weight": real.astype(np.float32),
            "positions": np.tile(np.arange(TOKENS, dtype=np.int32), (BATCH, 1)),
            "key_padding": real.astype(np.float32),
            "segments": (np.arange(TOKENS, dtype=np.int32) // 7 * np.ones((BATCH, 1), np.int32)).astype(np.int32)}


def run_graph(file, inputs):
    """The graph's only output."""
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    own = {"input_ids": "tokens", "position_ids": "positions", "attention_mask": "key_padding"}
    kinds = {"tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(float)": np.float32}
    fed = {i.name: inputs[own.get(i.name, i.name)].astype(kinds[i.type]) for i in session.get_inputs()}
    return session.run(None, fed)[0]


def loss_sum(logits, inputs):
    logits = torch.tensor(logits, dtype=torch.float64).flatten(0, 1)
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor(inputs["targets"]).long().flatten(), reduction="none")
    return float((loss * torch.tensor(inputs["loss_weight"]).flatten()).sum())


# Ops that no definition's forward program has, each with a use that differs from the operator's defaults.
OTHER_OPS = """
nf.program @forward(%x: tensor<2x6x8xf32> {nf.name = "x"}, %y: tensor<2x6x8xf32> {nf.name = "y"},
                    %i: tensor<6xi32> {nf.name = "i"}, %length: tensor<i32> {nf.name = "length"},
                    %offset: tensor<i32> {nf.name = "offset"}) -> (tensor<2x12x8xf32> {nf.name = "out"},
                    tensor<9x8xf32> {nf.name = "table"}, tensor<2x4x8xf32> {nf.name = "seen"}) {
  %n = nf.neg %x : (tensor<2x6x8xf32>) -> tensor<2x6x8xf32>
  %e = nf.erf %n : (tensor<2x6x8xf32>) -> tensor<2x6x8xf32>
  %h = nf.max %e, %y : (tensor<2x6x8xf32>, tensor<2x6x8xf32>) -> tensor<2x6x8xf32>
  %most = nf.reduce_max %x axes [1, 2] : (tensor<2x6x8xf32>) -> tensor<2x1x1xf32>
  %ge = nf.compare ge %x, %y : (tensor<2x6x8xf32>, tensor<2x6x8xf32>) -> tensor<2x6x8xi1>
  %j = nf.iota : tensor<6x8xi32>
  %three = nf.constant dense<3> : tensor<1xi32>
  %ne = nf.compare ne %j, %three : (tensor<6x8xi32>, tensor<1xi32>) -> tensor<6x8xi1>
  %w = nf.where %ge, %h, %most : (tensor<2x6x8xi1>, tensor<2x6x8xf32>, tensor<2x1x1xf32>) -> tensor<2x6x8xf32>
  %u = nf.where %ne, %w, %x : (tensor<6x8xi1>, tensor<2x6x8xf32>, tensor<2x6x8xf32>) -> tensor<2x6x8xf32>
  %two = nf.constant dense<2.0> : tensor<1xf32>
  %p0 = nf.mul %u, %u : (tensor<2x6x8xf32>, tensor<2x6x8xf32>) -> tensor<2x6x8xf32>
  %p1 = nf.pow %two, %p0 : (tensor<1xf32>, tensor<2x6x8xf32>) -> tensor<2x6x8xf32>
  %r = nf.rsqrt %p1 : (tensor<2x6x8xf32>) -> tensor<2x6x8xf32>
  %c = nf.constant dense<[0.5, 1.0, 1.5, -2.0, 2.5, 3.0, 3.5, 4.0]> : tensor<8xf32>
  %s = nf.sub %r, %c : (tensor<2x6x8xf32>, tensor<8xf32>) -> tensor<2x6x8xf32>
  %both = nf.concat %s, %x axis 1 : (tensor<2x6x8xf32>, tensor<2x6x8xf32>) -> tensor<2x12x8xf32>
  %part = nf.slice %both axis 1 from 2 size 7 : (tensor<2x12x8xf32>) -> tensor<2x7x8xf32>
  %whole = nf.pad %part axis 1 low 4 high 1 : (tensor<2x7x8xf32>) -> tensor<2x12x8xf32>
  %q = nf.matmul %whole, %whole {transpose_a} : (tensor<2x12x8xf32>, tensor<2x12x8xf32>) -> tensor<2x8x8xf32>
  %m = nf.matmul %whole, %q bias %c {transpose_b} : (tensor<2x12x8xf32>, tensor<2x8x8xf32>, tensor<8xf32>)
      -> tensor<2x12x8xf32>
  %out = nf.tanh %m : (tensor<2x12x8xf32>) -> tensor<2x12x8xf32>
  %rows = nf.reduce_sum %x axes [0] : (tensor<2x6x8xf32>) -> tensor<1x6x8xf32>
  %flat = nf.reshape %rows : (tensor<1x6x8xf32>) -> tensor<6x8xf32>
  %table = nf.scatter_add %flat, %i : (tensor<6x8xf32>, tensor<6xi32>) -> tensor<9x8xf32>
  %queries = nf.slice %x axis 1 from 1 size 4 : (tensor<2x6x8xf32>) -> tensor<2x4x8xf32>
  %seen, %lse = nf.attention %queries, %x, %y key_length %length query_offset %offset
      {heads = 2 : i64, causal, scale = 0.3 : f64} : (tensor<2x4x8xf32>, tensor<2x6x8xf32>, tensor<2x6x8xf32>, tensor<i32>,
      tensor<i32>) -> (tensor<2x4x8xf32>, tensor<2x2x4xf32>)
  nf.return %out, %table, %seen : tensor<2x12x8xf32>, tensor<9x8xf32>, tensor<2x4x8xf32>
}
"""


class OnnxExport(unittest.TestCase):
    def test_other_ops(self):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            (folder / "m.mlir").write_text(OTHER_OPS)
            draw = np.random.default_rng(2)
            inputs = {"x": draw.normal(size=(2, 6, 8)).astype(np.float32),
                      "y": draw.normal(size=(2, 6, 8)).astype(np.float32),
                      "i": np.array([8, 0, 3, 3, 1, 3], np.int32), "length": np.array(5, np.int32),
                      "offset": np.array(1, np.int32)}
            save_file(inputs, folder / "values.safetensors")
            run(BIN / "nf-translate", "--export-onnx", folder / "m.mlir", "-o", folder / "m.onnx")
            run(BIN / "nf-reference", folder / "m.mlir", "--program", "forward", "--values",
                folder / "values.safetensors", "--out", folder / "out.safetensors")
            truth = load_file(folder / "out.safetensors")
            session = onnxruntime.InferenceSession(str(folder / "m.onnx"), providers=["CPUExecutionProvider"])
            for output, value in zip(session.get_outputs(), session.run(None, inputs)):
                np.testing.assert_allclose(value, truth[output.name], rtol=1e-5, atol=1e-5, err_msg=output.name)

    def test_primitives(self):
        """The same model as its primitives."""
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            run(BIN / "nf-compile", ROOT / "models/normformer-125m.toml", *TWIN, "--emit=import", "-o",
                folder / "m.mlir")
            values, inputs = random_weights((folder / "m.mlir").read_text()), random_inputs()
            save_file(values, folder / "w.safetensors")
            run(BIN / "nf-opt", "--nf-decompose", folder / "m.mlir", "-o", folder / "primitive.mlir")
            losses = []
            for module in ("m", "primitive"):
                run(BIN / "nf-translate", "--export-onnx", folder / f"{module}.mlir", "--weights",
                    folder / "w.safetensors", "--program", "eval", "-o", folder / f"{module}.onnx")
                losses.append(float(run_graph(folder / f"{module}.onnx", inputs)))
            self.assertAlmostEqual(losses[0], losses[1], delta=1e-5 * losses[0])

    def check(self, *settings, config=None, stage="raise", options=(), tolerance=1e-5):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            module, weights, graph = folder / "m.mlir", folder / "w.safetensors", folder / "m.onnx"
            run(BIN / "nf-compile", ROOT / "models/gpt2-124m.toml", *TWIN, *[f"--set={s}" for s in settings],
                f"--emit={stage}", "-o", module, *options)
            values, inputs = random_weights(module.read_text()), random_inputs()
            save_file(values, weights)
            run(BIN / "nf-translate", "--export-onnx", module, "--weights", weights, "-o", graph)
            onnx.checker.check_model(str(graph), full_check=True)
            logits = run_graph(graph, inputs)
            if config is not None:
                model = Model(config).double()
                model.load_state_dict({name: torch.tensor(value).double() for name, value in values.items()})
                tokens, positions = (torch.tensor(inputs[name]).long() for name in ("tokens", "positions"))
                padding = torch.tensor(inputs["key_padding"]).double() if config.kind == "encoder" else None
                with torch.no_grad():
                    truth = model(tokens, positions, padding).numpy()
                self.assertLess(np.abs(logits - truth).max(), tolerance * np.abs(truth).max())

            arguments = re.search(r"@eval\((.*?)\) ->", module.read_text())[1]
            save_file(values | {name: value for name, value in inputs.items() if f'"{name}"' in arguments},
                      folder / "values.safetensors")
            if config is None or config.positions == "learned":
                run(BIN / "nf-reference", module, "--program", "eval", "--values", folder / "values.safetensors",
                    "--out", folder / "out.safetensors")
                truth = float(load_file(folder / "out.safetensors")["loss_sum"])
                self.assertAlmostEqual(loss_sum(logits, inputs), truth, delta=tolerance * truth)
                run(BIN / "nf-translate", "--export-onnx", module, "--weights", weights, "--program", "eval", "-o",
                    folder / "eval.onnx")
                self.assertAlmostEqual(float(run_graph(folder / "eval.onnx", inputs)), truth, delta=tolerance * truth)

    def config(self, **keys):
        return Config(**dict(layers=2, d_model=64, heads=4, d_ffn=256, vocab=512, context=64, activation="gelu_tanh")
                      | keys)

    def test_pre_layernorm(self):
        self.check(config=self.config())

    def test_normformer(self):
        config = self.config(activation="gelu", attention_layernorm=True, ffn_layernorm=True, head_scale="pre_proj",
                             residual_scale=True, tie_embeddings=False, embedding_scale=8.0)
        self.check("norm.preset=normformer", "norm.residual_scale=true", "model.activation=gelu",
                   "model.tie_embeddings=false", config=config)

    def test_normformer_folded(self):
        config = self.config(activation="silu", attention_layernorm=True, ffn_layernorm=True, head_scale="pre_proj",
                             embedding_scale=8.0)
        self.check("norm.preset=normformer", "norm.residual_scale=false", "model.activation=silu", config=config,
                   stage="fold", options=["--fold=all"])

    def test_post_layernorm(self):
        config = self.config(placement="post", head_scale="post_proj", activation="relu2", positions="sinusoidal")
        self.check("norm.placement=post", "norm.head_scale=post_proj", "model.activation=relu2",
                   "model.positions=sinusoidal", config=config)

    def test_encoder_with_padding(self):
        self.check("model.kind=encoder", "objective.kind=masked", "model.activation=relu",
                   config=self.config(kind="encoder", activation="relu"))

    def test_documents(self):
        self.check("objective.document_mask=true")

    def test_bf16(self):
        self.check("train.precision=bf16", config=self.config(), tolerance=2e-2)

    def test_external_data_and_imported_weights(self):
        """A graph with its weights beside it gives the same bytes when it is imported and written again."""
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            run(BIN / "nf-compile", ROOT / "models/gpt2-124m.toml", *TWIN, "--emit=raise", "-o", folder / "m.mlir")
            save_file(random_weights((folder / "m.mlir").read_text()), folder / "w.safetensors")
            run(BIN / "nf-translate", "--export-onnx", folder / "m.mlir", "--weights", folder / "w.safetensors",
                "--external-data", "-o", folder / "m.onnx")
            self.assertGreater((folder / "m.onnx.data").stat().st_size, (folder / "m.onnx").stat().st_size)
            inputs = random_inputs()
            first = run_graph(folder / "m.onnx", inputs)
            run(BIN / "nf-compile", folder / "m.onnx", "--emit=raise", "-o", folder / "raised.mlir")
            run(BIN / "nf-translate", "--export-onnx", folder / "raised.mlir", "-o", folder / "again.onnx")
            self.assertTrue(np.array_equal(first, run_graph(folder / "again.onnx", inputs)))


def eval_lines(text):
    """The lines of @eval in a raised module. What the import makes of positions and of padding, which are known there,
    is written as definitions have it; values are numbered in order."""
    body = re.search(r"nf\.program @eval\(.*\n((?:    .*\n)*)", text)[1]
    body = re.sub(r".*= get .*\n|.*= constant .*\n", "", body)
    body = re.sub(r" key_padding %key_padding|(?<=, tensor<2x32x64xf32>), tensor<2x32xf32>(?=\) -> \(tensor)", "", body)
    body = re.sub(r".*= slice %embed_positions_weight .*\n(.*)= reshape .*\n(.*= add .*), tensor<1x32x64xf32>\)",
                  r"\1= POSITIONS\n\2, tensor<2x32x64xf32>)", body)
    body = re.sub(r"= embedding %embed_positions_weight, .*", "= POSITIONS", body)
    numbers = {}
    return [re.sub(r"%(\d+|y\w*|cst\w*|mean\w*|rstd\w*)", lambda m: f"%{numbers.setdefault(m[0], len(numbers))}", line)
            for line in body.splitlines()]


class RoundTrip(unittest.TestCase):
    def test_definitions(self):
        definitions = sorted(p for p in (ROOT / "models").glob("*.toml") if p.name != "train-defaults.toml")
        self.assertGreater(len(definitions), 10)
        for definition in definitions:
            with self.subTest(definition.name), tempfile.TemporaryDirectory() as temporary:
                folder = Path(temporary)
                run(BIN / "nf-compile", definition, *TWIN, "--emit=raise", "-o", folder / "m.mlir")
                before = (folder / "m.mlir").read_text()
                save_file(random_weights(before), folder / "w.safetensors")
                run(BIN / "nf-translate", "--export-onnx", folder / "m.mlir", "--weights", folder / "w.safetensors",
                    "-o", folder / "m.onnx")
                after = run(BIN / "nf-compile", folder / "m.onnx", "--emit=raise", "-o", "-")
                self.assertEqual(eval_lines(before), eval_lines(after))
                names = [re.findall(r"nf\.parameter (@\S+ : \S+)", text) for text in (before, after)]
                self.assertEqual(sorted(names[0]), sorted(names[1]))
                self.assertNotIn("trainable = false", after)


if __name__ == "__main__":
    unittest.main()
