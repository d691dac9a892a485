"""How kernels of a NormFormer use memory, counted on the emulated GPU: sectors of 32 bytes beside the fewest that could hold
what a warp asks for, ways of bank conflicts, products on tensor cores."""
import os
import re
import tempfile
import unittest

import numpy as np
from safetensors.numpy import save_file

from programs import COMPILER, MODELS, run, settings

TOKENS, WIDTH, HEADS, VOCAB = 64, 128, 2, 512
SETS = {"model.layers": 1, "model.d_model": WIDTH, "model.heads": HEADS, "model.d_ffn": 4 * WIDTH, "model.vocab": VOCAB,
        "model.context": TOKENS, "train.sequence": TOKENS, "train.micro_batch": 1, "train.global_batch": 1}


def is_number_of_rows(what, numbers):
    """Attention's log-sum-exp and D, four bytes a row: at most a sector each ("Requests" in docs/gpu-kernels.md)."""
    return what.startswith("attention_") and numbers["sectors"] <= HEADS * TOKENS


def counts(precision):
    """The lines that NF_GPU_COUNTS gets of one step: what, numbers by name."""
    with tempfile.TemporaryDirectory() as folder:
        def at(name):
            return os.path.join(folder, name)

        sets = [f"{key}={value}" for key, value in SETS.items()] + [f"train.precision={precision}", "model.dropout=0"]
        run(COMPILER, os.path.join(MODELS, "normformer-125m.toml"), *settings(sets), "--target=cuda-emulated",
            "--check-kernels", "-o", at("model"))
        run(at("model"), "dump", "--seed", "3", "-o", at("weights"))
        tokens = np.random.default_rng(1).integers(0, VOCAB, (1, 1, TOKENS)).astype(np.int32)
        save_file({"tokens": tokens, "targets": tokens, "loss_weight": np.ones(tokens.shape, np.float32)}, at("batch"))
        run(at("model"), "step", "--weights", at("weights"), "--batch", at("batch"), "--steps", "1", "-o", at("out"),
            NF_GPU_COUNTS=at("counts"))
        with open(at("counts")) as file:
            for line in file:
                what, numbers = line.strip().split(": ", 1)
                yield what, {name: int(number) for name, number in re.findall(r"(\w+) (\d+)", numbers.split(";")[0])} \
                    or {"count": int(numbers)}


class Requests(unittest.TestCase):
    def test_all_kernels(self):
        for precision in ("fp32", "bf16"):
            places, products = 0, {}
            for what, numbers in counts(precision):
                with self.subTest(what=what, precision=precision):
                    if " global " in what and not is_number_of_rows(what, numbers):
                        self.assertLessEqual(numbers["sectors"], 1.1 * numbers["ideal"])
                    elif " shared " in what:
                        self.assertEqual((numbers["most"], numbers["ways"]), (1, numbers["passes"]))
                    elif "mma.sync" in what:
                        products[what] = numbers["count"]
                places += 1
            self.assertGreater(places, 100)
            if precision == "bf16":  # 16 × 8 × 16 multiplications an instruction; diagonal blocks alone
                one = HEADS * TOKENS * TOKENS * (WIDTH // HEADS) // (16 * 8 * 16)
                self.assertEqual(sorted(products.values()), [2 * one, 3 * one, 4 * one])


if __name__ == "__main__":
    unittest.main()
