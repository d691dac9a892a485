"""The demo's comparison says what its numbers say, for each sign."""
import importlib.util
import os
import unittest

path = os.path.join(os.path.dirname(__file__), "..", "..", "tools", "demo-report.py")
spec = importlib.util.spec_from_file_location("demo_report", path)
demo_report = importlib.util.module_from_spec(spec)
spec.loader.exec_module(demo_report)


def run(losses, seconds, first, last):
    steps = [{"step": i + 1, "loss": 1.0, "seconds": seconds, "tokens": 512 * (i + 1)} for i in range(4)]
    evaluations = [{"step": i + 1, "validation_loss": loss,
                    "grad_norms": {"layers.0.ffn.fc2.weight": first, "layers.5.ffn.fc2.weight": last}}
                   for i, loss in enumerate(losses)]
    return steps, evaluations


class Sentence(unittest.TestCase):
    def test_better_and_slower_and_flatter(self):
        text = demo_report.report(run([3, 2, 2, 2.0], 1.0, 4.0, 1.0), run([3, 2, 1.8, 1.5], 1.1, 1.2, 1.0))
        self.assertIn("39.3 % lower in perplexity", text)
        self.assertIn("after 50 % of the tokens", text)
        self.assertIn("took 10.0 % more time", text)
        self.assertIn("gradients were flatter", text)

    def test_worse_and_faster_and_steeper(self):
        text = demo_report.report(run([3, 2, 2, 2.0], 1.0, 2.0, 1.0), run([3, 2.5, 2.2, 2.1], 0.9, 8.0, 1.0))
        self.assertIn("10.5 % higher in perplexity", text)
        self.assertIn("did not help", text)
        self.assertIn("took 10.0 % less time", text)
        self.assertIn("no flatter", text)
        self.assertIn("not reached", text)

    def test_equal(self):
        text = demo_report.report(run([2.0], 1.0, 2.0, 1.0), run([2.0], 1.0, 2.0, 1.0))
        self.assertIn("the same perplexity", text)


if __name__ == "__main__":
    unittest.main()
