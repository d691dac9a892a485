"""Reduction slots of a small twin: the bits are the same for any number of threads, ranks that own whole slots come to
the same gradient, and the sum is PyTorch's."""
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import torch

from training_files import Executable, load_file, make_batches, save
from training_test import COMPILER, NO_DROPOUT, ROOT, twin

HERE = os.path.dirname(os.path.abspath(__file__))


class Slots(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.temporary.name)
        cls.executables = {slots: cls.compile(slots) for slots in (2, 4)}
        cls.about = cls.executables[4].metadata()
        cls.executables[4].dump(cls.folder / "weights", seed=1)
        batches = make_batches(cls.about, 8, padding=False)
        cls.weights = cls.folder / "weights"
        cls.batch = lambda _, first, count: cls.saved({name: t[first:first + count] for name, t in batches.items()})

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    @classmethod
    def compile(cls, slots):
        path = cls.folder / f"model{slots}"
        sets = twin() + NO_DROPOUT + [f"train.reduction_slots={slots}", "train.global_batch=8"]
        done = subprocess.run([COMPILER, os.path.join(ROOT, "models", "normformer-demo.toml"), "-o", path,
                               *[a for s in sets for a in ("--set", s)]], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return Executable(str(path))

    @classmethod
    def saved(cls, batches):
        save(batches, cls.folder / "batch")
        return cls.folder / "batch"

    def step(self, slots, batch, *arguments, steps=1):
        self.executables[slots].step(self.weights, batch, steps, "-o", self.folder / "out", *arguments)
        return load_file(self.folder / "out")

    def assertSame(self, got, expected):
        self.assertEqual(set(got), set(expected))
        for name, tensor in expected.items():
            self.assertTrue(torch.equal(got[name], tensor), name)

    def test_bits_do_not_depend_on_threads(self):
        for micro_batches in (4, 8):
            batch = self.batch(0, micro_batches)
            alone = self.step(4, batch, "--threads", 1)
            for threads in (2, 4):
                self.assertSame(self.step(4, batch, "--threads", threads), alone)

    def test_two_ranks_of_two_slots_come_to_the_gradient_of_four(self):
        """Each rank's divisor is half of the whole step's: its gradient is exactly twice its part."""
        whole = self.step(4, self.batch(0, 8))
        parts = [self.step(2, self.batch(first, 4)) for first in (0, 4)]
        for name, tensor in whole.items():
            if name.startswith("grad."):
                self.assertTrue(torch.equal((parts[0][name] + parts[1][name]) / 2, tensor), name)
        self.assertTrue(torch.equal((parts[0]["loss"] + parts[1]["loss"]) / 2, whole["loss"]))

    def test_agrees_with_pytorch(self):
        done = subprocess.run([sys.executable, os.path.join(HERE, "compare_training.py"),
                               self.executables[4].command[0], "--steps", "10", "--accumulate", "4"],
                              capture_output=True, text=True)
        self.assertEqual(done.stdout.strip().split("\n")[-1], "ok", done.stdout + done.stderr)

    def test_info_says_what_the_slots_cost(self):
        self.assertRegex(self.executables[4].run("info"), r"gradients +3 buffers of 0.6 MB for 4 reduction slots\n")

    def test_a_batch_that_does_not_fill_the_slots_is_refused(self):
        done = subprocess.run([*self.executables[4].command, "step", "--weights", self.weights, "--batch",
                               self.batch(0, 3)], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "expected a multiple of the 4 reduction slots .* but got 3 of 2 sequences; set "
                                      "train.global_batch=8")


if __name__ == "__main__":
    unittest.main()
