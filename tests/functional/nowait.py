#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Makes direct writes that may not wait while one is under way that may.

    nowait.py DEVICE COUNT BYTES INFLIGHT

The latter is of BYTES, and under way when the file INFLIGHT of the disk below
says so; the others are COUNT attempts at 4 KiB behind it, which all fail as
they should. One succeeds at the end.
"""
import mmap
import os
import sys
import threading
import time

PAGE = 4096


def attempt(file, memory, offset):
    """Whether it was refused."""
    try:
        os.pwritev(file, [memory], offset, os.RWF_NOWAIT)
        return False
    except BlockingIOError:
        return True


def writes_under_way(inflight):
    """How many there are."""
    with open(inflight, encoding='ascii') as file:
        return int(file.read().split()[1])


def main(device, count, size, inflight):
    """See above."""
    file = os.open(device, os.O_RDWR | os.O_DIRECT)
    memory = mmap.mmap(-1, int(size))
    offset = int(size)
    writer = threading.Thread(target=os.pwrite, args=(file, memory, 0))
    writer.start()
    while writer.is_alive() and not writes_under_way(inflight):
        time.sleep(0.01)
    refused = sum(attempt(file, memoryview(memory)[:PAGE],
                          offset) for _ in range(int(count)))
    writer.join()
    if refused != int(count):
        sys.exit(f'only {refused} of {count} were refused')
    os.pwritev(file, [memoryview(memory)[:PAGE]], offset)


main(*sys.argv[1:])
