"""Our tokenizer gives the ids of Hugging Face's `tokenizers` for the same tokenizer.json, and theirs loads in ours.

    compare_tokenizers.py DATA_TOKENIZE     (the test program built from TokenizeTool.cpp)
"""
import pathlib
import random
import subprocess
import sys
import tempfile
import unicodedata

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

TOOL = sys.argv[1]

PROSE = """It was the best of times, it wasn't the worst; they'll say we've 1,234 reasons (or 5678)!
\tTabs,  double  spaces,   and trailing   \r\n\r\n\n    indented 'quoted' text I'd, you're, he's, I'm, 'S 'LL.
Grüße aus Köln, naïve café, Ελληνικά, русский текст, 日本語テキスト, עברית, हिन्दी, 👩‍👩‍👧‍👦 🎉 ½ ² Ⅷ ٣٤٥ x² H₂O.
"""
# Both implementations carry their own Unicode tables: only characters old enough to be in each are compared.
LATEST = 0x1FFFF


def odd_text(seed):
    """Runs of characters of every Unicode class, with much white space and many apostrophes."""
    chooser = random.Random(seed)
    white = " \t\n\r\x0b\x0c\x85\u00a0\u1680\u2003\u2028\u202f\u3000\u180e\u200b"
    known = [chr(c) for c in range(1, LATEST) if unicodedata.ucd_3_2_0.category(chr(c)) not in ("Cn", "Cs", "Co")]
    parts = []
    for _ in range(20000):
        kind = chooser.random()
        if kind < 0.35:
            parts.append(chooser.choice(white) * chooser.randint(1, 3))
        elif kind < 0.45:
            parts.append(chooser.choice(["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'", "''", "'S"]))
        elif kind < 0.7:
            parts.append("".join(chooser.choice("etaoin shrdlu 0123456789.,;!") for _ in range(chooser.randint(1, 8))))
        else:
            parts.append(chooser.choice(known))
    return "".join(parts)


def our_ids(tokenizer_json, text):
    path = tokenizer_json.with_suffix(".txt")
    path.write_bytes(text.encode())
    printed = subprocess.run([TOOL, "encode", tokenizer_json, path], capture_output=True, text=True, check=True).stdout
    return [int(line) for line in printed.split()]


def compare(name, tokenizer_json, texts):
    theirs = Tokenizer.from_file(str(tokenizer_json))
    for number, text in enumerate(texts):
        want, got = theirs.encode(text, add_special_tokens=False).ids, our_ids(tokenizer_json, text)
        if want != got:
            at = next((i for i, pair in enumerate(zip(want, got)) if pair[0] != pair[1]), min(len(want), len(got)))
            around = theirs.decode(want[max(0, at - 3):at + 5])
            sys.exit(f"{name}, text {number}, token {at}: tokenizers gives {want[at:at + 8]}, ours {got[at:at + 8]} "
                     f"around {around!r}")
        if theirs.decode(got, skip_special_tokens=False) != text:
            sys.exit(f"{name}, text {number}: tokenizers does not decode our ids to the text")


def train_theirs(path, text):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=700, special_tokens=["<|endoftext|>"], show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator([text], trainer)
    tokenizer.save(str(path))


def main(folder):
    training = PROSE * 5 + odd_text(1)[:20000]
    (folder / "training.txt").write_bytes(training.encode())
    texts = [PROSE, training, odd_text(2), odd_text(3), "", " ", "\n", "a" * 5000, " " * 3000 + "x", "'" * 999]

    ours = folder / "ours.json"
    subprocess.run([TOOL, "train", "600", folder / "training.txt", ours], check=True)
    compare("trained by us", ours, texts)
    theirs = folder / "theirs.json"
    train_theirs(theirs, training)
    compare("trained by tokenizers", theirs, texts)
    print("same ids")


with tempfile.TemporaryDirectory() as name:
    main(pathlib.Path(name))
