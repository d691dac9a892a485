#!/usr/bin/env python3
"""Every op family at random shapes, compiled against the reference in double, forward and backward: sizes around the
width of vectors, one, thousands of columns, more rows than a task takes. Shapes follow from the case's number alone.

usage: random_shapes_test.py [build/bin/nf-check]
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from random_case import COLUMNS, ROWS, Case, tensor

CASES = 6


def unary(case):
    op = case.rng.choice(["neg", "exp", "tanh", "erf", "gelu", "gelu_tanh", "relu", "relu2", "silu", "softmax"])
    shape = case.rows() + [case.columns()]
    case.take(case.op(f"nf.{op} {case.parameter(shape, -4.0, 4.0)} : ({tensor(shape)})", shape), shape)


def unary_of_positive(case):
    op = case.rng.choice(["log", "sqrt", "rsqrt"])
    shape = case.rows() + [case.columns()]
    case.take(case.op(f"nf.{op} {case.parameter(shape, 0.2, 3.0)} : ({tensor(shape)})", shape), shape)


def binary(case):
    """The second operand has the first one's shape, or is a row, a column or one number."""
    op = case.rng.choice(["add", "sub", "mul", "div", "max", "pow"])
    shape = case.rows() + [case.columns()]
    other = case.rng.choice([shape, shape[-1:], [1], [*[1] * (len(shape) - 1), shape[-1]], [*shape[:-1], 1]])
    low = 0.5 if op in ("div", "pow") else -2.0
    a, b = case.parameter(shape, low, 2.0), case.parameter(other, low, 2.0)
    case.take(case.op(f"nf.{op} {a}, {b} : ({tensor(shape)}, {tensor(other)})", shape), shape)


def choose(case):
    shape = case.rows() + [case.columns()]
    a, b = case.parameter(shape), case.parameter(shape)
    x, y = case.argument(shape), case.argument(shape)
    predicate = case.rng.choice(["lt", "le", "gt", "ge"])
    mask = case.op(f"nf.compare {predicate} {x}, {y} : ({tensor(shape)}, {tensor(shape)})", shape, "i1")
    types = f"{tensor(shape, 'i1')}, {tensor(shape)}, {tensor(shape)}"
    case.take(case.op(f"nf.where {mask}, {a}, {b} : ({types})", shape), shape)


def reduce(case):
    op = case.rng.choice(["reduce_sum", "reduce_mean", "reduce_max"])
    shape = case.rows() + [case.columns()]
    axes = sorted(case.rng.sample(range(len(shape)), case.rng.randint(1, len(shape))))
    if op == "reduce_max":
        axes = [len(shape) - 1]
    result = [1 if axis in axes else size for axis, size in enumerate(shape)]
    case.take(case.op(f"nf.{op} {case.parameter(shape)} axes {axes} : ({tensor(shape)})", result), result)


def layer_norm(case):
    shape = case.rows() + [case.columns()]
    x, w, b = case.parameter(shape), case.parameter(shape[-1:]), case.parameter(shape[-1:])
    y, row = case.name("v"), tensor(shape[:-1] + [1])
    vector = tensor(shape[-1:])
    case.lines.append(f"  %{y}, %{y}m, %{y}r = nf.layer_norm {x}, {w}, {b} {{eps = 1.0e-5 : f64}} : "
                      f"({tensor(shape)}, {vector}, {vector}) -> ({tensor(shape)}, {row}, {row})")
    case.take(f"%{y}", shape)


def normalize(case):
    shape = case.rows() + [case.columns()]
    y = case.name("v")
    case.lines.append(f"  %{y}, %{y}r = nf.normalize {case.parameter(shape)} {{eps = 1.0e-3 : f64}} : "
                      f"({tensor(shape)}) -> ({tensor(shape)}, {tensor(shape[:-1] + [1])})")
    case.take(f"%{y}", shape)


def scales(case):
    heads, width = case.rng.choice([1, 2, 3, 12]), case.rng.choice([1, 5, 8, 64])
    shape = case.rows() + [heads * width]
    x, gamma = case.parameter(shape), case.parameter([heads])
    y = case.op(f"nf.head_scale {x}, {gamma} : ({tensor(shape)}, {tensor([heads])})", shape)
    scale = case.parameter(shape[-1:])
    case.take(case.op(f"nf.residual_scale {y}, {scale} : ({tensor(shape)}, {tensor(shape[-1:])})", shape), shape)


def linear(case):
    rows, inner, outer = case.rows(), case.columns(), case.rng.choice(COLUMNS)
    x, w, b = case.parameter(rows + [inner]), case.parameter([outer, inner]), case.parameter([outer])
    bias, bias_type = (f" bias {b}", f", {tensor([outer])}") if case.rng.random() < 0.5 else ("", "")
    case.take(case.op(f"nf.linear {x}, {w}{bias} : ({tensor(rows + [inner])}, {tensor([outer, inner])}{bias_type})",
                      rows + [outer]), rows + [outer])


def matmul(case):
    m, n, k = case.rng.choice(ROWS), case.rng.choice(COLUMNS), case.rng.choice(COLUMNS)
    batch = [case.rng.choice([1, 2, 5])] if case.rng.random() < 0.5 else []
    flip_a, flip_b = case.rng.random() < 0.5, case.rng.random() < 0.5
    a, b = batch + ([k, m] if flip_a else [m, k]), batch + ([n, k] if flip_b else [k, n])
    flags = ", ".join(name for name, flip in (("transpose_a", flip_a), ("transpose_b", flip_b)) if flip)
    y = case.op(f"nf.matmul {case.parameter(a)}, {case.parameter(b)} {{{flags}}} : ({tensor(a)}, {tensor(b)})",
                batch + [m, n])
    case.take(y, batch + [m, n])


def packed(case, shape):
    """q, k and v as columns of one tensor."""
    whole = [*shape[:2], 3 * shape[2]]
    x = case.parameter(whole)
    return [case.op(f"nf.slice {x} axis 2 from {i * shape[2]} size {shape[2]} : ({tensor(whole)})", shape)
            for i in range(3)]


def attention(case):
    rng = case.rng
    batch, heads, width = rng.choice([1, 2, 3]), rng.choice([1, 2, 3]), rng.choice([1, 4, 15, 16, 17, 64])
    queries = rng.choice([1, 2, 15, 17, 33, 64, 65, 130])
    kind = rng.choice(["causal", "all", "padding", "segments", "cross"])
    keys = rng.choice([1, 3, 16, 63, 100]) if kind in ("cross", "padding") else queries
    shape, key_shape = [batch, queries, heads * width], [batch, keys, heads * width]
    q, k, v = case.parameter(shape), case.parameter(key_shape), case.parameter(key_shape)
    if kind in ("causal", "all") and rng.random() < 0.5:
        q, k, v = packed(case, shape)
    extra, extra_type, flags = "", "", ""
    if kind == "padding":
        padding = case.argument([batch, keys], "f32", ", nf.range = [0.0, 1.0]")
        extra, extra_type = f" key_padding {padding}", f", {tensor([batch, keys])}"
    elif kind == "segments":
        segments = case.indices([batch, keys], 3)
        extra, extra_type = f" segments {segments}", f", {tensor([batch, keys], 'i32')}"
        flags = ", causal"
    elif kind == "causal":
        flags = ", causal"
    y = case.name("v")
    case.lines.append(f"  %{y}, %{y}l = nf.attention {q}, {k}, {v}{extra} "
                      f"{{heads = {heads} : i64, scale = {1 / width ** 0.5} : f64{flags}}} : ({tensor(shape)}, "
                      f"{tensor(key_shape)}, {tensor(key_shape)}{extra_type}) -> ({tensor(shape)}, "
                      f"{tensor([batch, heads, queries])})")
    case.take(f"%{y}", shape)


def embedding(case):
    rows, width, index = case.rng.choice([1, 3, 50]), case.columns(), [case.rng.choice([1, 2]), case.rng.choice(ROWS)]
    table, ids = case.parameter([rows, width]), case.indices(index, rows)
    y = case.op(f"nf.embedding {table}, {ids} : ({tensor([rows, width])}, {tensor(index, 'i32')})", index + [width])
    case.take(y, index + [width])


def cross_entropy(case):
    tokens, width, vocab = [case.rng.choice([1, 2]), case.rng.choice(ROWS)], case.rng.choice(COLUMNS), case.columns()
    x, w = case.parameter(tokens + [width]), case.parameter([vocab, width])
    targets = case.indices(tokens, vocab)
    weight = case.argument(tokens, "f32", ", nf.range = [0.0, 1.0]")
    scale = case.argument([], "f32", ", nf.range = [0.1, 0.2]")
    types = f"{tensor(tokens + [width])}, {tensor([vocab, width])}, {tensor(tokens, 'i32')}, {tensor(tokens)}"
    types += ", tensor<f32>"
    bias = ""
    if case.rng.random() < 0.5:
        bias, types = f" bias {case.parameter([vocab])}", f"{types}, {tensor([vocab])}"
    case.take(case.op(f"nf.linear_cross_entropy {x}, {w}, {targets}, {weight}, {scale}{bias} : ({types})", []), [])


def dropout(case):
    shape = [case.rng.choice([1, 2, 5]), case.rng.choice(ROWS), case.columns()]
    seed, step = (case.argument([], element, ", nf.below = 1000 : i64") for element in ("i64", "i32"))
    offset = case.argument([], "i32", ", nf.below = 9 : i64")
    y = case.op(f"nf.dropout {case.parameter(shape)}, {seed}, {step}, {offset} "
                f"{{p = {case.rng.choice([0.1, 0.5])} : f64, site = {case.rng.randint(0, 9)} : i32}} : "
                f"({tensor(shape)}, tensor<i64>, tensor<i32>, tensor<i32>)", shape)
    case.take(y, shape)


def movement(case):
    """transpose, slice, pad and concat, one after the other."""
    rng, shape = case.rng, case.rows()[:2] + [case.rng.choice(COLUMNS[:14])]
    value, order = case.parameter(shape), list(range(len(shape)))
    rng.shuffle(order)
    turned = [shape[axis] for axis in order]
    value = case.op(f"nf.transpose {value} {order} : ({tensor(shape)})", turned)
    axis = rng.randrange(len(turned))
    start = rng.randrange(turned[axis])
    size = rng.randint(1, turned[axis] - start)
    cut = turned[:axis] + [size] + turned[axis + 1:]
    value = case.op(f"nf.slice {value} axis {axis} from {start} size {size} : ({tensor(turned)})", cut)
    axis, low, high = rng.randrange(len(cut)), rng.randint(0, 3), rng.randint(0, 3)
    padded = cut[:axis] + [cut[axis] + low + high] + cut[axis + 1:]
    value = case.op(f"nf.pad {value} axis {axis} low {low} high {high} : ({tensor(cut)})", padded)
    axis = rng.randrange(len(padded))
    joined = padded[:axis] + [2 * padded[axis]] + padded[axis + 1:]
    value = case.op(f"nf.concat {value}, {value} axis {axis} : ({tensor(padded)}, {tensor(padded)})", joined)
    case.take(value, joined)


FAMILIES = [unary, unary, unary_of_positive, binary, binary, choose, reduce, reduce, layer_norm, layer_norm, normalize,
            scales, linear, linear, matmul, matmul, attention, attention, embedding, cross_entropy, dropout, movement]


def check(nf_check, path):
    """The error text of the module's two programs, or nothing."""
    for flags in (["--program=values"], ["--program=forward_backward", "--prepare=nf-differentiate"]):
        done = subprocess.run([nf_check, str(path), *flags, "--against=cpu"], capture_output=True, text=True,
                              timeout=300)
        if done.returncode != 0:
            return done.stderr.strip() or f"nf-check ended with {done.returncode}"
    return ""


def main():
    nf_check = sys.argv[1] if len(sys.argv) > 1 else "build/bin/nf-check"
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(CASES):
            case = Case(seed)
            for family in FAMILIES:
                family(case)
            path = Path(folder) / f"shapes-{seed}.mlir"
            path.write_text(case.module())
            if error := check(nf_check, path):
                failed += 1
                print(f"random shapes {seed}:\n{error}\n{case.module()}", file=sys.stderr)
    print(f"{CASES - failed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
