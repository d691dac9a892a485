#!/usr/bin/env python3
"""Our reference in double against PyTorch in fp64, which have nothing in common but the model's definition: loss and
every gradient of one training step agree to 1e-10, for every variant of the block.

usage: reference_test.py [build/bin/nf-reference]
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from torch_model import Config, Model

BOUND = 1e-10  # of a gradient's norm, or of the norm of all gradients where that is larger by far
BATCH, SEQUENCE = 3, 7
SIZES = {"layers": 2, "d_model": 16, "heads": 4, "d_ffn": 40, "vocab": 33, "context": 9}
NORMFORMER = {"attention_layernorm": True, "ffn_layernorm": True, "head_scale": "pre_proj", "residual_scale": True}

# name: keys of [model], keys of [norm]
VARIANTS = {
    "pre_ln": ({}, {}),
    "post_ln": ({}, {"placement": "post"}),
    "attention_layernorm": ({}, {"attention_layernorm": True}),
    "ffn_layernorm": ({}, {"ffn_layernorm": True}),
    "head_scale_pre_proj": ({}, {"head_scale": "pre_proj"}),
    "head_scale_post_proj": ({}, {"head_scale": "post_proj"}),
    "residual_scale": ({}, {"residual_scale": True}),
    "normformer": ({}, NORMFORMER),
    "normformer_post_ln": ({}, {**NORMFORMER, "placement": "post"}),
    "masked_encoder": ({"kind": "encoder"}, {}),
    "masked_encoder_normformer": ({"kind": "encoder"}, {**NORMFORMER, "head_scale": "post_proj"}),
    "untied_without_bias": ({"tie_embeddings": False, "bias": False}, {}),
    "sinusoidal_scaled": ({"positions": "sinusoidal", "embedding_scale": 4.0}, {}),
    **{name: ({"activation": name}, {}) for name in ("gelu_tanh", "relu", "relu2", "silu")},
}


def toml(value):
    return str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else str(value)


def definition(model, norm):
    tables = {"model": {**SIZES, "dropout": 0.0, "attention_dropout": 0.0, "init": "fairseq", "embedding_scale": 1.0, **model}, "norm": norm,
              "train": {"micro_batch": BATCH, "sequence": SEQUENCE}}
    if model.get("kind") == "encoder":
        tables["objective"] = {"kind": "masked", "mask_id": 1}
    return "\n".join(f"[{table}]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in keys.items())
                     for table, keys in tables.items())


def batch_of(encoder):
    """Arguments of forward_backward. The last sequence is short: its end is padding."""
    tokens, targets = (torch.randint(SIZES["vocab"], (BATCH, SEQUENCE)) for _ in range(2))
    weight = torch.ones(BATCH, SEQUENCE)
    weight[-1, 4:] = 0
    if encoder:
        weight[:, ::2] = 0
    batch = {"tokens": tokens, "positions": torch.arange(SEQUENCE).repeat(BATCH, 1), "targets": targets,
             "loss_weight": weight, "inv_count": 1 / weight.sum()}
    if encoder:
        batch["key_padding"] = torch.ones(BATCH, SEQUENCE)
        batch["key_padding"][-1, 4:] = 0
    return batch


def truth(model, batch):
    loss = model.loss({name: value.double() if value.is_floating_point() else value for name, value in batch.items()})
    loss.backward()
    return loss.detach(), {name: parameter.grad for name, parameter in model.named_parameters()}


def ours(executable, folder, model, text, batch):
    (folder / "model.toml").write_text(text)
    values = {name: value.int() if not value.is_floating_point() else value for name, value in batch.items()}
    values["accumulate"] = torch.zeros((), dtype=torch.int32)
    values.update({name: value.detach() for name, value in model.named_parameters()})
    values["embed.positions.weight"] = model.embed.positions.weight.detach().double()
    save_file({name: value.contiguous().clone() for name, value in values.items()}, folder / "values.safetensors")
    subprocess.run([executable, folder / "model.toml", "--values", folder / "values.safetensors", "--out",
                    folder / "out.safetensors"], check=True)
    return load_file(folder / "out.safetensors")


def compare(executable, folder, model_keys, norm_keys):
    """The largest error of the variant, as a multiple of what is allowed, and where it is."""
    torch.manual_seed(1)
    config = Config(**{**SIZES, **model_keys}, **norm_keys)
    model = Model(config).double()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, mean=1.0 if parameter.dim() == 1 else 0.0, std=0.3)
    batch = batch_of(config.kind == "encoder")
    loss, gradients = truth(model, batch)
    found = ours(executable, folder, model, definition(model_keys, norm_keys), batch)
    total = torch.cat([gradient.flatten() for gradient in gradients.values()]).norm()
    errors = {"loss": float((found["loss"] - loss).abs() / loss.abs() / BOUND)}
    for name, gradient in gradients.items():
        allowed = BOUND * max(float(gradient.norm()), 1e-3 * float(total))
        errors[name] = float((found[name + ".grad"] - gradient).norm()) / allowed
    worst = max(errors, key=errors.get)
    return errors[worst], worst


def main():
    if len(sys.argv) > 2:
        sys.exit(__doc__)
    root = Path(__file__).resolve().parents[2]
    executable = sys.argv[1] if len(sys.argv) == 2 else root / "build/bin/nf-reference"
    failed = 0
    for name, keys in VARIANTS.items():
        with tempfile.TemporaryDirectory() as folder:
            error, where = compare(executable, Path(folder), *keys)
        verdict = "ok" if error <= 1 else "FAILED"
        failed += verdict != "ok"
        print(f"{name}: {error * BOUND:.1e} at {where}, {verdict}")
    print(f"{len(VARIANTS) - failed} passed, {failed} failed")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
