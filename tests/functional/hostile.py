#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Loads and reads corrupt blobs in the kernel.

    hostile.py DIR RAW_DIR STEP

DIR is what tests/hostile/make-corrupt has made. RAW_DIR has the disk that each
good blob is, as BLOB.raw. Takes every STEP-th blob.
"""
import json
import mmap
import os
import re
import sys

import dm

SECTOR = 512
READ_MAX = 1 << 20      # of a disk that claims to be larger
NAME = 'hostile'


class Mismatch(Exception):
    """Something else than the manifest expects."""


class Disk:
    """Direct reads of the mapped device."""

    def __init__(self):
        self.file = os.open(f'/dev/mapper/{NAME}', os.O_RDONLY | os.O_DIRECT)
        self.memory = memoryview(mmap.mmap(-1, READ_MAX))

    def size(self):
        """In bytes."""
        return os.lseek(self.file, 0, os.SEEK_END)

    def read(self, offset, length):
        """None if it cannot be read."""
        try:
            got = os.preadv(self.file, [self.memory[:length]], offset)
        except OSError:
            return None
        return bytes(self.memory[:got])

    def close(self):
        """Before the device goes."""
        os.close(self.file)


def runs(damaged, end):
    """Offset, length and whether it is damaged; damage by sectors."""
    at = 0
    for offset, length in sorted(damaged):
        offset, stop = min(offset, end), min(offset + length, end)
        if at < offset:
            yield at, offset - at, False
        for sector in range(max(at, offset), stop, SECTOR):
            yield sector, SECTOR, True
        at = max(at, stop)
    if at < end:
        yield at, end - at, False


def check_reads(entry, disk, good):
    """All that is not damaged is as in the good disk, then there are zeros."""
    end = min(disk.size(), READ_MAX)
    wanted = good[:end].ljust(end, b'\0')
    for offset, length, bad in runs(entry.get('damaged', []), end):
        got = disk.read(offset, length)
        if bad:
            if got is not None and entry.get('fails'):
                raise Mismatch(f'damage at {offset} can be read')
        elif got is None:
            raise Mismatch(f'{length} bytes at {offset} cannot be read')
        elif got != wanted[offset:offset + length]:
            raise Mismatch(f'{length} bytes at {offset} read differently')


def reason(log):
    """Why the last table was refused."""
    for line in reversed(log.lines()):
        if line.startswith('device-mapper: table: '):
            return line.split(': ', 4)[4]
    return 'no reason'


def check_refusal(entry, log):
    """In words that name the layer and what the manifest says."""
    text = reason(log)
    of_layer = text.startswith('layer 0: ') or text.startswith('no layer has')
    if not of_layer or not re.search(entry['message'], text):
        raise Mismatch(f'refused by "{text}"')


def check_entry(entry, loop, log, goods):
    """One blob."""
    refuse = entry['expect'] == 'refuse'
    sectors = 8 if refuse else entry['virtual_size'] // SECTOR
    try:
        dm.load(NAME, f'0 {sectors} overlaybd 3 lower {loop} {entry["bytes"]}')
    except OSError as error:
        if not refuse:
            raise Mismatch(f'{error}: {reason(log)}') from error
        check_refusal(entry, log)
        return
    if refuse:
        raise Mismatch('opens')
    dm.simple(dm.RESUME, NAME)
    disk = Disk()
    try:
        check_reads(entry, disk, goods[entry['good']])
    finally:
        disk.close()


def main(folder, raw_folder, step):
    """See above."""
    with open(f'{folder}/manifest.json', encoding='utf-8') as file:
        entries = json.load(file)
    goods = {}
    for name in {entry['good'] for entry in entries}:
        with open(f'{raw_folder}/{name}.raw', 'rb') as file:
            goods[name] = file.read()
    log = dm.Log()
    failed = 0
    entries = entries[::int(step)]
    for entry in entries:
        with dm.loop_device(f'{folder}/{entry["file"]}') as path, \
                dm.empty_device(NAME):
            try:
                check_entry(entry, path, log, goods)
            except Mismatch as mismatch:
                print(f'{entry["name"]}: {mismatch}')
                failed += 1
    print(f'{len(entries)} blobs, {failed} failed')
    sys.exit(failed > 0)


main(*sys.argv[1:])
