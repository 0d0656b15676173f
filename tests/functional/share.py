#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Makes and removes devices over the same layers, in several processes.

    share.py SECONDS WORKERS FILE TABLE [FILE TABLE]...

A device with TABLE shows FILE; where FILE is "-", the table cannot be loaded.
One more process loads tables that it is killed over.
"""
import errno
import os
import random
import signal
import sys
import time

import dm
from device import Device, compare_some

READS = 3


def remove(name):
    """It may be held for a moment by whoever looks at new devices."""
    for _ in range(100):
        try:
            dm.simple(dm.REMOVE, name)
            return
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            time.sleep(0.05)
    sys.exit(f'{name}: still busy')


def check(rng, name, path):
    """The device shows the file."""
    device = Device(f'/dev/mapper/{name}', rng.random() < 0.7)
    try:
        compare_some(rng, device, Device(path), READS)
    except OSError as error:
        sys.exit(f'{name}: {error}')
    finally:
        os.close(device.file)


def load(name, path, table):
    """Return whether there is a new table; there must be, for a good one."""
    try:
        dm.load(name, table)
    except OSError:
        if path != '-':
            raise
        return False
    if path == '-':
        sys.exit(f'{name}: a bad table was loaded')
    return True


def one_device(rng, name, images):
    """From its creation to its end, with some tables."""
    dm.simple(dm.CREATE, name)
    try:
        for _ in range(rng.randint(1, 3)):
            path, table = rng.choice(images)
            if not load(name, path, table):
                continue
            if rng.random() < 0.2:
                dm.simple(dm.CLEAR, name)
                continue
            dm.simple(dm.SUSPEND, name)
            dm.simple(dm.RESUME, name)
            check(rng, name, path)
    finally:
        remove(name)


def work(seed, seconds, images):
    """One process."""
    rng = random.Random(seed)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        one_device(rng, f'share{seed}', images)


def load_for_ever(name, images):
    """Until it is killed."""
    while True:
        for path, table in images:
            load(name, path, table)


def work_interrupted(seconds, images):
    """Kill whoever loads, again and again."""
    rng = random.Random(0)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        dm.simple(dm.CREATE, 'victim')
        victim = start(load_for_ever, 'victim', images)
        time.sleep(rng.uniform(0, 0.2))
        os.kill(victim, signal.SIGKILL)
        if os.WTERMSIG(os.waitpid(victim, 0)[1]) != signal.SIGKILL:
            sys.exit('the victim died of something else')
        remove('victim')


def start(function, *args):
    """In a process of its own."""
    child = os.fork()
    if child:
        return child
    try:
        function(*args)
    except SystemExit as failure:
        print(failure, file=sys.stderr)
        os._exit(1)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    os._exit(0)


def main(seconds, workers, *words):
    """See above."""
    images = list(zip(words[::2], words[1::2]))
    children = [start(work, seed, int(seconds), images)
                for seed in range(int(workers))]
    children.append(start(work_interrupted, int(seconds), images))
    failed = [os.waitpid(child, 0)[1] for child in children]
    sys.exit(int(any(failed)))


main(*sys.argv[1:])
