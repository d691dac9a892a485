"""A memory budget: the tightest one that compiles gives the bits of the program without one, dropout included; what
cannot be kept or read is refused where it stands."""
import os
import re
import subprocess
import tempfile
import unittest

import numpy as np
from safetensors.numpy import load_file, save_file

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMPILER = os.path.join(ROOT, "build", "bin", "nf-compile")
DEFINITION = """[model]
layers = 3
d_model = 64
heads = 4
vocab = 512
context = 64
dropout = 0.1
attention_dropout = 0.1
activation = "{activation}"
[norm]
preset = "normformer"
residual_scale = true
placement = "{placement}"
[train]
micro_batch = 2
global_batch = 2
sequence = 64
precision = "{precision}"
memory = "{memory}"
"""


class MemoryBudget(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def at(self, name):
        return os.path.join(self.folder.name, name)

    def compile(self, memory, *options, activation="gelu", placement="pre", precision="fp32"):
        with open(self.at("m.toml"), "w") as file:
            file.write(DEFINITION.format(activation=activation, placement=placement, precision=precision,
                                         memory=memory))
        return subprocess.run([COMPILER, "m.toml", *options, "-o", memory.replace(" ", "")], capture_output=True,
                              text=True, cwd=self.folder.name)

    def smallest(self, **keys):
        refused = self.compile("1 KB", **keys)
        self.assertEqual(refused.returncode, 1)
        found = re.fullmatch(r"m\.toml:19:10: error: expected a memory budget of at least (.* MB), but got 0\.0 MB",
                             refused.stderr.split("\n")[0])
        self.assertTrue(found, refused.stderr)
        self.assertFalse(os.path.exists(self.at("1KB.reproducer.mlir")))
        return found[1]

    def step(self, program):
        program, out = self.at(program.replace(" ", "")), self.at("out.safetensors")
        subprocess.run([program, "dump", "--seed", "3", "-o", self.at("weights.safetensors")], check=True)
        tokens = np.random.default_rng(1).integers(0, 512, (2, 2, 64)).astype(np.int32)
        save_file({"tokens": tokens, "targets": (tokens * 5 + 1) % 512,
                   "loss_weight": np.ones(tokens.shape, np.float32)}, self.at("batch.safetensors"))
        subprocess.run([program, "step", "--weights", self.at("weights.safetensors"), "--batch",
                        self.at("batch.safetensors"), "--steps", "2", "-o", out], check=True, capture_output=True)
        return load_file(out)

    def check_tightest(self, bound, **keys):
        smallest = self.smallest(**keys)
        free, tight = self.compile("none", **keys), self.compile(smallest, **keys)
        self.assertEqual(free.returncode, 0, free.stderr)
        self.assertEqual(tight.returncode, 0, tight.stderr)
        peak = float(re.search(r"^memory +([\d.]+) MB", tight.stdout, re.M)[1])
        self.assertLessEqual(peak, float(smallest.split()[0]))
        self.assertLess(peak, float(re.search(r"^memory +([\d.]+) MB", free.stdout, re.M)[1]) - 0.5)
        expected, found = self.step("none"), self.step(smallest)
        whole = np.sqrt(sum(np.sum(value.astype(np.float64) ** 2) for name, value in expected.items()
                            if name.startswith("grad.")))
        self.assertTrue(np.array_equal(expected["loss"][0], found["loss"][0]))
        for name, value in expected.items():
            if name.startswith("grad."):
                error = np.linalg.norm(value.astype(np.float64) - found[name])
                self.assertLessEqual(error, bound * (np.linalg.norm(value) + 0.1 * whole), name)

    def test_tightest(self):
        self.check_tightest(1e-6)

    def test_tightest_post_ln_relu2(self):
        self.check_tightest(1e-6, activation="relu2", placement="post")

    def test_tightest_bf16(self):
        self.check_tightest(2e-2, precision="bf16")

    def test_info(self):
        self.assertEqual(self.compile(self.smallest()).returncode, 0)
        program = next(name for name in os.listdir(self.folder.name) if re.fullmatch(r"[\d.]+MB", name))
        info = subprocess.run([self.at(program), "info"], capture_output=True, text=True, check=True).stdout
        self.assertRegex(info, r"(?m)^memory, budget +[\d.]+ MB for states and the largest arena$")
        self.assertRegex(info, r"(?m)^computed again +[\d.]+ MB less kept for backward, .* FLOP added a micro-batch \(")

    def test_large_budget_changes_nothing(self):
        def fused(memory):
            with_options = self.compile(memory, "--emit=fuse")
            self.assertEqual(with_options.returncode, 0, with_options.stderr)
            with open(self.at(memory.replace(" ", ""))) as file:
                return re.sub(r"nf\.definition = .*", "", file.read())
        self.assertEqual(fused("1 TiB"), fused("none"))

    def test_option(self):
        refused = self.compile("none", "--memory", "1MB")
        self.assertEqual(refused.returncode, 1)
        self.assertRegex(refused.stderr, r"^--memory 1MB: error: expected a memory budget of at least ")
        for bad in ("8 GB!", "-1 GB", "0", "8"):
            refused = self.compile("none", f"--memory={bad}")
            self.assertEqual(refused.returncode, 2, bad)
            self.assertIn(f"expected a size such as 8 GiB or 500 MB, but got {bad}", refused.stderr)

    def test_bad_definitions(self):
        for bad in ("8 GB!", "-1 GB", "0", "8"):
            refused = self.compile(bad)
            self.assertEqual(refused.returncode, 1, bad)
            self.assertTrue(refused.stderr.startswith(
                'm.toml:19:10: error: expected a size such as 8 GiB or 500 MB, or none for train.memory, but got '
                f'"{bad}"\n'), refused.stderr)


if __name__ == "__main__":
    unittest.main()
