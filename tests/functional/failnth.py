#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Loads a table with the first allocation failing, then the second, and so on.

    failnth.py [rw] TABLE

rw: load it for a writable device.
Until it loads with none failing, which is what has to come of it. Prints how
many allocations there were, and the reasons that the kernel gave.
"""
import errno
import os
import re
import sys

import dm

MOST = 5000


def load_with_fault(name, table, read_only, nth):
    """Whether the fault came, and whether the table was loaded."""
    task = dm.Task(dm.RELOAD, name).table(table, read_only)
    faults = os.open('/proc/self/fail-nth', os.O_RDWR)
    os.write(faults, b'%d' % nth)
    try:
        task.run()
        loaded = True
    except OSError as error:
        if error.errno != errno.ENOMEM:
            raise
        loaded = False
    left = int(os.pread(faults, 16, 0))
    os.write(faults, b'0')
    os.close(faults)
    # The next one is not to share what this one has.
    dm.simple(dm.CLEAR, name)
    return left == 0, loaded


def main(*words):
    """See above."""
    read_only = words[0] != 'rw'
    table = words[-1]
    log = dm.Log()
    reasons = {}
    survived = 0
    with dm.empty_device('fail-nth') as name:
        for nth in range(1, MOST):
            failed, loaded = load_with_fault(name, table, read_only, nth)
            for line in log.lines():
                reason = re.search('overlaybd(-gzip)?: (.*)', line)
                if reason:
                    reasons[reason.group(2)] = nth
            if not failed:
                break
            survived += loaded
    if failed or not loaded:
        sys.exit(f'allocation {nth}: failed {failed}, loaded {loaded}')
    print(f'{nth - 1} allocations, {survived} of them optional')
    print(*reasons, sep='\n')


main(*sys.argv[1:])
