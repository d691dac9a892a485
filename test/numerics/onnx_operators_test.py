"""Every fused operator of ONNX and of ONNX Runtime's optimizer (onnx_operators.py): the imported graph gives its logits
by the reference in double, and compiles; one program of all of them has ONNX Runtime's loss."""
import re
import tempfile
import unittest
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx.reference import ReferenceEvaluator
from safetensors.numpy import load_file, save_file

from onnx_export_test import BIN, ROOT, run
from onnx_operators import B, CASES, T, V, Graph
from training_files import Executable, make_batches, save

IDS = np.random.default_rng(7).integers(0, V, (B, T))


def truth(case):
    model = case.model(spelled=case.spelled is not None)
    if case.reference:
        return ReferenceEvaluator(model).run(None, {"input_ids": IDS})[0]
    return runtime(model, IDS)


def runtime(model, ids):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"input_ids": ids})[0]


def compiler(file, *arguments):
    return run(BIN / "nf-compile", file, "--train", ROOT / "models/train-defaults.toml", *arguments)


class OnnxOperators(unittest.TestCase):
    def check(self, case):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            onnx.save(case.model(), folder / "model.onnx")
            save_file({"tokens": IDS.astype(np.int32)}, folder / "values")
            run(BIN / "nf-reference", folder / "model.onnx", "--program", "forward", "--values", folder / "values",
                "--out", folder / "out")
            expected = truth(case)
            error = np.abs(load_file(folder / "out")["logits"] - expected).max()
            self.assertLess(error, 2e-5 * max(1, np.abs(expected).max()))
            raised = compiler(folder / "model.onnx", "--emit=raise", "-o", "-").split("nf.program @logits")[0]
            forward = raised[raised.index("nf.program @eval"):]
            self.assertEqual(case.attention, len(re.findall(r"= attention ", forward)))
            compiler(folder / "model.onnx", "--emit=lower", "-o", "/dev/null")

    def test_program_of_all(self):
        """The sum of what all models say, compiled to one program: its loss is that of ONNX Runtime's logits."""
        graph, total = Graph(23), None
        for case in CASES:
            if case.everything:
                logits = case.logits(graph)
                total = graph.op("Add", [total, logits]) if total else logits
        model = graph.model(graph.op("Mul", [total, graph.constant(np.float32(0.1))]))
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            onnx.save(model, folder / "model.onnx")
            compiler(folder / "model.onnx", "-o", folder / "model")
            program = Executable(str(folder / "model"))
            batches = make_batches(program.metadata(), 1, 1)
            save(batches, folder / "batch")
            program.dump(folder / "initial", 1)
            program.step(folder / "initial", folder / "batch", 1, "-o", folder / "out")
            loss = load_file(folder / "out")["loss"][0]
            tokens, targets, weight = (batches[name][0] for name in ("tokens", "targets", "loss_weight"))
        logits = torch.from_numpy(runtime(model, tokens.long().numpy())).double()
        each = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.long().flatten(), reduction="none")
        expected = float((each * weight.flatten()).sum() / weight.sum())
        self.assertAlmostEqual(expected, float(loss), delta=1e-4 * expected)


def function_name(case):
    return "test_" + re.sub(r"\W+", "_", case.name)


for each in CASES:
    setattr(OnnxOperators, function_name(each), lambda self, case=each: self.check(case))


if __name__ == "__main__":
    unittest.main()
