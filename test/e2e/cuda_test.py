"""A program for an NVIDIA GPU without one: it loads a libcuda and a libcublasLt of test/runtime/cuda, whose memory is
apart from the host's and whose kernels are the emulated GPU's, and trains to the bits of the same model compiled for the
emulated GPU. What is missing or goes wrong ends with one line, and checkpoints stay whole."""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

from programs import COMPILER, MODELS, PTXAS, ROOT, run, settings, twin as small_twin

FAKE_GPU = os.path.join(ROOT, "build", "fake-gpu")
STEPS, FEW = 20, 4


def twin():
    sets = ["model.layers=1", "train.precision=bf16", "model.dropout=0.1", "model.attention_dropout=0.1",
            "train.schedule=constant"]
    return [os.path.join(MODELS, "normformer-demo.toml"), *small_twin(*sets)]


class Cuda(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.at = staticmethod(lambda name: os.path.join(cls.folder.name, name))
        cls.model = twin()
        cls.program, cls.emulated, cls.kernels, cls.report = cls.build("model")
        with open(cls.at("corpus.txt"), "w") as file:
            file.write("".join(f"Line {i}: the {i % 7} quick foxes jump over {i * i % 101} lazy dogs.\n" for i in range(2000)))
        done = cls.call("prepare", "corpus.txt", "-o", "data")
        assert done.returncode == 0, done.stderr
        cls.expected = cls.train("expected", program=cls.emulated)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def build(cls, name, sets=()):
        """A program for a GPU, the same for the emulated one, the latter's kernels, and the compiler's report."""
        program, emulated, kernels = cls.at(name), cls.at(name + "-emulated"), cls.at(name + ".so")
        report = cls.compile("--target=cuda", "-o", program, sets=sets)
        cls.compile("--target=cuda-emulated", "-o", emulated, sets=sets)
        cls.compile("--target=cuda-emulated", "--emit=obj", "-o", cls.at("kernels.o"), sets=sets)
        subprocess.run(["cc", "-shared", "-o", kernels, cls.at("kernels.o"), "-L", FAKE_GPU, "-l:libcuda.so.1"], check=True)
        return program, emulated, kernels, report

    @classmethod
    def compile(cls, *arguments, sets=(), **environment):
        return run(COMPILER, *cls.model, *settings(sets), *arguments, **environment)

    @classmethod
    def call(cls, *arguments, program=None, plan=None, kernels=None, **variables):
        """Runs a program; with `plan` on the GPU that it describes."""
        environment = {**os.environ, **variables}
        if plan is not None:
            environment |= {"LD_LIBRARY_PATH": FAKE_GPU, "NF_FAKE_KERNELS": kernels or cls.kernels, "NF_FAKE_GPU": plan}
        return subprocess.run([program or cls.program, *arguments], capture_output=True, text=True, errors="replace",
                              cwd=cls.folder.name, env=environment)

    @classmethod
    def trainer(cls, run, *flags, steps=FEW, **how):
        return cls.call("train", "--data", "data", "--out", run, "--steps", str(steps), "--set", "train.global_batch=4",
                        "--eval-tokens", "128", *flags, **how)

    @classmethod
    def train(cls, run, *flags, steps=FEW, **how):
        """What a training that ends well left: its metrics without times, and its checkpoint's files."""
        done = cls.trainer(run, *flags, steps=steps, **how)
        assert done.returncode == 0, done.stderr
        return cls.result(run, steps)

    @classmethod
    def result(cls, run, steps=FEW):
        with open(cls.at(f"{run}/metrics.jsonl")) as file:
            records = [json.loads(line) for line in file]
        metrics = [{k: v for k, v in r.items() if k not in ("seconds", "tokens_per_second")} for r in records
                   if "loss" in r or r["step"] == steps]
        files = {}
        for name in ("model.safetensors", "optimizer.safetensors"):
            with open(cls.at(f"{run}/step-{steps:06d}/{name}"), "rb") as file:
                files[name] = file.read()
        return metrics, files

    def assertSame(self, result):
        self.assertEqual(result[0], self.expected[0])
        self.assertEqual(result[1], self.expected[1])

    def assertOneLine(self, done, pattern):
        self.assertEqual(done.returncode, 1, done.stderr)
        lines = [line for line in done.stderr.splitlines() if not line.startswith("note: ")]
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertRegex(lines[0], "^error: .*" + pattern)

    def test_trains_to_the_bits_of_the_emulated_gpu(self):
        expected = self.train("long-emulated", steps=STEPS, program=self.emulated)
        self.assertGreater(expected[0][0]["loss"], expected[0][STEPS - 1]["loss"])
        self.assertEqual(self.train("long", steps=STEPS, plan=""), expected)

    def test_resumes_to_the_same_bits(self):
        self.trainer("half", steps=FEW // 2, plan="")
        self.assertSame(self.train("half", "--resume", "auto", plan=""))

    def test_epilogues_that_the_library_lacks(self):
        expected = self.train("emulated-without", program=self.emulated, NF_GPU_REFUSE="bias")
        self.assertEqual(self.train("without", plan="", NF_GPU_REFUSE="bias"), expected)

    def test_evaluates_and_generates(self):
        for arguments in (["eval", "--data", "data", "--checkpoint", "expected", "--tokens", "512"],
                          ["generate", "--checkpoint", "expected", "--prompt", "Line 7: ", "--tokens", "5"]):
            expected = self.call(*arguments, program=self.emulated)
            self.assertEqual(expected.returncode, 0, expected.stderr)
            self.assertEqual(self.call(*arguments, plan="").stdout, expected.stdout)

    def test_fp32_with_a_head_scale_after_the_projection(self):
        sets = ["train.precision=fp32", "norm.head_scale=post_proj", "train.reduction_slots=2"]
        program, emulated, kernels, _ = self.build("fp32", sets)
        expected = self.train("expected-fp32", "--set", "train.global_batch=8", program=emulated)
        self.assertEqual(self.train("fp32-run", "--set", "train.global_batch=8", program=program, plan="", kernels=kernels),
                         expected)

    def test_launching_each_kernel_and_waiting_for_it_changes_nothing(self):
        self.assertSame(self.train("stepping", plan="refuse-graph=1", NF_GPU_SYNC="1"))

    def test_steps_are_graphs(self):
        self.assertOneLine(self.trainer("graphs", plan="refuse-graph=1"),
                           r"step \d: cuGraphLaunch of program \w+: CUDA_ERROR_OUT_OF_MEMORY")

    @unittest.skipUnless(PTXAS, "no ptxas")
    def test_the_best_image_is_loaded(self):
        self.assertIn("code for sm_80, sm_90a", self.report)
        for plan, said, note in (("capability=80", "code for 8.0", ""), ("capability=86", "code for 8.0", ""),
                                 ("capability=90", "code for 9.0", ""),
                                 ("capability=120", "compiled by the driver from PTX for 9.0", ""),
                                 ("capability=90,cubins=0,driver=12040", "compiled by the driver from PTX for 9.0",
                                  r"note: the driver \(CUDA 12.4\) does not take this program's code for 9.0 .*NO_BINARY")):
            with self.subTest(plan=plan):
                done = self.trainer(f"image-{plan}", steps=1, plan=plan)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(said, done.stdout)
                self.assertRegex(done.stderr, note or "^$")

    def test_without_a_toolkit_there_is_ptx(self):
        bare = {"CUDA_HOME": "/nowhere", "PATH": "/usr/bin:/bin"}
        report = self.compile("--target=cuda", "-o", self.at("ptx-only"), **bare)
        self.assertIn("no ptxas", report)
        done = self.trainer("ptx", program=self.at("ptx-only"), plan="capability=80")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("compiled by the driver from PTX for 8.0", done.stdout)
        self.assertSame(self.result("ptx"))
        for form, tool in (("cubin", "ptxas"), ("sass", "ptxas")):
            done = subprocess.run([COMPILER, *self.model, "--target=cuda", f"--emit={form}", "-o", self.at("x")],
                                  capture_output=True, text=True, env={**os.environ, **bare})
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"--emit={form}: error: expected {tool} of the CUDA toolkit", done.stderr)

    @unittest.skipUnless(PTXAS, "no ptxas")
    def test_forms_of_kernels(self):
        self.compile("--target=cuda", "--emit=cubin", "--arch=sm_90a", "-o", self.at("cubin"))
        with open(self.at("cubin"), "rb") as file:
            self.assertTrue(file.read().startswith(b"\x7fELF"))
        tools = os.path.join(sys.prefix, "lib", f"python{sys.version_info.major}.{sys.version_info.minor}",
                             "site-packages", "triton", "backends", "nvidia", "bin")
        if not os.path.exists(os.path.join(tools, "nvdisasm")):
            self.skipTest("no nvdisasm")
        path = os.environ["PATH"] + ":" + tools
        self.assertRegex(self.compile("--target=cuda", "--emit=sass", PATH=path), r"LDG\.E\S*\.128")

    def test_compiles_to_the_same_bytes(self):
        objects = []
        for name in ("one.o", "two.o"):
            self.compile("--target=cuda", "--emit=obj", "-o", self.at(name))
            with open(self.at(name), "rb") as file:
                objects.append(file.read())
        self.assertEqual(*objects)

    def test_machines_that_cannot_run_it(self):
        megabytes = r"training needs \d+ MB of GPU memory .* but 34 MB are available; a micro-batch of 1 fits|no micro-batch fits"
        for plan, message in (("devices=0", "this program runs on an NVIDIA GPU, but the driver shows none"),
                              ("capability=75", "capability 8.0 and later, but this one has 7.5"),
                              ("cubins=0,ptx=0,driver=11080", r"the driver \(CUDA 11.8\) takes none of this program's kernels: "
                               "CUDA_ERROR_UNSUPPORTED_PTX_VERSION"),
                              ("memory=34000000", megabytes),
                              ("fail-alloc=2", r"cuMemAlloc of \d+ bytes for activations: CUDA_ERROR_OUT_OF_MEMORY")):
            with self.subTest(plan=plan):
                self.assertOneLine(self.trainer("none", plan=plan), message)
        self.assertFalse(os.path.exists(self.at("none")))

    def test_without_a_driver(self):
        if subprocess.run(["ldconfig", "-p"], capture_output=True, text=True).stdout.find("libcuda.so.1") >= 0:
            self.skipTest("there is a driver")
        self.assertOneLine(self.trainer("none"), r"expected libcuda.so.1, which comes with NVIDIA's driver, but got: .*; "
                                                 r"this program runs on an NVIDIA GPU, .*--target=cpu")
        self.assertEqual(self.call("info").returncode, 0)

    def test_a_gpu_that_fails_leaves_checkpoints_whole(self):
        half = self.kernels_of_a_training() // 2
        for name, plan, graphs, message in (
                ("refused", f"refuse-launch={half}", "0", r"cuLaunchKernel of \w+ ?\S*: CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"),
                ("crashed", f"crash-launch={half}", "1", r"cuStreamSynchronize of program \w+: CUDA_ERROR_LAUNCH_FAILED .*"
                 "NF_GPU_SYNC=1 in the environment names the kernel")):
            with self.subTest(name=name):
                done = self.trainer(name, "--save-every", "1", plan=plan, NF_GPU_GRAPHS=graphs)
                self.assertOneLine(done, r"step \d+: " + message + r".*; the checkpoint of step [12] is whole, --resume")
                self.assertSame(self.train(name, "--resume", "auto", plan=""))
        done = self.trainer("named", plan=f"crash-launch={half}", NF_GPU_SYNC="1")
        self.assertOneLine(done, r"step \d: cuStreamSynchronize of \w+_\w+ ?\S*: CUDA_ERROR_LAUNCH_FAILED.*; no checkpoint")

    def kernels_of_a_training(self):
        done = self.trainer("count", plan="count=1")
        return int(re.search(r"fake GPU: (\d+) kernels", done.stderr)[1])


if __name__ == "__main__":
    unittest.main()
