#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Makes, reads and checks the two files of a writable layer.

    upper.py create [uuid=..] [parent=..] DATA INDEX BYTES
        write the headers of an empty layer for a disk of that size
    upper.py check DATA INDEX
        the headers fit, every entry is in bounds, no two sectors of the disk
        have the same place; print the entries of the log, the sectors of the
        disk that have data, and those up to the last one that is in use
    upper.py flatten [base=FILE] DATA INDEX OUT
        write the disk that they are, over what the base holds
    upper.py cut DATA INDEX
        cut both to what is in use, be it by entries that others override
    upper.py sizes DATA INDEX
        print the virtual sizes of both headers
    upper.py resize FILE BYTES
        write another virtual size into a header
    upper.py split DEVICE MODE
        all ways in which a range can overlap two extents, written, discarded
        and zeroed: do it (MODE do), compare only (MODE compare)
    upper.py apart DEVICE COUNT
        write so many single sectors with one between each, in order; then
        compare them
    upper.py do DEVICE OPERATION OFFSET LENGTH [OPERATION OFFSET LENGTH]...
        write, discard, zero or flush (which takes 0 0), direct; print the name
        of the error of the first that fails
    upper.py flushes DEVICE THREADS ROUNDS OFFSET
        threads that each write a sector of their own from there on, and flush
"""
import errno
import fcntl
import mmap
import os
import struct
import sys

SECTOR = 512
SPACE = 4096
FIRST = SPACE // SECTOR
MIB = 1 << 20
MAGIC = bytes.fromhex('4c534d5400010200'
                      '657e63d29444084ca2d2c8ec4fcfae8a')
HEADER_FLAG, DATA_FLAG = 1, 2
PADDING = (1 << 50) - 1
ZEROED = 1 << 55
SIZE_AT = 48
UUID = '4d0c7d1e-6f0b-4b52-9a8e-2b1f2f6c9a01'
BLKDISCARD, BLKZEROOUT = 0x1277, 0x127f


def header(flags, index_offset, size, uuid=UUID, parent=''):
    """One of the two."""
    fields = struct.pack('<IIQQQ', 390, flags, index_offset, 0, size)
    texts = uuid.encode().ljust(37, b'\0') + parent.encode().ljust(37, b'\0')
    return (MAGIC + fields + texts + b'\0\0\1\1').ljust(SPACE, b'\0')


def entry(offset, length, moffset, zeroed=False):
    """A slot of the log."""
    return struct.pack('<QQ', offset | length << 50,
                       moffset | (ZEROED if zeroed else 0))


def write_at(path, offset, content):
    """Into a file that may be there already."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.pwrite(file, content, offset)
    os.close(file)


def create(args, uuid=UUID, parent=''):
    """See above."""
    data, index, size = args
    write_at(data, 0, header(HEADER_FLAG | DATA_FLAG, 0, int(size), uuid,
                             parent))
    write_at(index, 0, header(HEADER_FLAG, SPACE, int(size), uuid, parent))


def read_header(path, flags):
    """Its virtual size and uuid."""
    with open(path, 'rb') as file:
        space = file.read(SPACE)
    if space[:24] != MAGIC:
        sys.exit(f'{path}: bad magic')
    _, got, _, _, size = struct.unpack_from('<IIQQQ', space, 24)
    if got & 0x1f != flags:
        sys.exit(f'{path}: flags are {got:#x}')
    return size, space[56:93]


def headers(data, index):
    """The virtual size in bytes."""
    size, uuid = read_header(data, HEADER_FLAG | DATA_FLAG)
    if (size, uuid) != read_header(index, HEADER_FLAG):
        sys.exit(f'{data} and {index}: the headers differ')
    return size


def read_log(index):
    """Every entry: offset, length, moffset or None. And how many slots."""
    with open(index, 'rb') as file:
        file.seek(SPACE)
        log = file.read()
    entries, slots = [], 0
    for where, what in struct.iter_unpack('<QQ', log[:len(log) // 16 * 16]):
        if not where and not what:
            break
        slots += 1
        if where & PADDING == PADDING:
            continue
        moffset = None if what & ZEROED else what & (1 << 55) - 1
        entries.append((where & PADDING, where >> 50, moffset))
    return entries, slots


def replay(entries, sectors):
    """Where each sector is: 0 below, -1 zeros."""
    from array import array
    places = array('q', bytes(8 * sectors))
    for nr, (offset, length, moffset) in enumerate(entries):
        end = min(offset + length, sectors)
        if not length:
            sys.exit(f'entry {nr} has no length')
        if moffset is None:
            places[offset:end] = array('q', [-1]) * max(end - offset, 0)
        else:
            places[offset:end] = array('q', range(moffset,
                                                  moffset + end - offset))
    return places


def pieces(places):
    """Offset, length and place of what is contiguous."""
    begin, sectors = 0, len(places)
    while begin < sectors:
        place = places[begin]
        end = begin + 1
        if place > 0:
            while end < sectors and places[end] == place + end - begin:
                end += 1
        else:
            while end < sectors and places[end] == place:
                end += 1
        yield begin, end - begin, place
        begin = end


def extents(data, index):
    """What the layer holds, and how many slots its log has."""
    sectors = headers(data, index) // SECTOR
    entries, slots = read_log(index)
    return [piece for piece in pieces(replay(entries, sectors))
            if piece[2]], slots


def check_places(data, live):
    """Print-worthy: sectors with data, and the end of the last."""
    there = os.path.getsize(data) // SECTOR
    end = FIRST
    used = 0
    for place, length in sorted((p, n) for _, n, p in live if p > 0):
        if place < end:
            sys.exit(f'{data}: sector {place} is in use twice')
        end = place + length
        used += length
        if end > there:
            sys.exit(f'{data}: sector {end} is beyond the end, {there}')
    return used, end


def check(args):
    """See above."""
    live, slots = extents(*args)
    print(slots, *check_places(args[0], live))


def flatten(args, base=None):
    """See above."""
    data, index, out = args
    live, _ = extents(data, index)
    source = os.open(data, os.O_RDONLY)
    target = os.open(out, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    if base:
        with open(base, 'rb') as file:
            while piece := file.read(MIB):
                if piece.strip(b'\0'):
                    os.pwrite(target, piece, file.tell() - len(piece))
    os.truncate(target, headers(data, index))
    for offset, length, place in live:
        for at in range(0, length, 2048):
            count = min(2048, length - at) * SECTOR
            piece = bytes(count) if place < 0 else \
                os.pread(source, count, (place + at) * SECTOR)
            os.pwrite(target, piece, (offset + at) * SECTOR)


def cut(args):
    """See above."""
    data, index = args
    live, _ = extents(data, index)
    check_places(data, live)
    entries, slots = read_log(index)
    end = max((place + length for _, length, place in entries
               if place is not None), default=FIRST)
    os.truncate(data, end * SECTOR)
    os.truncate(index, SPACE + 16 * slots)


def sizes(args):
    """See above."""
    print(read_header(args[0], HEADER_FLAG | DATA_FLAG)[0],
          read_header(args[1], HEADER_FLAG)[0])


def resize(args):
    """See above."""
    write_at(args[0], SIZE_AT, struct.pack('<Q', int(args[1])))


class Device:
    """Direct operations."""

    def __init__(self, path):
        self.file = os.open(path, os.O_RDWR | os.O_DIRECT)
        self.memory = memoryview(mmap.mmap(-1, 16 * MIB))
        self.serial = 0

    def content(self, offset, length):
        """Sectors that can be told apart, of each write."""
        self.serial += 1
        return b''.join(struct.pack('<QQ', sector, self.serial) * 32
                        for sector in range(offset // SECTOR,
                                            (offset + length) // SECTOR))

    def do(self, operation, offset, length):
        """Return what has to be there."""
        if operation == 'write':
            content = self.content(offset, length)
            self.memory[:length] = content
            if os.pwritev(self.file, [self.memory[:length]],
                          offset) != length:
                raise OSError(errno.EIO, 'short write')
            return content
        if operation == 'flush':
            os.fdatasync(self.file)
            return b''
        fcntl.ioctl(self.file,
                    {'discard': BLKDISCARD, 'zero': BLKZEROOUT}[operation],
                    struct.pack('<QQ', offset, length))
        return bytes(length)

    def read(self, offset, length):
        """At most 16 MiB."""
        if os.preadv(self.file, [self.memory[:length]], offset) != length:
            raise OSError(errno.EIO, 'short read')
        return bytes(self.memory[:length])


def do(args):
    """See above."""
    device = Device(args[0])
    for operation, offset, length in zip(args[1::3], args[2::3], args[3::3]):
        try:
            device.do(operation, int(offset), int(length))
        except OSError as error:
            print(errno.errorcode[error.errno])
            sys.exit(1)


def write_and_flush(path, rounds, offset):
    """What a thread does."""
    device = Device(path)
    for _ in range(rounds):
        device.do('write', offset, SECTOR)
        device.do('flush', 0, 0)


def flushes(args):
    """See above."""
    from concurrent.futures import ThreadPoolExecutor
    path, (threads, rounds, offset) = args[0], map(int, args[1:])
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(write_and_flush, path, rounds,
                                 offset + n * SECTOR)
                     for n in range(threads)]:
            done.result()


def apart(args):
    """See above."""
    device, count = Device(args[0]), int(args[1])
    wanted = b''.join(device.do('write', n * 2 * SECTOR, SECTOR) +
                      bytes(SECTOR) for n in range(count))
    for at in range(0, len(wanted), MIB):
        piece = wanted[at:at + MIB]
        if device.read(at, len(piece)) != piece:
            sys.exit(f'{args[0]}: differs from {at} on')


# Two extents in the 64 sectors of a case, and where ranges begin and end.
EXTENTS = ((10, 10), (30, 10))
EDGES = (0, 9, 10, 11, 15, 19, 20, 21, 29, 30, 31, 39, 40, 41, 64)
CASE = 64 * SECTOR


def cases():
    """Operation, offset and length within a case."""
    for operation in ('write', 'discard', 'zero'):
        for begin in EDGES:
            for end in EDGES:
                if begin < end:
                    yield operation, begin * SECTOR, (end - begin) * SECTOR


def split(args):
    """See above."""
    device = Device(args[0])
    doing = args[1] == 'do'
    for nr, (operation, offset, length) in enumerate(cases()):
        at = nr * CASE
        wanted = bytearray(CASE)
        todo = [('write', n * SECTOR, m * SECTOR) for n, m in EXTENTS]
        for what, begin, count in todo + [(operation, offset, length)]:
            if doing:
                content = device.do(what, at + begin, count)
            elif what == 'write':
                content = device.content(at + begin, count)
            else:
                content = bytes(count)
            wanted[begin:begin + count] = content
        if device.read(at, CASE) != wanted:
            sys.exit(f'case {nr}: {operation} of {length} bytes at {offset} '
                     f'of {at}')
    print(f'{nr + 1} cases, {(nr + 1) * CASE} bytes')


def main(verb, *words):
    """Words with = are options, the others arguments."""
    verbs = {f.__name__: f for f in (create, check, flatten, cut, sizes,
                                    resize, split, apart, do, flushes)}
    verbs[verb]([w for w in words if '=' not in w],
                **dict(w.split('=') for w in words if '=' in w))


if __name__ == '__main__':
    main(*sys.argv[1:])
