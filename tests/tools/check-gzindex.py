#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Reads an index of a gzip file by the letter of the format, with no code of the
project, and inflates from every access point. As the reference tools do, it takes
whole windows only.

    check-gzindex.py INDEX GZIP DATA: DATA is what the gzip file holds
"""

import ctypes
import ctypes.util
import struct
import sys
import zlib

HEADER = struct.Struct("<8sBBBbBiiiqqqq")
TABLE = struct.Struct("<qq")
ENTRY = struct.Struct("<qqqBI")
TABLE_AT = 313
WINDOW = 32768
PROBE = 65536  # bytes of either kind, from a point on
LIBZ = ctypes.CDLL(ctypes.util.find_library("z"))


def check(condition, text):
    if not condition:
        sys.exit(f"check-gzindex.py: {text}")


def check_header(index, gzip):
    fields = HEADER.unpack_from(index)
    magic, major, _, algorithm, _, _, _, window, entry, nr, *sizes = fields
    offset, size = TABLE.unpack_from(index, TABLE_AT)
    check(magic[:7] == b"ddgzidx" and major == 1, "magic or version")
    check(algorithm in (0, 1), f"algorithm {algorithm}")
    check((window, entry) == (WINDOW, ENTRY.size), "sizes of window and entry")
    check(sizes[:2] == [len(gzip), len(index)], "lengths of the files")
    check(offset + size == len(index), "the table is not the last thing")
    return algorithm, nr, index[offset:]


class Stream(ctypes.Structure):
    """z_stream: the zlib module cannot begin within a byte."""

    _fields_ = [
        ("next_in", ctypes.c_char_p),
        ("avail_in", ctypes.c_uint),
        ("total_in", ctypes.c_ulong),
        ("next_out", ctypes.c_void_p),
        ("avail_out", ctypes.c_uint),
        ("rest", ctypes.c_ulong * 16),
    ]


def window_of(index, pos, size, algorithm, number):
    window = index[pos : pos + size]
    if algorithm and window:
        window = zlib.decompress(window)
    check(len(window) == WINDOW, f"point {number}: {len(window)} bytes of window")
    return window


def inflate(gzip, pos, bits, window):
    """Up to the end of what is probed, or of the member."""
    data = gzip[pos : pos + PROBE]
    out = ctypes.create_string_buffer(PROBE)
    s = Stream(
        next_in=data,
        avail_in=len(data),
        next_out=ctypes.addressof(out),
        avail_out=PROBE,
    )
    check(
        LIBZ.inflateInit2_(ctypes.byref(s), -15, b"1", 112) == 0
        and LIBZ.inflatePrime(ctypes.byref(s), bits, gzip[pos - 1] >> (8 - bits)) == 0
        and LIBZ.inflateSetDictionary(ctypes.byref(s), window, WINDOW) == 0
        and LIBZ.inflate(ctypes.byref(s), 0) >= 0,
        f"zlib does not go on at byte {pos}",
    )
    LIBZ.inflateEnd(ctypes.byref(s))
    return out.raw[: PROBE - s.avail_out]


def main(index, gzip, data):
    algorithm, nr, table = check_header(index, gzip)
    if algorithm:
        table = zlib.decompress(table)
    check(len(table) == nr * ENTRY.size, "length of the table")
    for number, point in enumerate(ENTRY.iter_unpack(table)):
        data_pos, gzip_pos, window_pos, bits, size = point
        window = window_of(index, window_pos, size, algorithm, number)
        got = inflate(gzip, gzip_pos, bits, window)
        check(got or data_pos == len(data), f"point {number}: no data")
        check(data[data_pos:].startswith(got), f"point {number}: other data")


if __name__ == "__main__":
    main(*(open(name, "rb").read() for name in sys.argv[1:]))
