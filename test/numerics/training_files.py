"""What the developer commands of an executable read and write, from Python: `EXE info`, `EXE dump`, `EXE step`.

A batch file holds S samples: tokens, positions, targets i32[S, T], loss_weight f32[S, T] and, for encoders, key_padding
f32[S, T]. Step i (from 0) takes the samples i * G ... i * G + G - 1 modulo S, where G = train.global_batch.
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

    def initial_weights(self, file, seed=1):
        self.run("dump", "--seed", seed, "-o", file)
        return load_file(file)

    def step(self, weights, batch, steps, out, *arguments):
        self.run("step", "--weights", weights, "--batch", batch, "--steps", steps, "-o", out, *arguments)
        return load_file(out)


def make_samples(metadata, count, seed=1, padding=True):
    """`count` samples with a structure that can be learned; with `padding` some end early, as real batches do."""
    model = metadata["model"]
    T, V = model["sequence"], model["vocab"]
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
    samples = {
        "tokens": torch.tensor(tokens, dtype=torch.int32),
        "positions": torch.arange(T, dtype=torch.int32).repeat(count, 1) + model["position_offset"],
        "targets": torch.tensor(targets, dtype=torch.int32),
        "loss_weight": torch.tensor(weight, dtype=torch.float32),
    }
    if model["kind"] == "encoder":
        samples["key_padding"] = torch.tensor(real, dtype=torch.float32)
    return samples


def global_batch(metadata):
    return metadata["run_keys"]["train.global_batch"]["value"]


def step_batch(samples, step, size, dtype):
    """The whole global batch of a step as arguments of Model.loss."""
    rows = (torch.arange(size) + step * size) % samples["tokens"].shape[0]
    batch = {name: tensor[rows] for name, tensor in samples.items()}
    batch = {name: t.to(dtype if t.is_floating_point() else torch.int64) for name, t in batch.items()}
    batch["inv_count"] = 1 / batch["loss_weight"].sum()
    return batch


def save(tensors, file):
    save_file({name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}, file)
