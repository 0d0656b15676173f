#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Writes many small plain layers, and the disk that they make up.

    layers.py COUNT BYTES SNAPSHOT STEP

Layer N goes to "layerN", the disk to "disk". Of layers SNAPSHOT, SNAPSHOT +
STEP and so on the disk before and after them is written in their place, to
"beforeN" and "afterN".
"""
import random
import struct
import sys

SECTOR = 512
SPACE = 4096
MAGIC = bytes.fromhex('4c534d5400010200'
                      '657e63d29444084ca2d2c8ec4fcfae8a')
HEADER, DATA, SEALED = 1, 2, 4
ZEROED = 1 << 55


def header(flags, index_offset, index_size, size):
    """A header or trailer."""
    fields = struct.pack('<IIQQQ', 390, flags, index_offset, index_size, size)
    return (MAGIC + fields + bytes(76) + b'\1\1').ljust(SPACE, b'\0')


def write_layer(path, size, extents, disk):
    """A layer of what the disk holds there, or of zeros."""
    data = b''
    index = b''
    for offset, length, zeroed in extents:
        moffset = (SPACE + len(data)) // SECTOR
        index += struct.pack('<QQ', offset | length << 50,
                             moffset | (ZEROED if zeroed else 0))
        if not zeroed:
            data += disk[offset * SECTOR:(offset + length) * SECTOR]
    entries = len(index) // 16
    index += b'\xff' * (-len(index) % SPACE)
    with open(path, 'wb') as file:
        file.write(header(HEADER | DATA | SEALED, 0, 0, size) + data + index +
                   header(DATA | SEALED, SPACE + len(data), entries, size))


def change(rng, disk):
    """Some extents, in order and apart from each other."""
    extents = []
    at = 0
    sectors = len(disk) // SECTOR
    for _ in range(rng.randint(1, 6)):
        at += rng.randint(0, sectors // 4)
        length = rng.randint(1, 17)
        if at + length > sectors:
            break
        zeroed = rng.random() < 0.2
        disk[at * SECTOR:(at + length) * SECTOR] = (
            bytes(length * SECTOR) if zeroed
            else rng.randbytes(length * SECTOR))
        extents.append((at, length, zeroed))
        at += length
    return extents


def write(path, content):
    """A whole file."""
    with open(path, 'wb') as file:
        file.write(content)


def main(count, size, snapshot, step):
    """See above."""
    rng = random.Random(count)
    disk = bytearray(rng.randbytes(size))
    write_layer('layer0', size, [(0, size // SECTOR, False)], disk)
    for n in range(1, count):
        before = bytes(disk)
        extents = change(rng, disk)
        if n % step == snapshot % step:
            write(f'before{n}', before)
            write(f'after{n}', disk)
        else:
            write_layer(f'layer{n}', size, extents, disk)
    write('disk', disk)


main(*map(int, sys.argv[1:]))
