"""Training steps of compiled programs against PyTorch's, fp32, AdamW and clipping included, all cores.

  bench/cpu-step [--compiler build/bin/nf-compile] [--repeats 7] [--only SHAPE ...]

For each shape, Pre-LN and NormFormer: compiles the model, starts ours and PyTorch's processes from the same weights on
the same batches and stops unless the losses of 3 steps agree within 1e-4. Then ours, eager and torch.compile take
turns; a turn is 3 steps, the first of which does not count, and gives the median of the others. Where a program's turns
spread by more than 15 % ((max - min) / median) all turns are done once more, and the calmer ones count. Printed, all of
one run on one machine:

  time <shape> <who> <median> min <min> spread <percent>
  ratio <shape> <value>       ours over the faster of PyTorch eager and torch.compile
  floor <shape> <value>       ours over (GEMM FLOPs at the best library rate measured now + 28 B a parameter at the
                              bandwidth measured now)
  memory <shape> <value>      peak resident memory of our process over PyTorch eager's
  normformer <shape> <value>  our NormFormer step over our Pre-LN step

As on a processor without AVX-512:
  OPENBLAS_CORETYPE=Haswell ATEN_CPU_CAPABILITY=avx2 MKL_ENABLE_INSTRUCTIONS=AVX2 ONEDNN_MAX_CPU_ISA=AVX2 \\
      bench/cpu-step --compiler 'build/bin/nf-compile --cpu=x86-64-v3'
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

import torch

from gemm_rates import Operands, Tiles, best_rates, model_products, numpy_seconds, tile_rule, torch_seconds

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT / "test" / "numerics"))
from training_files import CONSTANT_RATE, Executable, make_batches, save  # noqa: E402


@dataclass
class Shape:
    name: str
    definition: Path
    micro_batch: int
    sequence: int
    settings: tuple = ()

    @property
    def tokens(self):
        return self.micro_batch * self.sequence


GPT2, SMALL = ROOT / "models" / "gpt2-124m.toml", HERE / "cpu-6.9m.toml"
PLAIN = [Shape("gpt2-124m-4x64", GPT2, 4, 64), Shape("gpt2-124m-1x512", GPT2, 1, 512),
         Shape("6.9m-8x256", SMALL, 8, 256)]
NORMFORMER = {s.name: replace(s, name=s.name + "-normformer", settings=("norm.preset=normformer",)) for s in PLAIN}


def say(*words):
    print(*words, flush=True)


@dataclass
class Turns:
    """Median step times of one program, a turn each."""

    seconds: list = field(default_factory=list)

    @property
    def median(self):
        return median(self.seconds)

    @property
    def spread(self):
        return (max(self.seconds) - min(self.seconds)) / self.median


class Ours:
    """A compiled program; every turn is a process."""

    def __init__(self, executable, weights, batch):
        self.command = [*executable.command, "step", "--weights", str(weights), "--batch", str(batch), "--time",
                        *CONSTANT_RATE]
        self.batch_steps = 3
        self.memory = 0

    def lines(self):
        """Runs the 3 steps of the batch file: [{"step", "seconds", "loss"}]."""
        command = [*self.command, "--steps", str(self.batch_steps)]
        launcher = [sys.executable, "-S", HERE / "peak_memory.py"]
        done = subprocess.run([*launcher, *command], stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise SystemExit(f"error: our program failed: {shlex.join(command)}")
        *steps, peak = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        self.memory = max(self.memory, peak["peak_memory"])
        return steps

    def first_losses(self):
        return [line["loss"] for line in self.lines()]

    def turn(self):
        return median(line["seconds"] for line in self.lines()[1:])

    def close(self):
        return self.memory


class Peer:
    """A PyTorch process, waiting between its turns."""

    def __init__(self, mode, *files):
        self.mode = mode
        self.process = subprocess.Popen([sys.executable, HERE / "torch_peer.py", mode, *files], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def ask(self, line):
        try:
            print(line, file=self.process.stdin, flush=True)
            return json.loads(self.process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError):
            reason = self.process.stderr.read().strip().splitlines() or ["no message"]
            raise PeerFailed(reason[-1]) from None

    def first_losses(self):
        return self.ask("first 3")

    def turn(self):
        return median(self.ask("time 3")[1:])

    def close(self):
        return self.ask("exit")


class PeerFailed(Exception):
    pass


def start(shape, options, folder):
    """Compiles and starts all programs: (metadata, {name: program}) with equal losses."""
    settings = (f"train.micro_batch={shape.micro_batch}", f"train.sequence={shape.sequence}",
                f"train.global_batch={shape.micro_batch}", "train.precision=fp32", *shape.settings)
    command = [*shlex.split(options.compiler), shape.definition, "-o", folder / "program"]
    for setting in settings:
        command += ["--set", setting]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    executable = Executable(str(folder / "program"))
    about, weights, batch = folder / "metadata.json", folder / "weights.safetensors", folder / "batch.safetensors"
    metadata = executable.metadata()
    about.write_text(json.dumps(metadata))
    executable.dump(weights, 1)
    save(make_batches(metadata, 3, padding=False), batch)

    programs = {"ours": Ours(executable, weights, batch)}
    reference = programs["ours"].first_losses()
    for mode in ("eager", "compile"):
        peer = Peer(mode, about, weights, batch)
        try:
            losses = peer.first_losses()
        except PeerFailed as failure:
            if mode == "eager":
                raise SystemExit(f"error: PyTorch failed: {failure}") from None
            say(f"note {shape.name}: torch.compile does not work here, left out: {failure}")
            continue
        error = max(abs(a - b) / abs(b) for a, b in zip(reference, losses, strict=True))
        if not error <= 1e-4:
            raise SystemExit(f"FAILED: losses of {shape.name}: ours {reference}, PyTorch {mode} {losses}, "
                             f"relative difference {error:.1e}, allowed 1e-4")
        programs[mode] = peer
    return metadata, programs


def take_turns(programs, repeats):
    turns = {name: Turns() for name in programs}
    for _ in range(repeats):
        for name, program in programs.items():
            turns[name].seconds.append(program.turn())
    return turns


def measure(shape, programs, repeats):
    turns = take_turns(programs, repeats)
    if max(t.spread for t in turns.values()) > 0.15:
        say(f"note {shape.name}: a spread over 15 %, all turns once more")
        again = take_turns(programs, repeats)
        turns = min(turns, again, key=lambda all_turns: max(t.spread for t in all_turns.values()))
    for name, t in turns.items():
        say(f"time {shape.name} {name} {t.median:.4f} min {min(t.seconds):.4f} spread {100 * t.spread:.0f}%")
    return turns


class Machine:
    """What this machine can do in this run: the bandwidth, and the rates of the products of a model."""

    def __init__(self):
        threads = len(os.sched_getaffinity(0))
        torch.set_num_threads(threads)
        self.tiles, self.operands = Tiles(threads), Operands()
        self.bandwidth = self.tiles.bandwidth()
        say(f"machine: {threads} threads, OpenBLAS kernel {self.tiles.kernel()}, {self.bandwidth / 1e9:.0f} GB/s")

    def best_rate(self, model, tokens):
        """FLOP a second: the best product of the model in the best library."""
        ways = {"tiles": lambda p, x: self.tiles.seconds(p, x, tile_rule(p.m, p.n, p.k)), "NumPy": numpy_seconds,
                "PyTorch": torch_seconds}
        products = model_products(model["d_model"], model["d_ffn"], model["vocab"], tokens, min(tokens, 512))
        rate, name, way = max((rate, p.name, way) for p in products
                              for way, rate in best_rates(p, ways, self.operands, 3).items())
        say(f"machine: {rate / 1e9:.0f} GF/s ({name}, {way})")
        return rate

    def floor(self, metadata, tokens):
        """Seconds of a step that only multiplies, three products a linear, and moves 28 B a parameter."""
        model = metadata["model"]
        d, f = model["d_model"], model["d_ffn"]
        linears = model["layers"] * (4 * d * d + 2 * d * f) + model["vocab"] * d
        return 6 * linears * tokens / self.best_rate(model, tokens) + 28 * metadata["parameters"] / self.bandwidth


def bench(shape, machine, options):
    """Our median seconds."""
    with tempfile.TemporaryDirectory() as folder:
        metadata, programs = start(shape, options, Path(folder))
        turns = measure(shape, programs, options.repeats)
        memory = {name: program.close() for name, program in programs.items()}
    ours = turns.pop("ours").median
    say(f"ratio {shape.name} {ours / min(t.median for t in turns.values()):.3f}")
    say(f"floor {shape.name} {ours / machine.floor(metadata, shape.tokens):.3f}")
    say(f"memory {shape.name} {memory['ours'] / memory['eager']:.3f} ({memory['ours'] / 1e9:.2f} GB, "
        f"eager {memory['eager'] / 1e9:.2f} GB)")
    return ours


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compiler", default=str(ROOT / "build" / "bin" / "nf-compile"))
    parser.add_argument("--repeats", type=int, default=7, help="turns of each program")
    parser.add_argument("--only", nargs="+", default=[s.name for s in PLAIN], choices=[s.name for s in PLAIN])
    options = parser.parse_args()
    machine = Machine()
    for plain in (s for s in PLAIN if s.name in options.only):
        ours, normformer = (bench(shape, machine, options) for shape in (plain, NORMFORMER[plain.name]))
        say(f"normformer {plain.name} {normformer / ours:.3f}")


if __name__ == "__main__":
    main()
