#!/usr/bin/env python3
"""Compares two runs on the same tokens: a baseline and a NormFormer.

    tools/demo-report.py RUN_BASELINE RUN_NORMFORMER

Reads metrics.jsonl of both (docs/executable.md) and prints a table and one sentence computed from its numbers.
"""
import argparse
import json
import math
import os
import re
import statistics
import sys

FC2 = re.compile(r"layers\.(\d+)\.ffn\.fc2\.weight$")


def read_run(folder):
    """The records of a run: steps, evaluations."""
    path = os.path.join(folder, "metrics.jsonl")
    try:
        with open(path) as file:
            records = [json.loads(line) for line in file if line.strip()]
    except (OSError, ValueError) as error:
        sys.exit(f"demo-report: cannot read {path}: {error}; train into {folder} first")
    steps = [r for r in records if "loss" in r]
    evaluations = [r for r in records if "validation_loss" in r]
    if not steps or not evaluations:
        sys.exit(f"demo-report: {path} has no steps or no evaluations; train with --eval-every 100")
    return steps, evaluations


def fc2_ratio(evaluations):
    """L2 gradient norm of the first layer's fc2 over the last layer's: the median over the evaluations."""
    ratios = []
    for record in evaluations:
        norms = {int(m.group(1)): norm for name, norm in record.get("grad_norms", {}).items() if (m := FC2.match(name))}
        if norms and norms[max(norms)] > 0:
            ratios.append(norms[min(norms)] / norms[max(norms)])
    return statistics.median(ratios) if ratios else math.nan


def step_seconds(steps):
    """The median time of a step."""
    return statistics.median(step["seconds"] for step in steps)


def tokens_to_reach(steps, evaluations, loss):
    """Tokens at the first evaluation that is at or below `loss`, or None."""
    tokens = {s["step"]: s["tokens"] for s in steps}
    for record in evaluations:
        if record["validation_loss"] <= loss:
            return tokens.get(record["step"])
    return None


def summarize(run):
    steps, evaluations = run
    return {"perplexity": math.exp(evaluations[-1]["validation_loss"]), "loss": evaluations[-1]["validation_loss"],
            "ratio": fc2_ratio(evaluations), "seconds": step_seconds(steps), "tokens": steps[-1]["tokens"]}


def sentence(base, other, reached):
    """What the numbers say, whatever their sign."""
    change = (other["perplexity"] / base["perplexity"] - 1) * 100
    cost = (other["seconds"] / base["seconds"] - 1) * 100
    time = f"took {abs(cost):.1f} % {'more' if cost >= 0 else 'less'} time a step"
    if change < 0:
        where = f", reaching the twin's final loss after {reached / base['tokens'] * 100:.0f} % of the tokens" if reached else ""
        verdict = f"NormFormer ended {-change:.1f} % lower in perplexity than its Pre-LN twin{where}"
    elif change > 0:
        verdict = f"NormFormer ended {change:.1f} % higher in perplexity than its Pre-LN twin: at this size it did not help"
    else:
        verdict = "NormFormer ended at the same perplexity as its Pre-LN twin"
    flatter = abs(math.log(other["ratio"])) < abs(math.log(base["ratio"])) if other["ratio"] > 0 and base["ratio"] > 0 else False
    gradient = "flatter over depth" if flatter else "no flatter over depth"
    return f"{verdict}; it {time}, and its gradients were {gradient}. One seed, so small differences mean nothing."


def report(base_run, other_run):
    base, other = summarize(base_run), summarize(other_run)
    reached = tokens_to_reach(*other_run, base["loss"])
    rows = [("", "Pre-LN", "NormFormer"),
            ("perplexity (sample of held-out text)", f"{base['perplexity']:.2f}", f"{other['perplexity']:.2f}"),
            ("gradient of fc2, first layer / last", f"{base['ratio']:.2f}", f"{other['ratio']:.2f}"),
            ("step time / Pre-LN's", "1.00", f"{other['seconds'] / base['seconds']:.2f}"),
            ("tokens to reach the twin's loss", f"{base['tokens']}", str(reached) if reached else "not reached")]
    lines = [f"{a:<38}{b:>14}{c:>14}" for a, b, c in rows]
    return "\n".join(lines) + "\n\n" + sentence(base, other, reached)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("baseline")
    parser.add_argument("normformer")
    arguments = parser.parse_args()
    print(report(read_run(arguments.baseline), read_run(arguments.normformer)))


if __name__ == "__main__":
    main()
