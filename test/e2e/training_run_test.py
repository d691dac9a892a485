"""From a definition to a trained model, as a user would: compile, prepare, train, stop, resume, evaluate, generate; the
same bits whatever the threads; and one clear line for bad input."""
import os
import re
import stat
import subprocess
import tempfile
import unittest

from programs import COMPILER, MODELS, settings, twin as small_twin

MODEL = os.path.join(MODELS, "normformer-demo.toml")


def twin():
    return small_twin("model.dropout=0.1")


class TrainingRun(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.at = staticmethod(lambda name: os.path.join(cls.folder.name, name))
        cls.model = cls.at("model")
        subprocess.run([COMPILER, MODEL, *twin(), "-o", cls.model], check=True, capture_output=True)
        with open(cls.at("corpus.txt"), "w") as file:
            file.write("".join(f"Line {i}: the {i % 7} quick foxes jump over {i * i % 101} lazy dogs.\n" for i in range(4000)))
        subprocess.run([cls.model, "prepare", cls.at("corpus.txt"), "-o", cls.at("data")], check=True, capture_output=True)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def call(self, *arguments, program=None):
        return subprocess.run([program or self.model, *arguments], capture_output=True, text=True, cwd=self.folder.name)

    def train(self, run, steps, *flags, program=None):
        result = self.call("train", "--data", "data", "--out", run, "--steps", str(steps), "--log-every", "1", *flags,
                           program=program)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def weights(self, run, step):
        with open(self.at(f"{run}/step-{step:06d}/model.safetensors"), "rb") as file:
            return file.read()

    def assertOneLine(self, result, code, pattern):
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertRegex(result.stderr, pattern)
        self.assertNotRegex(result.stderr, "Stack dump|PLEASE submit|Assertion|terminate called")

    def test_learns_and_resumes_to_the_same_bits_on_any_threads(self):
        text = self.train("whole", 20, "--threads", "1", "--set", "train.schedule=constant")
        losses = [float(x) for x in re.findall(r"loss ([0-9.]+)", text)]
        self.assertLess(losses[-2], losses[0] - 0.5)
        self.train("half", 10, "--threads", "2", "--set", "train.schedule=constant")
        self.train("half", 20, "--threads", "4", "--resume", "auto")
        self.assertEqual(self.weights("whole", 20), self.weights("half", 20))
        result = self.call("eval", "--data", "data", "--checkpoint", "whole")
        self.assertRegex(result.stdout, r"perplexity normformer-demo [0-9.]+")
        first, second = (self.call("generate", "--checkpoint", "whole", "--prompt", "Line", "--tokens", "8", "--seed", "3")
                         for _ in range(2))
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertEqual(first.stdout, second.stdout)

    def test_resumes_to_the_same_bits_with_reduction_slots_and_folds(self):
        """Folded weights come from update in one run, from prepare_weights in the other."""
        slots = self.at("slots")
        sets = ["train.reduction_slots=4", "train.global_batch=8"]
        constant = ("--set", "train.schedule=constant")
        subprocess.run([COMPILER, MODEL, *twin(), *settings(sets), "--fold=all", "-o", slots],
                       check=True, capture_output=True)
        self.train("slots-whole", 6, "--threads", "1", *constant, program=slots)
        self.train("slots-half", 3, *constant, program=slots)
        self.train("slots-half", 6, "--threads", "4", "--resume", "auto", *constant, program=slots)
        self.assertEqual(self.weights("slots-whole", 6), self.weights("slots-half", 6))
        self.assertOneLine(self.call("train", "--data", "data", "--out", "r", "--set", "train.global_batch=6",
                                     program=slots), 1, "multiple of the 4 reduction slots .* got 3 of 2 sequences")
        self.assertFalse(os.path.exists(self.at("r")))

    def test_bf16_continues_an_fp32_run_and_gives_the_same_bits_on_any_threads(self):
        narrow = self.at("narrow")
        subprocess.run([COMPILER, MODEL, *twin(), "--set", "train.precision=bf16", "-o", narrow], check=True,
                       capture_output=True)
        self.train("wide", 6)
        runs = []
        for threads in ("1", "2", "4"):
            text = self.train(f"narrow-{threads}", 12, "--resume", "wide/step-000006", "--threads", threads, program=narrow)
            self.assertRegex(text, "bits will differ: precision was fp32, now bf16")
            runs.append(self.weights(f"narrow-{threads}", 12))
        self.assertEqual(runs[0], runs[1])
        self.assertEqual(runs[0], runs[2])
        self.train("wide", 12, "--resume", "auto")
        self.assertNotEqual(runs[0], self.weights("wide", 12))

    def test_same_object_twice(self):
        for name in ("a.o", "b.o"):
            subprocess.run([COMPILER, MODEL, *twin(), "--emit=obj", "-o", self.at(name)], check=True, capture_output=True)
        with open(self.at("a.o"), "rb") as a, open(self.at("b.o"), "rb") as b:
            self.assertEqual(a.read(), b.read())

    def test_run_that_exists(self):
        self.train("twice", 2)
        self.assertOneLine(self.call("train", "--data", "data", "--out", "twice", "--steps", "4"), 1, r"--resume")

    def test_bad_input_of_the_program(self):
        self.assertOneLine(self.call("train", "--data", "nowhere", "--out", "r"), 1, "error: .*nowhere")
        self.assertOneLine(self.call("train", "--no-such-flag"), 2, "no-such-flag")
        self.assertOneLine(self.call("train", "--data", "data", "--out", "r", "--set", "model.layers=3"), 2, "nf-compile")
        with open(self.at("bad.txt"), "wb") as file:
            file.write(b"text \x00 text")
        self.assertOneLine(self.call("prepare", "bad.txt", "-o", "bad-data"), 1, "NUL")
        self.assertFalse(os.path.exists(self.at("bad-data")))
        self.train("short", 2)
        path = self.at("short/step-000002/model.safetensors")
        with open(path, "r+b") as file:
            file.truncate(1000)
        self.assertOneLine(self.call("eval", "--data", "data", "--checkpoint", "short"), 1, "model.safetensors")

    def test_bad_input_of_the_compiler(self):
        with open(self.at("bad.toml"), "w") as file:
            file.write("[model]\nlayers = 2\nd_modle = 8\nheads = 0\n")
        result = self.call("bad.toml", "-o", "x", program=COMPILER)
        self.assertOneLine(result, 1, r"bad.toml:3:1: error: .*\n(.*\n)*.*bad.toml:4:")
        self.assertOneLine(self.call("missing.toml", "-o", "x", program=COMPILER), 1, "missing.toml")
        self.assertOneLine(self.call(MODEL, "--target=tpu", "-o", "x", program=COMPILER), 1, "cpu, cuda or cuda-emulated")
        self.assertOneLine(self.call(MODEL, "--cpu=pentium", "-o", "x", program=COMPILER), 1, "64 bits")
        self.assertOneLine(self.call(MODEL, "-o", "no/folder", program=COMPILER), 1, "no/folder: error: expected a file that "
                           "can be written, but got: No such file")
        self.assertOneLine(self.call(MODEL, "--emit=fuse", "-o", "/dev/full", program=COMPILER), 1, "No space left")
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/full").st_mode))
        with open(self.at("plain.mlir"), "w") as file:
            file.write("module {}\n")
        self.assertOneLine(self.call("plain.mlir", "-o", "x", program=COMPILER), 1, "nf.definition")
        self.assertFalse(os.path.exists(self.at("x")))


if __name__ == "__main__":
    unittest.main()
