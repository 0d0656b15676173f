/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Builds what is on a disk after a crash, from what was there at first and a
 * log of the writes.
 */
#ifndef CRASH_REWRITE_H
#define CRASH_REWRITE_H

#include "tests/crash/writelog.h"

/**
 * struct crash_point - when the crash was
 * @cut: that many entries of the log had been made
 * @exact: all of them are on the disk; otherwise, of what came after the last
 *	flush, any part may be, but that an FUA write is missing or torn only if
 *	it is the last of all
 * @seed: decides which
 */
struct crash_point {
	size_t cut;
	bool exact;
	u64 seed;
};

/**
 * struct rewrite - a log that is being replayed
 * @log: the log
 * @base: the disk as it was after the first @done entries
 * @sectors: its size
 * @done: number of entries
 * @whole: sectors between which a write is torn begin with multiples of that
 * @forget_flushes: break it: let flushes do nothing since so many of them
 */
struct rewrite {
	const struct writelog *log;
	u8 *base;
	u64 sectors;
	size_t done;
	u64 whole;
	unsigned int forget_flushes;
};

/* @start: the disk as it was before the log, which is copied. */
void rewrite_init(struct rewrite *r, const struct writelog *log, const u8 *start,
		  u64 sectors);
void rewrite_release(struct rewrite *r);

#define NEAR_NOTHING	UINT64_MAX

/**
 * rewrite_points - choose when to crash
 * @log: the log
 * @nr: how many points: half of them right after flushes and marks (evenly
 *	distributed, if there are more of those), the others at random; how many
 *	there are, on return
 * @every_flush: right after all flushes and marks, and that many at random
 * @near: half of the random ones are when this sector was written, or soon
 *	before or after that; or NEAR_NOTHING
 * @seed: for the random ones
 *
 * Return: the points, in the order of their cuts; free() them.
 */
struct crash_point *rewrite_points(const struct writelog *log, size_t *nr,
				   bool every_flush, u64 near, u64 seed);

/**
 * rewrite_build - make a disk what it was after a crash
 * @r: the log; points must not go back
 * @point: when
 * @disk: the disk, which may hold anything before
 */
void rewrite_build(struct rewrite *r, const struct crash_point *point, u8 *disk);

#endif
