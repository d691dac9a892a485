"""What NormFormer's three operations cost a training step, here and in PyTorch: fp32, AdamW and clipping, all cores.

  bench/normformer-overhead [--compiler build/bin/nf-compile] [--repeats 7] [--only SHAPE ...]

For each shape: our NormFormer and our Pre-LN program, PyTorch's two eager and two compiled ones, take turns as in
bench/cpu-step, in pairs, so that both of a pair meet the same neighbours. Printed:

  overhead <shape> <who> <value> min <min> max <max>   median of the pairs' NormFormer step over Pre-LN step
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median

from cpu_step import NORMFORMER, PLAIN, ROOT, say, start


def pairs(plain, normformer, repeats):
    """{who: NormFormer's step over Pre-LN's, one a turn}; who goes first alternates."""
    ratios = {who: [] for who in plain if who in normformer}
    for turn in range(repeats):
        for who, found in ratios.items():
            order = [plain[who], normformer[who]] if turn % 2 else [normformer[who], plain[who]]
            seconds = {program: program.turn() for program in order}
            found.append(seconds[normformer[who]] / seconds[plain[who]])
    return ratios


def bench(shape, options):
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        _, plain = start(shape, options, Path(first))
        _, normformer = start(NORMFORMER[shape.name], options, Path(second))
        for who, ratios in pairs(plain, normformer, options.repeats).items():
            say(f"overhead {shape.name} {who} {median(ratios):.3f} min {min(ratios):.3f} max {max(ratios):.3f}")
        for program in (*plain.values(), *normformer.values()):
            program.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compiler", default=str(ROOT / "build" / "bin" / "nf-compile"))
    parser.add_argument("--repeats", type=int, default=7, help="pairs of turns of each program")
    names = [shape.name for shape in PLAIN]
    parser.add_argument("--only", nargs="+", default=["gpt2-124m-4x64", "6.9m-8x256"], choices=names)
    options = parser.parse_args()
    for shape in (s for s in PLAIN if s.name in options.only):
        bench(shape, options)


if __name__ == "__main__":
    main()
