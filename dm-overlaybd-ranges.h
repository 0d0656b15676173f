/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sets of ranges of sectors, in maple trees under a lock of the caller's, which
 * may be held with interrupts off: nothing here sleeps.
 */
#ifndef DM_OVERLAYBD_RANGES_H
#define DM_OVERLAYBD_RANGES_H

#include "dm-overlaybd-compat.h"

#if BITS_PER_LONG < 64
#error "dm-overlaybd needs a 64-bit kernel: maple trees are indexed by long"
#endif

/**
 * struct obd_ranges - a set of sectors
 * @tree: its ranges
 * @sectors: how many sectors are in it
 */
struct obd_ranges {
	struct maple_tree tree;
	u64 sectors;
};

/**
 * obd_ranges_init - begin with an empty set
 * @ranges: the set
 * @lock: held to change it
 */
void obd_ranges_init(struct obd_ranges *ranges, spinlock_t *lock);

/**
 * obd_ranges_exit - forget everything
 * @ranges: the set, which nobody else uses any more
 *
 * Must not be called with interrupts off.
 */
void obd_ranges_exit(struct obd_ranges *ranges);

/**
 * obd_ranges_add - add sectors that are not in a set
 * @ranges: the set, locked
 * @first: the first of them
 * @len: how many
 *
 * Return: 0, or -ENOMEM.
 */
int obd_ranges_add(struct obd_ranges *ranges, u64 first, u64 len);

/**
 * obd_ranges_take - take the first range out of a set
 * @ranges: the set, locked
 * @first: its first sector
 * @len: how many sectors
 *
 * Return: false if there is none, or no memory for splitting a node.
 */
bool obd_ranges_take(struct obd_ranges *ranges, u64 *first, u64 *len);

#endif
