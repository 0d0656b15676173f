#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Reads block devices, and compares what they say with what they should.

    device.py fixture [direct=1] DEVICE CASE [DEVICE CASE]...
        every device shows what the fixture's folder says
    device.py compare [direct=1] [reads=100] [threads=1] [seed=1] DEVICE FILE
        random reads give what the file holds there; reads=0: until killed
    device.py each [reads=4] [seed=1] FILE DEVICE...
        random reads of every device give what the file holds
    device.py sequential [direct=1] [size=4096] [readers=1] [rounds=1]
              DEVICE FILE
        readers that take turns, each through its share of the device from
        beginning to end, in reads of that size, get what the file holds;
        rounds=0: until killed
    device.py scattered [size=4096] [step=16384] [seed=1] DEVICE FILE
        direct reads of that size at each multiple of the step, in random
        order, give what the file holds
    device.py around DEVICE FILE OFFSET LENGTH
        direct reads give what the file holds everywhere but there
    device.py beside DEVICE OFFSET OTHER
        read a block there, and meanwhile the other device all the time; print
        the milliseconds it took, the longest that the other had to wait, and
        how many MiB of memory were gone at the most
    device.py errors [block=4096] DEVICE
        print the runs of blocks that cannot be read: offset and length
    device.py fill [seed=1] [compressible=1] [sync=1] FILE OFFSET LENGTH [FILE]...
        write data that can be told apart into files, which may grow
    device.py sprinkle [seed=1] [sectors=1000] FILE
        change so many sectors of a file, a quarter of them to zeros
    device.py flip FILE OFFSET...
        invert bytes of a file
    device.py smash FILE OFFSET LENGTH
        overwrite bytes of a file with ones

One process does many reads, and loads only what it needs: to start a program
takes long in an emulated guest.
"""
import errno
import itertools
import mmap
import os
import sys

SECTOR = 512
MIB = 1 << 20
ZEROS = bytes(MIB)
# Disks up to that size are hashed as a whole. Emulated, hashing is so slow that
# of larger ones only the data is: the rest has to be zeros, which comes to the
# same.
SMALL = 16 * MIB


class Device:
    """Reads at any sector, into memory that direct I/O accepts."""

    def __init__(self, path, direct=0):
        self.path = path
        self.file = os.open(path, os.O_RDONLY |
                            (os.O_DIRECT if direct else 0))
        self.size = os.lseek(self.file, 0, os.SEEK_END)
        self.memory = memoryview(mmap.mmap(-1, MIB))

    def read(self, offset, length):
        """At most a MiB."""
        got = os.preadv(self.file, [self.memory[:length]], offset)
        if got != length:
            sys.exit(f'{self.path}: {got} of {length} bytes at {offset}')
        return bytes(self.memory[:length])      # compares fast

    def pieces(self, offset, length):
        """Read what may be more than a MiB."""
        end = offset + length
        while offset < end:
            length = min(MIB, end - offset)
            yield self.read(offset, length)
            offset += length

    def hash_into(self, digest, offset, length):
        """Add to a digest what is there."""
        for piece in self.pieces(offset, length):
            digest.update(piece)

    def check_zeros(self, begin, end):
        """There is nothing else."""
        for piece in self.pieces(begin, max(end - begin, 0)):
            if piece != ZEROS[:len(piece)]:
                sys.exit(f'{self.path}: the hole from {begin} to {end} '
                         'has data')


class Fixture:
    """What a device has to show."""

    def __init__(self, device, case):
        import hashlib
        import json
        self.sha256 = hashlib.sha256
        self.device = device
        self.case = case
        with open(f'{case}/expect.json', encoding='ascii') as text:
            self.expect = json.load(text)

    def equal(self, what, got, wanted):
        """Or else."""
        if got != wanted:
            sys.exit(f'{self.case}: {what}: got {got}, expected {wanted}')

    def check_range(self, what, offset, length, wanted):
        """One hash."""
        digest = self.sha256()
        self.device.hash_into(digest, offset, length)
        self.equal(what, digest.hexdigest(), wanted)

    def check_samples(self):
        """The size, and 64 reads."""
        self.equal('size', self.device.size, self.expect['virtual_size'])
        for offset, length, wanted in self.expect['samples']:
            self.check_range(f'{length} bytes at {offset}', offset, length,
                             wanted)

    def check_whole(self):
        """In one go."""
        self.check_range('sha256', 0, self.device.size, self.expect['sha256'])

    def check_ends(self):
        """Of a disk that is too large for more."""
        self.check_range('sha256_first_256m', 0, 256 * MIB,
                         self.expect['sha256_first_256m'])
        self.check_range('sha256_last_1m', self.device.size - MIB, MIB,
                         self.expect['sha256_last_1m'])

    def check_mapped(self):
        """All data, and zeros in between."""
        digest = self.sha256()
        end = 0
        with open(f'{self.case}/map.txt', encoding='ascii') as lines:
            for line in lines:
                offset, length = (int(n) * SECTOR for n in line.split()[:2])
                self.device.check_zeros(end, offset)
                self.device.hash_into(digest, offset, length)
                end = offset + length
        self.device.check_zeros(end, self.device.size)
        self.equal('sha256_mapped', digest.hexdigest(),
                   self.expect['sha256_mapped'])

    def check(self):
        """All that is told."""
        self.check_samples()
        if 'sha256' not in self.expect:
            self.check_ends()
        elif self.device.size <= SMALL:
            self.check_whole()
        else:
            self.check_mapped()


def fixture(args, direct=0):
    """See above."""
    for path, case in zip(args[::2], args[1::2]):
        Fixture(Device(path, direct), case).check()


def errors(args, block=4096):
    """See above."""
    device = Device(args[0], 1)
    runs = []
    for offset in range(0, device.size, block):
        try:
            device.read(offset, min(block, device.size - offset))
        except OSError as error:
            if error.errno != errno.EIO:
                sys.exit(f'{device.path}: {error} at {offset}')
            if runs and sum(runs[-1]) == offset:
                runs[-1][1] += block
            else:
                runs.append([offset, block])
    for run in runs:
        print(*run)


def times(count):
    """0 is for ever."""
    return range(count) if count else itertools.count()


def random_piece(rng, size):
    """Most often where blocks, extents and layers meet."""
    sectors = rng.choice((1, 2, 3, 7, 8, 9, 31, 128, 129,
                          rng.randint(1, MIB // SECTOR)))
    offset = rng.randrange(0, size, 4096) + SECTOR * rng.randint(-9, 9)
    offset = max(0, min(offset, size - SECTOR))
    return offset, min(SECTOR * sectors, size - offset)


def check_piece(device, wanted, offset, length):
    """One read."""
    if device.read(offset, length) != wanted.read(offset, length):
        sys.exit(f'{device.path}: {length} bytes at {offset} differ')


def compare_some(rng, device, wanted, reads):
    """Random reads."""
    for _ in times(reads):
        check_piece(device, wanted, *random_piece(rng, device.size))


def compare_or_end(*args):
    """A thread's failure is that of all: the others may have no end."""
    try:
        compare_some(*args)
    except (OSError, SystemExit) as error:
        print(error, file=sys.stderr, flush=True)
        os._exit(1)


def compare(args, direct=0, reads=100, threads=1, seed=1):
    """See above."""
    import random
    import threading
    workers = [threading.Thread(target=compare_or_end, args=(
        random.Random(seed + n), Device(args[0], direct), Device(args[1]),
        reads)) for n in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def each(args, reads=4, seed=1):
    """See above."""
    import random
    wanted = Device(args[0])
    for n, path in enumerate(args[1:]):
        compare_some(random.Random(seed + n), Device(path, 1), wanted, reads)


def sequential(args, direct=1, size=4096, readers=1, rounds=1):
    """See above."""
    device, wanted = Device(args[0], direct), Device(args[1])
    share = device.size // readers // size * size
    for _ in times(rounds):
        for offset in range(0, share, size):
            for begin in range(0, share * readers, share):
                check_piece(device, wanted, begin + offset, size)


def scattered(args, size=4096, step=16384, seed=1):
    """See above."""
    import random
    device, wanted = Device(args[0], 1), Device(args[1])
    offsets = list(range(0, device.size, step))
    random.Random(seed).shuffle(offsets)
    for offset in offsets:
        check_piece(device, wanted, offset, size)


def around(args):
    """See above."""
    device, wanted = Device(args[0], 1), Device(args[1])
    begin = int(args[2])
    end = begin + int(args[3])
    for offset, length in (0, begin), (end, device.size - end):
        for piece in device.pieces(offset, length):
            if piece != wanted.read(offset, len(piece)):
                sys.exit(f'{device.path}: differs from {offset} on')
            offset += len(piece)


def available():
    """Memory, in MiB."""
    with open('/proc/meminfo', encoding='ascii') as lines:
        for line in lines:
            if line.startswith('MemAvailable:'):
                return int(line.split()[1]) >> 10
    return 0


def beside(args):
    """See above."""
    import threading
    import time
    device, other = Device(args[0], 1), Device(args[2], 1)
    reader = threading.Thread(target=device.read, args=(int(args[1]), 4096))
    before = lowest = available()
    start = last = time.monotonic()
    longest = 0
    reader.start()
    for offset in itertools.cycle(range(0, other.size - 4095, 4096)):
        if not reader.is_alive():
            break
        other.read(offset, 4096)
        lowest = min(lowest, available())
        time.sleep(0.01)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    print(*(int(1000 * s) for s in (last - start, longest)), before - lowest)


def fill(args, seed=1, compressible=0, sync=0):
    """See above."""
    import random
    offset, length = int(args[1]), int(args[2])
    data = bytearray(random.Random(seed + offset).randbytes(length))
    if compressible:
        for at in range(0, length - 64, 64):
            data[at + 16:at + 64] = bytes([seed % 251 + 1]) * 48
    for path in args[0], *args[3:]:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        if os.pwrite(file, data, offset) != length:
            sys.exit(f'{path}: cannot write all')
        if sync:
            os.fsync(file)


def sprinkle(args, seed=1, sectors=1000):
    """See above."""
    import random
    rng = random.Random(seed)
    file = os.open(args[0], os.O_RDWR)
    there = os.lseek(file, 0, os.SEEK_END) // SECTOR
    for n, sector in enumerate(rng.sample(range(there), sectors)):
        os.pwrite(file, rng.randbytes(SECTOR) if n % 4 else ZEROS[:SECTOR],
                  sector * SECTOR)


def flip(args):
    """See above."""
    file = os.open(args[0], os.O_RDWR)
    for offset in map(int, args[1:]):
        byte = os.pread(file, 1, offset)[0]
        os.pwrite(file, bytes([byte ^ 0xff]), offset)


def smash(args):
    """See above."""
    file = os.open(args[0], os.O_RDWR)
    os.pwrite(file, b'\xff' * int(args[2]), int(args[1]))


def main(verb, *words):
    """Words with = are options, the others arguments."""
    verbs = {f.__name__: f for f in (fixture, compare, each, sequential,
                                    scattered, around, beside, errors,
                                    fill, sprinkle, flip, smash)}
    options = dict(w.split('=') for w in words if '=' in w)
    verbs[verb]([w for w in words if '=' not in w],
                **{name: int(value) for name, value in options.items()})


if __name__ == '__main__':
    main(*sys.argv[1:])
