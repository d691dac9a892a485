#!/usr/bin/env python3
"""Flash attention on the emulated GPU against the reference in double, forward and backward, at random shapes, masks and
dropout rates: bf16 on tensor cores, then f32 and widths that tensor cores have not. A case follows from its number alone.

usage: flash_test.py [build/bin/nf-check]
"""

import random
import subprocess
import sys
import tempfile
from pathlib import Path

from random_case import tensor

ON_TENSOR_CORES, BY_FMA = 8, 12
TOLERANCES = {"bf16": 1.2e-2, "f32": 3e-5}


def element(seed):
    return "bf16" if seed < ON_TENSOR_CORES or seed % 3 == 0 else "f32"


def module(seed):
    rng = random.Random(seed)
    widths = [8, 16, 24, 32, 40, 64, 80, 128] if seed < ON_TENSOR_CORES else [1, 3, 4, 12, 20, 32, 64, 68, 100, 128, 132]
    batch, heads, width, dtype = rng.choice([1, 2]), rng.choice([1, 2]), rng.choice(widths), element(seed)
    queries = rng.choice([1, 2, 15, 16, 17, 33, 63, 64, 65, 100, 130])
    kind = rng.choice(["causal", "all", "padding", "segments", "cross"])
    keys = rng.choice([17, 64, 70, 97]) if kind in ("cross", "padding") else queries
    rows, key_rows = tensor([batch, queries, heads * width], dtype), tensor([batch, keys, heads * width], dtype)
    lse = tensor([batch, heads, queries])
    arguments = [f"%{name}: {rows if name in ('q', 'dout') else key_rows} {{nf.name = \"{name}\"}}"
                 for name in ("q", "k", "v", "dout")]
    extra, types, flags, body = "", "", "", ""
    if kind == "padding":  # about half of the keys
        mask = tensor([batch, keys])
        arguments.append(f'%p: {mask} {{nf.name = "p", nf.range = [-1.0, 1.0]}}')
        body = f"  %real = nf.relu %p : ({mask}) -> {mask}\n"
        extra, types = " key_padding %real", f", {mask}"
    elif kind == "segments":
        arguments.append(f'%s: {tensor([batch, keys], "i32")} {{nf.name = "s", nf.below = 3 : i64}}')
        extra, types, flags = " segments %s", f", {tensor([batch, keys], 'i32')}", ", causal"
    elif kind == "causal":
        flags = ", causal"
    if rng.random() < 0.4:
        arguments += ['%seed: tensor<i64> {nf.name = "seed"}', '%step: tensor<i32> {nf.name = "step"}',
                      '%sample: tensor<i32> {nf.name = "sample_offset"}']
        extra += " seed %seed step %step sample_offset %sample"
        types += ", tensor<i64>, tensor<i32>, tensor<i32>"
        flags += f", dropout = {rng.choice([0.1, 0.5])} : f64, site = {rng.randrange(9)} : i32"
    attributes = f"{{heads = {heads} : i64, scale = {1 / width ** 0.5} : f64{flags}}}"
    results = ", ".join(f'{type} {{nf.name = "{name}"}}' for name, type in
                        (("out", rows), ("lse", lse), ("dq", rows), ("dk", key_rows), ("dv", key_rows)))
    return f"""nf.program @attention({", ".join(arguments)}) -> ({results}) {{
{body}  %out, %lse = nf.attention %q, %k, %v{extra} {attributes}
      : ({rows}, {key_rows}, {key_rows}{types}) -> ({rows}, {lse})
  %dq, %dk, %dv = nf.attention_backward %q, %k, %v, %out, %lse, %dout{extra} {attributes}
      : ({rows}, {key_rows}, {key_rows}, {rows}, {lse}, {rows}{types}) -> ({rows}, {key_rows}, {key_rows})
  nf.return %out, %lse, %dq, %dk, %dv : {rows}, {lse}, {rows}, {key_rows}, {key_rows}
}}
"""


CASES = ON_TENSOR_CORES + BY_FMA


def main():
    nf_check = sys.argv[1] if len(sys.argv) > 1 else "build/bin/nf-check"
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(CASES):
            path = Path(folder) / f"flash-{seed}.mlir"
            path.write_text(module(seed))
            done = subprocess.run([nf_check, str(path), "--program=attention", "--against=cpu", "--target=cuda-emulated",
                                   "--check-kernels",
                                   f"--tolerance={TOLERANCES[element(seed)]}"], capture_output=True, text=True, timeout=300)
            if done.returncode != 0:
                failed += 1
                print(f"case {seed}: {done.stdout}{done.stderr}{path.read_text()}")
    print(f"{CASES - failed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
