#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Loads tables into a device in use, one after the other.

    reload.py NAME TIMES TABLE...
"""
import sys
import time

import dm


def main(name, times, *tables):
    """See above."""
    for n in range(int(times)):
        dm.load(name, tables[n % len(tables)])
        dm.simple(dm.SUSPEND, name)
        dm.simple(dm.RESUME, name)
        time.sleep(0.1)


main(*sys.argv[1:])
