"""Bandwidth of row kernels that the compiler generates for layers it does not know, against LayerNorm's.

  bench/cpu-rows [--run build/bin/nf-run] [--shapes 256x768,...] [--repeats 200] [--threads 1]

RMSNorm, SwiGLU and a softmax with temperature are written in primitives, LayerNorm is the dialect's op; each stands
between two matrix products of a program with a loss, so that forward and backward are regions of their own. Bandwidth
is what a region's operands and results hold, over its least time of all repeats and turns; the four take turns. Column
sums of backward are added in a second, small region, whose bytes and time count. Printed:

  layer_norm <shape> forward <GB/s> backward <GB/s>
  ratio <layer> <shape> forward <its bandwidth over LayerNorm's> backward <the same>
"""

import argparse
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

LAYERS = {
    "layer_norm": """
  %g = nf.get @g : tensor<COLSxf32>
  %b = nf.get @b : tensor<COLSxf32>
  %y, %m, %r = nf.layer_norm %x, %g, %b {eps = 1.0e-5 : f64} : (ROWS, tensor<COLSxf32>, tensor<COLSxf32>) -> (ROWS, NUMBERS, NUMBERS)""",
    "rmsnorm": """
  %g = nf.get @g : tensor<COLSxf32>
  %eps = nf.constant dense<1.0e-6> : tensor<1xf32>
  %q = nf.mul %x, %x : (ROWS, ROWS) -> ROWS
  %m = nf.reduce_mean %q axes [1] : (ROWS) -> NUMBERS
  %e = nf.add %m, %eps : (NUMBERS, tensor<1xf32>) -> NUMBERS
  %r = nf.rsqrt %e : (NUMBERS) -> NUMBERS
  %n = nf.mul %x, %r : (ROWS, NUMBERS) -> ROWS
  %y = nf.mul %n, %g : (ROWS, tensor<COLSxf32>) -> ROWS""",
    "swiglu": """
  %one = nf.constant dense<1.0> : tensor<1xf32>
  %n = nf.neg %x : (ROWS) -> ROWS
  %e = nf.exp %n : (ROWS) -> ROWS
  %d = nf.add %e, %one : (ROWS, tensor<1xf32>) -> ROWS
  %s = nf.div %x, %d : (ROWS, ROWS) -> ROWS
  %y = nf.mul %s, %up : (ROWS, ROWS) -> ROWS""",
    "softmax": """
  %t = nf.constant dense<0.7> : tensor<1xf32>
  %a = nf.mul %x, %t : (ROWS, tensor<1xf32>) -> ROWS
  %h = nf.reduce_max %a axes [1] : (ROWS) -> NUMBERS
  %c = nf.sub %a, %h : (ROWS, NUMBERS) -> ROWS
  %e = nf.exp %c : (ROWS) -> ROWS
  %s = nf.reduce_sum %e axes [1] : (ROWS) -> NUMBERS
  %y = nf.div %e, %s : (ROWS, NUMBERS) -> ROWS""",
}

PROGRAM = """
nf.parameter @w : tensor<COLSx4xf32> {init = "{}"}
nf.parameter @u : tensor<COLSx4xf32> {init = "{}"}
nf.parameter @g : tensor<COLSxf32> {init = "{}"}
nf.parameter @b : tensor<COLSxf32> {init = "{}"}
nf.parameter @v : tensor<8xCOLSxf32> {init = "{}"}
nf.program @forward_backward(%in: tensor<NROWSx4xf32> {nf.name = "in"},
    %targets: tensor<NROWSxi32> {nf.name = "targets"}, %weight: tensor<NROWSxf32> {nf.name = "loss_weight"},
    %scale: tensor<f32> {nf.name = "inv_count"}) -> (tensor<f32> {nf.name = "loss"}) {
  %w = nf.get @w : tensor<COLSx4xf32>
  %x = nf.matmul %in, %w {transpose_b} : (tensor<NROWSx4xf32>, tensor<COLSx4xf32>) -> ROWS
  %u = nf.get @u : tensor<COLSx4xf32>
  %up = nf.matmul %in, %u {transpose_b} : (tensor<NROWSx4xf32>, tensor<COLSx4xf32>) -> ROWSLAYER
  %v = nf.get @v : tensor<8xCOLSxf32>
  %loss = nf.linear_cross_entropy %y, %v, %targets, %weight, %scale
    : (ROWS, tensor<8xCOLSxf32>, tensor<NROWSxi32>, tensor<NROWSxf32>, tensor<f32>) -> tensor<f32> loc("loss")
  nf.return %loss : tensor<f32>
}
"""


def module(layer, rows, cols):
    body = "\n".join(line + (' loc("layer")' if line else "") for line in LAYERS[layer].split("\n"))
    text = PROGRAM.replace("LAYER", body).replace("NUMBERS", f"tensor<{rows}x1xf32>")
    return text.replace("NROWS", str(rows)).replace("ROWS", f"tensor<{rows}x{cols}xf32>").replace("COLS", str(cols))


def measure(options, layer, rows, cols):
    """(bytes, seconds) of forward and of backward."""
    command = [options.run, "-", "--threads", str(options.threads), "--repeats", str(options.repeats)]
    done = subprocess.run(command, input=module(layer, rows, cols), capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    sums = [[0, 0.0], [0, 0.0]]
    after_loss = False
    for size, moved, micros, name in re.findall(r"^region (\S+) (\d+) bytes ([\d.]+) us (.*)$", done.stdout, re.M):
        after_loss |= "loss" in name
        if "layer" in name:
            sums[after_loss][0] += int(moved)
            sums[after_loss][1] += float(micros) / 1e6
    return sums


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", default=str(ROOT / "build" / "bin" / "nf-run"))
    parser.add_argument("--shapes", default="256x768,256x3072,1024x768,4096x768,4096x3072")
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    for shape in options.shapes.split(","):
        rows, cols = map(int, shape.split("x"))
        best = {}
        for _ in range(options.turns):
            for layer in LAYERS:
                turn = [moved / seconds / 1e9 for moved, seconds in measure(options, layer, rows, cols)]
                best[layer] = [max(pair) for pair in zip(turn, best.get(layer, turn))]
        forward, backward = best.pop("layer_norm")
        print(f"layer_norm {shape} forward {forward:.1f} backward {backward:.1f}", flush=True)
        for layer, rates in best.items():
            print(f"ratio {layer} {shape} forward {rates[0] / forward:.2f} backward {rates[1] / backward:.2f}", flush=True)


if __name__ == "__main__":
    main()
