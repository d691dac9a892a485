#!/usr/bin/env python3
"""Folds change nothing but the order of sums: by our reference in double, loss and gradients of a step with every fold
are those without any to 1e-12, and 200 AdamW steps with decay and clipping lead to the same parameters to 1e-10 (k.bias
aside: its gradient is 0 in exact arithmetic, and AdamW divides what rounding leaves of it by itself). Factors of
LayerNorms and HeadScale are around 1, some exactly 0. Then compiled programs with every fold, in fp32 and bf16, against
the reference without folds: weights as at the start of a training with factors of FFN LayerNorm and HeadScale that are 0
or 1e-3 to 1 of either sign, and larger weights with factors to 1e3.

usage: fold_test.py [build/bin]
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from reference_test import NORMFORMER, SIZES, batch_of, definition
from torch_model import Config, Model

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / "build" / "bin"
VARIANTS = {
    "normformer": ({}, NORMFORMER),
    "after_the_projection": ({}, {**NORMFORMER, "head_scale": "post_proj"}),
    "post_ln": ({}, {**NORMFORMER, "placement": "post"}),
    "untied_without_bias": ({"tie_embeddings": False, "bias": False}, NORMFORMER),
    "masked_encoder": ({"kind": "encoder"}, NORMFORMER),
}
NUMBERS = {"lr": 1e-2, "beta1": 0.9, "beta2": 0.95, "eps": 1e-8, "clip": 0.5, "weight_decay": 0.1,
           "bias_correction1": 0, "bias_correction2": 0}

# Of a gradient's norm, and of that of all gradients.
BOUNDS = {"fp32": (1e-5, 1e-6), "bf16": (2e-2, 2e-3)}


def initial(model, deviation, exponents):
    """Factors are around 1, the first of each is 0. With a pair of exponents, those whose results are normalized before a
    softmax sees them have magnitudes from one power of ten to the other."""
    for name, parameter in model.named_parameters():
        torch.nn.init.normal_(parameter, std=deviation)
        if name.endswith(("ln.weight", "head_scale")):
            parameter.data += 1
            parameter.data[0] = 0
        if exponents and name.endswith(("act_ln.weight", "head_scale")):
            exponent = torch.linspace(*exponents, parameter.numel(), dtype=parameter.dtype)
            parameter.data = 10 ** exponent * torch.where(torch.rand_like(parameter) < 0.5, -1, 1)
            parameter.data[1] = 0


def train(folder, fold, steps, **numbers):
    out = folder / f"{fold}-{steps}.safetensors"
    values = load_file(folder / "values.safetensors")
    for name, value in {**NUMBERS, **numbers}.items():
        shape = (values["parameters"].item(),) if name == "weight_decay" else ()
        values[name] = torch.full(shape, value, dtype=torch.float64)
    save_file(values, folder / "numbers.safetensors")
    subprocess.run([BIN / "nf-reference", folder / "model.toml", "--values", folder / "numbers.safetensors", "--out",
                    out, "--steps", str(steps), "--fold", fold], check=True)
    return load_file(out)


def write_model(folder, model_keys, norm_keys, deviation=0.3, exponents=None):
    torch.manual_seed(3)
    config = Config(**{**SIZES, **model_keys}, **norm_keys)
    model = Model(config).double()
    initial(model, deviation, exponents)
    (folder / "model.toml").write_text(definition(model_keys, norm_keys))
    values = {name: value.int() if not value.is_floating_point() else value
              for name, value in batch_of(config.kind == "encoder").items()}
    values["accumulate"] = torch.zeros((), dtype=torch.int32)
    names = [name for name, _ in model.named_parameters()]
    values.update({name: value.detach() for name, value in model.named_parameters()})
    values["embed.positions.weight"] = model.embed.positions.weight.detach().double()
    values["parameters"] = torch.tensor(len(names), dtype=torch.int32)
    save_file({name: value.contiguous().clone() for name, value in values.items()}, folder / "values.safetensors")
    return names


def worst_error(found, expected, names):
    """The largest error of a tensor, relative to its norm or, where that is tiny, to a part of the norm of all."""
    total = torch.cat([expected[name].flatten() for name in names]).norm()
    errors = {name: float((found[name] - expected[name]).norm() / max(expected[name].norm(), 1e-3 * total))
              for name in names}
    where = max(errors, key=errors.get)
    return errors[where], where


def check(name, error, where, bound):
    verdict = "ok" if error <= bound else "FAILED"
    print(f"{name}: {error:.1e} at {where}, allowed {bound:.0e}, {verdict}", flush=True)
    return verdict == "ok"


def exactness(name, model_keys, norm_keys):
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        names = write_model(folder, model_keys, norm_keys)
        # Without averages, clipping and decay, the first moment of one step is the gradient.
        plain, folded = (train(folder, fold, 1, beta1=0, clip=0, weight_decay=0) for fold in ("none", "all"))
        assert not any(".folded." in state for state in plain) and any(".folded." in state for state in folded)
        loss = float((folded["loss"] - plain["loss"]).abs() / plain["loss"].abs())
        passed = check(f"{name}, loss", loss, "the first step", 1e-12)
        passed &= check(f"{name}, gradients", *worst_error(folded, plain, [n + ".m" for n in names]), 1e-12)
        plain, folded = (train(folder, fold, 200) for fold in ("none", "all"))
        assert float(plain["loss"][-1]) < float(plain["loss"][0]) and float(plain["grad_norm"].max()) > 0.5
        moved = [n for n in names if not n.endswith("k.bias")]
        return passed & check(f"{name}, after 200 steps", *worst_error(folded, plain, moved), 1e-10)


def rounding(folder, names, exact, precision, fold):
    """The worst error of loss and gradients of one step of the compiled program, as a multiple of what is allowed."""
    subprocess.run([BIN / "nf-compile", folder / "model.toml", "--set", f"train.precision={precision}",
                    f"--fold={fold}", "-o", folder / "model"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([folder / "model", "step", "--weights", folder / "weights.safetensors", "--batch",
                    folder / "batch.safetensors", "-o", folder / "out.safetensors"], check=True)
    out = load_file(folder / "out.safetensors")
    relative, of_all = BOUNDS[precision]
    total = torch.cat([exact[name + ".m"].flatten() for name in names]).norm()
    shares = {name: float((out["grad." + name] - exact[name + ".m"]).norm() /
                          max(relative * exact[name + ".m"].norm(), of_all * total)) for name in names}
    shares["loss"] = float((out["loss"] - exact["loss"]).abs() / exact["loss"] / relative)
    where = max(shares, key=shares.get)
    return shares[where] * relative, where


def compiled(precision, deviation, exponents, is_strict):
    """What rounding makes of every fold is within the bound; where that is not strict, or within what it makes of the
    program without folds."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        names = write_model(folder, *VARIANTS["normformer"], deviation, exponents)
        exact = train(folder, "none", 1, beta1=0, clip=0, weight_decay=0)
        values = load_file(folder / "values.safetensors")
        save_file({name: values[name].float() for name in names}, folder / "weights.safetensors")
        save_file({name: values[name].float().unsqueeze(0) if values[name].is_floating_point()
                   else values[name].unsqueeze(0) for name in ("tokens", "targets", "loss_weight")},
                  folder / "batch.safetensors")
        title = f"weights of {deviation}, factors from 1e{exponents[0]} to 1e{exponents[1]}, {precision}"
        bound = BOUNDS[precision][0]
        if not is_strict:
            plain = rounding(folder, names, exact, precision, "none")
            print(f"{title}, no folds: {plain[0]:.1e} at {plain[1]}")
            bound = max(bound, plain[0])
        return check(f"{title}, all folds", *rounding(folder, names, exact, precision, "all"), bound)


def main():
    if len(sys.argv) > 2:
        sys.exit(__doc__)
    if len(sys.argv) == 2:
        global BIN
        BIN = Path(sys.argv[1])
    results = [exactness(name, *keys) for name, keys in VARIANTS.items()]
    results += [compiled(precision, 0.02, (-3, 0), is_strict=True) for precision in BOUNDS]
    results += [compiled("fp32", 0.3, (-3, 3), is_strict=True), compiled("bf16", 0.3, (-3, 3), is_strict=False)]
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    sys.exit(not all(results))


if __name__ == "__main__":
    main()
