/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The writable layer as it is stored: a data file and an index file, each with
 * a header. The index file is a log: entries in the order of the writes, of
 * which a later one overrides what it overlaps. No I/O; any context.
 *
 * The log ends at the first slot that is all zero, or where the file or device
 * ends. What lies behind that is not part of it.
 */
#ifndef DM_OVERLAYBD_LOG_H
#define DM_OVERLAYBD_LOG_H

#include "dm-overlaybd-lsmt.h"

#define OBD_DATA_START	(LSMT_HEADER_SPACE / OBD_SECTOR_SIZE)	/* sector */
#define OBD_LOG_MAX	128000000ULL	/* entries that a log may have */

/* What the headers of a writable layer say. */
struct obd_writable {
	u64 virtual_sectors;	/* 0: that of the layers below */
	bool unequal;		/* one of the headers says less */
	char uuid[LSMT_UUID_SIZE];
	char parent_uuid[LSMT_UUID_SIZE];
};

/**
 * obd_writable_parse - check the headers of a writable layer
 * @data: the first LSMT_HEADER_SPACE bytes of the data file
 * @index: the first LSMT_HEADER_SPACE bytes of the index file
 * @writable: what they say
 * @err: the reason, on failure
 *
 * Where the two virtual sizes differ, growing was interrupted: the larger one
 * counts.
 *
 * Return: 0, or -EINVAL; -EOPNOTSUPP for a sparse layer, which has no log.
 */
int obd_writable_parse(const struct lsmt_header *data,
		       const struct lsmt_header *index,
		       struct obd_writable *writable, struct obd_error *err);

/* What a slot of the log holds. */
enum obd_log_slot {
	OBD_SLOT_END,		/* nothing: the log ends before it */
	OBD_SLOT_PADDING,	/* nothing, but the log goes on */
	OBD_SLOT_ENTRY,
};

/**
 * obd_log_check - check a slot of the log
 * @e: the slot
 * @nr: its number
 * @data_sectors: length of the data file or device
 * @err: the reason, on failure
 *
 * Return: one of enum obd_log_slot, or -EINVAL.
 */
int obd_log_check(const struct lsmt_entry *e, u64 nr, u64 data_sectors,
		  struct obd_error *err);

/**
 * obd_log_entry - make an entry of a log
 * @e: the entry
 * @sector: first virtual sector
 * @len: how many, up to LSMT_LENGTH_MAX
 * @moffset: sector of the data file; 0 for what reads as zeros
 * @tag: number of layers below
 */
void obd_log_entry(struct lsmt_entry *e, u64 sector, u32 len, u64 moffset,
		   u8 tag);

#endif
