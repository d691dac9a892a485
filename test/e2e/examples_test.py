"""Every op and every pass shows an example in its description: an op's parses, and a pass makes of what it shows first
what it shows next.

A pass's description has two blocks of IR with a sentence between them:
  becomes                              the whole module is compared
  becomes, among others,               only what is shown is compared
  … with `remarks=true` …              options of the pass
  … with nf-simplify before|after it   another pass in addition
  becomes, locations included,         names of locations are compared too
  is refused                           the second block is the error
A kernel that is shown without a body is compared without it."""
import json
import os
import re
import subprocess
import unittest

from example_module import Example, module

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NF_OPT = os.path.join(ROOT, "build", "bin", "nf-opt")
LLVM = subprocess.run(["llvm-config-22", "--prefix"], check=True, capture_output=True, text=True).stdout.strip()
BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.M | re.S)


def records(path, of):
    """The records of a .td file that are instances of a class."""
    text = subprocess.run([f"{LLVM}/bin/llvm-tblgen", "--dump-json", f"-I{ROOT}", f"-I{LLVM}/include", path], cwd=ROOT,
                          check=True, capture_output=True, text=True).stdout
    found = json.loads(text)
    return [found[name] for name in found["!instanceof"][of]]


def passes():
    listed = subprocess.run(["git", "ls-files", "passes/*Passes.td"], cwd=ROOT, check=True, capture_output=True,
                            text=True).stdout.split()
    return [(path, record) for path in listed for record in records(path, "PassBase")]


def blocks(description):
    return [(match[1], match[2], match.start(), match.end()) for match in BLOCK.finditer(description or "")]


def nf_opt(text, *flags):
    return subprocess.run([NF_OPT, "-", *flags], input=text, capture_output=True, text=True)


def symbols(text):
    """The printed ops of a module, by their first lines, and the line of the module itself."""
    # A place in the example itself is no name.
    lines = [line for line in re.sub(r' loc\(("<stdin>":\d+:\d+|unknown)\)', "", text).splitlines() if line.strip()]
    found, head = {}, next(line for line in lines if line.startswith("module"))
    for line in lines[lines.index(head) + 1:]:
        if line.startswith("  ") and line[2] not in " })":
            first = line
            found[first] = []
        elif not line.startswith("}"):
            found[first].append(line)
    return head, found


def without_bodies(got, wanted):
    """`got` without the bodies of functions that `wanted` only declares."""
    bare = {first: re.sub(r"%arg\d+: ", "", first.removesuffix(" {")) for first in got}
    return {bare[first] if bare[first] in wanted else first: [] if bare[first] in wanted else body
            for first, body in got.items()}


class Examples(unittest.TestCase):
    maxDiff = None

    def test_ops(self):
        for record in records("dialect/NFOps.td", "NF_Op"):
            name = "nf." + record["opName"]
            with self.subTest(op=name, place=record["!locs"][0]):
                shown = [text for language, text, _, _ in blocks(record["description"]) if language == "mlir"]
                self.assertTrue(shown, "no example")
                self.assertIn(name, "".join(shown))
                for text in shown:
                    done = nf_opt(module(Example(text)))
                    self.assertEqual(done.returncode, 0, f"{done.stderr}\n{module(Example(text))}")

    def test_passes(self):
        for path, record in passes():
            with self.subTest(name=record["argument"], place=f"{path}:{record['!locs'][0].split(':')[-1]}"):
                shown = blocks(record["description"])
                self.assertEqual(len(shown), 2, "expected two blocks, before and after")
                (_, before, _, end), (_, after, begin, _) = shown
                self.compare(record["argument"], before, record["description"][end:begin], after)

    def compare(self, name, before, sentence, after):
        sentence = " ".join(sentence.split())
        located = ["--mlir-print-debuginfo", "--mlir-print-local-scope"] if "locations included" in sentence else []
        first, second = Example(before), None if "refused" in sentence else Example(after)
        options = re.search(r"with `([^`]+)`", sentence)
        flags = [f"--{name}" + (f"={options[1]}" if options else "")]
        for other, place in re.findall(r"(nf-[\w-]+) (before|after) it", sentence):
            flags.insert(0 if place == "before" else len(flags), f"--{other}")
        done = nf_opt(module(first, second), *flags, *located)
        if second is None:
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(" ".join(after.split()), " ".join(done.stderr.split()))
            return
        self.assertRegex(sentence, r"^becomes\b")
        self.assertEqual(done.returncode, 0, f"{done.stderr}\n{module(first, second)}")
        expected = nf_opt(module(second, first), *located)
        self.assertEqual(expected.returncode, 0, f"{expected.stderr}\n{module(second, first)}")
        (wanted_head, wanted), (got_head, got) = (symbols(printed) for printed in
                                                      (expected.stdout, done.stdout))
        got = without_bodies(got, wanted)
        if "among others" in sentence:
            got = {first: body for first, body in got.items() if first in wanted}
            got_head = got_head if wanted_head != "module {" else wanted_head
        else:
            self.assertEqual(sorted(got), sorted(wanted))
        self.assertEqual((got_head, got), (wanted_head, wanted), f"\n{done.stdout}")


if __name__ == "__main__":
    unittest.main()
