#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Writes the log of a writable layer.

    upperlog.py cycle INDEX SLOTS SECTORS
        data for so many sectors, one by one, again and again, each time
        elsewhere
    upperlog.py dots INDEX SLOTS
        4000 sectors with data, behind 8 MiB some of zeros with data
        here and there, then one sector again and again, for so many slots
    upperlog.py copied INDEX SLOTS SECTORS COPIED
        as cycle, followed by all that is mapped, in order, of which so many
        slots have already taken the place of the first ones
"""
import sys

from upper import FIRST, SPACE, entry, write_at


def cycle(slots, sectors):
    """See above."""
    return [entry(2 * (n % sectors), 1,
                  FIRST + 2 * (n % sectors) + n // sectors % 2)
            for n in range(slots)]


def dots(slots):
    """See above."""
    log = [entry(2 * n, 1, FIRST + n) for n in range(4000)]
    log += [entry(16384 + n, 2048, FIRST, True) for n in range(0, 16384, 2048)]
    log += [entry(16384 + 16 * n, 1, 16384 + n) for n in range(1000)]
    return log + [entry(0, 1, 16384 + 1000 + n % 2)
                  for n in range(slots - len(log))]


def copied(slots, sectors, nr):
    """See above."""
    log = cycle(slots, sectors)
    copy = sorted(log[-sectors:],
                  key=lambda e: int.from_bytes(e[:8], 'little'))
    return copy[:nr] + log[nr:] + copy


def main(verb, index, *numbers):
    """See above."""
    log = {f.__name__: f for f in (cycle, dots, copied)}[verb](*map(int, numbers))
    write_at(index, SPACE, b''.join(log))


if __name__ == '__main__':
    main(*sys.argv[1:])
