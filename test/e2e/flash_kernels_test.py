"""Attention's GPU kernels of every head width assemble, for every processor, without spills and local memory."""

import os
import re
import unittest

from programs import COMPILER, MODELS, PTXAS, assembled, kernels_of, run, settings

KERNELS = {"bf16": ["", "_delta", "_dkdv", "_dq"], "fp32": ["", "_dkdv", "_dq"]}


def attention_only(ptx):
    """The module's head and the kernels of attention: others cost ptxas more than they tell."""
    head, kernels = kernels_of(ptx)
    kernels = [kernel for kernel in kernels if re.search(r"\.entry attention_", kernel)]
    return head + "".join(kernels), len(kernels)


class FlashKernels(unittest.TestCase):
    def check(self, width, arch, precision):
        sizes = ["layers=1", f"d_model={width}", "heads=1", "d_ffn=64", "vocab=64", "context=128", "dropout=0.1",
                 "attention_dropout=0.1"]
        sets = [f"model.{size}" for size in sizes] + ["train.sequence=128", f"train.precision={precision}"]
        ptx = run(COMPILER, os.path.join(MODELS, "normformer-demo.toml"), *settings(sets), "--target=cuda-emulated",
                  f"--arch={arch}", "--emit=ptx")
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
        spills = [numbers for _, *numbers in assembled(text, arch)]
        self.assertEqual(spills, [["0", "0", "0"]] * count)

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
