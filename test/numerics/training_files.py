"""What the developer commands of an executable read and write, from Python: `EXE info`, `EXE dump`, `EXE step`.

A batch file holds N micro-batches, the same number for every step: tokens, positions, targets i32[N, B, T], loss_weight
f32[N, B, T], for encoders key_padding f32[N, B, T] and, where attention keeps to documents, segments i32[N, B, T].
"""

import json
import shlex
import subprocess

import numpy as np
import torch
from safetensors.torch import load_file, save_file


class Executable:
    """`command` is a path, or a path with arguments as a shell would take them."""

    def __init__(self, command):
        self.command = shlex.split(command)

    def run(self, *arguments):
        done = subprocess.run([*self.command, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            shown = shlex.join([*self.command, *map(str, arguments)])
            raise SystemExit(f"error: expected exit code 0, but got {done.returncode} from: {shown}")
        return done.stdout

    def metadata(self):
        return json.loads(self.run("info", "--json"))

    def dump(self, file, seed):
        """The parameters after initialization, and constants such as sinusoidal positions."""
        self.run("dump", "--seed", seed, "-o", file)
        return load_file(file)

    def step(self, weights, batch, steps, *arguments):
        return self.run("step", "--weights", weights, "--batch", batch, "--steps", steps, *CONSTANT_RATE, *arguments)


CONSTANT_RATE = ("--set", "train.schedule=constant", "--set", "train.warmup=0")


def make_batches(metadata, micro_batches, seed=1, padding=True):
    """Text with a structure that can be learned; with `padding` some samples end early, as real ones do."""
    model = metadata["model"]
    B, T, V = model["micro_batch"], model["sequence"], model["vocab"]
    count = micro_batches * B
    draw = np.random.default_rng(seed)
    text = np.empty((count, T + 1), dtype=np.int64)
    text[:, 0] = draw.integers(0, V, count)
    for t in range(T):
        text[:, t + 1] = (5 * text[:, t] + draw.integers(0, 3, count)) % V
    tokens, targets = text[:, :-1].copy(), text[:, 1:].copy()
    length = draw.integers(max(1, T // 2), T + 1, count) if padding else np.full(count, T)
    real = np.arange(T) < length[:, None]
    weight = real.copy()
    if model["objective"] == "masked":
        targets = tokens.copy()
        hidden = draw.random((count, T)) < 0.15
        hidden[:, 0] = True
        tokens[hidden] = V - 1
        weight &= hidden
    batches = {
        "tokens": torch.tensor(tokens, dtype=torch.int32),
        "positions": torch.arange(T, dtype=torch.int32).repeat(count, 1) + model.get("position_offset", 0),
        "targets": torch.tensor(targets, dtype=torch.int32),
        "loss_weight": torch.tensor(weight, dtype=torch.float32),
    }
    if model["kind"] == "encoder":
        batches["key_padding"] = torch.tensor(real, dtype=torch.float32)
    if model.get("document_mask"):
        segments = ((draw.random((count, T)) < 3 / T) & real).cumsum(axis=1)  # some three documents a sequence
        batches["segments"] = torch.tensor(segments, dtype=torch.int32)
    return {name: tensor.view(micro_batches, B, T) for name, tensor in batches.items()}


def step_batch(batches, step, steps, dtype):
    """All micro-batches of a step (from 0) as one batch for Model.loss."""
    share = batches["tokens"].shape[0] // steps
    batch = {}
    for name, tensor in batches.items():
        tensor = tensor[step * share:(step + 1) * share].flatten(0, 1)
        batch[name] = tensor.to(dtype if tensor.is_floating_point() else torch.int64)
    batch["inv_count"] = 1 / batch["loss_weight"].sum()
    return batch


def save(tensors, file):
    save_file({name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}, file)
