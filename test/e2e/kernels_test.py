"""Kernels are shared over the module: a deeper model has no more of them, dropout or not."""
import os
import re
import subprocess
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMPILER = os.path.join(ROOT, "build", "bin", "nf-compile")


def kernels(model, *sets):
    """The kernels that the definition makes, and their launches."""
    command = [COMPILER, os.path.join(ROOT, "models", model), "--emit=lower", "-o", "-"]
    text = subprocess.run(command + [a for s in sets for a in ("--set", s)], check=True, capture_output=True,
                          text=True).stdout
    return len(re.findall(r"^ *func\.func ", text, re.M)), len(re.findall(r"^ *(?:nf\.)?launch ", text, re.M))


class Kernels(unittest.TestCase):
    def check(self, model, *sets):
        few, launches = kernels(model, *sets, "model.layers=12")
        many, more_launches = kernels(model, *sets, "model.layers=24")
        self.assertGreater(more_launches, launches * 3 // 2)
        self.assertEqual(few, many)

    def test_pre_layernorm(self):
        self.check("gpt2-124m.toml")

    def test_normformer_with_dropout(self):
        self.check("normformer-125m.toml")

    def test_encoder_with_dropout(self):
        self.check("normformer-roberta-base.toml")

    def test_post_layernorm(self):
        self.check("gpt2-124m.toml", "norm.placement=post", "model.dropout=0.1", "model.attention_dropout=0.1")


if __name__ == "__main__":
    unittest.main()
