# SPDX-License-Identifier: GPL-2.0-only
"""What run measured: lines of JSON, by guest."""
import json
import os

HOST = "host"
MEDIAN, BEST = 0, 1


def load(folder):
    """{guest: [line, ..]}; a guest is a kernel, and how it was booted."""
    results = {}
    for name in sorted(os.listdir(folder)):
        if name.endswith(".jsonl"):
            with open(f"{folder}/{name}", encoding="utf-8") as f:
                results[name[:-6]] = [json.loads(line) for line in f]
    return results


def guests(results):
    """User Mode Linux first, the others by age."""
    def key(name):
        return not name.startswith("uml"), name.startswith("sid"), name
    return sorted((name for name in results if name != HOST), key=key)


def counts(guest):
    return guest.endswith("icount")


def unit(guest, line):
    """With the clock counting instructions a nanosecond is one."""
    if not counts(guest):
        return line["unit"]
    return {"ns/4KiB": "instructions/4KiB", "ms": "million instructions",
            "ns": "instructions"}.get(line["unit"], line["unit"])


def find(lines, group, case):
    return next((line for line in lines
                 if line["group"] == group and line["case"] == case), None)


def ratio(line, a, b, rank=MEDIAN):
    """The times or numbers of one side by those of another, or None."""
    if not line or a not in line["sides"] or b not in line["sides"]:
        return None
    divisor = line["sides"][b][rank]
    return line["sides"][a][rank] / divisor if divisor else None


def cases(results, group):
    """All cases of a group, in the order of measuring."""
    return list(dict.fromkeys(
        line["case"] for guest in guests(results)
        for line in results[guest] if line["group"] == group))
