"""Every definition in models/ compiles at its full size, within its time, on a memory plan close to its bound."""
import glob
import os
import re
import resource
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMPILER = os.path.join(ROOT, "build", "bin", "nf-compile")
CPU_SECONDS = 20
RATIO = 1.05


def compile_model(path, output, *flags):
    """The compiler's report and the processor time that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = subprocess.run([COMPILER, path, "-o", output, *flags], capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert result.returncode == 0, result.stderr
    return result.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


class Models(unittest.TestCase):
    def test_full_size(self):
        models = sorted(glob.glob(os.path.join(ROOT, "models", "*.toml")))
        models = [model for model in models if not model.endswith("train-defaults.toml")]
        self.assertGreaterEqual(len(models), 13)
        with tempfile.TemporaryDirectory() as folder:
            for model in models:
                name = os.path.basename(model)[:-len(".toml")]
                with self.subTest(name):
                    program = os.path.join(folder, "model")
                    report, seconds = compile_model(model, program)
                    ratio = float(re.search(r"; ([0-9.]+) of the bound", report).group(1))
                    print(f"{name}: {seconds:.1f} s, plan {ratio:.3f} of the bound", flush=True)
                    self.assertLessEqual(ratio, RATIO)
                    self.assertLessEqual(seconds, CPU_SECONDS)
                    info = subprocess.run([program, "info"], capture_output=True, text=True)
                    self.assertIn(name, info.stdout)

    def test_time_over_depth(self):
        """The least of some turns: what else the machine does only adds to a time."""
        model = os.path.join(ROOT, "models", "gpt2-124m.toml")
        with tempfile.TemporaryDirectory() as folder:
            least = {}
            for _ in range(5):
                for layers in (12, 24):
                    flags = ("--set", f"model.layers={layers}")
                    _, seconds = compile_model(model, os.path.join(folder, "model"), *flags)
                    least[layers] = min(seconds, least.get(layers, seconds))
        print(f"gpt2-124m: 12 layers {least[12]:.2f} s, 24 layers {least[24]:.2f} s", flush=True)
        self.assertLessEqual(least[24], 1.3 * least[12])


if __name__ == "__main__":
    unittest.main()
