"""What the corpus tests ask of each entry of onnx_corpus.py: it compiles, what its graph is raised to is what the entry
says, and loss and every gradient agree with PyTorch in fp64 by the rules of compare_training.py."""
import collections
import copy
import logging
import re
import subprocess
import tempfile
import unittest
from fnmatch import fnmatch
from pathlib import Path

import torch

import compare_training
import onnx_corpus
from torch_model import Recipe, token_loss
from training_files import Executable, load_file, make_batches, save

ROOT = Path(__file__).resolve().parents[2]
COMPILER = ROOT / "build/bin/nf-compile"
CACHE = ROOT / "build/onnx-corpus"
STEPS = 2
COMPOSITES = ("attention", "softmax", "layer_norm", "gelu", "gelu_tanh", "relu", "relu2", "silu", "head_scale",
              "residual_scale", "linear", "embedding")


def compile_model(file, *arguments):
    done = subprocess.run([COMPILER, file, "--train", ROOT / "models/train-defaults.toml", "--set",
                           f"train.micro_batch={onnx_corpus.BATCH}", "--set", f"train.sequence={onnx_corpus.T}",
                           *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(done.stderr[-2000:])
    return done.stdout


def layers_of(explained):
    """Of each layer its placement, NormFormer's operations and its activation: "pre HeadScale FFN-LN gelu"."""
    found = []
    for line in explained.splitlines()[1:]:
        if not re.match(r"\d+ ", line):
            break
        _, _, placement, attention_norm, *rest = re.sub(r" \((pre|post)_proj\)", r"(\1_proj)", line).split()
        head_scale, ffn_norm, residual_scale, activation = rest
        words = [placement, attention_norm != "-" and "attention-LN", ffn_norm != "-" and "FFN-LN",
                 head_scale != "-" and "HeadScale", residual_scale != "-" and "ResScale", activation]
        found.append(" ".join(word for word in words if word and word != "-"))
    return collections.Counter(found)


def layers_text(explained):
    return ", ".join(f"{count} {layer}" for layer, count in layers_of(explained).items())


def ops_text(raised):
    """How many of each composite op the evaluation program has (the last linear is a part of its loss)."""
    program = raised[raised.index("nf.program @eval"):].split("nf.program @logits")[0]
    counts = collections.Counter(re.findall(r"^ +%[\w%, :]+ = (\w+)", program, re.M))
    return ", ".join(f"{counts[op]} {op}" for op in COMPOSITES if counts[op])


class Block:
    """Where in the file a parameter of the model is: rows of a tensor or of its transpose."""

    def __init__(self, name, transposed, begin, shape):
        self.name, self.transposed, self.begin, self.shape = name, transposed, begin, shape

    def of(self, tensor):
        if self.transposed:
            tensor = tensor.reshape(tensor.shape[-2:]).T
        rows = self.shape[0] if self.shape else 1
        return tensor.reshape(-1, self.shape.numel() // max(rows, 1))[self.begin:self.begin + rows].reshape(self.shape)


def blocks(parameter, stored):
    """Every place in the file with the values of `parameter`."""
    shape = parameter.shape
    rows = shape[0] if shape else 1
    width = parameter.numel() // max(rows, 1)
    for name, tensor in stored.items():
        for transposed in (False, True):
            if transposed and (parameter.dim() != 2 or tensor.dim() < 2 or tensor.numel() != tensor.shape[-2:].numel()):
                continue
            held = tensor.reshape(tensor.shape[-2:]).T.reshape(-1) if transposed else tensor.reshape(-1)
            if held.numel() % width or (transposed and tensor.shape[-2] != width):
                continue
            for begin in range(0, held.numel() // width - rows + 1, rows):
                if torch.equal(held[begin * width:begin * width + parameter.numel()], parameter.reshape(-1)):
                    yield Block(name, transposed, begin, shape)


def matches(name, globs):
    return any(fnmatch(name.removeprefix("model."), glob) for glob in globs)


def find_parameters(model, stored, plus_one):
    """Of each trained parameter of the model its place in the file."""
    places = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        found = list(blocks(parameter.detach() + int(matches(name, plus_one)), stored))
        if len(found) != 1:
            raise AssertionError(f"expected {name} {tuple(parameter.shape)} once in the file, but got "
                                 f"{[(b.name, b.begin) for b in found]}")
        places[name] = found[0]
    return places


class Trainable(torch.nn.Module):
    """A model of the corpus with the loss of a batch."""

    def __init__(self, model, masked):
        super().__init__()
        self.inner, self.masked = model, masked

    def loss(self, batch):
        tokens = batch["tokens"]
        return token_loss(self.inner(tokens, torch.ones_like(tokens)) if self.masked else self.inner(tokens), batch)


class Corpus(unittest.TestCase):
    maxDiff = None

    def check(self, entry):
        model = onnx_corpus.build(entry)
        file = onnx_corpus.file_of(entry, model, CACHE)
        raised = compile_model(file, "--emit=raise", "-o", "-")
        self.assertEqual((entry.layers, entry.ops), (layers_text(compile_model(file, "--explain")), ops_text(raised)))
        self.compare(entry, model, file)

    def compare(self, entry, model, file, *settings):
        for name, parameter in model.named_parameters():
            parameter.requires_grad = not matches(name, entry.frozen)
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            compile_model(file, "-o", folder / "model", *settings)
            program = Executable(str(folder / "model"))
            about = program.metadata()
            recipe = Recipe.from_metadata(about)
            batches = make_batches(about, STEPS, 1)
            batches.pop("key_padding", None)  # the exported graph sees every token
            if entry.padding is not None:
                batches["tokens"][:, ::2, onnx_corpus.T // 2::3] = entry.padding
            save(batches, folder / "batch")
            stored = program.dump(folder / "initial", 1)
            program.step(folder / "initial", folder / "batch", STEPS, "-o", folder / "out")
            out = load_file(folder / "out")
        truth, peer = (compare_training.train_model(
            Trainable(copy.deepcopy(model), entry.masked).to(dtype), recipe, batches, STEPS, dtype)
            for dtype in (torch.float64, torch.float32))
        places = find_parameters(model, {name: t for name, t in stored.items() if "grad." + name in out},
                                 entry.plus_one)
        used = {name.removeprefix("inner.") for name in truth.gradients}
        for run in (truth, peer):
            run.gradients = {n.removeprefix("inner."): t for n, t in run.gradients.items()}
            weights = {n.removeprefix("inner."): t for n, t in run.weights.items()}
            run.weights = {n: t for n, t in weights.items() if n in used}
        ours = compare_training.Run(
            out["loss"].double(), out["grad_norm"].double(),
            {n: places[n].of(out["grad." + places[n].name]).double() for n in used},
            {n: places[n].of(out[places[n].name]).double() - int(matches(n, entry.plus_one)) for n in used})
        self.assertEqual(sum(t.numel() for n, t in out.items() if n.startswith("grad.")),
                         sum(t.numel() for t in ours.gradients.values()), "only the model's parameters are trained")
        checks = compare_training.compare(ours, peer, truth, STEPS * recipe.lr,
                                          about["model"]["precision"] == "bf16")
        broken = [c for c in checks if not c.holds]
        if broken:
            compare_training.print_table(checks)
        self.assertEqual([], [c.what for c in broken])


def in_bf16(test, entry):
    model = onnx_corpus.build(entry)
    test.compare(entry, model, onnx_corpus.file_of(entry, model, CACHE), "--set", "train.precision=bf16")


def run(slow):
    """Tests of the entries that are slow, or of the others."""
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    for entry in onnx_corpus.ENTRIES:
        if entry.slow == slow:
            name = "test_" + entry.name.replace("-", "_")
            setattr(Corpus, name, lambda self, entry=entry: self.check(entry))
            if slow or entry.name in onnx_corpus.QUICK_BF16:
                setattr(Corpus, name + "_in_bf16", lambda self, entry=entry: in_bf16(self, entry))
    unittest.main(module=__name__, argv=["onnx_corpus"])
