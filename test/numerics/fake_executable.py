"""Impersonates a compiled program in fp32 PyTorch, to prove that compare_training.py passes what is right and names
what is wrong. It rounds differently from the model that it is compared with: attention and LayerNorm are written out,
and gradients are summed over micro-batches.

  fake_executable.py [--key model.layers=3 ...] [--claim KEY=VALUE ...] [--break KIND:NAME] info|dump|step ...

--break gradient:NAME scales the step-1 gradient of a parameter by 1.001, weight:NAME its final value by 1.001,
loss:STEP the loss of a step (from 0) by 1.0001; missing:NAME leaves a parameter out. --claim changes what `info` says
and not what is computed: with the same parameter names, a miscompiled model. --ignore leaves a tensor of the batch out.
"""

import argparse
import json
import math
import sys
import time

import torch
from torch.nn import functional as F

import torch_model
from torch_model import Config, Model, Recipe, backward, make_optimizer
from training_files import load_file, save, step_batch

MICRO_BATCH, SEQUENCE = 2, 24


def attention(q, k, v, attn_mask=None, is_causal=False):
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    if is_causal:
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    if attn_mask is not None:
        scores = scores.masked_fill(~attn_mask, -math.inf)
    p = torch.exp(scores - scores.amax(-1, keepdim=True).detach())
    return p @ v / p.sum(-1, keepdim=True)


def layer_norm(self, x):
    x = x - x.mean(-1, keepdim=True)
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.weight + self.bias


def write_out_arithmetic():
    functions = type("Functions", (), {**vars(F), "scaled_dot_product_attention": staticmethod(attention)})
    torch_model.F = functions
    torch.nn.LayerNorm.forward = layer_norm


def metadata(keys):
    config, recipe = Config(layers=2, d_model=32, heads=4, d_ffn=96, vocab=61, context=40), Recipe(lr=1e-3)
    sizes = ("kind", "layers", "d_model", "heads", "d_ffn", "vocab", "context")
    model = {name: getattr(config, name) for name in sizes}
    compile_keys = {}
    for name in Config.__dataclass_fields__:
        norm = name in ("placement", "attention_layernorm", "ffn_layernorm", "head_scale", "residual_scale", "eps")
        compile_keys[("norm." if norm else "model.") + name] = {"value": getattr(config, name)}
    run_keys = {"train." + name: {"value": getattr(recipe, name)} for name in Recipe.__dataclass_fields__}
    for text in keys:
        key, value = text.split("=", 1)
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            pass
        (compile_keys if key in compile_keys else run_keys)[key] = {"value": value}
        model[key.split(".")[1]] = value
    model |= {"sequence": SEQUENCE, "micro_batch": MICRO_BATCH, "position_offset": 0, "precision": "fp32",
              "objective": "masked" if model["kind"] == "encoder" else "causal"}
    return {"model": model, "compile_keys": compile_keys, "run_keys": run_keys}


def initial_weights(config, seed):
    torch.manual_seed(seed)
    state = Model(config).state_dict()
    return {name: 0.2 * torch.randn_like(t) if t.dim() > 1 else t for name, t in state.items()}


def split(batch):
    """The micro-batches of a global batch; they share its inv_count."""
    for first in range(0, batch["tokens"].shape[0], MICRO_BATCH):
        yield {name: t if t.dim() == 0 else t[first:first + MICRO_BATCH] for name, t in batch.items()}


def train(about, arguments, broken):
    model, recipe = Model(Config.from_metadata(about)), Recipe.from_metadata(about)
    model.load_state_dict(load_file(arguments.weights))
    batches = load_file(arguments.batch)
    optimizer = make_optimizer(model, recipe, fused=False)
    out = {"loss": [], "grad_norm": []}
    for step in range(arguments.steps):
        started = time.perf_counter()
        gradients = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
        loss = 0.0
        for batch in split(step_batch(batches, step, arguments.steps, torch.float32)):
            batch.pop(arguments.ignore, None)
            loss += backward(model.loss, model, optimizer, batch).item()
            for name, p in model.named_parameters():
                gradients[name] += p.grad
        if step == 0:
            first = {"grad." + name: g.clone() for name, g in gradients.items()}
        for name, p in model.named_parameters():
            p.grad = gradients[name]
        out["loss"].append(loss * (1.0001 if broken == ("loss", str(step)) else 1))
        out["grad_norm"].append(torch_model.update(model, optimizer, recipe).item())
        if arguments.time:
            print(json.dumps({"step": step + 1, "seconds": time.perf_counter() - started, "loss": loss}), flush=True)
    result = {name: torch.tensor(values) for name, values in out.items()} | first | model.state_dict()
    if broken[0] == "gradient":
        result["grad." + broken[1]] *= 1.001
    if broken[0] == "weight":
        result[broken[1]] *= 1.001
    if arguments.output:
        save(result, arguments.output)


def main(words=None, out=sys.stdout):
    parser = argparse.ArgumentParser()
    parser.add_argument("--key", action="append", default=[])
    parser.add_argument("--claim", action="append", default=[])
    parser.add_argument("--ignore")
    parser.add_argument("--break", dest="broken", default=":")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("info").add_argument("--json", action="store_true")
    dump, step = commands.add_parser("dump"), commands.add_parser("step")
    dump.add_argument("--seed", type=int)
    dump.add_argument("-o", dest="output")
    for flag in ("--weights", "--batch"):
        step.add_argument(flag)
    step.add_argument("--steps", type=int)
    step.add_argument("--set", action="append", help="ignored: the impersonator knows constant rates only")
    step.add_argument("--time", action="store_true")
    step.add_argument("-o", dest="output")
    arguments = parser.parse_args(words)

    broken = tuple(arguments.broken.split(":", 1))
    about = metadata(arguments.key)
    write_out_arithmetic()
    if arguments.command == "info":
        json.dump(metadata(arguments.key + arguments.claim), out)
    elif arguments.command == "dump":
        config = Config.from_metadata(about)
        weights = initial_weights(config, arguments.seed)
        if config.positions == "sinusoidal":
            weights["embed.positions.weight"] = torch_model.sinusoidal(config.context, config.d_model)
        save({name: t for name, t in weights.items() if broken != ("missing", name)}, arguments.output)
    else:
        train(about, arguments, broken)


if __name__ == "__main__":
    main()
