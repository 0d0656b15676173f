/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a layer has to hold so that a raw image comes out: its sectors that
 * differ from what is below.
 */
#ifndef OVERLAYBD_CHANGES_H
#define OVERLAYBD_CHANGES_H

#include "tools/progress.h"
#include "tools/raw.h"

/**
 * struct change - consecutive sectors that the layer maps
 * @sector: the first of them
 * @zeroed: they are zero, and what is below is not
 * @len: how many
 */
struct change {
	u64 sector : 63;
	u64 zeroed : 1;
	u64 len;
};

/**
 * struct target_extent - consecutive sectors whose data is in a target
 * @sector: the first of them
 * @len: how many
 * @at: sector of the target where the data is
 */
struct target_extent {
	u64 sector;
	u64 len;
	u64 at;
};

/**
 * struct changes - everything that the layer maps, in order
 * @list: the changes; neighbours that touch differ in @zeroed
 * @nr: how many
 * @max: how many there is room for
 * @sums: checksums of the changed data, for telling contents apart
 * @nr_sums: how many
 * @max_sums: how many there is room for
 * @targets: what a target holds the data of, in order; overlaps no change
 * @nr_targets: how many
 * @max_targets: how many there is room for
 * @gaps_unknown: what lies between them cannot be read where their data is
 */
struct changes {
	struct change *list;
	u64 nr;
	u64 max;
	u64 *sums;
	u64 nr_sums;
	u64 max_sums;
	struct target_extent *targets;
	u64 nr_targets;
	u64 max_targets;
	bool gaps_unknown;
};

/**
 * changes_add - append a change, or extend the last one
 * @changes: the changes
 * @sector: its first sector, not before the end of the last one
 * @len: sectors
 * @zeroed: they are zero
 *
 * Return: 0, or -ENOMEM.
 */
int changes_add(struct changes *changes, u64 sector, u64 len, bool zeroed);

/**
 * changes_add_target - append what a target holds, or extend the last extent
 * @changes: the changes
 * @extent: not before the end of the last one
 *
 * Return: 0, or -ENOMEM.
 */
int changes_add_target(struct changes *changes,
		       const struct target_extent *extent);

/**
 * changes_add_sum - append a checksum
 * @changes: the changes
 * @sum: of some of their data
 *
 * Return: 0, or -ENOMEM.
 */
int changes_add_sum(struct changes *changes, u64 sum);

/**
 * changes_find - compare a raw image with what is below
 * @changes: filled in; release with changes_release(), also after a failure
 * @raw: the image
 * @base: what is below, or NULL for nothing
 * @nr_sectors: virtual size of the layer
 * @nr_threads: threads to use
 * @progress: begun, for @nr_sectors
 * @err: the reason, on failure
 *
 * With nothing below, 4096-byte pages that are zero are left out. Over a base
 * every sector that equals the base's is; what passes the end of the base is
 * mapped even where it is zero, for lower layers may be larger than the base.
 *
 * Return: 0, or a negative errno.
 */
int changes_find(struct changes *changes, const struct raw *raw,
		 const struct raw *base, u64 nr_sectors,
		 unsigned int nr_threads, struct progress *progress,
		 struct obd_error *err);

/**
 * changes_coarsen - map more than has changed, until an index can hold it
 * @changes: the changes
 * @max_len: sectors of an index entry at most
 * @max_entries: entries at most, at least 1 for each @max_len sectors of disk
 *
 * What lies between two changes becomes data, the smallest gaps first; where
 * gaps are unknown, only those that are zeroed, and with targets nothing. They
 * may still be too many then.
 */
void changes_coarsen(struct changes *changes, u32 max_len, u64 max_entries);

/**
 * changes_entries - index entries that changes and targets take
 * @changes: the changes
 * @max_len: sectors of an index entry at most
 */
u64 changes_entries(const struct changes *changes, u32 max_len);

/**
 * changes_release - free what changes_find() allocated
 * @changes: the changes; zeroed ones are fine
 */
void changes_release(struct changes *changes);

#endif
