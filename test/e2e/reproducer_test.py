"""A stage that fails leaves its module with the command that repeats the failure; a model that is refused leaves none."""
import os
import shlex
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.join(ROOT, "build", "bin")
# A loss of the mean that a LayerNorm saves for its gradient.
NOT_DIFFERENTIABLE = """nf.parameter @g : tensor<4xf32> {init = "{\\"kind\\":\\"ones\\"}"}
nf.program @forward_backward(%x: tensor<2x4xf32> {nf.name = "x"}) -> (tensor<1x1xf32> {nf.name = "loss"}) {
  %g = nf.get @g : tensor<4xf32>
  %s = nf.mul %x, %g : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %y, %mean, %rstd = nf.layer_norm %s, %g, %g {eps = 1.0e-5 : f64} : (tensor<2x4xf32>, tensor<4xf32>, tensor<4xf32>)
      -> (tensor<2x4xf32>, tensor<2x1xf32>, tensor<2x1xf32>)
  %loss = nf.reduce_sum %mean axes [0, 1] : (tensor<2x1xf32>) -> tensor<1x1xf32>
  nf.return %loss : tensor<1x1xf32>
}
"""


class Reproducer(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def run_in(self, program, *arguments):
        return subprocess.run([os.path.join(BIN, program), *arguments], capture_output=True, text=True,
                              cwd=self.folder.name)

    def at(self, name):
        return os.path.join(self.folder.name, name)

    def test_its_command_repeats_the_failure_with_all_options(self):
        made = self.run_in("nf-compile", os.path.join(ROOT, "models", "normformer-demo.toml"), "--set",
                           "model.layers=1", "--emit=autodiff", "-o", "a.mlir")
        self.assertEqual(made.returncode, 0, made.stderr)
        failed = self.run_in("nf-compile", "a.mlir", "--compile-from=fuse", "--fold=none", "--cpu=x86-64-v3",
                             "--verify-stages=false", "--emit=plan", "-o", "b.mlir")
        self.assertEqual(failed.returncode, 1)
        self.assertIn("the module before stage plan is in b.mlir.reproducer.mlir", failed.stderr)
        with open(self.at("b.mlir.reproducer.mlir")) as file:
            command = shlex.split(file.readline().removeprefix("// "))
        self.assertEqual(command, ["nf-opt", "--nf-stage-plan=vector-bits=256 target=cpu fold=none verify=0",
                                   "b.mlir.reproducer.mlir"])
        again = self.run_in(*command)
        self.assertEqual(again.returncode, 1)
        message = next(line for line in failed.stderr.split("\n") if "error:" in line).split("error: ")[1]
        self.assertIn(message.split(": ", 1)[-1], again.stderr)

    def test_none_for_a_module_that_is_not_what_its_stage_leaves(self):
        with open(self.at("m.mlir"), "w") as file:
            file.write(NOT_DIFFERENTIABLE)
        refused = self.run_in("nf-compile", "m.mlir", "--compile-from=fuse", "--emit=plan", "-o", "p.mlir")
        self.assertEqual(refused.returncode, 1)
        lines = refused.stderr.splitlines()
        self.assertRegex(lines[0], r"^m\.mlir:\d+:\d+: error: .*op may not leave stage fuse: ")
        self.assertEqual(lines[-1], "m.mlir: note: the module was read as what stage fuse leaves; --compile-from=STAGE "
                                    "names another one")
        self.assertEqual(os.listdir(self.folder.name), ["m.mlir"])

    def test_none_for_a_model_that_is_refused(self):
        with open(self.at("m.mlir"), "w") as file:
            file.write(NOT_DIFFERENTIABLE)
        refused = self.run_in("nf-compile", "m.mlir", "--emit=obj", "-o", "m.o")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("expected its mean and rstd to be used by gradients only", refused.stderr)
        self.assertEqual(os.listdir(self.folder.name), ["m.mlir"])


if __name__ == "__main__":
    unittest.main()
