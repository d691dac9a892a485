"""tools/extract-corpus.py gives clean prose of the asked length, and one line when its package is missing.

    extract_corpus_test.py TOOLS_FOLDER
"""
import pathlib
import re
import subprocess
import sys
import tempfile

TOOL = pathlib.Path(sys.argv[1]) / "extract-corpus.py"


def run(*arguments, **environment):
    return subprocess.run([sys.executable, TOOL, *arguments], capture_output=True, text=True, env=environment or None)


def check(condition, message):
    if not condition:
        sys.exit(message)


def main(folder):
    path = folder / "corpus.txt"
    result = run(path, "--bytes", "300000")
    check(result.returncode == 0, f"it fails: {result.stderr}")
    text = path.read_text(encoding="utf-8")
    size = path.stat().st_size
    check(280_000 <= size <= 300_000, f"expected just under 300000 bytes, but got {size}")
    check(text.endswith("\n"), "the text is not cut at a line end")
    check(not re.search(r"[<>\x00-\x08\x7f-\x9f\ufffd]|&\w+;", text), "markup or damage is left in the text")
    check("Blessed is the man" in text and text.find("Psalm 1") < text.find("Psalm 2"), "verses are not in order")
    again = folder / "again.txt"
    run(again, "--bytes", "300000")
    check(again.read_bytes() == path.read_bytes(), "two runs differ")

    missing = run(folder / "none.txt", PATH="/nonexistent")
    check(missing.returncode == 1 and "tools/setup.sh" in missing.stderr and missing.stderr.count("\n") == 1,
          f"expected one line naming tools/setup.sh, but got {missing.stderr!r}")
    unwritable = run("/nonexistent/corpus.txt")
    check(unwritable.returncode == 1 and "cannot write" in unwritable.stderr, f"got {unwritable.stderr!r}")
    check(not (folder / "none.txt").exists(), "a file is left behind after an error")
    print("clean prose")


with tempfile.TemporaryDirectory() as name:
    main(pathlib.Path(name))
