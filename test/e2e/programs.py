"""What tests of whole programs have in common: where things are, small twins of definitions, programs that must succeed."""
import os
import re
import shutil
import subprocess
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.join(ROOT, "build", "bin")
COMPILER = os.path.join(BIN, "nf-compile")
MODELS = os.path.join(ROOT, "models")
# Assembles PTX, where the CUDA toolkit is installed.
PTXAS = shutil.which("ptxas") or shutil.which("/usr/local/cuda/bin/ptxas")


def run(*command, text=True, stdin=None, **environment):
    """What a program prints; with more in its environment."""
    done = subprocess.run(command, capture_output=True, text=text, input=stdin, env={**os.environ, **environment},
                          timeout=300)
    if done.returncode:
        raise AssertionError(f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def settings(values):
    """["--set", "key=value", ...]"""
    return [word for value in values for word in ("--set", value)]


def twin(*more):
    """The settings that make a definition small, and more."""
    with open(os.path.join(ROOT, "test", "small-twin.txt")) as file:
        return settings([*(line.strip() for line in file if line.strip() and not line.startswith("#")), *more])


def kernels_of(ptx):
    """The head of a module in PTX, and its kernels."""
    head, *kernels = re.split(r"(?m)^(?=\s*// \t?\.globl)", ptx)
    return head, kernels


def assembled(ptx, arch):
    """Of each kernel what ptxas says: (name, bytes of local memory, bytes of spilled stores, of spilled loads)."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "kernels.ptx")
        with open(path, "w") as file:
            file.write(ptx)
        done = subprocess.run([PTXAS, "-v", f"-arch={arch}", path, "-o", os.path.join(folder, "cubin")],
                              capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"ptxas ended with {done.returncode}: {done.stderr}")
    return re.findall(r"Function properties for (\w+)\n\s*(\d+) bytes stack frame, (\d+) bytes spill stores, "
                      r"(\d+) bytes spill loads", done.stdout + done.stderr)
