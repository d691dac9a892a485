"""ONNX files that PyTorch writes train as the model itself does: exported by both exporters, imported, compiled, and
compared with PyTorch in fp64 by the rules of compare_training.py: loss, every gradient, weights after some steps.

The program's parameters have the names of the file; which of the model's they are is found by their values."""
import math
import re
import subprocess
import sys
import tempfile
import unittest
import warnings
from pathlib import Path

import torch
import torch.nn.functional as F

import compare_training
from torch_model import Config, Model, Recipe
from training_files import Executable, load_file, make_batches, save

ROOT = Path(__file__).resolve().parents[2]
COMPILER = ROOT / "build/bin/nf-compile"
NORMFORMER = dict(attention_layernorm=True, ffn_layernorm=True, head_scale="pre_proj", residual_scale=True)
SMALL = dict(layers=2, d_model=32, heads=4, d_ffn=64, vocab=61, context=16)


def make_model(**keys):
    torch.manual_seed(0)
    model = Model(Config(**SMALL | keys)).eval()
    model.config = Config(**SMALL | keys)
    for parameter in model.parameters():
        if parameter.dim() == 1:
            parameter.data += 0.1 * torch.randn_like(parameter)
    return model


class WithLoss(torch.nn.Module):
    """A model that computes its own loss, as models of other packages do: of the labels of each token's own place, or of
    labels that it moves by one token itself."""

    def __init__(self, model, how):
        super().__init__()
        self.model, self.how = model, how

    def forward(self, ids, positions, labels):
        logits = self.model(ids, positions)
        if self.how == "cross_entropy":
            loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten())
        elif self.how == "moved":
            loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
        elif self.how == "padded":
            labels = F.pad(labels, (0, 1), value=-100)[:, 1:]
            loss = F.cross_entropy(logits.transpose(1, 2), labels)
        else:
            loss = -logits.log_softmax(-1).gather(-1, labels[..., None]).mean()
        return loss, logits


def export(model, file, batch=2, sequence=16, loss=None, **options):
    ids, labels = (torch.randint(0, model.embed.tokens.num_embeddings, (batch, sequence)) for _ in range(2))
    positions = torch.arange(sequence).repeat(batch, 1)
    inputs, names, outputs = (ids, positions), ["input_ids", "position_ids"], ["logits"]
    if loss:
        model, inputs = WithLoss(model, loss).eval(), inputs + (labels,)
        names, outputs = names + ["labels"], ["loss", "logits"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, inputs, str(file), input_names=names, output_names=outputs, verbose=False, **options)


def same(parameter, stored):
    """How `stored` holds the model's parameter: "" as it is, "T" transposed, or None."""
    if parameter.numel() != stored.numel():
        return None
    if torch.equal(parameter.reshape(-1), stored.reshape(-1)):
        return ""
    return "T" if parameter.dim() == 2 and torch.equal(parameter.T.reshape(-1), stored.reshape(-1)) else None


class Program(Executable):
    """A compiled import, seen under the names and shapes of the PyTorch model."""

    def __init__(self, path, model, folder):
        super().__init__(str(path))
        self.origin = {}
        stored = self.dump(folder / "initial.safetensors", 1)
        for name, parameter in model.named_parameters():
            matches = [(other, same(parameter, tensor)) for other, tensor in stored.items()]
            matches = [match for match in matches if match[1] is not None]
            if len(matches) != 1:
                raise AssertionError(f"expected one parameter with the values of {name}, but got {matches}")
            self.origin[name] = matches[0]

    def renamed(self, tensors, model, prefix=""):
        result = {}
        for name, parameter in model.named_parameters():
            other, how = self.origin[name]
            tensor = tensors[prefix + other]
            result[name] = (tensor.reshape(parameter.T.shape).T if how == "T" else tensor).reshape(parameter.shape)
        return result


def compile_tight(model, program):
    """Compiles with the least `train.memory` in a recipe that the refusal of a smaller one names."""
    defaults, recipe = (ROOT / "models/train-defaults.toml").read_text(), model.with_name("recipe.toml")
    command = [COMPILER, model, "--train", recipe, "-o", program]
    recipe.write_text(defaults.replace("[train]", '[train]\nmemory = "1 KB"'))
    refused = subprocess.run(command, capture_output=True, text=True)
    line = defaults[:defaults.index("[train]")].count("\n") + 2
    least = re.match(re.escape(f"{recipe}:{line}:10: error: expected a memory budget of at least ") + r"([\d.]+ MB), but "
                     r"got 0\.0 MB\n", refused.stderr)
    assert refused.returncode == 1 and least, refused.stderr
    recipe.write_text(defaults.replace("[train]", f'[train]\nmemory = "{least[1]}"'))
    done = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert float(re.search(r"^again .*\(([\d.]+) %\)", done, re.M)[1]) > 5, done  # rows alone are under one percent


class OnnxTraining(unittest.TestCase):
    def check(self, model, steps=20, settings=(), loss=None, tight=False, **options):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            export(model, folder / "model.onnx", loss=loss, **options)
            settings = [*settings, *(["--loss-output", "loss"] if loss else [])]
            if tight:
                compile_tight(folder / "model.onnx", folder / "model")
            else:
                subprocess.run([COMPILER, folder / "model.onnx", "--train", ROOT / "models/train-defaults.toml", "-o",
                                folder / "model", *settings], check=True, stdout=subprocess.DEVNULL)
            program = Program(folder / "model", model, folder)
            about = program.metadata()
            recipe = Recipe.from_metadata(about)
            batches = make_batches(about, steps, 1)
            batches.pop("key_padding", None)  # the exported graph sees every token
            if loss == "primitives":  # without a number that marks labels to ignore
                batches["loss_weight"].fill_(1)
            save(batches, folder / "batch")
            if loss in ("moved", "padded"):  # the last token has no next one
                batches["loss_weight"][..., -1] = 0
            program.step(folder / "initial.safetensors", folder / "batch", steps, "-o", folder / "out")
            out = load_file(folder / "out")
            ours = compare_training.Run(out["loss"].double(), out["grad_norm"].double(),
                                        compare_training.doubles(program.renamed(out, model, "grad.")),
                                        compare_training.doubles(program.renamed(out, model)))
            weights = {name: p.detach() for name, p in model.named_parameters()}
            truth, peer = (compare_training.train(model.config, recipe, weights, batches, steps, dtype)
                           for dtype in (torch.float64, torch.float32))
            checks = compare_training.compare(ours, peer, truth, steps * recipe.lr,
                                              about["model"]["precision"] == "bf16")
            broken = [c for c in checks if not c.holds]
            if broken:
                compare_training.print_table(checks)
            self.assertEqual([], [c.what for c in broken])

    def test_torchscript_export(self):
        self.check(make_model(**NORMFORMER), dynamo=False, opset_version=17)

    def test_torchscript_export_post_ln(self):
        self.check(make_model(placement="post", head_scale="post_proj"), dynamo=False, opset_version=14)

    def test_dynamo_export(self):
        self.check(make_model(**NORMFORMER), dynamo=True, external_data=False)

    def test_dynamo_export_symbolic_and_external(self):
        self.check(make_model(**NORMFORMER, tie_embeddings=False), dynamo=True, external_data=True, batch=3, sequence=8,
                   dynamic_shapes=({0: "batch", 1: "sequence"}, {0: "batch", 1: "sequence"}),
                   settings=["--dim", "batch=2", "--dim", "sequence=16"])

    def test_training_in_bf16(self):
        """Of a float32 file: the recipe says what training computes in."""
        self.check(make_model(**NORMFORMER), settings=["--set", "train.precision=bf16"], steps=5, dynamo=True,
                   optimize=False, external_data=False)

    def test_least_memory(self):
        self.check(make_model(**NORMFORMER), tight=True, dynamo=False)

    def test_encoder(self):
        self.check(make_model(kind="encoder", activation="silu"), dynamo=True, optimize=False, external_data=False)

    def test_own_loss(self):
        self.check(make_model(**NORMFORMER), loss="cross_entropy", steps=5, dynamo=True, optimize=False,
                   external_data=False)

    def test_own_loss_with_labels_moved(self):
        self.check(make_model(tie_embeddings=False), loss="moved", steps=5, dynamo=False)
        self.check(make_model(), loss="padded", steps=5, dynamo=True, optimize=False, external_data=False)

    def test_own_loss_of_primitives(self):
        self.check(make_model(), loss="primitives", steps=5, dynamo=False)

    def test_own_loss_of_an_encoder(self):
        self.check(make_model(kind="encoder", activation="silu"), loss="cross_entropy", steps=5, dynamo=False)


class Logits(unittest.TestCase):
    """The program `logits` of an imported batch computes one sequence: exactly what eval computes of it."""

    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def compile(self, name, *settings):
        subprocess.run([COMPILER, self.folder / "model.onnx", "--train", ROOT / "models/train-defaults.toml", "-o",
                        self.folder / name, *settings], check=True, stdout=subprocess.DEVNULL)

    def check(self, model, *settings):
        """Of some places in a sequence, in double: they are PyTorch's, and eval's loss of each alone is theirs."""
        self.compile("model", *settings)
        raised = self.folder / "raised.mlir"
        done = subprocess.run([COMPILER, self.folder / "model.onnx", *settings, "--emit=raise", "-o", raised,
                               "--remarks=raise"], check=True, capture_output=True, text=True)
        self.assertEqual("", done.stderr)
        weights = load_file(self.folder / "model.weights.safetensors")

        def run(program, result, **inputs):
            save(inputs | weights, self.folder / "values")
            subprocess.run([ROOT / "build/bin/nf-reference", raised, "--program", program, "--values",
                            self.folder / "values", "--out", self.folder / "results"], check=True)
            return load_file(self.folder / "results")[result].clone()  # the file is written again

        tokens = torch.randint(0, 61, (2, 16)).int()
        with torch.no_grad():
            wanted = model.double()(tokens.long(), torch.arange(16).repeat(2, 1))[0]
        for place in (0, 7, 15):
            got = run("logits", "logits", tokens=tokens[:1], index=torch.tensor(place).int())
            torch.testing.assert_close(got, wanted[place], rtol=1e-9, atol=1e-9)
            weight = torch.zeros(2, 16)
            weight[0, place] = 1
            loss = run("eval", "loss_sum", tokens=tokens, targets=torch.full((2, 16), 3).int(), loss_weight=weight)
            torch.testing.assert_close(got.logsumexp(0) - got[3], loss, rtol=1e-12, atol=0)

    def test_batch_of_the_graph(self):
        model = make_model(**NORMFORMER)
        export(model, self.folder / "model.onnx", dynamo=False)
        self.check(model)

    def test_rows_of_a_batch(self):
        """GPT-2's products see [batch · tokens, columns]."""
        import onnx_corpus

        entry = onnx_corpus.BY_NAME["gpt2-13"]
        model = onnx_corpus.build(entry)
        file = onnx_corpus.file_of(entry, model, ROOT / "build/onnx-corpus")
        (self.folder / "model.onnx").write_bytes(file.read_bytes())
        self.check(onnx_corpus.Call(model, lambda model, ids, positions: model(ids, torch.ones_like(ids))),
                   "--set=train.micro_batch=2", "--set=train.sequence=16")

    def test_text_of_a_batch_of_one(self):
        model = make_model(**NORMFORMER | dict(vocab=300))
        export(model, self.folder / "model.onnx", dynamo=True, optimize=False, external_data=False,
               dynamic_shapes=({0: "batch", 1: "sequence"},) * 2)
        (self.folder / "corpus.txt").write_text("".join(f"Line {i} says {i * i % 17}.\n" for i in range(2000)))
        said = []
        for name, batch in (("three", 3), ("one", 1)):
            self.compile(name, "--dim", f"batch={batch}", "--dim", "sequence=16")
            if not said:
                Executable(str(self.folder / name)).run("prepare", self.folder / "corpus.txt", "-o", self.folder / "data")
            said.append(subprocess.run([self.folder / name, "generate", "--untrained", "--data", self.folder / "data",
                                        "--prompt", "Line", "--tokens", "6", "--temperature", "0"], check=True,
                                       stdout=subprocess.PIPE).stdout)
        self.assertEqual(*said)


if __name__ == "__main__":
    unittest.main()
