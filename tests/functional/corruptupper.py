#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Opens writable layers that are corrupt.

    corruptupper.py SOURCE SEED COUNT

Those that have to be refused are, for the reason expected; every text of
obd_fail() in SOURCE comes up. Then COUNT layers with random entries: those that
open are read and written, and then have to open again.
"""
import fcntl
import os
import random
import re
import struct
import sys

import dm
import upper

NAME = 'hostile'
SIZE = 1 << 20          # of the disk
ROOM = (1 << 19) + upper.SPACE     # of the data device
SLOTS = 256
UUID, OFFSET, VSIZE, FLAGS = 56, 32, 48, 28
LAST = upper.PADDING    # offset of padding, and of no sector
MOFFSETS = (1 << 55) - 1

# File, offset in it, what is written there, and why it has to be refused.
REFUSED = (
    ('data', 0, b'?', 'data: bad magic'),
    ('data', 23, b'?', 'data: bad magic'),
    ('index', 0, b'?', 'index: bad magic'),
    ('data', 24, b'?', 'data: size is [0-9]+, expected 390'),
    ('data', 132, b'\2', 'data: version is 2, expected 1'),
    ('index', 132, b'\2', 'index: version is 2, expected 1'),
    ('data', FLAGS, b'\0', 'data: flags are 0x0'),
    ('data', FLAGS, b'\1', 'data: flags are 0x1'),
    ('data', FLAGS, b'\2', 'data: flags are 0x2'),
    ('data', FLAGS, b'\7', 'data: flags are 0x7'),
    ('data', FLAGS, b'\x13', 'data: the layer is sparse and has no log'),
    ('index', FLAGS, b'\3', 'index: flags are 0x3'),
    ('index', FLAGS, b'\5', 'index: flags are 0x5'),
    ('index', OFFSET, b'\0\0', 'index: index_offset is 0, expected 4096'),
    ('index', OFFSET, b'\1', 'index: index_offset is 4097, expected 4096'),
    ('index', UUID, b'?', 'index: uuid is another than'),
    ('data', UUID, b'?', 'index: uuid is another than'),
    ('data', VSIZE + 7, b'\xff', 'virtual_size is [0-9]+, expected at most'),
    ('index', VSIZE + 7, b'\xff', 'virtual_size is [0-9]+, expected at most'),
    ('data', VSIZE, struct.pack('<Q', SIZE + 1),
     'virtual_size is [0-9]+, expected a multiple of 512'),
    ('slot', 0, upper.entry(5, 0, 8), 'log entry 0: length is 0'),
    ('slot', 3, upper.entry(5, 0, 8), 'log entry 3: length is 0'),
    ('slot', 1, upper.entry(LAST - 1, 2, 8),
     'log entry 1: offset [0-9]+, length 2 pass the last sector'),
    ('slot', 1, upper.entry(LAST - 5, 16383, 8, True),
     'log entry 1: offset [0-9]+, length 16383 pass the last sector'),
    ('slot', 2, upper.entry(0, 8, 7),
     'log entry 2: moffset 7, length 8, expected within 8 to 1032'),
    ('slot', 2, upper.entry(0, 8, 0), 'log entry 2: moffset 0, length 8'),
    ('slot', 2, upper.entry(0, 8, 1025),
     'log entry 2: moffset 1025, length 8, expected within 8 to 1032'),
    ('slot', 2, upper.entry(0, 16383, MOFFSETS),
     f'log entry 2: moffset {MOFFSETS}, length 16383'),
)

# What is no reason to refuse a layer.
ACCEPTED = (
    ('slot', 1, upper.entry(LAST, 16383, MOFFSETS)),    # padding
    ('slot', 1, upper.entry(LAST, 0, 0)),
    ('slot', 1, upper.entry(0, 16383, MOFFSETS, True)),
    ('slot', 1, upper.entry(0, 8, 1024)),
    ('slot', 5, upper.entry(0, 0, 0, True)),            # behind the end
    ('slot', 5, b'?' * 16),
    ('data', 134, b'a tag' * 51),
    ('data', 390, b'?' * 100),
)


class Mismatch(Exception):
    """Something else than expected."""


def make(name, writes):
    """A layer with four entries, of which the last is at slot 3."""
    for suffix, length in ('data', ROOM), ('index', upper.SPACE + 16 * SLOTS):
        with open(f'{name}.{suffix}', 'wb') as file:
            file.truncate(length)
    upper.create([f'{name}.data', f'{name}.index', SIZE])
    log = [upper.entry(0, 8, 8), upper.entry(16, 8, 16),
           upper.entry(4, 16, 0, True), upper.entry(40, 40, 24)]
    upper.write_at(f'{name}.index', upper.SPACE, b''.join(log))
    for where, offset, content in writes:
        suffix = where
        if where == 'slot':
            suffix, offset = 'index', upper.SPACE + 16 * offset
        upper.write_at(f'{name}.{suffix}', offset, content)


def attempt(task):
    """Whether a device can be made to read or write."""
    try:
        task()
    except OSError:
        pass


def use(rng):
    """Some of everything; errors are fine."""
    file = os.open(f'/dev/mapper/{NAME}', os.O_RDWR)
    for _ in range(4):
        at = rng.randrange(0, SIZE, 512)
        count = min(SIZE - at, 512 * rng.randint(1, 64))
        attempt(lambda: os.pread(file, count, at))
        attempt(lambda: os.pwrite(file, rng.randbytes(count), at))
        attempt(lambda: os.fdatasync(file))
        attempt(lambda: fcntl.ioctl(file, upper.BLKDISCARD,
                                    struct.pack('<QQ', at, count)))
    attempt(lambda: os.fdatasync(file))
    os.close(file)


def open_layer(log, what):
    """What the kernel says if it refuses it; else what() is done."""
    with dm.loop_device('corrupt.data', False) as data, \
            dm.loop_device('corrupt.index', False) as index, \
            dm.empty_device(NAME):
        try:
            dm.load(NAME, f'0 {SIZE // 512} overlaybd 3 upper {data} {index}',
                    False)
        except OSError:
            return next((line.split(': ', 4)[4]
                         for line in reversed(log.lines())
                         if line.startswith('device-mapper: table: ')),
                        'no reason')
        dm.simple(dm.RESUME, NAME)
        what()
    return None


def check_refused(log, source):
    """All of those above."""
    with open(source, encoding='ascii') as file:
        texts = re.findall(r'obd_fail\([^";]*"((?:[^"\\]|\\.)*)"', file.read())
    wanted = {re.sub(r'%(llu|\\.36s|s|u)', '.*',
                     re.escape(text.replace('\\"', '"')))
              for text in texts}
    for where, offset, content, regex in REFUSED:
        make('corrupt', [(where, offset, content)])
        reason = open_layer(log, lambda: None) or 'success'
        if not re.match('layer 0: ', reason) or not re.search(regex, reason):
            raise Mismatch(f'{where} {offset}: {reason}, expected: {regex}')
        wanted = {text for text in wanted if not re.search(text, reason)}
    if wanted:
        raise Mismatch(f'never seen: {wanted}')


def check_opens(log, why, rng):
    """It does, and does again."""
    for _ in range(2):
        reason = open_layer(log, lambda: use(rng))
        if reason:
            raise Mismatch(f'{why}: {reason}')


def random_entry(rng):
    """Mostly about in bounds."""
    length = rng.choice((0, 1, 8, 16383, rng.randint(1, 64)))
    moffset = rng.choice((8, 0, MOFFSETS, rng.randint(8, 1031),
                          rng.randint(8, 1031), rng.randint(8, 1031)))
    offset = rng.choice((0, LAST, SIZE // 512, rng.randint(0, SIZE // 512),
                         rng.randint(0, SIZE // 512), LAST - 1))
    return upper.entry(offset, length, moffset, rng.random() < 0.3)


def check_random(log, rng, count):
    """How many of them opened."""
    opened = 0
    for nr in range(count):
        content = b''.join(random_entry(rng)
                           for _ in range(rng.choice((1, 2, 8, SLOTS))))
        if rng.random() < 0.8:      # else it is most likely refused
            content = b''.join(
                upper.entry(rng.randint(0, SIZE // 512), 1 + nr % 32,
                            rng.randint(8, 1000), rng.random() < 0.3)
                for _ in range(SLOTS))
        make('corrupt', [('slot', 0, content)])
        if open_layer(log, lambda: use(rng)) is None:
            opened += 1
            check_opens(log, f'random layer {nr}', rng)
    return opened


def main(source, seed, count):
    """See above."""
    log = dm.Log()
    rng = random.Random(int(seed))
    try:
        check_refused(log, source)
        for write in ACCEPTED:
            make('corrupt', [write])
            check_opens(log, str(write), rng)
        print(f'{check_random(log, rng, int(count))} of {count} opened')
    except Mismatch as mismatch:
        sys.exit(str(mismatch))


main(*sys.argv[1:])
