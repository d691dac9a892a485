"""Small twins of the models in models/ against PyTorch in fp64: loss, every gradient of the first step, and weights after
AdamW steps (compare_training.py holds the rule). One line a model; with dropout where a case sets it."""
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
COMPILER = os.environ.get("NF_COMPILE", os.path.join(ROOT, "build", "bin", "nf-compile"))

TIGHTEST = "in the least memory"
NO_DROPOUT = ["model.dropout=0", "model.attention_dropout=0"]
# What to compile, the steps, and what is set beside the cuts of test/small-twin.txt.
CASES = [
    ("normformer-demo", 100, []),
    ("preln-demo", 100, []),
    ("gpt2-124m", 20, []),
    ("gpt3-125m", 20, []), ("gpt3-355m", 20, []), ("gpt3-1.3b", 20, []), ("gpt3-2.7b", 20, []),
    ("normformer-125m", 20, []), ("normformer-355m", 20, []), ("normformer-1.3b", 20, []), ("normformer-2.7b", 20, []),
    ("roberta-base", 100, []), ("normformer-roberta-base", 20, []),
    ("preln-demo", 100, ["norm.placement=post"]),
    ("preln-demo", 100, ["norm.attention_layernorm=true"]),
    ("preln-demo", 100, ["norm.ffn_layernorm=true"]),
    ("preln-demo", 100, ["norm.head_scale=pre_proj"]),
    ("preln-demo", 100, ["norm.head_scale=post_proj"]),
    ("preln-demo", 100, ["norm.residual_scale=true"]),
    ("normformer-demo", 100, ["norm.residual_scale=true", "norm.head_scale=post_proj", "train.clip=0.5"]),
    ("normformer-demo", 20, ["train.reduction_slots=2"]),
    ("normformer-demo", 20, ["objective.document_mask=true"]),
    ("roberta-base", 20, ["objective.document_mask=true"]),
    ("preln-demo", 100, ["model.tie_embeddings=false", "model.bias=false", "model.activation=silu"]),
    ("preln-demo", 20, ["train.precision=bf16"]),
    ("normformer-demo", 20, ["train.precision=bf16", "norm.residual_scale=true"]),
    ("normformer-roberta-base", 20, ["train.precision=bf16"]),
    ("preln-demo", 20, ["train.precision=bf16", "norm.placement=post", "norm.head_scale=post_proj"]),
    ("normformer-roberta-base", 20, ["model.dropout=0.1", "model.attention_dropout=0.2"]),
]
# The same with every fold, also where it costs more than it saves.
FOLDED = [
    ("normformer-demo", 100, []),
    ("normformer-demo", 20, ["norm.residual_scale=true", "norm.head_scale=post_proj", "train.clip=0.5"]),
    ("normformer-demo", 20, ["train.reduction_slots=2", "model.bias=false"]),
    ("normformer-demo", 20, ["train.precision=bf16", "norm.residual_scale=true"]),
]

# In the least memory that they compile in: attention and matrix products are computed again, and masks drawn again.
TIGHT = [
    ("normformer-demo", 100, ["norm.residual_scale=true"]),
    ("normformer-demo", 20, ["model.dropout=0.1", "model.attention_dropout=0.2"]),
    ("normformer-demo", 20, ["model.dropout=0.1", "model.attention_dropout=0.2", "train.precision=bf16"]),
    ("preln-demo", 20, ["norm.placement=post", "norm.head_scale=post_proj", "model.attention_dropout=0.1"]),
]

# On the emulated GPU: every product of bf16 with rounded weights, logits in bf16; attention by multiply-and-add in f32.
ON_GPU = [
    ("normformer-demo", 5, ["train.precision=bf16", "norm.residual_scale=true"], "--fold=all"),
    ("normformer-roberta-base", 5, ["train.precision=bf16"], "--fold=auto"),
    ("preln-demo", 5, ["train.precision=bf16", "model.tie_embeddings=false", "model.bias=false"], "--fold=auto"),
    ("normformer-demo", 5, ["model.dropout=0.1", "model.attention_dropout=0.2"], "--fold=auto"),
]


def twin():
    with open(os.path.join(ROOT, "test", "small-twin.txt")) as file:
        return [line.strip() for line in file if line.strip() and not line.startswith("#")]


def compile_tight(command):
    """Compiles within the least memory that the refusal of a smaller budget names."""
    refused = subprocess.run([*command, "--memory=1KB"], capture_output=True, text=True).stderr
    least = re.search(r"expected a memory budget of at least (\S+) MB", refused)
    if not least:
        raise SystemExit(f"expected the least budget, but got: {refused}")
    done = subprocess.run([*command, f"--memory={least[1]}MB"], capture_output=True, text=True)
    share = re.search(r"^again .*\(([\d.]+) %\)", done.stdout, re.M)
    if done.returncode == 0 and not (share and float(share[1]) > 5):  # rows alone are under one percent
        raise SystemExit(f"expected attention and products computed again, but got: {done.stdout}")
    return done


def run(model, steps, sets, options, folder):
    """The last line of the comparison, or the compiler's error."""
    executable = os.path.join(folder, "model")
    arguments = [a for s in twin() + NO_DROPOUT + sets for a in ("--set", s)]
    command = [COMPILER, os.path.join(ROOT, "models", model + ".toml"), *arguments, "-o", executable]
    compiled = (compile_tight(command) if options == TIGHTEST else
                subprocess.run([*command, *options.split()], capture_output=True, text=True))
    if compiled.returncode:
        return "nf-compile: " + compiled.stderr.strip()
    compared = subprocess.run([sys.executable, os.path.join(HERE, "compare_training.py"), executable, "--steps",
                               str(steps)], capture_output=True, text=True)
    return (compared.stdout + compared.stderr).strip().split("\n")[-1]


def main():
    failed = 0
    cases = [(*case, "--fold=auto") for case in CASES] + [(*case, "--fold=all") for case in FOLDED]
    cases += [(*case, TIGHTEST) for case in TIGHT]
    cases += [(*case, options + " --target=cuda-emulated") for *case, options in ON_GPU]
    for model, steps, sets, options in cases:
        with tempfile.TemporaryDirectory() as folder:
            verdict = run(model, steps, sets, options, folder)
        failed += verdict != "ok"
        print(f"{model} {' '.join(sets)} {options} {steps} steps: {verdict}", flush=True)
    print(f"{len(cases) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
