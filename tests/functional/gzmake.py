#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Makes gzip files with each of zlib's ways to compress.

    gzmake.py FILE DIR
        DIR/NAME.gz for each of them
"""
import sys
import zlib

GZIP = 16               # added to the bits of the window: a header of gzip's

# How often it flushes, if it does; members of so many bytes; what zlib is told.
DEFAULTS = {
    'flush': zlib.Z_NO_FLUSH, 'every': 0, 'member': 0, 'level': 6,
    'window': 15, 'memory': 8, 'strategy': zlib.Z_DEFAULT_STRATEGY,
}
WAYS = {
    'fixed': {'strategy': zlib.Z_FIXED},
    'huffman': {'strategy': zlib.Z_HUFFMAN_ONLY},
    'rle': {'strategy': zlib.Z_RLE},
    'filtered': {'strategy': zlib.Z_FILTERED, 'level': 9},
    'sync': {'flush': zlib.Z_SYNC_FLUSH, 'every': 3001},
    'full': {'flush': zlib.Z_FULL_FLUSH, 'every': 7001, 'level': 1},
    'partial': {'flush': zlib.Z_PARTIAL_FLUSH, 'every': 2003},
    'block': {'flush': zlib.Z_BLOCK, 'every': 1009, 'level': 9},
    'memory': {'memory': 1},
    'window': {'window': 9, 'level': 9},
    'both': {'memory': 1, 'window': 9, 'strategy': zlib.Z_FIXED},
    'stored': {'level': 0},
    'members': {'member': 40009, 'memory': 2},
    'mixture': {'member': 70001, 'flush': zlib.Z_PARTIAL_FLUSH,
                'every': 5003, 'strategy': zlib.Z_FIXED},
}


def pieces(data, size):
    """One, if there is no size."""
    size = size or len(data)
    return (data[at:at + size] for at in range(0, len(data), size))


def compress(data, way):
    """One member."""
    gzip = zlib.compressobj(way['level'], zlib.DEFLATED, way['window'] + GZIP,
                            way['memory'], way['strategy'])
    for piece in pieces(data, way['every']):
        yield gzip.compress(piece)
        yield gzip.flush(way['flush'])
    yield gzip.flush()


def main(path, folder):
    """See above."""
    with open(path, 'rb') as file:
        data = memoryview(file.read())
    for name, way in WAYS.items():
        way = {**DEFAULTS, **way}
        with open(f'{folder}/{name}.gz', 'wb') as out:
            for member in pieces(data, way['member']):
                out.writelines(compress(member, way))


main(*sys.argv[1:])
