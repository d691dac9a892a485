#!/usr/bin/env python3
"""Breaks passes on purpose, one fault of faults.txt at a time, and shows which test sees each.

usage: test/mutation/mutate.py COPY [FAULT...]     COPY: a folder for a copy of this tree (made again each time)
       test/mutation/mutate.py --in-place [FAULT...]   this tree is such a copy

The copy is built once: each place asks the environment variable NF_MUTANT which of the two it should be. Then the suites
run once for each fault, the cheap ones first, until a test fails. Prints a table in Markdown; faults are numbers."""
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SWITCH = ("#include <cstdlib>\n"
          'static inline bool nfMutant(int fault) { const char *chosen = std::getenv("NF_MUTANT"); '
          "return chosen && std::atoi(chosen) == fault; }\n#line 1\n")
LIT = ["/usr/lib/llvm-22/bin/lit", "-q", "-j2", "--max-failures=1"]
# Name and command, cheap ones first.
SUITES = [
    ("lit: passes, dialect, frontend", LIT + [f"build/test/{part}" for part in ("passes", "dialect", "frontend")]),
    ("lit: ops", LIT + ["build/test/numerics/ops"]),
    ("GoogleTest", ["sh", "-c", "for t in dialect expand-math frontend-graph frontend-onnx traffic "
                    "lower-fused lower-attention; do "
                    "build/bin/$t-tests --gtest_brief=1 || { echo FAIL: $t-tests; exit 1; }; done"]),
    ("lit: numerics", LIT + ["build/test/numerics"]),
    ("raise_test", ["python", "test/numerics/raise_test.py"]),
    ("flash_test", ["python", "test/numerics/flash_test.py"]),
    ("fold_test", ["python", "test/numerics/fold_test.py"]),
    ("random graphs", ["python", "test/numerics/random_graphs_test.py", "build/bin/nf-check", "0", "100"]),
    ("memory_budget_test", ["python", "test/e2e/memory_budget_test.py"]),
    ("slots_test", ["python", "test/numerics/slots_test.py"]),
    ("training_test", ["python", "test/numerics/training_test.py"]),
]
# A fault may make a test endless, which is seen too: in so many times the seconds that the suite takes without a fault.
PATIENCE, MOST_SECONDS = 4, 3600


def faults():
    """(number, what, file, original, where in it the part that changes begins, the part, faulty)"""
    paragraphs = [p for p in re.split(r"\n\n+", (HERE / "faults.txt").read_text()) if not p.startswith("#")]
    for number, paragraph in enumerate(paragraphs, 1):
        what, path, *lines = paragraph.strip().split("\n")
        original, faulty = ("\n".join(line[2:] for line in lines if line[:2] == sign + " ") for sign in "-+")
        part = re.search(r"\[\[(.*?)\]\]", original, re.S)
        plain = original.replace("[[", "", 1).replace("]]", "", 1) if part else original
        yield number, what, path, plain, *((part.start(), part[1]) if part else (0, plain)), faulty


def switched(number, original, faulty):
    if original.endswith(";"):
        return f"{{ if (nfMutant({number})) {{ {faulty} }} else {{ {original} }} }}"
    return f"(nfMutant({number}) ? ({faulty}) : ({original}))"


def write_switches(tree):
    """Puts every fault beside what it replaces, in the files of `tree`."""
    texts, errors = {}, []
    for number, what, path, original, offset, part, faulty in faults():
        text = texts.setdefault(path, (tree / path).read_text())
        if text.count(original) != 1:
            errors.append(f"fault {number}, {what}: expected its lines once in {path}, but got {text.count(original)}")
            continue
        start = text.index(original) + offset
        texts[path] = text[:start] + switched(number, part, faulty) + text[start + len(part):]
    if errors:
        sys.exit("\n".join(errors))
    for path, text in texts.items():
        (tree / path).write_text(SWITCH + text)
    with (tree / "test/lit.cfg.py").open("a") as lit:  # which gives tests an environment of their own
        lit.write('config.environment["NF_MUTANT"] = os.environ.get("NF_MUTANT", "")\n')


def copy_tree(tree):
    shutil.rmtree(tree, ignore_errors=True)
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    for path in listed:
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, tree / path)


def failing_test(text):
    match = re.search(r"(?:FAIL|TIMEOUT): (?:NormForge :: )?(\S+)|\[  FAILED  \] (\S+)|(random graph \d+)", text)
    return next((group for group in match.groups() if group), "") if match else ""


def caught_by(tree, number, seconds):
    """The suite, and where it says so the test, that a fault fails; "" for none. 0 is no fault: it fills in the seconds
    that each suite may take."""
    environment = os.environ | {"NF_MUTANT": str(number)}
    python = ROOT / ".venv-test/bin/python"
    for name, command in SUITES:
        command = [str(python) if part == "python" else part for part in command]
        begin, limit = time.monotonic(), seconds.get(name, MOST_SECONDS)
        with subprocess.Popen(command, cwd=tree, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, start_new_session=True) as suite:
            try:
                text, _ = suite.communicate(timeout=limit)
            except subprocess.TimeoutExpired:
                os.killpg(suite.pid, signal.SIGKILL)  # the endless program too, not only who started it
                return f"{name}: endless"
        if suite.returncode != 0:
            test = failing_test(text)
            return f"{name}: {test}" if test else name
        if number == 0:
            seconds[name] = PATIENCE * (time.monotonic() - begin) + 10
    return ""


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    tree = ROOT if sys.argv[1] == "--in-place" else Path(sys.argv[1]).resolve()
    wanted = {int(argument) for argument in sys.argv[2:]}
    if tree != ROOT:
        copy_tree(tree)
    if not any("nfMutant" in (tree / path).read_text() for _, _, path, *_ in faults()):
        write_switches(tree)
    for command in (["cmake", "--preset", "release", "-DNF_TESTS=ON"], ["cmake", "--build", "--preset", "release"]):
        subprocess.run(command, cwd=tree, check=True, stdout=subprocess.DEVNULL)
    seconds = {}
    if failed := caught_by(tree, 0, seconds):
        sys.exit(f"expected the suites to pass without a fault, but got a failure of {failed}")
    caught = total = 0
    print("| fault | in | caught by |\n| --- | --- | --- |")
    for number, what, path, *_ in faults():
        if wanted and number not in wanted:
            continue
        begin = time.monotonic()
        by = caught_by(tree, number, seconds)
        caught, total = caught + bool(by), total + 1
        print(f"| {what} | {path} | {by or '**nothing**'} |", flush=True)
        print(f"{number}: {time.monotonic() - begin:.0f} s", file=sys.stderr)
    print(f"\n{caught} of {total} faults are caught.")


if __name__ == "__main__":
    main()
