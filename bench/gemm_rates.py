"""Rates of matrix products by every way that this machine offers: tiles of a serial library on our own threads, and
libraries with their own threads. Used by cpu-gemm (tables) and cpu-step (the floor of a step)."""

import ctypes
import math
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
SERIAL = "openblas-serial"
ARENA = 120_000_000  # floats


@dataclass(frozen=True)
class Product:
    """C[m,n] = op(A) op(B), row-major; `name` for tables."""

    name: str
    transpose_a: bool
    transpose_b: bool
    m: int
    n: int
    k: int

    @property
    def flops(self):
        return 2 * self.m * self.n * self.k


def linear_products(name, rows, outputs, inputs):
    """The three products of y[rows, outputs] = x[rows, inputs] W[outputs, inputs]^T in training."""
    return [Product(f"{name} forward", False, True, rows, outputs, inputs),
            Product(f"{name} dX", False, False, rows, inputs, outputs),
            Product(f"{name} dW", True, False, outputs, inputs, rows)]


def model_products(d_model, d_ffn, vocab, rows, head_rows):
    """Those of a block and of the vocabulary projection, q, k and v as one linear."""
    return (linear_products("qkv", rows, 3 * d_model, d_model) + linear_products("out", rows, d_model, d_model)
            + linear_products("fc1", rows, d_ffn, d_model) + linear_products("fc2", rows, d_model, d_ffn)
            + linear_products("head", head_rows, vocab, d_model))


def round_up(value, step):
    return -(-value // step) * step


def tile_sizes(length, most):
    """Multiples of 16 that cut `length` into 1 to 64 parts, none under 64 unless all of it is."""
    for parts in range(1, 65):
        size = round_up(-(-length // parts), 16)
        if size < 64 and parts > 1:
            return
        if size <= most:
            yield size


def tile_rule(m, n, k, most_slices=8):
    """(rows, columns, slices of k) of a task, for m x n results. The cost is relative to the bare arithmetic: a library
    packs both operands of a tile, and a narrow tile costs three times as much as a low one; padding; tasks that 8
    threads cannot share evenly; writing and adding the partial sums of slices."""
    best = (math.inf, m, n, 1)
    for slices in (1, 2, 4, 8):
        if slices > most_slices or slices > 1 and (k // slices < 512 or (slices - 1) * m * n * 4 > 16 << 20):
            continue
        for rows in tile_sizes(m, 1024):
            for columns in tile_sizes(n, 2048):
                tasks = -(-m // rows) * -(-n // columns) * slices
                if not 8 <= tasks <= 64:
                    continue
                cost = (1 + 10 / rows + 30 / columns) * round_up(m, rows) * round_up(n, columns) / (m * n)
                cost = cost * round_up(tasks, 8) / tasks + (20 * slices / k if slices > 1 else 0)
                if cost < best[0] - 1e-9:
                    best = (cost, rows, columns, slices)
    return best[1:]


class Tiles:
    """Single-threaded library calls, a tile each, on threads of ours (cpu_gemm_tiles.cpp)."""

    def __init__(self, threads):
        self.library = build_helper()
        self.threads = threads
        self.pool = self.library.pool_new(threads)
        self.partial = np.zeros((16 << 20) // 4, dtype=np.float32)

    def kernel(self):
        return self.library.library_kernel().decode()

    def seconds(self, product, operands, tile):
        p, (rows, columns, slices) = product, tile
        return self.library.pool_gemm(self.pool, p.transpose_a, p.transpose_b, p.m, p.n, p.k, rows, columns, slices,
                                      *(x.ctypes.data for x in operands), self.partial.ctypes.data)

    def bandwidth(self, parameters=30_000_000, repeats=7):
        """Bytes a second of an AdamW-like pass: 28 bytes a parameter (p, g, m, v read; p, m, v written)."""
        arrays = [np.full(parameters, value, dtype=np.float32) for value in (0.1, 0.01, 0.0, 0.0)]
        pointers = [x.ctypes.data for x in arrays]
        return 28 * parameters / min(self.library.pool_update(self.pool, parameters, *pointers) for _ in range(repeats))


class Operands:
    """Arrays from large arenas, in turn: a product finds its weights in memory, not in a cache, as in a step."""

    def __init__(self):
        self.inputs = Arena(np.random.default_rng(1).standard_normal(ARENA, dtype=np.float32))
        self.outputs = Arena(np.zeros(ARENA // 2, dtype=np.float32))

    def of(self, p):
        """A, B, C as stored."""
        a = self.inputs.take(*((p.k, p.m) if p.transpose_a else (p.m, p.k)))
        b = self.inputs.take(*((p.n, p.k) if p.transpose_b else (p.k, p.n)))
        return a, b, self.outputs.take(p.m, p.n)


class Arena:
    def __init__(self, values):
        self.values, self.position = values, 0

    def take(self, rows, columns):
        size = rows * columns
        if self.position + size > self.values.size:
            self.position = 0
        start, self.position = self.position, self.position + round_up(size, 16)
        return self.values[start:start + size].reshape(rows, columns)


def timed(function, *arguments, **keywords):
    start = time.perf_counter()
    function(*arguments, **keywords)
    return time.perf_counter() - start


def numpy_seconds(p, operands):
    """NumPy's OpenBLAS with its own threads."""
    a, b, c = operands
    return timed(np.matmul, a.T if p.transpose_a else a, b.T if p.transpose_b else b, out=c)


def torch_seconds(p, operands):
    """PyTorch's library (MKL in PyPI's x86 builds) with its own threads."""
    a, b, c = map(torch.from_numpy, operands)
    return timed(torch.matmul, a.T if p.transpose_a else a, b.T if p.transpose_b else b, out=c)


def onednn_seconds(p, operands):
    """The oneDNN inside PyTorch with its own threads."""
    a, b, _ = map(torch.from_numpy, operands)
    return timed(torch.ops.mkldnn._linear_pointwise, a.T if p.transpose_a else a, b if p.transpose_b else b.T, None,
                 "none", [], "")


class Library:
    """Any shared library with cblas_sgemm, with its own threads."""

    def __init__(self, path):
        self.sgemm = ctypes.CDLL(path).cblas_sgemm
        number, real, pointer = ctypes.c_int, ctypes.c_float, ctypes.c_void_p
        self.sgemm.argtypes = [*[number] * 6, real, pointer, number, pointer, number, real, pointer, number]

    def seconds(self, p, operands):
        a, b, c = operands
        row_major, plain, transposed = 101, 111, 112
        return timed(self.sgemm, row_major, transposed if p.transpose_a else plain,
                     transposed if p.transpose_b else plain, p.m, p.n, p.k, 1.0, a.ctypes.data, a.shape[1],
                     b.ctypes.data, b.shape[1], 0.0, c.ctypes.data, c.shape[1])


QUIET = 0.04  # seconds in which the idle threads of every library stop spinning (OpenBLAS: 2^26 cycles)


def best_rates(product, ways, operands, repeats):
    """{way: FLOP a second}, best of `repeats` turns; `ways`: {name: f(product, operands) -> seconds}. In a turn a way
    has the cores for itself, and multiplies once to wake its threads and twice for the clock."""
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(repeats):
        for name, seconds in ways.items():
            time.sleep(QUIET)
            seconds(product, operands.of(product))
            best[name] = min(best[name], seconds(product, operands.of(product)), seconds(product, operands.of(product)))
    return {name: product.flops / seconds for name, seconds in best.items()}


def build_helper():
    """Compiles the helper with the serial OpenBLAS inside and loads it."""
    output = Path(tempfile.mkdtemp()) / "tiles.so"
    libraries = next(Path("/usr/lib").glob(f"*/{SERIAL}/libopenblas.a"), None)
    if libraries is None:
        raise SystemExit("error: expected the static serial OpenBLAS, but found none; run tools/setup.sh")
    include = Path("/usr/include") / libraries.parts[3] / SERIAL
    subprocess.run(["c++", "-std=c++20", "-O3", "-march=native", "-shared", "-fPIC", f"-I{include}",
                    HERE / "cpu_gemm_tiles.cpp", "-Wl,-Bsymbolic,--exclude-libs,ALL", libraries, "-lpthread", "-lm",
                    "-o", output], check=True)
    library = ctypes.CDLL(str(output))
    pointer, size = ctypes.c_void_p, ctypes.c_int64
    library.library_kernel.restype = ctypes.c_char_p
    library.pool_new.restype, library.pool_new.argtypes = pointer, [ctypes.c_int]
    library.pool_gemm.restype = ctypes.c_double
    library.pool_gemm.argtypes = [pointer, ctypes.c_int, ctypes.c_int, *[size] * 6, *[pointer] * 4]
    library.pool_update.restype, library.pool_update.argtypes = ctypes.c_double, [pointer, size, *[pointer] * 4]
    return library
