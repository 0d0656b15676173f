#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Add to fields of the header of the index of a gzip file, and make it a right one.

usage: patch-gzindex.py INDEX (FIELD CHANGE)...
"""
import struct
import sys

FIELDS = {
    "nr_entries": (25, "<q"),
    "gzip_size": (33, "<q"),
    "index_size": (41, "<q"),
    "data_size": (49, "<q"),
    "table_offset": (313, "<q"),
    "sums_offset": (73, "<q"),
    "sums_crc": (69, "<I"),
}
CRC_AT = 329


def crc32c(data):
    """Without inversion, as all of the format."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc


def main(path, *changes):
    with open(path, "r+b") as file:
        header = bytearray(file.read(CRC_AT + 4))
        for field, change in zip(changes[::2], changes[1::2]):
            at, form = FIELDS[field]
            value = struct.unpack_from(form, header, at)[0] + int(change)
            struct.pack_into(form, header, at, value)
        struct.pack_into("<I", header, CRC_AT, crc32c(header[:CRC_AT]))
        file.seek(0)
        file.write(header)


main(*sys.argv[1:])
