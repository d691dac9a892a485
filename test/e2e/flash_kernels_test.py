"""Attention's GPU kernels of every head width assemble, for every processor, without spills and local memory."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.join(ROOT, "build", "bin")
PTXAS = shutil.which("ptxas") or shutil.which("/usr/local/cuda/bin/ptxas")
KERNELS = {"bf16": ["", "_delta", "_dkdv", "_dq"], "fp32": ["", "_dkdv", "_dq"]}


def run(*arguments):
    done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"{' '.join(map(str, arguments))} ended with {done.returncode}: {done.stderr}")
    return done.stdout + done.stderr


def attention_only(ptx):
    """The module's head and the kernels of attention: others cost ptxas more than they tell."""
    parts = re.split(r"(?m)^(?=\s*// \t?\.globl)", ptx)
    kernels = [part for part in parts if re.search(r"\.entry attention_", part)]
    return parts[0] + "".join(kernels), len(kernels)


class FlashKernels(unittest.TestCase):
    def check(self, width, arch, precision):
        sizes = ["layers=1", f"d_model={width}", "heads=1", "d_ffn=64", "vocab=64", "context=128", "dropout=0.1",
                 "attention_dropout=0.1"]
        sets = [f"model.{size}" for size in sizes] + ["train.sequence=128", f"train.precision={precision}"]
        with tempfile.TemporaryDirectory() as folder:
            ptx = run(os.path.join(BIN, "nf-compile"), os.path.join(ROOT, "models", "normformer-demo.toml"),
                      *[a for s in sets for a in ("--set", s)], "--target=cuda-emulated", f"--arch={arch}", "--emit=ptx")
            text, count = attention_only(ptx)
            self.assertGreaterEqual(count, len(KERNELS[precision]))
            self.assertNotRegex(text, r"\.f64|atom\.|\.local|\.extern \.func|tf32")
            if precision == "fp32":
                self.assertNotIn("mma.sync", text)
                self.assertIn("ld.shared.v4.b32", text)
            else:
                self.assertIn("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32", text)
                self.assertRegex(text, r"cp\.async\.cg\.shared\.global")
                self.assertIn("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16", text)
            if not PTXAS:
                return
            path = os.path.join(folder, "kernels.ptx")
            with open(path, "w") as file:
                file.write(text)
            report = run(PTXAS, "-v", f"-arch={arch}", path, "-o", os.path.join(folder, "cubin"))
            spills = re.findall(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", report)
            self.assertEqual(len(spills), count, report)
            self.assertEqual(set(spills), {("0", "0", "0")}, report)

    def test_kernels_assemble_without_spills(self):
        for width, arch in ((32, "sm_90a"), (64, "sm_80"), (64, "sm_90a"), (80, "sm_80"), (128, "sm_80"), (128, "sm_90a")):
            with self.subTest(width=width, arch=arch):
                self.check(width, arch, "bf16")

    def test_kernels_of_multiply_and_add_assemble_without_spills(self):
        for width, arch in ((20, "sm_80"), (32, "sm_90a"), (64, "sm_80"), (64, "sm_90a"), (80, "sm_90a"), (128, "sm_80"),
                            (128, "sm_90a"), (256, "sm_90a")):
            with self.subTest(width=width, arch=arch):
                self.check(width, arch, "fp32")


if __name__ == "__main__":
    unittest.main()
