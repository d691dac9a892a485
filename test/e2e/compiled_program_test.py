"""What is in a compiled program: which names it has and calls, that every stage's text can be compiled on, that a
decomposed model trains alike, and that older processors get code that they can run."""
import os
import re
import subprocess
import tempfile
import unittest

import numpy as np
from safetensors.numpy import load_file, save_file

from programs import BIN, COMPILER, MODELS, PTXAS, ROOT, run, twin as small_twin

ARCHIVE = os.path.join(ROOT, "build", "lib", "libnfrt.a")
MODEL = os.path.join(MODELS, "normformer-demo.toml")

# Functions of the runtime that run during a step, beside OpenBLAS: products, threads, and the order of things.
STEP_OBJECTS = {
    "Context.cpp": {"Context::Context", "Context::companion", "Context::fetch", "Context::findParameter",
                    "Context::launch", "Context::program", "Context::run", "Context::send", "Context::values",
                    "Program::address", "Program::find", "Program::run"},
    "Gemm.cpp": {"chooseGemm", "gemmIsRight", "nf_gemm_f32", "plainGemm", "selectGemm"},
    "GemmBuffer.cpp": {"nf_gemm_buffer", "nf_gemm_buffer_done"},
    "Launch.cpp": {"nf_launch", "nf_run"},
    "Memory.cpp": {"Segment::Segment", "Segment::~Segment"},
    "OptimizerStep.cpp": {"OptimizerStep::OptimizerStep", "OptimizerStep::firstBadTensor", "OptimizerStep::gradients",
                          "OptimizerStep::parameterGradients", "OptimizerStep::unfoldIntoMoments",
                          "OptimizerStep::update"},
    "Pool.cpp": {"Pool::Pool", "Pool::drain", "Pool::run", "Pool::stop", "Pool::waitForOthers", "Pool::workerLoop",
                 "Pool::~Pool"},
    "nf_sgemm.o": {"nf_sgemm"},
}
# Objects that no step runs, but for reading a batch, the schedule, and printing.
OTHER_OBJECTS = {
    "Batch", "Bpe", "BpeLearn", "Checkpoint", "CommandLine", "Config", "Cores", "CpuFeatures", "DataFeed",
    "Developer", "Device", "Eval", "Evaluation", "Files", "Generate", "Info", "Initialize", "Machine", "Main",
    "Manifest", "Masking", "Metadata", "NGrams", "PreTokens", "Prepare", "Progress", "RunFolder", "Safetensors",
    "Sampling", "Schedule", "Shards", "Signals", "SplitText", "TextFiles", "Tokenizer", "TokenizerJson", "Train",
    "Weights",
}
# Layouts and fills that LLVM may call for; nothing else is outside the object.
CALLS = {"nf_run", "nf_gemm_f32", "memset", "memcpy", "memmove"}


def twin(*more):
    return small_twin("model.dropout=0.1", *more)


def compiler(*arguments, stdin=None):
    return run(COMPILER, *arguments, stdin=stdin)


class CompiledProgram(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.model = cls.at("model")
        compiler(MODEL, *twin(), "-o", cls.model)
        cls.weights, cls.batch = cls.at("weights.safetensors"), cls.at("batch.safetensors")
        run(cls.model, "dump", "--seed", "3", "-o", cls.weights)
        draw = np.random.default_rng(1)
        tokens = draw.integers(0, 512, (20, 2, 32)).astype(np.int32)
        save_file({"tokens": tokens, "targets": (tokens * 5 + 1) % 512,
                   "loss_weight": np.ones(tokens.shape, np.float32)}, cls.batch)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def at(cls, name):
        return os.path.join(cls.folder.name, name)

    def losses(self, program):
        out = self.at("out.safetensors")
        run(program, "step", "--weights", self.weights, "--batch", self.batch, "--steps", "10", "-o", out)
        return load_file(out)["loss"]

    def test_runtime_has_the_listed_functions(self):
        """Training's arithmetic is generated, so the archive has products and nothing else of it."""
        found, other = {}, set()
        for line in run("nm", "-C", "-A", "--defined-only", "--extern-only", ARCHIVE).splitlines():
            match = re.match(r"[^:]*:([^:]+):\S+ T (.*)", line)
            if not match or match[1].startswith("libpcre2"):
                continue
            file = match[1].removesuffix(".o")
            name = re.sub(r"\(.*|\[abi:cxx11\]", "", match[2]).removeprefix("nf::rt::")
            if file in STEP_OBJECTS or match[1] in STEP_OBJECTS:
                found.setdefault(file if file in STEP_OBJECTS else match[1], set()).add(name)
            else:
                other.add(file.removesuffix(".cpp"))
        self.assertEqual(found, STEP_OBJECTS)
        self.assertEqual(other - OTHER_OBJECTS, set())

    def test_object_calls_the_abi_only_and_has_loops_of_its_sizes(self):
        code = {}
        for name, sets in {"64": [], "96": ["model.d_model=96", "model.d_ffn=384"]}.items():
            path = self.at(name + ".o")
            compiler(MODEL, *twin(*sets), "--emit=obj", "-o", path)
            undefined = {line.split()[-1] for line in run("nm", "-u", path).splitlines()}
            self.assertEqual(undefined - CALLS, set())
            self.assertIn("nf_run", undefined)
            exported = {line.split()[-1] for line in run("nm", "-g", "--defined-only", path).splitlines()}
            self.assertEqual(exported, {"nf_program_table"})
            code[name] = run("objdump", "-d", "--no-addresses", "--no-show-raw-insn", path).split("file format")[1]
        self.assertNotEqual(code["64"], code["96"])

    def test_every_stage_can_be_compiled_on(self):
        """From any stage's bytecode the same program comes, byte for byte."""
        whole = self.at("whole")
        compiler(MODEL, *twin(), f"--dump-phases-to={self.at('phases')}", "-o", whole)
        with open(whole, "rb") as file:
            program = file.read()
        phases = sorted(os.listdir(self.at("phases")))
        self.assertEqual([phases[0], phases[-1], len(phases)], ["01-import.mlirbc", "11-llvm.mlirbc", 11])
        for phase in phases:
            if phase[3:].startswith(("raise", "fold", "hoist", "recompute", "distribute")):
                continue  # like their neighbours
            compiler(os.path.join(self.at("phases"), phase), "-o", self.at("again"))
            with open(self.at("again"), "rb") as file:
                self.assertEqual(file.read(), program, phase)

    def test_compile_from(self):
        """A module without a mark goes on where the user says; a definition has been through no stage."""
        text = compiler(MODEL, *twin(), "--emit=fuse").replace("nf.stage", "other.stage")
        self.assertTrue(" = fused rows" in text)
        compiler("-", "--compile-from=fuse", "-o", self.at("from"), stdin=text)
        np.testing.assert_array_equal(self.losses(self.at("from")), self.losses(self.model))
        refused = subprocess.run([COMPILER, MODEL, "--compile-from=fuse", "-o", self.at("no")],
                                 capture_output=True, text=True)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("--compile-from=fuse: error: expected a module", refused.stderr)

    def test_mlir_options(self):
        command = [COMPILER, MODEL, *twin(), "--emit=autodiff", "-o", self.at("x.mlir")]
        printed = subprocess.run([*command, "--mlir-print-ir-after=nf-differentiate"], capture_output=True, text=True)
        self.assertEqual(printed.returncode, 0)
        self.assertIn("IR Dump After Differentiate", printed.stderr)
        unknown = subprocess.run([*command, "--mlir-nonsense"], capture_output=True, text=True)
        self.assertEqual(unknown.returncode, 2)
        self.assertIn("--mlir-nonsense", unknown.stderr)

    def test_a_decomposed_model_trains_to_equal_losses(self):
        text = compiler(MODEL, *twin(), "--emit=import")
        decomposed = run(os.path.join(BIN, "nf-opt"), "--nf-decompose", stdin=text)
        self.assertNotIn("layer_norm", decomposed.replace("attention_layernorm", ""))
        compiler("-", "-o", self.at("decomposed"), stdin=decomposed)
        np.testing.assert_allclose(self.losses(self.at("decomposed")), self.losses(self.model), rtol=1e-5)

    def test_an_emulated_gpu_trains_to_equal_losses(self):
        for precision, tolerance in (("fp32", 1e-5), ("bf16", 2e-2)):
            one, other = self.at(f"{precision}.cpu"), self.at(f"{precision}.gpu")
            sets = twin(f"train.precision={precision}", "model.attention_dropout=0.1")
            compiler(MODEL, *sets, "-o", one)
            compiler(MODEL, *sets, "--target=cuda-emulated", "-o", other)
            np.testing.assert_allclose(self.losses(other), self.losses(one), rtol=tolerance)

    def test_the_kernels_of_a_gpu(self):
        for arch in ("sm_80", "sm_90a"):
            ptx = compiler(MODEL, *twin("train.precision=bf16"), "--target=cuda-emulated", f"--arch={arch}", "--emit=ptx")
            self.assertIn(f".target {arch}\n", ptx)
            self.assertIn("ld.global.nc.v4.b32", ptx)
            self.assertNotRegex(ptx, r"\.extern|\.f64|atom\.")
            if PTXAS:
                with tempfile.NamedTemporaryFile("w", suffix=".ptx") as file:
                    file.write(ptx)
                    file.flush()
                    run(PTXAS, f"-arch={arch}", file.name, "-o", self.at("cubin"))
        nvvm = compiler(MODEL, *twin(), "--target=cuda-emulated", "--emit=nvvm")
        self.assertIn("nvvm.shfl.sync", nvvm)

    def test_gpu_forms_are_refused_where_there_are_none(self):
        for arguments, code, message in (
                (["--emit=ptx"], 2, "expected --target=cuda or cuda-emulated, but got cpu"),
                (["--target=cuda-emulated", "--emit=ptx", "--arch=sm_75"], 1,
                 "--arch=sm_75: error: expected sm_80, sm_90 or sm_90a, but got sm_75"),
                (["--target=cuda", "--emit=ptx", "--arch=sm_80,sm_90"], 1, "expected one processor to write kernels for, but got 2"),
                (["--target=gpu", "-o", self.at("x")], 1, "--target=gpu: error: expected cpu, cuda or cuda-emulated")):
            done = subprocess.run([COMPILER, MODEL, *arguments], capture_output=True, text=True)
            self.assertEqual(done.returncode, code)
            self.assertIn(message, done.stderr)

    def test_older_processors(self):
        expected = self.losses(self.model)
        self.assertLess(expected[-1], expected[0])
        for cpu, registers in (("x86-64-v3", "zmm"), ("x86-64-v2", "ymm")):
            program, path = self.at(cpu), self.at(cpu + ".o")
            compiler(MODEL, *twin(), f"--cpu={cpu}", "-o", program)
            compiler(MODEL, *twin(), f"--cpu={cpu}", "--emit=obj", "-o", path)
            self.assertNotIn(registers, run("objdump", "-d", path))
            np.testing.assert_allclose(self.losses(program), expected, rtol=1e-5)


if __name__ == "__main__":
    unittest.main()
