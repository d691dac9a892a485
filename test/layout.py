#!/usr/bin/env python3
"""Checks that every line is in its room: who includes whom, pass file ⇔ flag ⇔ test, file sizes, and that fusion and
planning name no op of a model. Prints one line a violation and ends with `N passed, N failed`, a rule being one test."""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# What a room may include of ours. runtime/abi is all that the two sides share.
MAY_INCLUDE = {
    "dialect/": ("dialect/",),
    "frontend/": ("dialect/", "frontend/"),
    # The targets do not know each other; what they share is in passes/rows.
    "passes/cpu/": ("dialect/", "passes/cpu/", "passes/rows/"),
    "passes/gpu/": ("dialect/", "passes/gpu/", "passes/lower/", "passes/rows/", "runtime/abi/"),
    "passes/rows/": ("dialect/", "passes/rows/"),
    "passes/lower/": ("dialect/", "passes/", "runtime/abi/"),
    "passes/": ("dialect/", "passes/"),
    "runtime/reference/": ("runtime/reference/", "runtime/abi/", "runtime/core/Philox.h"),
    "runtime/": ("runtime/",),
}
ROOMS = ("dialect/", "frontend/", "passes/", "runtime/", "tools/", "test/")
LINES = 600
# Ops that structure a program rather than compute: fusion and planning may know them. Reductions are axes, not maths.
STRUCTURE = {"ProgramOp", "ReturnOp", "GetOp", "SetOp", "AccumulateOp", "ParameterOp", "StateOp", "FusedOp", "YieldOp",
             "ReshapeOp", "SliceOp", "PadOp", "ConcatOp", "TransposeOp", "BroadcastOp", "ConstantOp", "IotaOp",
             "RandomBitsOp", "CompareOp", "ReduceSumOp", "ReduceMeanOp", "ReduceMaxOp"}


def files(*suffixes):
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return [f for f in listed if f.endswith(suffixes) and os.path.exists(os.path.join(ROOT, f))]


def read(path):
    with open(os.path.join(ROOT, path)) as file:
        return file.read()


def kebab(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def includes():
    for path in files(".h", ".cpp", ".td"):
        room = next((r for r in MAY_INCLUDE if path.startswith(r)), None)
        if not room:
            continue
        for included in re.findall(r'^\s*#?include\s+["<]([^">]+)[">]', read(path), re.M):
            ours = included.startswith(ROOMS)
            if ours and not included.startswith(MAY_INCLUDE[room]):
                yield f"{path}: includes {included}; {room} may include {', '.join(MAY_INCLUDE[room])}"
            if room.startswith("runtime/") and included.startswith(("mlir/", "llvm/")):
                yield f"{path}: includes {included}; the runtime never includes MLIR or LLVM"


def passes():
    for path in files("Passes.td"):
        stage = os.path.dirname(path)
        for name, flag in re.findall(r'^def (\w+)\s*:\s*Pass<"([^"]+)"', read(path), re.M):
            if flag != "nf-" + kebab(name):
                yield f"{path}: pass {name} has the flag --{flag}; expected --nf-{kebab(name)}"
            for wanted in (f"{stage}/{name}.cpp", f"test/{stage}/{kebab(name)}.mlir"):
                if not os.path.exists(os.path.join(ROOT, wanted)):
                    yield f"{path}: pass {name} has no {wanted}"


def sizes():
    for path in files(".h", ".cpp", ".td", ".py", ".sh"):
        count = read(path).count("\n")
        if count > LINES:
            yield f"{path}: {count} lines; at most {LINES}, one idea a file"


def named_ops():
    for path in files(".h", ".cpp"):
        if not path.startswith(("passes/fuse/", "passes/plan/")):
            continue
        # The one pass about the loss, which ends every program.
        if path.endswith("ExpandLoss.cpp"):
            continue
        for group in re.findall(r"\b(?:isa|dyn_cast|isa_and_nonnull|dyn_cast_or_null)<([\w, :]+)>", read(path)):
            for op in group.replace(" ", "").split(","):
                if op.endswith("Op") and op not in STRUCTURE:
                    yield f"{path}: asks for {op} by name; ask an interface"


def lit_checks():
    for path in files(".mlir"):
        text = read(path)
        if "RUN:" in text and not re.search(r"FileCheck|verify-diagnostics|verify-roundtrip|not |diff |cmp ", text):
            yield f"{path}: a RUN line but no check"


def main():
    failed = 0
    rules = (includes, passes, sizes, named_ops, lit_checks)
    for rule in rules:
        violations = list(rule())
        failed += bool(violations)
        for line in violations:
            print(f"layout: {line}")
    print(f"{len(rules) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
