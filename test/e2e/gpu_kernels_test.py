"""Programs for GPUs: every kernel of the small twins of all models, and of normformer-125m as it is, assembles without
spills and local memory; no program has code of the CPU."""

import glob
import os
import re
import unittest

from programs import COMPILER, MODELS as FOLDER, PTXAS, assembled, kernels_of, run, settings, twin

MODELS = sorted(name for path in glob.glob(os.path.join(FOLDER, "*.toml"))
                if (name := os.path.basename(path)[:-len(".toml")]) != "train-defaults")


def compile_model(model, sets, *arguments):
    return run(COMPILER, os.path.join(FOLDER, model + ".toml"), *sets, "--target=cuda-emulated", *arguments, "-o", "-")


def new_kernels(ptx, seen):
    """The module's head and the kernels that no module before had, which models share under other names."""
    head, kernels = kernels_of(ptx)
    new = []
    for kernel in kernels:
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
        found = assembled(text, arch)
        self.assertEqual(len(found), count)
        self.assertEqual([kernel for kernel in found if kernel[1:] != ("0", "0", "0")], [])

    def test_kernels_of_all_models(self):
        for arch, precision in (("sm_80", "fp32"), ("sm_90a", "bf16")):
            seen = set()
            for model in MODELS:
                with self.subTest(model=model, arch=arch, precision=precision):
                    self.check(model, twin(f"train.precision={precision}"), arch, seen)

    def test_kernels_of_a_whole_model(self):
        for arch in ("sm_80", "sm_90a"):
            for precision in ("fp32", "bf16"):
                with self.subTest(arch=arch, precision=precision):
                    self.check("normformer-125m", settings(["model.layers=1", f"train.precision={precision}"]), arch, set())

    def test_programs_have_no_code_of_the_cpu(self):
        module = compile_model("normformer-demo", twin("train.precision=bf16"), "--emit=lower")
        for name in set(re.findall(r"launch @(\w+)", module)):
            self.assertRegex(module, rf"func\.func private @{name}\(.*attributes \{{nf\.gpu_(threads|gemm|alignment)")


if __name__ == "__main__":
    unittest.main()
