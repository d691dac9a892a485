#!/usr/bin/env python3
"""Writes models in primitives and raises them again: for the small twin of every definition in models/ that gives the IR
it began with. Ends with `N passed, N failed`."""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{done.stderr.strip()}")
    return done.stdout


def normal(text):
    """The module with constants in place of their names and values numbered in order: both say nothing."""
    lines, constants, numbers = [], {}, {}
    for line in text.splitlines():
        if line.lstrip().startswith("nf.program"):
            constants, numbers = {}, {}
        found = re.match(r"\s*(%\w+) = constant (.*)", line)
        if found:
            constants[found[1]] = f"<{found[2]}>"
            continue
        if "%" in line:
            line = re.sub(r"%\w+", lambda name: constants.get(name[0], name[0]), line)
            line = re.sub(r"%\d+", lambda name: f"%{numbers.setdefault(name[0], len(numbers))}", line)
        lines.append(line)
    return "\n".join(lines)


def round_trip(bin, definition, folder):
    twin = [word for line in (ROOT / "test/small-twin.txt").read_text().split() for word in ("--set", line)]
    module, primitive = folder / "module.mlir", folder / "primitive.mlir"
    run(bin / "nf-compile", definition, *twin, "--emit=import", "-o", module)
    before = run(bin / "nf-opt", "--canonicalize", "--cse", module)
    run(bin / "nf-opt", "--nf-decompose", module, "-o", primitive)
    if "layer_norm" in primitive.read_text().split("nf.program", 1)[1]:
        return "expected primitives of nf-decompose, but got a composite op"
    after = run(bin / "nf-opt", "--nf-stage-raise=verify=false", "--canonicalize", "--cse", primitive)
    for ours, theirs in zip(normal(before).splitlines(), normal(after).splitlines()):
        if ours != theirs:
            return f"expected\n  {ours.strip()}\nbut got\n  {theirs.strip()}"
    return "" if len(before) and normal(before) == normal(after) else "expected as many lines"


def main():
    bin = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/bin").resolve()
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for definition in sorted((ROOT / "models").glob("*.toml")):
            try:
                error = round_trip(bin, definition, Path(folder))
            except RuntimeError as failure:
                error = str(failure)
            passed += not error
            failed += bool(error)
            if error:
                print(f"{definition.name}: {error}", file=sys.stderr)
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
