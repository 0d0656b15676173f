#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Make a writable layer by the letter of the format description.

usage: make-upper.py append|crashed|sparse SEED BASE DATA INDEX RAW

The layer lies over the raw image BASE; RAW becomes the disk that comes out.
"append" writes, overwrites and discards at random, and puts what is discarded
to use again. "crashed" is the same, but both files are larger than what is in
them, and garbage lies behind the end of the log. "sparse" is of the sparse
kind, with an index file of no length.
"""
import random
import struct
import sys

SECTOR = 512
HEADER = 4096
MAGIC = bytes.fromhex("4c534d5400010200657e63d29444084ca2d2c8ec4fcfae8a")
UUID = b"5ea1ab1e-0000-4000-8000-000000000001"
PARENT = b"5ea1ab1e-0000-4000-8000-000000000000"
PADDING = struct.pack("<QQ", (1 << 50) - 1, 0)


def header(flags, index_offset, size):
    fields = struct.pack("<IIQQQ37s37sHBB256s", 390, flags, index_offset, 0,
                         size, UUID, PARENT, 0, 1, 1, b"a tag")
    return (MAGIC + fields).ljust(HEADER, b"\0")


def entry(offset, length, moffset, zeroed):
    return struct.pack("<QQ", offset | length << 50,
                       moffset | zeroed << 55 | 3 << 56)


def content(rng, sectors):
    """Runs of noise, of words and of zeros."""
    data = b""
    while len(data) < sectors * SECTOR:
        n = SECTOR * rng.randrange(1, 20)
        kind = rng.randrange(3)
        data += (bytes(n) if kind == 0 else rng.randbytes(n) if kind == 1 else
                 rng.randbytes(8) * (n // 8))
    return data[:sectors * SECTOR]


class Layer:
    """An append-only layer, and the disk that it makes."""

    def __init__(self, base):
        self.disk = bytearray(base)
        self.where = [None] * (len(base) // SECTOR)  # sector of the data
        self.data = bytearray(HEADER)
        self.free = set()
        self.log = []

    def release(self, sector):
        if self.where[sector] is not None:
            self.free.add(self.where[sector])
        self.where[sector] = None

    def discard(self, sector, n):
        self.disk[sector * SECTOR:(sector + n) * SECTOR] = bytes(n * SECTOR)
        for i in range(sector, sector + n):
            self.release(i)
        self.log.append(entry(sector, n, len(self.data) // SECTOR, 1))

    def take_run(self, n):
        """Data sectors for up to n: of those that are free, or new ones."""
        at = min(self.free) if self.free and n < 20 else None
        if at is None:
            at = len(self.data) // SECTOR
            self.data += bytes(n * SECTOR)
            return at, n
        run = 0
        while run < n and at + run in self.free:
            self.free.remove(at + run)
            run += 1
        return at, run

    def append(self, sector, data):
        while data:
            at, n = self.take_run(len(data) // SECTOR)
            self.data[at * SECTOR:(at + n) * SECTOR] = data[:n * SECTOR]
            for i in range(n):
                self.release(sector + i)
                self.where[sector + i] = at + i
            self.log.append(entry(sector, n, at, 0))
            sector += n
            data = data[n * SECTOR:]

    def write(self, sector, data, in_place):
        n = len(data) // SECTOR
        self.disk[sector * SECTOR:(sector + n) * SECTOR] = data
        if not in_place:
            self.append(sector, data)
            return
        for i in range(n):
            part = data[i * SECTOR:(i + 1) * SECTOR]
            at = self.where[sector + i]
            if at is None:
                self.append(sector + i, part)
            else:
                self.data[at * SECTOR:(at + 1) * SECTOR] = part

    def run(self, rng, steps):
        sectors = len(self.where)
        for _ in range(steps):
            n = rng.choice([1, 1, 2, 3, 8, 9, 16, 100])
            sector = rng.randrange(sectors - n)
            if rng.random() < 0.25:
                self.discard(sector, n)
            else:
                self.write(sector, content(rng, n), rng.random() < 0.5)
            if rng.random() < 0.05:
                self.log.append(PADDING)


def make_append(rng, base, crashed):
    layer = Layer(base)
    layer.run(rng, 400)
    data, log = layer.data, b"".join(layer.log)
    data[:HEADER] = header(3, 0, len(base))
    if crashed:
        data += rng.randbytes(10000) + bytes(500000)
        log += bytes(16) + rng.randbytes(5000) + bytes(20000)
    return data, header(1, HEADER, len(base)) + log, layer.disk


def make_sparse(rng, base, path):
    """Written with holes where nothing is; pages are what file systems know."""
    disk = bytearray(base)
    with open(path, "wb") as f:
        f.write(header(0x13, 0, len(base)))
        f.truncate(HEADER + len(base))
        for _ in range(60):
            n = rng.randrange(1, 6) * 8
            sector = rng.randrange((len(base) // SECTOR - n) // 8) * 8
            data = content(rng, n)
            disk[sector * SECTOR:(sector + n) * SECTOR] = data
            f.seek(HEADER + sector * SECTOR)
            f.write(data)
    return disk


def put(path, data):
    with open(path, "wb") as f:
        f.write(data)


def main():
    kind, seed, base_path, data_path, index_path, raw_path = sys.argv[1:]
    rng = random.Random(int(seed))
    with open(base_path, "rb") as f:
        base = f.read()
    if kind == "sparse":
        disk = make_sparse(rng, base, data_path)
        put(index_path, b"")
    else:
        data, index, disk = make_append(rng, base, kind == "crashed")
        put(data_path, data)
        put(index_path, index)
    put(raw_path, disk)


main()
