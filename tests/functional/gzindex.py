#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Changes an access point of the index of a gzip file whose table is not packed.

    gzindex.py INDEX NUMBER FIELD CHANGE
        add CHANGE to data_pos, gzip_pos, window_pos, bits or window_size
    gzindex.py INDEX NUMBER FIELD
        print it
"""
import struct
import sys

TABLE_OFFSET = 313
ENTRY_SIZE = 29
FIELDS = {
    "data_pos": (0, "<q"),
    "gzip_pos": (8, "<q"),
    "window_pos": (16, "<q"),
    "bits": (24, "<B"),
    "window_size": (25, "<I"),
}


def main(path, number, field, change=None):
    at, form = FIELDS[field]
    with open(path, "r+b" if change else "rb") as file:
        file.seek(TABLE_OFFSET)
        at += struct.unpack("<q", file.read(8))[0] + ENTRY_SIZE * int(number)
        file.seek(at)
        value = struct.unpack(form, file.read(struct.calcsize(form)))[0]
        if change is None:
            print(value)
            return
        file.seek(at)
        file.write(struct.pack(form, value + int(change)))


main(*sys.argv[1:])
