#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Flip a bit here and there in a blob: verify must notice each of them.

usage: corrupt.py TOOL BLOB SCRATCH COUNT

Looks at COUNT places in the headers at the front, as many at the end, and as
many anywhere. dump must either understand the blob or say that it is invalid.
"""
import random
import subprocess
import sys


def status(tool, command, path):
    return subprocess.run([tool, command, "--json", path], check=False,
                          stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, timeout=60).returncode


def places(rng, size, count):
    front = [rng.randrange(min(size, 2200)) for _ in range(count)]
    back = [size - 1 - rng.randrange(min(size, 3000)) for _ in range(count)]
    return front + back + [rng.randrange(size) for _ in range(count)]


def main():
    tool, blob, scratch, count = sys.argv[1:]
    with open(blob, "rb") as f:
        good = f.read()
    rng = random.Random(blob.rsplit("/", 1)[-1])
    for at in places(rng, len(good), int(count)):
        bad = bytearray(good)
        bad[at] ^= 1 << rng.randrange(8)
        with open(scratch, "wb") as f:
            f.write(bad)
        if status(tool, "verify", scratch) != 3:
            sys.exit(f"{blob}: verify misses a bit that flipped at {at}")
        if status(tool, "dump", scratch) not in (0, 3):
            sys.exit(f"{blob}: dump fails after a bit flipped at {at}")


if __name__ == "__main__":
    main()
