#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Decompresses a blob with the system's own liblz4 and libzstd.

    overlaybdsetup dump --json BLOB | unzfile.py BLOB OUT

What the headers say is what dump says. OUT is padded with zeros to a sector.
"""
import ctypes
import json
import struct
import sys

LZ4 = 1
TRAILER_COUNTS = 8      # of the header's flags: clear
HEADER_SPACE = 512


def decompressor(algorithm, size):
    """A function from compressed to plain bytes."""
    out = ctypes.create_string_buffer(size)
    if algorithm == LZ4:
        call = ctypes.CDLL('liblz4.so.1').LZ4_decompress_safe
        return lambda src: taken(out, call(src, out, len(src), size))
    call = ctypes.CDLL('libzstd.so.1').ZSTD_decompress
    call.argtypes = [ctypes.c_char_p, ctypes.c_size_t] * 2
    call.restype = ctypes.c_size_t
    return lambda src: taken(out, call(out, size, src, len(src)))


def taken(out, length):
    """The bytes that a decompressor has left."""
    if not 0 < length <= len(out):
        sys.exit(f'a block does not decompress: {length}')
    return out.raw[:length]


def main(path, out):
    """See above."""
    dump = json.load(sys.stdin)
    info = dump['zfile_header']
    if not info['flags'] & TRAILER_COUNTS:
        info = dump['zfile_trailer']
    with open(path, 'rb') as file:
        file.seek(dump['blob']['start'])
        blob = file.read(dump['blob']['size'])
    sizes = struct.unpack_from(f'<{info["index_size"]}I', blob,
                               info['index_offset'])
    decompress = decompressor(info['algorithm'], info['block_size'])
    at = HEADER_SPACE
    content = bytearray()
    for size in sizes:
        content += decompress(blob[at:at + size - 4 * info['verify']])
        at += size
    if len(content) != info['original_size']:
        sys.exit(f'{path}: decompresses to {len(content)} bytes')
    with open(out, 'wb') as file:
        file.write(content + bytes(-len(content) % 512))


main(*sys.argv[1:])
