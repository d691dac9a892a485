"""Every kernel of a small twin of every definition in models/, fp32 and bf16, on an emulated GPU that refuses mistakes: two
steps with gradients and update, at sizes off every tile's boundary, of one token, of rows that are all equal, and of large
numbers; the bits must not depend on the order in which threads and blocks take turns."""
import glob
import os
import re
import tempfile
import unittest

import numpy as np
from safetensors.numpy import load_file, save_file

from programs import COMPILER, MODELS, run, settings

SIZES = {"model.layers": 1, "model.d_model": 48, "model.heads": 2, "model.d_ffn": 100, "model.vocab": 131,
         "model.context": 64, "train.sequence": 19, "train.micro_batch": 2, "train.global_batch": 2, "train.warmup": 0}


def sets(**more):
    values = {**SIZES, **{key.replace("__", "."): value for key, value in more.items()}}
    return settings(f"{key}={value}" for key, value in values.items())


def structures():
    """One definition of each structure that twins have: sizes alone tell many definitions apart."""
    found = {}
    for path in sorted(glob.glob(os.path.join(MODELS, "*.toml"))):
        if path.endswith("train-defaults.toml"):
            continue
        text = run(COMPILER, path, *sets(), "--emit=import")
        body = re.sub(r"nf\.(definition\w*|name|compile_hash|metadata) = [^,}]*", "", text[text.index("nf.program"):])
        found.setdefault(body, path)
    return list(found.values())


class CheckedKernels(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def at(self, name):
        return os.path.join(self.folder.name, name)

    def compiled(self, path, **more):
        run(COMPILER, path, *sets(**more), "--target=cuda-emulated", "--check-kernels", "-o", self.at("model"))
        run(self.at("model"), "dump", "--seed", "3", "-o", self.at("weights"))

    def steps(self, tokens, order):
        """What two steps give, states included."""
        save_file({"tokens": tokens, "targets": (tokens * 5 + 1) % SIZES["model.vocab"],
                   "loss_weight": np.ones(tokens.shape, np.float32)}, self.at("batch"))
        run(self.at("model"), "step", "--weights", self.at("weights"), "--batch", self.at("batch"), "--steps", "2", "-o",
            self.at("out"), NF_GPU_ORDER=str(order))
        return load_file(self.at("out"))

    def assertSameBits(self, tokens, isFinite=True):
        first = self.steps(tokens, 0)
        other = self.steps(tokens, 5)
        for name, values in first.items():
            np.testing.assert_array_equal(values, other[name], name)
        self.assertTrue(not isFinite or np.isfinite(first["loss"]).all())

    def drawn(self, sequence=SIZES["train.sequence"]):
        return np.random.default_rng(1).integers(0, SIZES["model.vocab"], (2, 2, sequence)).astype(np.int32)

    def test_all_models(self):
        for path in structures():
            for precision in ("fp32", "bf16"):
                with self.subTest(model=os.path.basename(path), precision=precision):
                    self.compiled(path, train__precision=precision)
                    self.assertSameBits(self.drawn())

    def test_one_token_equal_rows_and_large_numbers(self):
        path = os.path.join(MODELS, "normformer-demo.toml")
        for precision in ("fp32", "bf16"):
            with self.subTest(precision=precision):
                self.compiled(path, train__precision=precision, train__sequence=1)
                self.assertSameBits(self.drawn(1))
                self.compiled(path, train__precision=precision, model__dropout=0.1, model__attention_dropout=0.1)
                self.assertSameBits(np.full_like(self.drawn(), 7))
                weights = load_file(self.at("weights"))
                for name in weights:  # scores of ±1e4
                    if re.search(r"attn\.[qk]\.weight", name):
                        weights[name] = weights[name] * 1000
                save_file(weights, self.at("weights"))
                self.assertSameBits(self.drawn())


if __name__ == "__main__":
    unittest.main()
