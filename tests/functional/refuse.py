#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Loads tables that have to be refused, each for the reason expected.

    refuse.py SOURCE CASES [ELSEWHERE...]

A line of CASES is "[rw ]TABLE => REGEX". Every text of target_fail() in SOURCE
("-" for none) must have come up, but for those that hold one of the words of
ELSEWHERE, and those that only pass on what others say.
"""
import re
import sys

import dm


def texts_of(source):
    """The formats in a C file, as regular expressions."""
    with open(source, encoding='utf-8') as file:
        code = file.read()
    calls = re.findall(r'target_fail\(ti,[^";]*((?:"(?:[^"\\]|\\.)*"\s*)+)',
                       code)
    for call in calls:
        text = ''.join(re.findall(r'"((?:[^"\\]|\\.)*)"', call))
        if re.fullmatch(r'(layer %u: )?%s', text):
            continue
        text = re.escape(text.replace('\\"', '"'))
        yield re.sub(r'%(llu|u)', '[0-9]+', text).replace('%s', '.*')


def refusal(log, name, table):
    """The reason that the kernel gives."""
    writable = table.startswith('rw ')
    task = dm.Task(dm.RELOAD, name)
    task.table(table.removeprefix('rw '), read_only=not writable)
    try:
        task.run()
    except OSError:
        reasons = [line for line in log.lines()
                   if re.match('device-mapper: table: .*: overlaybd', line)]
        return reasons[-1] if reasons else 'no reason'
    return 'success'


def main(source, cases, *elsewhere):
    """See above."""
    failed = []
    wanted = set() if source == '-' else set(texts_of(source))
    if source != '-' and not wanted:
        sys.exit(f'{source} has no target_fail() with a text')
    log = dm.Log()
    with open(cases, encoding='utf-8') as lines, \
            dm.empty_device('refuse') as name:
        for line in lines:
            table, regex = line.rstrip('\n').split(' => ')
            reason = refusal(log, name, table)
            if not re.search(regex, reason):
                failed.append(f'{table}: {reason}, expected: {regex}')
            wanted = {text for text in wanted
                      if not re.search(rf': {text}( \(|$)', reason)}
    failed += [f'never seen: {text}' for text in wanted
               if not any(re.escape(word) in text for word in elsewhere)]
    if failed:
        sys.exit('\n'.join(failed))


main(*sys.argv[1:])
