# SPDX-License-Identifier: GPL-2.0-only
"""What dm-overlaybd is held to: each bar is a ratio of two sides of a case."""
import collections

import results as r

# Of sides a and b: a / b is at least, or at most, limit. Where guests says so.
Bar = collections.namedtuple("Bar", "name group case a b limit least guests")

ZFILES = ["lz4-4K", "lz4-64K", "zstd-4K", "zstd-64K"]
OURS = "overlaybd"

# What is fair to compare: block devices and file systems of the same tree.
RIVALS = {
    "plain": ["linear", "verity", "thin", "qcow2", "ext4", "erofs"],
    "lz4-4K": ["erofs-lz4-4K", "squashfs-lz4-64K", "squashfs-lz4-128K",
               "qcow2-zstd"],
    "lz4-64K": ["erofs-lz4-64K", "squashfs-lz4-64K", "squashfs-lz4-128K",
                "qcow2-zstd"],
    "zstd-4K": ["qcow2-zstd", "squashfs-zstd-64K", "squashfs-zstd-128K"],
    "zstd-64K": ["erofs-zstd-64K", "squashfs-zstd-64K", "squashfs-zstd-128K",
                 "qcow2-zstd"],
}


def timed(guest):
    return not r.counts(guest)


def one_cpu(guest):
    return not two_cpus(guest)


def two_cpus(guest):
    return guest.endswith("-2cpu")


def plain():
    for layers in "1 layer", "16 layers", "255 layers", "1 M extents":
        case = f"{layers}, 4 KiB random"
        yield Bar("speed / dm-linear", "plain", case, "linear", OURS, 0.98,
                  True, timed)
        yield Bar("instructions / dm-linear", "plain", case, OURS, "linear",
                  1.10, False, r.counts)
    for extents in "1 layer", "255 layers", "512 K extents":
        for size in "4 KiB random", "1 MiB":
            yield Bar("speed / dm-linear", "plain",
                      f"{extents}, same extents, {size}", "linear", OURS,
                      0.98, True, timed)


def sequential(zfile):
    for order in 0, 8:
        case = f"{zfile}, 1 MiB, order {order}"
        for name, bare, ours in (
                ("speed / read, CRC and library", "checked_read", OURS),
                ("speed without CRC / read and library", "library_read",
                 "no_verify")):
            yield Bar(name + ", 1 CPU", "zfile", case, bare, ours, 0.92, True,
                      one_cpu)
    for what in "order 0", "order 8", "2 at once":
        case = f"{zfile}, 1 MiB, {what}"
        yield Bar("speed / read, CRC and library on 1 CPU, 2 CPUs", "zfile",
                  case, "checked_read", OURS, 1.8, True, two_cpus)
        yield Bar("speed / read, CRC and library on 2 CPUs", "zfile", case,
                  "every_cpu", OURS, 0.9, True, two_cpus)


def random(zfile):
    case = f"{zfile}, 4 KiB random, cold"
    yield Bar("cost / read, CRC and library", "zfile", case, OURS,
              "checked_read", 1.15, False, lambda guest: True)
    yield Bar("cost without CRC / read and library", "zfile", case,
              "no_verify", "library_read", 1.15, False, lambda guest: True)
    yield Bar("speed / ramdisk", "zfile",
              f"{zfile}, 4 KiB random, hot, 1 job", "ramdisk", OURS, 0.85,
              True, lambda guest: True)


def gzip():
    """Checking is no part of what the library does, so it counts on both
    sides. With two emulated CPUs it is a matter of chance when a thread on
    the other one begins: bare inflation has none."""
    for name, bare, ours in (
            ("speed without CRC / library", "library", "no_verify"),
            ("speed / library and CRC", "checked", OURS)):
        yield Bar(name, "gzip", "tar.gz, 1 MiB", bare, ours, 0.85, True,
                  one_cpu)
    for name, bare, ours in (
            ("cost / window and library", "library", OURS),
            ("cost without CRC / window and library", "library", "no_verify"),
            ("cost without the cache / window, library and CRC", "checked",
             "no_cache")):
        yield Bar(name, "gzip", "tar.gz, 4 KiB random, cold", ours, bare, 1.15,
                  False, one_cpu)
    yield Bar("speed / ramdisk", "gzip", "tar.gz, 4 KiB random, hot",
              "ramdisk", OURS, 0.8, True, lambda guest: True)


def walk_rivals():
    for ours, rivals in RIVALS.items():
        for rival in rivals:
            if ours != "plain" and not rival.startswith("qcow2"):
                yield ours, rival


def walk():
    """By a program, and without its system calls. No rival checks CRCs."""
    for case in "walk, cold", "walk in the kernel, cold":
        for ours, rival in walk_rivals():
            for name, side in (("speed", ours),
                               ("speed without CRC", ours + "-no_verify")):
                yield Bar(f"{name} / {rival}", "files", f"{case} ({ours})",
                          rival, side, 1.0, True, lambda guest: True)


def many():
    for image in "a ZFile", "255 layers":
        yield Bar("memory of 100 / of 1", "many",
                  f"100 devices of {image}, indexes and tables", "all", "one",
                  1.02, False, lambda guest: True)


def upper():
    for order in "in order", "at random":
        yield Bar("speed / dm-linear", "upper",
                  f"4 KiB random overwrites, mapped {order}", "linear", OURS,
                  0.9, True, lambda guest: True)
    for case in "4 KiB random first writes", "1 MiB first writes":
        for rival, limit in ("linear", 0.7), ("thin", 1.0), ("snapshot", 1.0):
            yield Bar(f"speed / dm-{rival}", "upper", case, rival, OURS,
                      limit, True, lambda guest: True)
    for case in "first writes", "overwrites":
        yield Bar("speed / dm-thin", "upper",
                  f"4 KiB random {case}, fsync, 4 jobs", "thin", OURS, 1.0,
                  True, lambda guest: True)
    yield Bar("flushes / commits", "upper", "device flushes for a commit",
              OURS, "commits", 2.0, False, lambda guest: True)
    yield Bar("sectors / those of the set", "upper",
              "64 MiB overwritten again and again, data", "after", "set",
              1.001, False, lambda guest: True)
    yield Bar("entries after / before", "upper",
              "64 MiB overwritten again and again, log", "after", "before",
              1.0, False, lambda guest: True)


def all_bars():
    yield from plain()
    for zfile in ZFILES:
        yield from sequential(zfile)
    for zfile in ZFILES:
        yield from random(zfile)
    yield from gzip()
    yield from walk()
    yield from many()
    yield from upper()


def measured(bar, guest, lines):
    """(median, best) of a bar on a guest, or None."""
    line = r.find(lines, bar.group, bar.case.split(" (")[0])
    if not bar.guests(guest) or r.ratio(line, bar.a, bar.b) is None:
        return None
    return (r.ratio(line, bar.a, bar.b),
            r.ratio(line, bar.a, bar.b, r.BEST))


def met(bar, value):
    return value >= bar.limit if bar.least else value <= bar.limit
