/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sets of ranges of sectors, under a lock of the caller's, which may be held with
 * interrupts off: nothing here sleeps but obd_ranges_exit(), and obd_ranges_add() if
 * it is told that it may.
 */
#ifndef DM_OVERLAYBD_RANGES_H
#define DM_OVERLAYBD_RANGES_H

#include "dm-overlaybd-compat.h"

/**
 * struct obd_ranges - a set of sectors
 * @tree: its ranges, none of which touches another
 * @sectors: how many sectors are in it
 */
struct obd_ranges {
	struct rb_root_cached tree;
	u64 sectors;
};

/**
 * obd_ranges_init - begin with an empty set
 * @ranges: the set
 */
void obd_ranges_init(struct obd_ranges *ranges);

/**
 * obd_ranges_exit - forget everything
 * @ranges: the set, which nobody else uses any more
 *
 * May sleep.
 */
void obd_ranges_exit(struct obd_ranges *ranges);

/**
 * obd_ranges_add - add sectors that are not in a set
 * @ranges: the set, locked
 * @first: the first of them
 * @len: how many
 * @gfp: how to allocate memory, for a range that touches no other; if it may not
 *	 sleep, the reserves are taken, too
 *
 * Return: 0, or -ENOMEM.
 */
int obd_ranges_add(struct obd_ranges *ranges, u64 first, u64 len, gfp_t gfp);

/**
 * obd_ranges_take - take the first range out of a set
 * @ranges: the set, locked
 * @first: its first sector
 * @len: how many sectors
 *
 * Return: false if there is none.
 */
bool obd_ranges_take(struct obd_ranges *ranges, u64 *first, u64 *len);

#endif
