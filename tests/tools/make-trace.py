#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Write a trace as Documentation/trace-format.rst describes it.

make-trace.py FILE BYTES,DATA_BYTES,BLOCK_SIZE,TABLE_CRC,UUID... -- \
	LAYER,FIRST,COUNT...
"""
import struct
import sys


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return out


def zigzag(value):
    return 2 * value if value >= 0 else -2 * value - 1


def ranges_of(words, nr_layers):
    ends = [0] * nr_layers
    last = 0
    out = bytearray()
    for word in words:
        layer, first, count = map(int, word.split(","))
        out += varint(zigzag(layer - last))
        out += varint(zigzag(first - ends[layer]))
        out += varint(count - 1)
        last = layer
        ends[layer] = first + count
    return out


def layer_of(word):
    size, data, block, crc, uuid = word.split(",")
    return struct.pack("<QQII37s3x", int(size), int(data), int(block),
                       int(crc), uuid.encode())


def main():
    at = sys.argv.index("--")
    layers, ranges = sys.argv[2:at], sys.argv[at + 1:]
    body = struct.pack("<II", len(layers), len(ranges))
    body += b"".join(map(layer_of, layers))
    body += ranges_of(ranges, len(layers))
    with open(sys.argv[1], "wb") as f:
        f.write(b"OBDTRACE" + struct.pack("<II", 1, crc32c(body)) + body)


main()
