"""Programs for GPUs: every kernel of the small twins of all models, and of normformer-125m as it is, assembles without
spills and local memory; no program has code of the CPU."""

import glob
import os
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.join(ROOT, "build", "bin")
MODELS = sorted(name for path in glob.glob(os.path.join(ROOT, "models", "*.toml"))
                if (name := os.path.basename(path)[:-len(".toml")]) != "train-defaults")
PTXAS = shutil.which("ptxas") or shutil.which("/usr/local/cuda/bin/ptxas")


def run(*arguments):
    done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"{' '.join(map(str, arguments))} ended with {done.returncode}: {done.stderr}")
    return done.stdout + done.stderr


def twin():
    with open(os.path.join(ROOT, "test", "small-twin.txt")) as file:
        return [line.strip() for line in file if line.strip() and not line.startswith("#")]


def compile_model(model, sets, *arguments):
    return run(os.path.join(BIN, "nf-compile"), os.path.join(ROOT, "models", model + ".toml"),
               *[a for s in sets for a in ("--set", s)], "--target=cuda-emulated", *arguments, "-o", "-")


def new_kernels(ptx, seen):
    """The module's head and the kernels that no module before had, which models share under other names."""
    head, *parts = re.split(r"(?m)^(?=\s*// \t?\.globl)", ptx)
    new = []
    for kernel in parts:
        entry = re.search(r"\.entry (\w+)\(", kernel)
        if not entry:
            head += kernel
            continue
        name = entry[1]
        text = kernel.replace(name, "kernel")
        if text not in seen:
            seen.add(text)
            new.append(kernel)
    return head + "".join(new), len(new)


class GpuKernels(unittest.TestCase):
    def check(self, model, sets, arch, seen):
        ptx = compile_model(model, sets, f"--arch={arch}", "--emit=ptx")
        self.assertNotRegex(ptx, r"\.f64|atom\.|\.local|\.extern \.func|tf32")
        text, count = new_kernels(ptx, seen)
        if not PTXAS or not count:
            return
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "kernels.ptx")
            with open(path, "w") as file:
                file.write(text)
            report = run(PTXAS, "-v", f"-arch={arch}", path, "-o", os.path.join(folder, "cubin"))
        found = re.findall(r"Function properties for (\w+)\n\s*(\d+) bytes stack frame, (\d+) bytes spill stores", report)
        self.assertEqual(len(found), count, report)
        self.assertEqual([kernel for kernel in found if kernel[1:] != ("0", "0")], [])

    def test_kernels_of_all_models(self):
        for arch, precision in (("sm_80", "fp32"), ("sm_90a", "bf16")):
            seen = set()
            for model in MODELS:
                with self.subTest(model=model, arch=arch, precision=precision):
                    self.check(model, twin() + [f"train.precision={precision}"], arch, seen)

    def test_kernels_of_a_whole_model(self):
        for arch in ("sm_80", "sm_90a"):
            for precision in ("fp32", "bf16"):
                with self.subTest(arch=arch, precision=precision):
                    self.check("normformer-125m", ["model.layers=1", f"train.precision={precision}"], arch, set())

    def test_programs_have_no_code_of_the_cpu(self):
        module = compile_model("normformer-demo", twin() + ["train.precision=bf16"], "--emit=lower")
        for name in set(re.findall(r"launch @(\w+)", module)):
            self.assertRegex(module, rf"func\.func private @{name}\(.*attributes \{{nf\.gpu_(threads|gemm|alignment)")


if __name__ == "__main__":
    unittest.main()
