"""Rates of matrix products by every way that this machine offers: tiles of a serial library on our own threads, libraries
with their own threads. Used by cpu-gemm (tables) and cpu-step (the floor of a step)."""

import ctypes
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
SERIAL = "openblas-serial"
ARENA = 160_000_000  # floats; operands rotate through it, so that weights come from memory as in a step


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


def tile_rule(m, n, k):
    """(rows, columns, slices of k) of a task. The cost is relative to the bare arithmetic: a library packs both of a tile's
    operands, and a narrow tile costs three times as much as a low one; padding; tasks that 8 threads cannot share
    evenly; writing and adding the partial sums of slices."""
    best = (0, m, n, 1)
    for slices in (1, 2, 4, 8):
        if slices > 1 and (k // slices < 256 or (slices - 1) * m * n * 4 > 16 << 20):
            continue
        for i in range(1, 65):
            for j in range(1, 65):
                rows, columns = round_up(-(-m // i), 16), round_up(-(-n // j), 16)
                tasks = -(-m // rows) * -(-n // columns) * slices
                if not (64 <= rows <= 1024 or i == 1 and rows < 64) or not (64 <= columns <= 2048 or j == 1 and columns < 64):
                    continue
                if not 8 <= tasks <= 64:
                    continue
                cost = (1 + 10 / rows + 30 / columns) * round_up(m, rows) * round_up(n, columns) / (m * n)
                cost *= round_up(tasks, 8) / tasks
                cost += 20 * slices / k if slices > 1 else 0
                if best[0] == 0 or cost < best[0] - 1e-9:
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

    def update_seconds(self, parameters):
        """Seconds of an AdamW-like pass over `parameters`: reads 16 and writes 12 bytes of each."""
        return self.library.pool_update(self.pool, parameters, *(x.ctypes.data for x in parameters_of(parameters)))


def parameters_of(count):
    return [np.full(count, value, dtype=np.float32) for value in (0.1, 0.01, 0.0, 0.0)]


def build_helper():
    """Compiles the helper with the serial OpenBLAS inside and loads it."""
    output = Path(tempfile.mkdtemp()) / "tiles.so"
    libraries = next(Path("/usr/lib").glob(f"*/{SERIAL}/libopenblas.a"), None)
    if libraries is None:
        raise SystemExit("error: expected the static serial OpenBLAS, but found none; run tools/setup.sh")
    include = Path("/usr/include") / libraries.parts[3] / SERIAL
    subprocess.run(["c++", "-std=c++20", "-O3", "-march=native", "-shared", "-fPIC", f"-I{include}",
                    HERE / "cpu_gemm_tiles.cpp", "-Wl,-Bsymbolic,--exclude-libs,ALL", libraries, "-lgfortran", "-lpthread",
                    "-lm", "-o", output], check=True)
    library = ctypes.CDLL(str(output))
    pointer, size = ctypes.c_void_p, ctypes.c_int64
    library.library_kernel.restype = ctypes.c_char_p
    library.pool_new.restype, library.pool_new.argtypes = pointer, [ctypes.c_int]
    library.pool_gemm.restype = ctypes.c_double
    library.pool_gemm.argtypes = [pointer, ctypes.c_int, ctypes.c_int, *[size] * 6, *[pointer] * 4]
    library.pool_update.restype, library.pool_update.argtypes = ctypes.c_double, [pointer, size, *[pointer] * 4]
    return library
