"""What nf-compile says to a user whose ONNX graph, or whose options for it, cannot be used, and the program whose weights
are not beside it: one located line for each fault, exit code 1 (2 for the command line), and no file written."""
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import onnx
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test/numerics"))
from onnx_training_test import COMPILER, export, make_model  # noqa: E402

RECIPE = ROOT / "models/train-defaults.toml"


def whole(message):
    """A pattern of all of stderr; words in braces stand for anything."""
    return "^" + re.sub(r"\\{\w+\\}", ".*", re.escape(message)) + "\n$"


class OnnxMessages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.files = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.files.name)
        cls.model = cls.folder / "model.onnx"
        export(make_model(vocab=300), cls.model, loss="cross_entropy", dynamo=False)
        cls.symbolic = cls.folder / "symbolic.onnx"
        export(make_model(), cls.symbolic, dynamo=False, dynamic_axes={
            "input_ids": {0: "batch", 1: "sequence"}, "position_ids": {0: "batch", 1: "sequence"}})

    @classmethod
    def tearDownClass(cls):
        cls.files.cleanup()

    def refuse(self, code, message, file, *options, recipe=RECIPE):
        """`message`: as for `whole`."""
        with tempfile.TemporaryDirectory() as out:
            done = subprocess.run([COMPILER, file, *(["--train", recipe] if recipe else []), "-o", Path(out, "out"),
                                   *options], capture_output=True, text=True, cwd=self.folder)
            left = list(Path(out).iterdir())
        self.assertRegex(done.stderr, whole(message))
        self.assertEqual((code, "", []), (done.returncode, done.stdout, left))

    def write(self, name, data):
        (self.folder / name).write_bytes(data)
        return name

    def test_dimensions(self):
        done = subprocess.run([COMPILER, self.model, "--train", RECIPE, "--dim", "batch=4", "-o", self.folder / "out"],
                              capture_output=True, text=True)
        first, *notes = done.stderr.splitlines()
        self.assertEqual(f"{self.model}: error: expected a symbolic dimension in --dim batch=4, but the file has none: axis "
                         "0 of input_ids is 2, axis 0 of position_ids is 2, axis 0 of labels is 2, fixed when it was "
                         "exported; export with torch.onnx.export(..., dynamo=True, dynamic_shapes=({0: \"batch\", 1: "
                         "\"sequence\"}, {0: \"batch\", 1: \"sequence\"}, {0: \"batch\", 1: \"sequence\"},))", first)
        self.assertTrue(notes)
        for note in notes:
            self.assertRegex(note, r"^\S+/model\.onnx:\d+:0: note: /model/.*: Reshape has 2 baked in: ")
        self.assertFalse((self.folder / "out").exists())
        for text in ("batch", "batch=0", "batch=x", "=4"):
            self.refuse(2, f"--dim: expected NAME=N with N over 0, but got {text}\nRun with --help for more information.",
                        self.model, "--dim", text)
        self.refuse(1, "symbolic.onnx: error: expected a symbolic dimension in --dim bach=4, but the file has {others}",
                    "symbolic.onnx", "--dim", "sequence=16", "--dim", "bach=4")

    def test_losses(self):
        self.refuse(1, "model.onnx: error: expected an output 'nll' (--loss-output), but the file has loss, logits",
                    "model.onnx", "--loss-output", "nll")
        self.refuse(1, "model.onnx: error: logits: expected a scalar of float32 as the loss (--loss-output), but got float "
                    "[2, 16, 300]; export the mean over all tokens", "model.onnx", "--loss-output", "logits")

    def test_patterns(self):
        """All of them at once."""
        self.refuse(1, "".join(f"model.onnx: error: --{pattern}: expected a pattern that matches the name of a parameter, "
                               "but it matches none; --explain lists them\n"
                               for pattern in ("freeze=head.*", "freeze=*.tail", "train-only=none"))
                    + "model.onnx: error: --train-only=[a: expected a pattern such as layers.*.weight, but got an invalid "
                    "glob pattern, unmatched '['", "model.onnx", "--freeze=head.*", "--freeze=*.tail", "--freeze=*.bias",
                    "--train-only=none", "--train-only=[a")

    def test_recipes(self):
        self.write("model.toml", b"[model]\nlayers = 2\n[train]\nsteps = 3\n")
        self.refuse(1, "model.toml:1:2: error: expected [train] and [objective] only, but got [model]\nmodel.toml:1:2: note: "
                    "an imported graph is its own model; change it where it is exported", "model.onnx", recipe="model.toml")
        self.refuse(1, "none.toml: error: expected a readable file, but got: No such file or directory\nnone.toml: note: "
                    "check the path; models/ holds definitions to start from", "model.onnx", recipe="none.toml")
        self.refuse(1, "model.onnx: error: expected a recipe to train the graph with, but got none; give --train FILE, such "
                    "as models/train-defaults.toml", "model.onnx", recipe=None)
        definition = ROOT / "models/preln-demo.toml"
        for option in ("--dim=a=1", "--loss-output=loss", "--freeze=*", "--train-only=*", "--no-retie"):
            self.refuse(2, f"{option.split('=')[0]}: expected an ONNX graph, but got {definition}\nRun with --help for more "
                        "information.", definition, option, recipe=None)

    def test_files(self):
        data = self.model.read_bytes()
        self.refuse(1, "none.onnx: error: expected an ONNX model, but it cannot be read: No such file or directory",
                    "none.onnx")
        self.refuse(1, "empty.onnx: error: expected an ONNX model with a graph and outputs, but got none",
                    self.write("empty.onnx", b""))
        for name, content in (("cut.onnx", data[:len(data) // 2]), ("random.onnx", b"\xff" * 100)):
            self.refuse(1, f"{name}: error: expected an ONNX model, but this is no protobuf of one, or it is truncated",
                        self.write(name, content))
        (self.folder / "folder.onnx").mkdir()
        self.refuse(1, "folder.onnx: error: expected an ONNX model, but got a folder", "folder.onnx")

    def test_external_data(self):
        model = onnx.load(self.model)
        onnx.save(model, self.folder / "external.onnx", save_as_external_data=True, location="external.data",
                  size_threshold=0)
        model = onnx.load(self.folder / "external.onnx", load_external_data=False)
        more = f" (and {len(model.graph.initializer) - 1} more tensors)"
        for location, complaint in (
                ("gone.data", "the file ./gone.data of external data, but got: No such file or directory"),
                ("../model.onnx", "external data in the model's folder, but got ../model.onnx, which leaves it"),
                ("/etc/passwd", "external data in the model's folder, but got the absolute path /etc/passwd")):
            for tensor in model.graph.initializer:
                next(entry for entry in tensor.external_data if entry.key == "location").value = location
            self.refuse(1, "moved.onnx: error: model.embed.tokens.weight: expected " + complaint + more,
                        self.write("moved.onnx", model.SerializeToString()))

    def test_outputs(self):
        """A program whose weights cannot be written is not left behind."""
        program = self.folder / "program"
        (self.folder / "program.weights.safetensors").mkdir()
        for output, complaint in ((program, "program.weights.safetensors: error: expected to write the weights, but got: "
                                   "Is a directory"),
                                  ("none/program", "none/program: error: expected a file that can be written, but got: No "
                                   "such file or directory")):
            done = subprocess.run([COMPILER, "model.onnx", "--train", RECIPE, "-o", output], capture_output=True, text=True,
                                  cwd=self.folder)
            self.assertEqual((1, ""), (done.returncode, done.stdout))
            self.assertEqual(1, done.stderr.count("\n"))
            self.assertTrue(done.stderr.strip().endswith(complaint), done.stderr)
            self.assertFalse(program.exists())

    def test_weights_of_a_program(self):
        program = self.folder / "trained"
        for name in ("trained", "other"):
            source = self.model if name == "trained" else self.symbolic
            dims = [] if name == "trained" else ["--dim", "batch=2", "--dim", "sequence=16"]
            subprocess.run([COMPILER, source, "--train", RECIPE, "-o", self.folder / name, *dims], check=True,
                           capture_output=True)
        (self.folder / "corpus.txt").write_text("".join(f"Line {i} says {i * i % 17}.\n" for i in range(2000)))
        subprocess.run([program, "prepare", "corpus.txt", "-o", "data"], check=True, capture_output=True, cwd=self.folder)
        weights = self.folder / "trained.weights.safetensors"
        good = weights.read_bytes()
        for content, complaint in (
                (None, "expected the weights that this program starts from, but the file is missing; nf-compile wrote it "
                 "beside the program: move both"),
                ((self.folder / "other.weights.safetensors").read_bytes(), "expected the weights that this "
                 "program starts from, but the file has no tensor 'model.embed.tokens.weight' and is another program's; "
                 "nf-compile wrote this one's beside it"),
                (good[:len(good) // 2], "tensor {what} ends at byte {end} of {size}; the file is cut"),
                (b"", "expected a safetensors file, but it has only 0 bytes")):
            if content is None:
                weights.unlink()
            else:
                weights.write_bytes(content)
            done = subprocess.run([program, "train", "--data", "data", "--out", "run", "--steps", "1"], capture_output=True,
                                  text=True, cwd=self.folder)
            self.assertRegex(done.stderr, whole(f"error: {weights}: {complaint}"))
            self.assertEqual(1, done.returncode)
            self.assertFalse((self.folder / "run").exists())


if __name__ == "__main__":
    torch.set_num_threads(1)
    unittest.main()
