"""One PyTorch training process of cpu_step.py: reads a line from stdin, does it, answers with a JSON line.

  torch_peer.py eager|compile METADATA WEIGHTS BATCH
  first N   the losses of the first N steps from the given weights
  time N    the seconds of each of N further steps
  exit      the peak memory of the process in bytes, and ends
"""

import json
import os
import sys
import time
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "test" / "numerics"))
from torch_model import Config, Model, Recipe, backward, make_optimizer, update  # noqa: E402
from training_files import step_batch  # noqa: E402


def build(metadata, weights):
    with torch.device("meta"):
        model = Model(Config.from_metadata(metadata))
    model = model.to_empty(device="cpu")
    state = model.state_dict()
    with safe_open(weights, "pt") as file:  # a tensor at a time: the file must not count as memory of the steps
        for name, tensor in state.items():
            tensor.copy_(file.get_tensor(name))
    return model


def peak_memory():
    """Bytes; not ru_maxrss, which starts with the peak of the process that called exec."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def main():
    mode, metadata, weights, batch = sys.argv[1:]
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    metadata = json.loads(Path(metadata).read_text())
    recipe = Recipe.from_metadata(metadata)
    model = build(metadata, weights)
    optimizer = make_optimizer(model, recipe, fused=True)
    file = load_file(batch)
    count = file["tokens"].shape[0]
    batches = [step_batch(file, i, count, torch.float32) for i in range(count)]
    loss = torch.compile(model.loss) if mode == "compile" else model.loss
    done = 0

    def step():
        nonlocal done
        value = backward(loss, model, optimizer, batches[done % count])
        update(model, optimizer, recipe)
        done += 1
        return value.item()

    def timed_step():
        start = time.perf_counter()
        step()
        return time.perf_counter() - start

    for line in sys.stdin:
        command, *number = line.split()
        if command == "exit":
            print(json.dumps(peak_memory()), flush=True)
            return
        function = step if command == "first" else timed_step
        print(json.dumps([function() for _ in range(int(number[0]))]), flush=True)


if __name__ == "__main__":
    main()
