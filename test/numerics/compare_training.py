"""Compares the training of a compiled program with PyTorch's: same initial weights, same batches.

  compare_training.py EXE [--steps 100] [--seed 1] [--accumulate 2] [--set train.KEY=VALUE ...] [--keep FOLDER]
  compare_training.py --self-test

PyTorch in fp64 is the truth, and PyTorch in fp32 shows how much of an error is unavoidable: twice its own is always
allowed. With e(x) = ||x - x64||, the other bounds are
  gradients  of step 1, per parameter: e <= max(1e-6 ||g64||, 1e-7 ||all gradients||)
  weights    after 100 steps and more, all of them as one vector: nothing but twice PyTorch fp32's e (fewer steps are
             luck: one element's e can be most of it). Per parameter also e <= 3e-5 ||w64||: AdamW divides a gradient
             by its own size, so one element whose gradient is almost 0 moves by rounding alone, and e of a small
             parameter varies severalfold between equally good programs. Where the whole gradient is 0 in exact
             arithmetic (k.bias: softmax ignores it), the bound is what AdamW can move: steps times the learning rate,
             an element; the vector of all weights leaves it out.
  loss       every step: relative error <= 1e-5
  norm       of all gradients, every step: relative error <= 1e-4
A model with relu runs at most 5 steps: its gradient jumps, and once one element falls on the other side of 0 in one of
two equally good programs, they part for good (after 100 steps PyTorch's fp32 is 3e-4 off in the loss, or not, by luck).
A bf16 program is held to 2e-2 everywhere, gradients of little weight to 2e-3 of all gradients. Vectors (LayerNorms,
HeadScale, ResScale, biases) start away from their initial ones and zeros, which would hide a factor in the wrong place.
The last line says `ok` or what broke; the exit code is 1 then.
"""

import argparse
import io
import math
import multiprocessing
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch

import fake_executable
from philox import Draws
from torch_model import Config, Model, Recipe, backward, make_optimizer, update
from training_files import Executable, load_file, make_batches, save, step_batch


@dataclass
class Run:
    """A training run, everything in fp64."""

    loss: torch.Tensor  # [K]
    grad_norm: torch.Tensor  # [K]
    gradients: dict  # of step 1
    weights: dict  # after the last step


@dataclass
class Check:
    """One line of the table: an error and what is allowed."""

    what: str
    error: float
    allowed: float
    note: str

    @property
    def share(self):
        if math.isnan(self.error):
            return math.inf
        return self.error / self.allowed if self.allowed > 0 else math.inf * (self.error > 0 or math.nan)

    @property
    def holds(self):
        return self.error <= self.allowed


def doubles(tensors):
    return {name: tensor.double() for name, tensor in tensors.items()}


def train(config, recipe, weights, batches, steps, dtype):
    model = Model(config).to(dtype)
    model.load_state_dict({name: t.to(dtype) for name, t in weights.items()})
    return train_model(model, recipe, batches, steps, dtype)


def train_model(model, recipe, batches, steps, dtype):
    """The run of a model that has a `loss` of a batch, as Model has."""
    optimizer = make_optimizer(model, recipe, fused=False)
    losses, norms, gradients = [], [], {}
    for step in range(steps):
        batch = step_batch(batches, step, steps, dtype) | {"draws": Draws(recipe.seed, step + 1)}
        losses.append(backward(model.loss, model, optimizer, batch))
        if step == 0:
            gradients = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
        norms.append(update(model, optimizer, recipe).detach())
    return Run(torch.stack(losses).double(), torch.stack(norms).double(), doubles(gradients),
               doubles(model.state_dict()))


def run_of(out, names, steps):
    """The run that `EXE step` wrote."""
    wanted = {"loss", "grad_norm"} | {"grad." + name for name in names} | set(names)
    if set(out) != wanted:
        raise SystemExit(f"FAILED: tensors of the step file: {difference(wanted, set(out))}")
    if len(out["loss"]) != steps or len(out["grad_norm"]) != steps:
        raise SystemExit(f"FAILED: expected {steps} losses and norms, but got {len(out['loss'])} and "
                         f"{len(out['grad_norm'])}")
    return Run(out["loss"].double(), out["grad_norm"].double(), doubles({n: out["grad." + n] for n in names}),
               doubles({n: out[n] for n in names}))


def difference(expected, found):
    missing, surplus = sorted(expected - found), sorted(found - expected)
    parts = [f"{text} {', '.join(names[:5])}" + (f" and {len(names) - 5} more" if len(names) > 5 else "")
             for text, names in (("missing", missing), ("unexpected", surplus)) if names]
    return "; ".join(parts)


def norm(tensors):
    return math.sqrt(sum(t.square().sum().item() for t in tensors))


def gradient_checks(ours, peer, truth, bf16):
    everything = norm(truth.values())
    for name, exact in truth.items():
        size, peer_error = exact.norm().item(), (peer[name] - exact).norm().item()
        allowed = max(2e-2 * size, 2e-3 * everything) if bf16 else max(2 * peer_error, 1e-6 * size, 1e-7 * everything)
        yield Check(f"gradient of {name}", (ours[name] - exact).norm().item(), allowed,
                    f"PyTorch fp32 {peer_error:.1e}, norm {size:.1e}")


def weight_checks(ours, peer, truth, reach, bf16):
    """`reach`: how far AdamW can move an element."""
    everything = norm(truth.gradients.values())
    moved = [name for name in truth.gradients if truth.gradients[name].norm().item() >= 1e-12 * everything]
    if not bf16 and len(truth.loss) >= 100:
        total, peer_total = (norm([run[name] - truth.weights[name] for name in moved]) for run in (ours, peer))
        yield Check("all weights", total, 2 * peer_total, f"PyTorch fp32 {peer_total:.1e}")
    for name, exact in truth.weights.items():
        size, peer_error = exact.norm().item(), (peer[name] - exact).norm().item()
        allowed = 2e-2 * size if bf16 else max(2 * peer_error, 3e-5 * size)
        if name not in moved:
            allowed = max(allowed, reach * math.sqrt(exact.numel()))
        yield Check(f"weight of {name}", (ours[name] - exact).norm().item(), allowed,
                    f"PyTorch fp32 {peer_error:.1e}, norm {size:.1e}")


def series_check(what, ours, peer, truth, bound):
    """The worst step of a series of numbers, relative."""
    error, peer_error = ((ours - truth) / truth).abs(), ((peer - truth) / truth).abs().max().item()
    error[~ours.isfinite()] = math.inf
    worst = int(error.argmax())
    return Check(what, error[worst].item(), max(bound, 2 * peer_error),
                 f"step {worst + 1} of {len(truth)}, PyTorch fp32 {peer_error:.1e}")


def compare(ours, peer, truth, reach, bf16):
    checks = [series_check("loss", ours.loss, peer.loss, truth.loss, 2e-2 if bf16 else 1e-5),
              series_check("gradient norm", ours.grad_norm, peer.grad_norm, truth.grad_norm, 2e-2 if bf16 else 1e-4)]
    checks += gradient_checks(ours.gradients, peer.gradients, truth.gradients, bf16)
    checks += weight_checks(ours.weights, peer.weights, truth, reach, bf16)
    return checks


def print_table(checks):
    """The loss and norm, then the worst three of each kind of tensor."""
    shown = checks[:2]
    for kind in ("all weights", "gradient of", "weight of"):
        shown += sorted((c for c in checks if c.what.startswith(kind)), key=lambda c: -c.share)[:3]
    width = max(len(c.what) for c in shown)
    print(f"{'':{width}}  {'error':>8}  {'allowed':>8}  share")
    for c in shown:
        print(f"{c.what:{width}}  {c.error:8.1e}  {c.allowed:8.1e}  {c.share:5.2f}  {c.note}")


def initial_weights(executable, config, seed, folder):
    """What `EXE dump` gives, with noise on the vectors; the parameters must be those of the definition."""
    weights = executable.dump(folder / "initial.safetensors", seed)
    model = Model(config)
    if config.positions == "sinusoidal":
        error = (weights.pop("embed.positions.weight") - model.embed.positions.weight).abs().max().item()
        if error > 1e-6:
            raise SystemExit(f"FAILED: sinusoidal positions: off by {error:.1e}")
    expected = {name: tuple(t.shape) for name, t in model.state_dict().items()}
    if set(weights) != set(expected):
        raise SystemExit(f"FAILED: parameters: {difference(set(expected), set(weights))}")
    for name, shape in expected.items():
        if tuple(weights[name].shape) != shape:
            raise SystemExit(f"FAILED: parameter {name}: expected shape {shape}, but got {tuple(weights[name].shape)}")
    noise = torch.Generator().manual_seed(seed)
    for name, t in sorted(weights.items()):
        if t.dim() == 1:
            t += 0.1 * torch.randn(t.shape, generator=noise)
    return weights


def apply_settings(metadata, settings):
    for text in settings:
        key, value = text.split("=", 1)
        entry = metadata["run_keys"][key]
        entry["value"] = type(entry["value"])(value)


def compare_executable(executable, options, folder):
    about = executable.metadata()
    apply_settings(about, options.settings)
    config, recipe = Config.from_metadata(about), Recipe.from_metadata(about)
    steps = min(options.steps, 5) if config.activation == "relu" else options.steps
    weights = initial_weights(executable, config, options.seed, folder)
    batches = make_batches(about, steps * options.accumulate, options.seed)
    files = {name: folder / f"{name}.safetensors" for name in ("weights", "batch", "out")}
    save(weights, files["weights"])
    save(batches, files["batch"])
    flags = [argument for text in options.settings for argument in ("--set", text)]
    executable.step(files["weights"], files["batch"], steps, "-o", files["out"], *flags)
    ours = run_of(load_file(files["out"]), list(weights), steps)
    truth, peer = (train(config, recipe, weights, batches, steps, dtype) for dtype in (torch.float64, torch.float32))
    checks = compare(ours, peer, truth, steps * recipe.lr, about["model"]["precision"] == "bf16")
    print(f"{len(weights)} parameters, {steps} steps of {options.accumulate} x {about['model']['micro_batch']} x "
          f"{about['model']['sequence']} tokens, loss {truth.loss[0]:.4f} -> {truth.loss[-1]:.4f}")
    print_table(checks)
    broken = sorted((c for c in checks if not c.holds), key=lambda c: -c.share)
    if broken:
        worst = broken[0]
        raise SystemExit(f"FAILED: {worst.what}: error {worst.error:.1e}, allowed {worst.allowed:.1e} ({worst.note})"
                         + (f", and {len(broken) - 1} more" if len(broken) > 1 else ""))
    print("ok")


NORMFORMER = ["norm.attention_layernorm=true", "norm.ffn_layernorm=true", "norm.head_scale=pre_proj"]
VARIANTS = {
    "Pre-LN": [],
    "Post-LN": ["norm.placement=post"],
    "attention LayerNorm": ["norm.attention_layernorm=true"],
    "FFN LayerNorm": ["norm.ffn_layernorm=true", "model.activation=relu2"],
    "HeadScale before the projection": ["norm.head_scale=pre_proj", "model.activation=silu"],
    "HeadScale after the projection": ["norm.head_scale=post_proj", "model.activation=relu"],
    "ResScale": ["norm.residual_scale=true", "model.bias=false"],
    "NormFormer": [*NORMFORMER, "norm.residual_scale=true", 'model.embedding_scale="sqrt(d_model)"'],
    "NormFormer, untied, sinusoidal": [*NORMFORMER, "model.tie_embeddings=false", "model.positions=sinusoidal"],
    "Post-LN NormFormer": [*NORMFORMER, "norm.placement=post", "model.activation=gelu_tanh"],
    "masked encoder": ["model.kind=encoder"],
    "documents": ["model.document_mask=true"],
    "documents in an encoder": ["model.kind=encoder", "model.document_mask=true"],
}
NF = [f"--key={key}" for key in NORMFORMER]
MUST_FAIL = [  # arguments of the impersonator, and what the last line must name
    ([*NF, "--break=gradient:layers.1.ffn.act_ln.weight"], "FAILED: gradient of layers.1.ffn.act_ln.weight: "),
    (["--break=gradient:embed.tokens.weight"], "FAILED: gradient of embed.tokens.weight: "),
    (["--break=weight:layers.0.attn.out.bias"], "FAILED: weight of layers.0.attn.out.bias: "),
    (["--break=loss:7"], "FAILED: loss: "),
    (["--break=missing:final_ln.bias"], "FAILED: parameters: missing final_ln.bias"),
    ([*NF, "--claim=norm.head_scale=post_proj"], "FAILED: "),
    (["--claim=model.activation=gelu_tanh"], "FAILED: "),
    (["--claim=train.weight_decay=0.11"], "FAILED: all weights: "),
    (["--key=model.kind=encoder", "--claim=norm.eps=2e-5"], "FAILED: "),
    (["--claim=model.document_mask=true", "--ignore=segments"], "FAILED: "),
]


class Impersonator(Executable):
    """fake_executable.py in forks of this process, which has paid for importing PyTorch."""

    def run(self, *arguments):
        context = multiprocessing.get_context("fork")
        receive, send = context.Pipe(duplex=False)
        child = context.Process(target=self.answer, args=(send, [*self.command, *map(str, arguments)]))
        child.start()
        send.close()
        try:
            return receive.recv()
        except EOFError:
            raise SystemExit(f"error: the impersonator failed: {arguments}") from None
        finally:
            child.join()

    @staticmethod
    def answer(send, words):
        out = io.StringIO()
        fake_executable.main(words, out)
        send.send(out.getvalue())


def verdict(words, options):
    impersonator = Impersonator("")
    impersonator.command = words
    try:
        with tempfile.TemporaryDirectory() as folder:
            compare_executable(impersonator, options, Path(folder))
        return "ok"
    except SystemExit as stop:
        print(stop)
        return str(stop)


def self_test(options):
    """An impersonator that is right passes in every variant, and of one that is not, the fault is named."""
    torch.set_num_threads(1)  # OpenMP's threads do not survive a fork
    failures = []
    cases = [([f"--key={key}" for key in keys], "ok", name) for name, keys in VARIANTS.items()]
    cases += [(words, expected, " ".join(words)) for words, expected in MUST_FAIL]
    for words, expected, name in cases:
        print(f"\n== {name}")
        got = verdict(words, options)
        if not got.startswith(expected):
            failures.append(f"{name}: expected {expected!r}, but got {got!r}")
    if failures:
        raise SystemExit("FAILED: " + "; ".join(failures))
    print(f"\nok: {len(VARIANTS)} variants pass, {len(MUST_FAIL)} faults are named")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("executable", nargs="?")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--accumulate", type=int, default=2, help="micro-batches a step")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="train.KEY=VALUE")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave the files of the comparison here")
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    if arguments.self_test == bool(arguments.executable):
        parser.error("expected an executable or --self-test")
    if arguments.self_test:
        return self_test(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        compare_executable(Executable(arguments.executable), arguments, folder)


if __name__ == "__main__":
    main()
