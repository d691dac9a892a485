#!/usr/bin/env python3
"""Writes models in primitives and raises them again. For the small twin of every definition in models/ that gives the IR
it began with; where the primitives were perturbed at random (commuted, constants moved, identities put in between), every
composite op is found again, and the reference gives the same results. Ends with `N passed, N failed`."""
import random
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
        if line.startswith("module"):
            continue
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


# Models that the perturbations start from: every op that is raised occurs.
PERTURBED = [["norm.preset=normformer", "norm.residual_scale=true", "model.activation=gelu_tanh"],
             ["norm.placement=post", "norm.head_scale=post_proj", "model.activation=relu2"],
             ["norm.preset=normformer", "model.activation=gelu", "model.kind=encoder", "objective.kind=masked"],
             ["model.activation=silu", "model.dropout=0.1", "model.attention_dropout=0.2"]]
TINY = ["model.layers=1", "model.d_model=12", "model.heads=3", "model.d_ffn=24", "model.vocab=16", "model.context=8",
        "train.sequence=6", "train.micro_batch=2", "train.global_batch=2", "train.warmup=1"]
LINE = re.compile(r"^ *(%\w+) = (\w+) (.*?) : \((.*)\) -> (tensor<[^>]*>)$")
TOUCHED = {"mul", "add", "sub", "div", "exp", "log", "erf", "tanh", "neg", "max", "sqrt", "rsqrt", "matmul", "reduce_sum",
           "reduce_mean", "reduce_max", "reshape", "transpose"}
COMPOSITES = ["linear", "layer_norm", "attention", "head_scale", "residual_scale", "gelu", "gelu_tanh", "relu2", "silu",
              "dropout", "embedding", "linear_cross_entropy"]


class Perturbation:
    """Writes a program's lines again, in another spelling of the same values."""

    def __init__(self, seed):
        self.rng, self.lines, self.count = random.Random(seed), [], 0

    def op(self, text, types, result):
        self.count += 1
        name = f"%perturbed{self.count}"
        self.lines.append(f"    {name} = {text} : ({', '.join(types)}) -> {result}" if types
                          else f"    {name} = {text} : {result}")
        return name

    def number(self, value):
        return self.op(f"constant dense<{value!r}>", [], "tensor<1xf32>")

    def identity(self, name, type):
        """The same value by a detour."""
        shape = [int(extent) for extent in type[len("tensor<"):-len("xf32>")].split("x")]
        kind = self.rng.choice(["one", "zero", "reshape", "transpose", "halves", "negatives"])
        if kind in ("one", "zero"):
            maths = self.rng.choice(["mul", "div"] if kind == "one" else ["add", "sub"])
            return self.op(f"{maths} {name}, {self.number(1.0 if kind == 'one' else 0.0)}", [type, "tensor<1xf32>"], type)
        if kind == "reshape":
            flat = f"tensor<{'x'.join(map(str, [1] + shape))}xf32>"
            return self.op(f"reshape {self.op(f'reshape {name}', [type], flat)}", [flat], type)
        if kind == "transpose" and len(shape) > 1:
            order = list(range(len(shape)))
            self.rng.shuffle(order)
            back = [order.index(axis) for axis in range(len(shape))]
            moved = f"tensor<{'x'.join(str(shape[axis]) for axis in order)}xf32>"
            return self.op(f"transpose {self.op(f'transpose {name} {order}', [type], moved)} {back}", [moved], type)
        factor, maths = (-1.0, "mul") if kind == "negatives" else (0.5, "div")
        inner = self.op(f"mul {name}, {self.number(factor)}", [type, "tensor<1xf32>"], type)
        return self.op(f"{maths} {inner}, {self.number(factor)}", [type, "tensor<1xf32>"], type)

    def line(self, line):
        found = LINE.match(line)
        if not found or found[2] not in TOUCHED:
            self.lines.append(line)
            return
        result, maths, text, types, type = found.groups()
        operands, types = re.findall(r"%\w+", text), types.split(", ")
        changed = list(operands)
        for i, operand_type in enumerate(types):
            if operand_type.endswith("xf32>") and self.rng.random() < 0.15:
                changed[i] = self.identity(operands[i], operand_type)
        rest = re.sub(r"%\w+", lambda name, names=iter(changed): next(names), text)
        if maths in ("add", "mul") and self.rng.random() < 0.5:
            changed.reverse()
            types.reverse()
            rest = ", ".join(changed)
        self.lines.append(f"    {result} = {maths} {rest} : ({', '.join(types)}) -> {type}")


def composites(text):
    return {op: len(re.findall(rf"= {op} ", text)) for op in COMPOSITES}


def perturb(bin, seed, folder):
    settings = [word for line in TINY + PERTURBED[seed % len(PERTURBED)] for word in ("--set", line)]
    module, primitive, perturbed = (folder / name for name in ("module.mlir", "primitive.mlir", "perturbed.mlir"))
    run(bin / "nf-compile", ROOT / "models/preln-demo.toml", *settings, "--emit=import", "-o", module)
    run(bin / "nf-opt", "--nf-decompose", "--canonicalize", module, "-o", primitive)
    perturbation = Perturbation(seed)
    for line in primitive.read_text().splitlines():
        perturbation.line(line)
    perturbed.write_text("\n".join(perturbation.lines) + "\n")
    raised = run(bin / "nf-opt", "--nf-stage-raise=verify=false", perturbed)
    expected, found = composites(run(bin / "nf-opt", module)), composites(raised)
    if expected != found:
        perturbed.rename(Path(tempfile.gettempdir()) / f"perturbed-{seed}.mlir")
        return f"expected {expected}, but got {found}"
    run(bin / "nf-check", perturbed, "--program=eval", "--against=pass:nf-stage-raise{verify=false}", "--tolerance=1e-5")
    return ""


def main():
    bin = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/bin").resolve()
    seeds = range(int(sys.argv[2]) if len(sys.argv) > 2 else 24)
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        cases = [(path.name, lambda path=path: round_trip(bin, path, Path(folder)))
                 for path in sorted((ROOT / "models").glob("*.toml"))
                 if path.stem != "train-defaults"]  # a recipe, without a model
        cases += [(f"perturbation {seed}", lambda seed=seed: perturb(bin, seed, Path(folder))) for seed in seeds]
        for name, case in cases:
            try:
                error = case()
            except RuntimeError as failure:
                error = str(failure)
            passed += not error
            failed += bool(error)
            if error:
                print(f"{name}: {error}", file=sys.stderr)
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
