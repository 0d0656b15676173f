#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Loads tables into a device in use, one after the other.

    reload.py [rw] NAME TIMES TABLE...

rw: it is a writable one.
"""
import sys
import time

import dm


def main(*words):
    """See above."""
    writable = words[0] == 'rw'
    name, times, *tables = words[writable:]
    for n in range(int(times)):
        dm.load(name, tables[n % len(tables)], not writable)
        dm.simple(dm.SUSPEND, name)
        dm.simple(dm.RESUME, name)
        time.sleep(0.1)


main(*sys.argv[1:])
