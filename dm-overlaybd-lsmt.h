/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * LSMT layers: header, trailer and index of one layer. No I/O, and no
 * allocations: all functions may be called from any context.
 */
#ifndef DM_OVERLAYBD_LSMT_H
#define DM_OVERLAYBD_LSMT_H

#include "dm-overlaybd-error.h"
#include "dm-overlaybd-format.h"

/* What a layer's trailer says, checked against the length of the layer. */
struct obd_lsmt {
	u64 virtual_sectors;
	u64 index_offset;	/* bytes */
	u32 nr_entries;		/* padding included until the index is checked */
	char uuid[LSMT_UUID_SIZE];
	char parent_uuid[LSMT_UUID_SIZE];
};

/**
 * lsmt_entry_offset - where an entry's sectors are on the virtual disk
 * @e: an entry
 *
 * Any context.
 *
 * Return: the first of them.
 */
static inline u64 lsmt_entry_offset(const struct lsmt_entry *e)
{
	return le64_to_cpu(e->where) & LSMT_OFFSET_MASK;
}

/**
 * lsmt_entry_length - how long an entry is
 * @e: an entry
 *
 * Any context.
 *
 * Return: a number of sectors.
 */
static inline u32 lsmt_entry_length(const struct lsmt_entry *e)
{
	return le64_to_cpu(e->where) >> LSMT_OFFSET_BITS;
}

/**
 * lsmt_entry_moffset - where an entry's sectors are in the data
 * @e: an entry
 *
 * Any context.
 *
 * Return: the first of them, counted from where the layer begins; anything if they are
 * zeros.
 */
static inline u64 lsmt_entry_moffset(const struct lsmt_entry *e)
{
	return le64_to_cpu(e->what) & LSMT_MOFFSET_MASK;
}

/**
 * lsmt_entry_zeroed - does an entry say that its sectors are zeros?
 * @e: an entry
 *
 * Any context.
 *
 * Return: true if it does.
 */
static inline bool lsmt_entry_zeroed(const struct lsmt_entry *e)
{
	return le64_to_cpu(e->what) & LSMT_ZEROED;
}

/**
 * lsmt_entry_tag - what an entry is marked with
 * @e: an entry
 *
 * Any context.
 *
 * Return: more for sectors of the target than for its own, if the layer is turbo; else
 * anything.
 */
static inline u8 lsmt_entry_tag(const struct lsmt_entry *e)
{
	return le64_to_cpu(e->what) >> LSMT_TAG_SHIFT;
}

/**
 * obd_lsmt_check_header - check magic, version and flags of a header or trailer
 * @h: the header
 * @which: what to call it
 * @must: flags that must be set
 * @must_not: flags that must be clear
 * @err: the reason, on failure
 *
 * Return: 0, or -EINVAL.
 */
int obd_lsmt_check_header(const struct lsmt_header *h, const char *which,
			  u32 must, u32 must_not, struct obd_error *err);

/**
 * obd_lsmt_check_virtual_size - check a virtual size
 * @which: what to call the header that it is in
 * @size: bytes
 * @err: the reason, on failure
 *
 * Return: 0, or -EINVAL.
 */
int obd_lsmt_check_virtual_size(const char *which, u64 size,
				struct obd_error *err);

/**
 * obd_lsmt_copy_uuid - copy a uuid that may not be terminated
 * @to: room for LSMT_UUID_SIZE; will be terminated
 * @from: of a header
 */
void obd_lsmt_copy_uuid(char *to, const char *from);

/**
 * obd_lsmt_parse - check a sealed layer's header and trailer
 * @header: the first LSMT_HEADER_SPACE bytes of the layer
 * @trailer: the last LSMT_HEADER_SPACE bytes
 * @size: bytes in the layer, at least twice LSMT_HEADER_SPACE
 * @lsmt: what they say
 * @err: the reason, on failure
 *
 * Return: 0, or -EINVAL.
 */
int obd_lsmt_parse(const struct lsmt_header *header,
		   const struct lsmt_header *trailer, u64 size,
		   struct obd_lsmt *lsmt, struct obd_error *err);

/**
 * obd_lsmt_check_index - check a sealed layer's index, drop its padding
 * @lsmt: the layer; @nr_entries becomes the number of entries kept
 * @entries: its index as it is on disk, compacted in place
 * @err: the reason, on failure
 *
 * What it leaves is sorted by offset, does not overlap, and lies within the
 * data of the layer.
 *
 * Return: 0, or -EINVAL.
 */
int obd_lsmt_check_index(struct obd_lsmt *lsmt, struct lsmt_entry *entries,
			 struct obd_error *err);

/**
 * obd_lsmt_split_index - check the index of a layer with data in two places
 * @lsmt: the layer; @nr_entries becomes the number of entries kept
 * @entries: its index as it is on disk; those stay whose data is in the layer
 * @target: room for as many; gets those whose data is in the target
 * @nr_target: how many
 * @err: the reason, on failure
 *
 * What it leaves is sorted by offset; nothing overlaps, also not between the two.
 * Whether the target is long enough is not checked.
 *
 * Return: 0, or -EINVAL.
 */
int obd_lsmt_split_index(struct obd_lsmt *lsmt, struct lsmt_entry *entries,
			 struct lsmt_entry *target, u32 *nr_target,
			 struct obd_error *err);

/**
 * obd_lsmt_check_target - check that a target holds all that is said to be there
 * @entries: see obd_lsmt_split_index()
 * @nr: how many
 * @sectors: what the target has
 * @err: the reason, on failure
 *
 * Return: 0, or -EINVAL.
 */
int obd_lsmt_check_target(const struct lsmt_entry *entries, u32 nr,
			  u64 sectors, struct obd_error *err);

#endif
