#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Wrap a file in a ZFile of LZ4 literals, without a layer in it.

usage: make-zfile.py IN OUT
"""
import struct
import sys

BLOCK = 4096
MAGIC = b"ZFile\0\1\0tuji.yyf@Alibaba"


def literals(data):
    """One LZ4 sequence that copies nothing."""
    size = len(data)
    if size < 15:
        return bytes([size << 4]) + data
    more, last = divmod(size - 15, 255)
    return b"\xf0" + b"\xff" * more + bytes([last]) + data


def header(flags, offset, nr, size):
    return struct.pack("<24sIIQQQQIIIBBBBII", MAGIC, 96, 0, flags, offset, nr,
                       size, 0, 0, BLOCK, 1, 0, 0, 0, 0, 0).ljust(512, b"\0")


def main():
    with open(sys.argv[1], "rb") as f:
        data = f.read()
    blocks = [literals(data[at:at + BLOCK])
              for at in range(0, len(data), BLOCK)]
    offset = 512 + sum(map(len, blocks))
    with open(sys.argv[2], "wb") as out:
        out.write(header(0x0b, offset, len(blocks), len(data)))
        out.write(b"".join(blocks))
        for block in blocks:
            out.write(struct.pack("<I", len(block)))
        out.write(header(0x06, offset, len(blocks), len(data)))


if __name__ == "__main__":
    main()
