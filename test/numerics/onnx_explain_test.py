"""`nf-compile model.onnx --explain` says of an imported graph what it says of the definition of the same model: bytes
moved and saved, layer by layer; and what each input and output became."""
import subprocess
import tempfile
import unittest
from pathlib import Path

import torch

import onnx_corpus
from onnx_training_test import COMPILER, NORMFORMER, ROOT, export, make_model

DEFINITION = """
[model]
layers = 3
d_model = 32
heads = 4
d_ffn = 64
vocab = 61
context = 16
embedding_scale = 1.0
[norm]
preset = "normformer"
residual_scale = true
[train]
micro_batch = 2
sequence = 16
steps = 10
"""


def explain(file, *arguments):
    done = subprocess.run([COMPILER, file, "--explain", *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return [line.rstrip() for line in done.stdout.splitlines()]


def words(lines):
    """Tables without the widths of their columns."""
    return [line.split() for line in lines]


def table(lines, head):
    """The lines from the one that begins so to the next empty one."""
    begin = next(i for i, line in enumerate(lines) if line.startswith(head))
    end = next((i for i in range(begin, len(lines)) if not lines[i]), len(lines))
    return lines[begin:end]


class WithSmoothedLoss(torch.nn.Module):
    """A mean over tokens that is no mean of cross entropies of one target each."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, labels):
        logits = self.model(input_ids, torch.arange(16).repeat(2, 1))
        nll = -logits.log_softmax(-1)
        return (0.9 * nll.gather(-1, labels[..., None]) + 0.1 * nll.mean(-1, keepdim=True)).mean(), logits


class Explain(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def test_traffic_is_that_of_the_definition(self):
        (self.folder / "model.toml").write_text(DEFINITION)
        wanted = explain(self.folder / "model.toml")
        for options in (dict(dynamo=False), dict(dynamo=True, optimize=False, external_data=False)):
            export(make_model(**NORMFORMER, layers=3), self.folder / "model.onnx", **options)
            got = explain(self.folder / "model.onnx")
            for head in ("layers.1  region", "saved for backward"):
                self.assertEqual(words(table(wanted, head)), words(table(got, head)))
            wanted_step, got_step = (words(table(lines, "whole step"))[1:] for lines in (wanted, got))
            # Tables of known positions are added to the embeddings without a lookup, which is the first layer's input.
            inner = [row for row in wanted_step if row[0] in ("layers.1", "layers.2")]
            self.assertEqual(inner, [row for row in got_step if row[0] in ("layers.1", "layers.2")])
            self.assertEqual([row[-1] for row in wanted_step], [row[-1] for row in got_step])
            self.assertIn("layers.0-2.attn.head_scale: folded: it saves 20 kB of activations a step and costs 8 kB of "
                          "weights", got)

    def test_gpt2_of_transformers(self):
        entry = onnx_corpus.BY_NAME["gpt2-13"]
        file = onnx_corpus.file_of(entry, onnx_corpus.build(entry), ROOT / "build/onnx-corpus")
        got = explain(file)
        embedding = "model.transformer.wte.weight 61x32 embedding trained".split()
        self.assertIn([*embedding, "lm_head"], words(got))
        apart = words(explain(file, "--no-retie"))
        self.assertIn(embedding, apart)
        self.assertIn("lm_head.weight 61x32 linear weight trained".split(), [row[:5] for row in apart])
        self.assertEqual("/model/transformer/h.1/attn/MatMul_1", got[2].split()[1], "where it is, as the file names it")
        saved = dict(line.rsplit(None, 1) for line in table(got, "saved for backward")[1:])
        self.assertEqual({"attn.ln": "1.00", "attn.qkv": "3.00", "attn": "1.00", "attn.residual": "1.00",
                          "ffn.ln": "1.00", "ffn.fc1": "2.00", "ffn.activation": "2.00", "ffn.residual": "1.00",
                          "small": "0.25", "sum": "12.25"}, saved)
        self.assertEqual(["layers.1", "27.44", "12.25"], words(table(got, "whole step"))[3])
        self.assertEqual([["input_ids", "2x16", "tokens"],
                          "attention_mask 2x16 ones: every token is real, none is padding".split()],
                         words(table(got, "input"))[1:])
        self.assertEqual(["logits 2x16x61 logits, which cross entropy is appended to".split()],
                         words(table(got, "output"))[1:])

    def test_inputs_and_outputs(self):
        file = self.folder / "model.onnx"
        export(make_model(), file, loss="moved", dynamo=False)
        got = explain(file, "--loss-output", "loss")
        self.assertEqual(["input_ids 2x16 tokens", "position_ids 2x16 positions 0, 1, 2, ...",
                          "labels 2x16 labels: the ids, which the loss moves by one token; -100 where a token does not "
                          "count"], [" ".join(row) for row in words(table(got, "input"))[1:]])
        self.assertEqual(["loss scalar loss", "logits 2x16x61 logits"],
                         [" ".join(row) for row in words(table(got, "output"))[1:]])
        self.assertFalse([line for line in got if "stays in primitives" in line])
        got = explain(file)
        self.assertEqual("labels 2x16 left out: no --loss-output reads it".split(), words(table(got, "input"))[3])
        self.assertEqual(["loss", "scalar", "left", "out"], words(table(got, "output"))[1])

    def test_a_loss_in_primitives(self):
        file = self.folder / "model.onnx"
        torch.onnx.export(WithSmoothedLoss(make_model()).eval(), (torch.zeros(2, 16, dtype=torch.long),) * 2, str(file),
                          input_names=["input_ids", "labels"], output_names=["loss", "logits"], dynamo=False)
        line = ("loss: stays in primitives, with all logits in memory: it is no mean of cross entropies of the last "
                "linear")
        self.assertIn(line, explain(file, "--loss-output", "loss"))
        self.assertNotIn(line, explain(file))
        command = [COMPILER, file, "--loss-output", "loss", "--emit=raise", "-o", self.folder / "raised.mlir"]
        remarked = subprocess.run([*command, "--remarks=raise"], check=True, capture_output=True, text=True).stderr
        self.assertRegex(remarked, r"^\S+/model\.onnx:\d+:0: remark: (\S+: )?" + line + "\n$")
        self.assertEqual("", subprocess.run(command, check=True, capture_output=True, text=True).stderr)


if __name__ == "__main__":
    unittest.main()
