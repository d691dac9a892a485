"""Rates of the matrix products of a training step: our tiles against libraries with their own threads.

  bench/cpu-gemm [--rows 256,512] [--d-model 768 --d-ffn 3072 --vocab 50257] [--library NAME=PATH ...] [--search]

GF/s, best of several turns in which all ways alternate; weights come from memory. `one x T` is one thread on the whole
matrix times the number of threads: what a perfect division would give. `tiles` divides the product by the rule
gemm_rates.tile_rule; `no slices` never cuts the sum over k. --search tries all tiles and prints the best.
NumPy is OpenBLAS with its own threads, PyTorch is MKL; oneDNN is PyTorch's copy. --library adds a shared library with
cblas_sgemm (BLIS, another OpenBLAS).
"""

import argparse
import os

import torch

from gemm_rates import (Library, Operands, Tiles, best_rates, model_products, numpy_seconds, onednn_seconds, round_up,
                        tile_rule, torch_seconds)


def tile_text(tile):
    rows, columns, slices = tile
    return f"{rows}x{columns}" + (f"/{slices}" if slices > 1 else "")


def candidates(p):
    """Every grid with 8 to 64 tasks of at least 48 x 48."""
    for slices in (1, 2, 4, 8):
        for i in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64):
            for j in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64):
                rows, columns = round_up(-(-p.m // i), 16), round_up(-(-p.n // j), 16)
                fits = slices == 1 or p.k // slices >= 512 and (slices - 1) * p.m * p.n * 4 <= 16 << 20
                if fits and min(rows, columns) >= 48 and 8 <= i * j * slices <= 64:
                    yield rows, columns, slices


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="256,512", help="tokens of a micro-batch")
    parser.add_argument("--d-model", type=int, default=768)
    parser.add_argument("--d-ffn", type=int, default=3072)
    parser.add_argument("--vocab", type=int, default=50257)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--library", action="append", default=[], metavar="NAME=PATH")
    parser.add_argument("--search", action="store_true")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    one, tiles, operands = Tiles(1), Tiles(options.threads), Operands()
    ways = {
        f"one x {options.threads}": lambda p, x: one.seconds(p, x, (p.m, p.n, 1)) / options.threads,
        "tiles": lambda p, x: tiles.seconds(p, x, tile_rule(p.m, p.n, p.k)),
        "no slices": lambda p, x: tiles.seconds(p, x, tile_rule(p.m, p.n, p.k, most_slices=1)),
        "NumPy": numpy_seconds,
        "PyTorch": torch_seconds,
        "oneDNN": onednn_seconds,
    } | {text.split("=", 1)[0]: Library(text.split("=", 1)[1]).seconds for text in options.library}

    print(f"OpenBLAS kernel {tiles.kernel()}, {options.threads} threads, GF/s")
    searched = " best tiles |" if options.search else ""
    print(f"| rows | product | m x n x k | tile | {' | '.join(ways)} |{searched}")
    print("|---" * (4 + len(ways) + options.search) + "|")
    for rows in map(int, options.rows.split(",")):
        total = dict.fromkeys(ways, 0.0)
        for p in model_products(options.d_model, options.d_ffn, options.vocab, rows, rows):
            rates = best_rates(p, ways, operands, options.repeats)
            for way, rate in rates.items():
                total[way] += p.flops / rate
            line = [rows, p.name, f"{p.m}x{p.n}x{p.k}", tile_text(tile_rule(p.m, p.n, p.k)),
                    *(f"{rate / 1e9:.0f}" for rate in rates.values())]
            if options.search:
                found = {tile: (lambda p, x, tile=tile: tiles.seconds(p, x, tile)) for tile in candidates(p)}
                ranked = sorted(best_rates(p, found, operands, 2).items(), key=lambda item: -item[1])
                line.append(", ".join(f"{tile_text(tile)} {rate / 1e9:.0f}" for tile, rate in ranked[:4]))
            print("| " + " | ".join(map(str, line)) + " |", flush=True)
        least = min(total.values())
        print(f"| {rows} | seconds, one of each | | | " + " | ".join(f"{t:.3f}" for t in total.values()) + " |"
              + (" |" if options.search else ""))
        print(f"| {rows} | over the least | | | " + " | ".join(f"{t / least:.2f}" for t in total.values()) + " |"
              + (" |" if options.search else ""))


if __name__ == "__main__":
    main()
