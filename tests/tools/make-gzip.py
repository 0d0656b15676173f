#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Write a gzip file of stored blocks: a byte of the data is a byte of the file.

usage: make-gzip.py IN OUT [EVERY]

A block ends at every multiple of EVERY bytes, and wherever zlib likes.
"""
import sys
import zlib


def main():
    with open(sys.argv[1], "rb") as f:
        data = f.read()
    every = int(sys.argv[3]) if len(sys.argv) > 3 else len(data)
    gzip = zlib.compressobj(0, zlib.DEFLATED, 31)
    with open(sys.argv[2], "wb") as out:
        for at in range(0, len(data), every):
            out.write(gzip.compress(data[at:at + every]))
            out.write(gzip.flush(zlib.Z_SYNC_FLUSH))
        out.write(gzip.flush())


if __name__ == "__main__":
    main()
