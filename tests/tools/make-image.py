#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Make a raw image of all kinds of data, or a changed copy of one.

usage: make-image.py new SEED BYTES OUT
       make-image.py noise SEED BYTES OUT
       make-image.py change SEED BYTES IN OUT
"""
import random
import sys

SECTOR = 512


def stretch(rng):
    """A run of sectors of one kind."""
    size = SECTOR * rng.choice([1, 1, 2, 3, 7, 8, 9, 64, 200])
    kind = rng.random()
    if kind < 0.4:
        return bytes(size)
    if kind < 0.6:
        return rng.randbytes(size)
    word = rng.randbytes(rng.randrange(1, 60))
    return (word * (size // len(word) + 1))[:size]


def new(rng, size):
    data = bytearray()
    while len(data) < size:
        data += stretch(rng)
    return data[:size]


def change(rng, data, size):
    """Overwrite, clear and lengthen: every change begins at a sector."""
    del data[size:]
    data += bytes(size - len(data))
    for _ in range(size // 20000 + 1):
        at = rng.randrange(0, size, SECTOR)
        part = stretch(rng)[:size - at]
        data[at:at + len(part)] = part
    return data


def write_sparse(path, data):
    with open(path, "wb") as out:
        for at in range(0, len(data), 65536):
            part = data[at:at + 65536]
            if part.count(0) != len(part):
                out.seek(at)
                out.write(part)
        out.truncate(len(data))


def main():
    verb, seed, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
    rng = random.Random(seed)
    if verb == "new":
        data = new(rng, size)
    elif verb == "noise":
        data = rng.randbytes(size)
    else:
        with open(sys.argv[4], "rb") as old:
            data = change(rng, bytearray(old.read()), size)
    write_sparse(sys.argv[-1], data)


if __name__ == "__main__":
    main()
