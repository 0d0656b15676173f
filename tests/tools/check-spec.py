#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Decode layer blobs by the letter of the format description, and compare.

usage: check-spec.py RAW BLOB...

Shares no code with the tool: the formats are written down here a second time,
and blocks are decompressed by the system's liblz4 and libzstd. The blobs are
stacked, lowest first, and must make up the raw image RAW. Everything that a
writer of committed layers must do is asserted.
"""
import ctypes
import ctypes.util
import struct
import sys

SECTOR = 512
LSMT_MAGIC = bytes.fromhex("4c534d5400010200"
                           "657e63d29444084ca2d2c8ec4fcfae8a")
ZFILE_MAGIC = bytes.fromhex("5a46696c65000100"
                            "74756a692e79796640416c6962616261")
PADDING = (1 << 50) - 1
MAX_ENTRIES = 1000000


def crc_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82f63b78 if n & 1 else 0)
        table.append(n)
    return table


CRC_TABLE = crc_table()


def crc32c(seed, data):
    """The register as it is: not inverted before or after."""
    crc = seed
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ crc >> 8
    return crc


def library(name):
    path = ctypes.util.find_library(name)
    if not path:
        print("skipped: no lib" + name)
        sys.exit(77)
    return ctypes.CDLL(path)


def unlz4(data, size):
    out = ctypes.create_string_buffer(size)
    got = library("lz4").LZ4_decompress_safe(data, out, len(data), size)
    assert got == size, f"LZ4 returns {got}, expected {size}"
    return out.raw


def check_frame(data, size):
    """One single-segment frame with its content size and no checksum."""
    assert data[:4] == b"\x28\xb5\x2f\xfd", "magic of the frame"
    descriptor = data[4]
    assert descriptor & 0x20, "the frame is not a single segment"
    assert not descriptor & 0x04, "the frame has a checksum"
    assert not descriptor & 0x03, "the frame has a dictionary"
    width = (1, 2, 4, 8)[descriptor >> 6]
    content = int.from_bytes(data[5:5 + width], "little")
    content += 256 if width == 2 else 0
    assert content == size, f"content size {content}, expected {size}"


def unzstd(data, size):
    check_frame(data, size)
    zstd = library("zstd")
    decompress = zstd.ZSTD_decompress
    decompress.restype = ctypes.c_size_t
    decompress.argtypes = [ctypes.c_char_p, ctypes.c_size_t,
                           ctypes.c_char_p, ctypes.c_size_t]
    find_size = zstd.ZSTD_findFrameCompressedSize
    find_size.restype = ctypes.c_size_t
    find_size.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    assert find_size(data, len(data)) == len(data), "more than one frame"
    out = ctypes.create_string_buffer(size)
    got = decompress(out, size, data, len(data))
    assert got == size, f"Zstandard returns {got}, expected {size}"
    return out.raw


def number(field):
    return int(field.strip(b" \0"), 8)


def check_tar_header(header):
    assert header[257:263] == b"ustar\0" and header[263:265] == b"00"
    total = sum(header) - sum(header[148:156]) + 8 * ord(" ")
    assert number(header[148:156]) == total, "checksum of the tar header"


def untar(data):
    """The blob in its archive, which has this one member and nothing else."""
    if data[257:262] != b"ustar":
        return data
    header, at, size = data[:512], 512, None
    check_tar_header(header)
    if header[156:157] == b"x":
        length = number(header[124:136])
        record = data[512:512 + length]
        assert record == b"%d size=%s\n" % (
            length, record.split(b"=")[1].strip()), "PAX record"
        size = int(record.split(b"=")[1])
        header, at = data[1024:1536], 1536
        check_tar_header(header)
        assert number(header[124:136]) == 0, "size beside a PAX header"
    assert header[:100].rstrip(b"\0") == b"overlaybd.commit"
    assert header[156:157] == b"0"
    size = number(header[124:136]) if size is None else size
    rest = data[at + size:]
    assert not any(rest), "what follows the blob is not zero"
    assert len(rest) == -size % 512 + 1024, "two blocks end an archive"
    return data[at:at + size]


def zfile_info(raw, flags):
    assert raw[:24] == ZFILE_MAGIC, "ZFile magic"
    size, digest, found = struct.unpack_from("<IIQ", raw, 24)
    assert size == 96
    assert found == flags, f"ZFile flags {found:#x}, expected {flags:#x}"
    assert crc32c(0, raw[:28] + bytes(4) + raw[32:]) == digest, "digest"
    assert not any(raw[96:]), "the rest of the header is not zero"
    return struct.unpack_from("<QQQIIIBBB", raw, 40) + \
        struct.unpack_from("<I", raw, 84) + struct.unpack_from("<B", raw, 88)


def block_of(stored, verify, algorithm, size):
    if verify:
        crc = struct.unpack("<I", stored[-4:])[0]
        stored = stored[:-4]
        assert crc32c(100007, stored) == crc, "CRC of a block"
    return {1: unlz4, 2: unzstd}[algorithm](stored, size)


def unzfile(data):
    """The decompressed bytes, if it is a ZFile."""
    if data[:24] != ZFILE_MAGIC:
        return data
    info = zfile_info(data[:512], 0x1b)
    assert info == zfile_info(data[-512:], 0x16), "header and trailer"
    (offset, nr, original, table_crc, _, block_size, algorithm, _, use_dict,
     dict_size, verify) = info
    assert not use_dict and not dict_size
    assert nr == -(-original // block_size), "number of blocks"
    assert offset + 4 * nr + 512 == len(data), "place of the jump table"
    raw_table = data[offset:offset + 4 * nr]
    assert crc32c(0, raw_table) == table_crc, "CRC of the jump table"
    out, at = [], 512
    for i, stored in enumerate(struct.unpack(f"<{nr}I", raw_table)):
        size = min(block_size, original - i * block_size)
        out.append(block_of(data[at:at + stored], verify, algorithm, size))
        at += stored
    assert at == offset, "end of the blocks"
    return b"".join(out)


def lsmt_info(raw, flags):
    assert raw[:24] == LSMT_MAGIC, "LSMT magic"
    size, found = struct.unpack_from("<II", raw, 24)
    assert size == 390
    assert found == flags, f"LSMT flags {found:#x}, expected {flags:#x}"
    assert not any(raw[390:]), "the rest of the header is not zero"
    assert not any(raw[130:132]) and raw[132] == 1 and raw[133] == 1
    for uuid in raw[56:93], raw[93:130]:
        assert len(uuid.rstrip(b"\0")) == 36, "uuid"
    return struct.unpack_from("<QQQ", raw, 32), raw[56:390]


def check_entry(entry, end, next_data, index_sector):
    """Returns where the entry ends, on the disk and in the data."""
    where, what = entry
    offset, length = where & PADDING, where >> 50
    moffset, zeroed = what & (1 << 55) - 1, what >> 55 & 1
    assert what >> 56 == 0, "tag"
    assert 1 <= length <= 16383 and offset >= end, "order of the index"
    if zeroed:
        return offset + length, next_data
    assert moffset == next_data, "data does not follow that before it"
    assert moffset + length <= index_sector, "data passes the index"
    return offset + length, moffset + length


def read_index(layer, offset, nr):
    entries = list(struct.iter_unpack("<QQ", layer[offset:offset + 16 * nr]))
    used = [e for e in entries if e[0] & PADDING != PADDING]
    assert entries[:len(used)] == used, "padding comes last"
    assert len(entries) <= MAX_ENTRIES and len(entries) * 16 % 4096 == 0
    end, next_data = 0, 8
    for entry in used:
        end, next_data = check_entry(entry, end, next_data, offset // SECTOR)
    assert next_data * SECTOR == offset, "the index follows the data"
    return used


def stack(disk, layer):
    """Lay a layer over what is below."""
    header, names = lsmt_info(layer[:4096], 7)
    (offset, nr, size), same_names = lsmt_info(layer[-4096:], 6)
    assert names == same_names, "uuids and user tag of header and trailer"
    assert header == (0, 0, size), "index fields of the header"
    assert offset + 16 * nr + 4096 == len(layer), "place of the trailer"
    del disk[size:]
    disk += bytes(size - len(disk))
    for where, what in read_index(layer, offset, nr):
        at, length = (where & PADDING) * SECTOR, (where >> 50) * SECTOR
        assert at + length <= size, "an entry passes the end of the disk"
        if what >> 55 & 1:
            disk[at:at + length] = bytes(length)
        else:
            moffset = (what & (1 << 55) - 1) * SECTOR
            disk[at:at + length] = layer[moffset:moffset + length]


def read(path):
    with open(path, "rb") as f:
        return f.read()


def main():
    disk = bytearray()
    for path in sys.argv[2:]:
        try:
            stack(disk, unzfile(untar(read(path))))
        except AssertionError as e:
            sys.exit(f"{path}: {e}")
    raw = read(sys.argv[1])
    raw += bytes(-len(raw) % SECTOR)
    if disk[:len(raw)] != raw or any(disk[len(raw):]):
        sys.exit(f"{sys.argv[1]}: differs from what the layers make up")


if __name__ == "__main__":
    main()
