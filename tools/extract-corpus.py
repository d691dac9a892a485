#!/usr/bin/env python3
"""Writes plain English prose for the demo: Spurgeon's "Treasury of David" (1885, public domain), from Debian's package
sword-comm-tdavid, in verse order, one paragraph a line, a blank line between verses.

    tools/extract-corpus.py corpus.txt [--bytes 4000000]

SWORD's zCom4 modules: TESTAMENT.czs lists zlib blocks of TESTAMENT.czz (offset, size, size unpacked), and
TESTAMENT.czv says for each verse in which block its text lies (block, offset, size); all little-endian u32.
"""
import argparse
import html
import os
import re
import struct
import subprocess
import sys
import zlib

PACKAGE = "sword-comm-tdavid"
PARAGRAPH = re.compile(r"<(?:div|/?title|/?lg?|/?list|/?item|chapter|/p|p|br|lb)\b[^>]*>")
TAG = re.compile(r"<[^>]*>")
# C1 controls, byte order marks and soft hyphens are damage of the module's conversions.
DAMAGE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\ufeff]")


def fail(message):
    sys.exit(f"error: {message}")


def module_files():
    """The module's files of the Old Testament (it has no other): index of blocks, index of verses, blocks."""
    try:
        listing = subprocess.run(["dpkg", "-L", PACKAGE], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        fail(f"Debian's package {PACKAGE} is not installed: run tools/setup.sh")
    paths = [next((p for p in listing.split("\n") if p.endswith("/ot." + ending)), None)
             for ending in ("czs", "czv", "czz")]
    if None in paths:
        fail(f"Debian's package {PACKAGE} has no files ot.czs, ot.czv and ot.czz: run tools/setup.sh")
    try:
        return [open(path, "rb").read() for path in paths]
    except OSError as error:
        fail(f"{error.filename}: cannot read: {error.strerror}; run tools/setup.sh")


def records(index):
    return struct.iter_unpack("<III", index[: len(index) // 12 * 12])


def verses():
    """The marked-up text of each verse, in order; verses that share a text give it once."""
    block_index, verse_index, packed = module_files()
    blocks = list(records(block_index))
    number, block, last = -1, b"", None
    for record in records(verse_index):
        wanted, start, size = record
        if size == 0 or record == last:
            continue
        last = record
        if wanted != number:
            offset, packed_size, _ = blocks[wanted]
            number, block = wanted, zlib.decompress(packed[offset:offset + packed_size])
        yield block[start:start + size].decode("utf-8", "replace")


def plain(markup):
    """Paragraphs of a verse, one a line, without markup."""
    text = TAG.sub("", PARAGRAPH.sub("\n", markup))
    text = DAMAGE.sub("", html.unescape(text)).replace("\ufffd", "")
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def corpus(limit):
    """At most `limit` bytes of text, cut at a line end."""
    parts, size = [], 0
    try:
        for verse in verses():
            text = plain(verse)
            if text:
                parts.append((text + "\n\n").encode())
                size += len(parts[-1])
            if size >= limit:
                break
    except (zlib.error, IndexError) as error:
        fail(f"the module of {PACKAGE} is damaged ({error}): reinstall it with apt-get install --reinstall {PACKAGE}")
    text = b"".join(parts)
    return text[: text.rfind(b"\n", 0, limit) + 1] if len(text) > limit else text


def main():
    parser = argparse.ArgumentParser(description="Extracts the demo's text from Debian's package " + PACKAGE + ".")
    parser.add_argument("output", help="text file to write")
    parser.add_argument("--bytes", type=int, default=4_000_000, help="write at most this many (default 4000000)")
    options = parser.parse_args()
    if options.bytes < 1:
        parser.error(f"expected --bytes of at least 1, but got {options.bytes}")
    text = corpus(options.bytes)
    partial = options.output + ".partial"
    try:
        with open(partial, "wb") as file:
            file.write(text)
        os.replace(partial, options.output)
    except OSError as error:
        if os.path.exists(partial):
            os.unlink(partial)
        fail(f"{options.output}: cannot write: {error.strerror}")


main()
