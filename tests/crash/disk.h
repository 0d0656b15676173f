/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads a mapped device sector by sector, to judge it or to compare it.
 */
#ifndef CRASH_DISK_H
#define CRASH_DISK_H

#include "tests/crash/judge.h"

/**
 * disk_judge - judge every sector
 * @path: the device
 * @judge: the judge, who has been told what was promised
 * @contents: what each sector holds; may be NULL
 * @wrong: gets the first sector that is wrong; may be NULL
 *
 * Prints the first sectors that are wrong.
 *
 * Return: how many are.
 */
u64 disk_judge(const char *path, const struct judge *judge, u64 *contents,
	       u8 *wrong);

/**
 * disk_change - write, discard and zero some more, one after the other
 * @path: the device
 * @contents: what its sectors hold, which is kept up to date
 * @sectors: how many it has
 * @seed: decides what
 *
 * Return: success; what failed has been printed.
 */
bool disk_change(const char *path, u64 *contents, u64 sectors, u64 seed);

/* Return: how many sectors do not hold that, of which the first are printed. */
u64 disk_compare(const char *path, const u64 *contents, u64 sectors);

#endif
