#!/usr/bin/env python3
"""Random graphs, by seed: what every pass makes of them is what the reference says. Ops follow each other as they do in
transformers and as they do not: rows of arithmetic between products, reductions of reductions, values read many times.

usage: random_graphs_test.py [build/bin/nf-check] [first seed] [number of graphs] [--O0]    (500 of them without)

Each graph: the reference in double = decomposed and raised again = with all folds = fused and compiled; its gradients =
with values computed again in backward = fused and compiled. Each tenth module is compiled without optimization too, and
every one with --O0 as the last argument.
"""

import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from random_case import Case, tensor

GRAPHS = 500
TOGETHER = 10  # graphs of one module: a process and a compilation for all of them
OPS = (4, 12)
FOLDS = "nf.program(nf-merge-linears{all}),nf-fold-layer-norm-affine{all},nf-fold-head-scale{all}"
# The program, what to prepare, and what to compare the reference with. Folds are of parameters as they are.
CHECKS = [("values", "", f"pass:{FOLDS}"),
          ("values", "", "pass:nf-decompose,nf-stage-raise{verify=false}"),
          ("values", "", "cpu"),
          ("forward_backward", "nf-differentiate", "pass:nf-recompute"),
          ("forward_backward", "nf-differentiate", "cpu")]
PLAIN_EVERY = 10


class Graph:
    """Values of [batch, sequence, columns] that later ops may read."""

    def __init__(self, case):
        self.case, self.rng = case, case.rng
        self.rows = [self.rng.choice([1, 2, 3]), self.rng.choice([1, 4, 7, 16])]
        self.values = []
        shape = self.rows + [self.rng.choice([8, 12, 16, 33])]
        self.add(case.parameter(shape), shape)

    def add(self, value, shape):
        self.values.append((value, shape))

    def pick(self):
        """Later values more often, so that graphs are deep."""
        return self.values[max(self.rng.randrange(len(self.values)) for _ in range(2))]

    def op(self, text, shape):
        self.add(self.case.op(text, shape), shape)
        return self.values[-1][0]


def activation(g):
    x, shape = g.pick()
    g.op(f"nf.{g.rng.choice(['gelu', 'gelu_tanh', 'relu2', 'silu', 'tanh', 'erf'])} {x} : ({tensor(shape)})", shape)


def norm(g):
    """Also what attention reads: scores of large numbers lose all digits of their gradients, in any order of sums."""
    x, shape = g.pick()
    row, vector = tensor(shape[:-1] + [1]), tensor(shape[-1:])
    y = g.case.name("v")
    if g.rng.random() < 0.5:
        w, b = g.case.parameter(shape[-1:]), g.case.parameter(shape[-1:])
        g.case.lines.append(f"  %{y}, %{y}m, %{y}r = nf.layer_norm {x}, {w}, {b} {{eps = 1.0e-2 : f64}} : "
                            f"({tensor(shape)}, {vector}, {vector}) -> ({tensor(shape)}, {row}, {row})")
    else:
        g.case.lines.append(f"  %{y}, %{y}r = nf.normalize {x} {{eps = 1.0e-2 : f64}} : "
                            f"({tensor(shape)}) -> ({tensor(shape)}, {row})")
    g.add(f"%{y}", shape)
    return g.values[-1]


def softmax(g):
    x, shape = g.pick()
    g.op(f"nf.softmax {x} : ({tensor(shape)})", shape)


def row_statistic(g):
    """A value and a number of each of its rows, together."""
    x, shape = g.pick()
    row = shape[:-1] + [1]
    name = g.rng.choice(["reduce_sum", "reduce_mean", "reduce_max"])
    statistic = g.case.op(f"nf.{name} {x} axes [2] : ({tensor(shape)})", row)
    if name == "reduce_sum":
        part = g.case.name("v")
        g.case.lines.append(f"  %{part} = nf.constant dense<{1 / shape[-1]}> : tensor<1xf32>")
        statistic = g.case.op(f"nf.mul {statistic}, %{part} : ({tensor(row)}, tensor<1xf32>)", row)
    y = g.op(f"nf.{g.rng.choice(['add', 'sub', 'mul'])} {x}, {statistic} : ({tensor(shape)}, {tensor(row)})", shape)
    # The mean of normalized rows is 0 but for rounding; so would be what is made of it alone.
    g.values.pop()
    g.op(f"nf.add {x}, {y} : ({tensor(shape)}, {tensor(shape)})", shape)


def column_statistic(g):
    x, shape = g.pick()
    if shape[0] * shape[1] == 1:  # what is left of one row less its mean is rounding
        return
    column = [1, 1, shape[-1]]
    statistic = g.case.op(f"nf.reduce_mean {x} axes [0, 1] : ({tensor(shape)})", column)
    g.op(f"nf.sub {x}, {statistic} : ({tensor(shape)}, {tensor(column)})", shape)


def combine(g):
    """Two values of one shape: a residual, a gate, a choice."""
    x, shape = g.pick()
    y = g.rng.choice([value for value, other in g.values if other == shape])
    types = f"{tensor(shape)}, {tensor(shape)}"
    name = g.rng.choice(["add", "add", "sub", "mul", "max", "where"])
    if name != "where":
        g.op(f"nf.{name} {x}, {y} : ({types})", shape)
        return
    mask = g.case.op(f"nf.compare lt {x}, {g.case.argument(shape)} : ({types})", shape, "i1")
    g.op(f"nf.where {mask}, {x}, {y} : ({tensor(shape, 'i1')}, {types})", shape)


def scale(g):
    x, shape = g.pick()
    if g.rng.random() < 0.5:
        heads = g.rng.choice([h for h in (1, 2, 3, 4) if shape[-1] % h == 0])
        gamma = g.case.parameter([heads])
        g.op(f"nf.head_scale {x}, {gamma} : ({tensor(shape)}, {tensor([heads])})", shape)
    else:
        factors = g.case.parameter(shape[-1:])
        g.op(f"nf.residual_scale {x}, {factors} : ({tensor(shape)}, {tensor(shape[-1:])})", shape)


def linear(g, value=None):
    x, shape = value or g.pick()
    outer = g.rng.choice([8, 12, 16, 33])
    w, b = g.case.parameter([outer, shape[-1]], -0.5, 0.5), g.case.parameter([outer])
    bias, bias_type = (f" bias {b}", f", {tensor([outer])}") if g.rng.random() < 0.5 else ("", "")
    return g.op(f"nf.linear {x}, {w}{bias} : ({tensor(shape)}, {tensor([outer, shape[-1]])}{bias_type})",
                shape[:-1] + [outer])


def attention(g):
    x, shape = norm(g)
    width = shape[-1]
    weight = tensor([width, width])
    q, k, v = (g.case.op(f"nf.linear {x}, {g.case.parameter([width, width], -0.5, 0.5)} : ({tensor(shape)}, {weight})",
                         shape) for _ in range(3))
    heads = g.rng.choice([h for h in (1, 2, 4) if width % h == 0])
    flags = ", causal" if g.rng.random() < 0.5 else ""
    y, types = g.case.name("v"), ", ".join([tensor(shape)] * 3)
    g.case.lines.append(f"  %{y}, %{y}l = nf.attention {q}, {k}, {v} {{heads = {heads} : i64, scale = 0.3 : f64{flags}}} "
                        f": ({types}) -> ({tensor(shape)}, {tensor([shape[0], heads, shape[1]])})")
    g.add(f"%{y}", shape)


def movement(g):
    """Two parts of the columns, exchanged; or there and back by transposes and reshapes."""
    x, shape = g.pick()
    if g.rng.random() < 0.5 and shape[-1] > 1:
        cut = g.rng.randint(1, shape[-1] - 1)
        low, high = shape[:-1] + [cut], shape[:-1] + [shape[-1] - cut]
        a = g.case.op(f"nf.slice {x} axis 2 from 0 size {cut} : ({tensor(shape)})", low)
        b = g.case.op(f"nf.slice {x} axis 2 from {cut} size {shape[-1] - cut} : ({tensor(shape)})", high)
        g.op(f"nf.concat {b}, {a} axis 2 : ({tensor(high)}, {tensor(low)})", shape)
        return
    turned = [shape[1], shape[0], shape[2]]
    flat = [shape[0] * shape[1], shape[2]]
    value = g.case.op(f"nf.transpose {x} [1, 0, 2] : ({tensor(shape)})", turned)
    value = g.case.op(f"nf.reshape {value} : ({tensor(turned)})", flat)
    value = g.case.op(f"nf.reshape {value} : ({tensor(flat)})", turned)
    g.op(f"nf.transpose {value} [1, 0, 2] : ({tensor(turned)})", shape)


KINDS = [activation, activation, norm, norm, softmax, row_statistic, row_statistic, column_statistic, combine, combine,
         combine, scale, linear, linear, attention, movement]


def build(case):
    graph = Graph(case)
    for _ in range(case.rng.randint(*OPS)):
        case.rng.choice(KINDS)(graph)
    taken = {graph.values[-1][0]: graph.values[-1]}
    if case.rng.random() < 0.3:
        value = graph.pick()
        taken[value[0]] = value
    for value in taken.values():
        case.take(*value)


def check(nf_check, path, plain, levels):
    """Compares the graphs of a module in every way; `levels` are the options of the optimizations to compile with."""
    runs = [(*each, level) for each in CHECKS for level in (levels if each[2] == "cpu" else [""])]
    for program, prepare, against, level in runs:
        command = [nf_check, str(plain if FOLDS in against else path), f"--program={program}", f"--against={against}",
                   "--tolerance=5e-5"]
        command += ([f"--prepare={prepare}"] if prepare else []) + ([level] if level else [])
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            return f"{' '.join(command)}\n{done.stderr.strip() or f'nf-check ended with {done.returncode}'}"
    return ""


def module(seeds, plain=False):
    """The graphs of these seeds in one module."""
    case = Case(seeds[0], plain)
    for seed in seeds:
        case.rng.seed(seed)
        build(case)
    return case.module()


def main():
    plain_every = 1 if sys.argv[-1] == "--O0" else PLAIN_EVERY
    arguments = [argument for argument in sys.argv[1:] if argument != "--O0"]
    nf_check = arguments[0] if arguments else "build/bin/nf-check"
    first = int(arguments[1]) if len(arguments) > 1 else 0
    count = int(arguments[2]) if len(arguments) > 2 else GRAPHS
    groups = [list(range(seed, min(seed + TOGETHER, first + count))) for seed in range(first, first + count, TOGETHER)]

    with tempfile.TemporaryDirectory() as folder:
        def run(seeds):
            path, plain = (Path(folder) / f"{name}-{seeds[0]}.mlir" for name in ("graphs", "plain"))
            path.write_text(module(seeds))
            plain.write_text(module(seeds, plain=True))
            levels = ["", "--O0"] if seeds[0] // TOGETHER % plain_every == 0 else [""]
            return check(nf_check, path, plain, levels)

        failed = 0
        with ThreadPoolExecutor(2) as pool:
            for seeds, error in zip(groups, pool.map(run, groups)):
                if error:
                    # Which of them it is, and that one alone.
                    culprit = next((seed for seed in seeds if run([seed])), seeds[0])
                    failed += 1
                    print(f"random graph {culprit} of {seeds[0]} to {seeds[-1]}:\n{error[:2000]}\n{module([culprit])}",
                          file=sys.stderr)
    print(f"{len(groups) - failed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
