/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replay the log of a writable layer: what is left of its entries when each
 * has overridden what it overlaps.
 */
#ifndef OVERLAYBD_REPLAY_H
#define OVERLAYBD_REPLAY_H

#include "dm-overlaybd-log.h"

/* No data goes on behind the last sector that an entry can name. */
#define REPLAY_DATA_MAX	LSMT_MOFFSET_MASK

/**
 * struct replay - what a log comes to
 * @entries: sorted by offset, disjoint, merged as far as lengths allow, with
 *	tag 0; fit for obd_map_build()
 * @nr: how many
 * @data_end: sector behind the last that any of @entries points to
 * @data_sectors: sectors that they point to
 */
struct replay {
	struct lsmt_entry *entries;
	u32 nr;
	u64 data_end;
	u64 data_sectors;
};

/**
 * replay_log - replay a log
 * @replay: filled in; release with replay_release(), also after a failure
 * @log: its slots: obd_log_check() has found none of them to be the end, or
 *	invalid where there were REPLAY_DATA_MAX sectors of data
 * @nr: how many, up to OBD_LOG_MAX
 * @data_sectors: length of the data file or device
 * @err: the reason, on failure
 *
 * Only what is left has to lie within the data, and no two entries may share
 * sectors of it. Takes time in proportion to @nr log @nr.
 *
 * Return: 0, -EINVAL, or -ENOMEM.
 */
int replay_log(struct replay *replay, const struct lsmt_entry *log, u64 nr,
	       u64 data_sectors, struct obd_error *err);

/**
 * replay_more - replay what has been added to a log since
 * @replay: what it came to before; what it comes to now, unless this fails
 * @log: the slots that have been added, see replay_log()
 * @nr: how many; 0 is fine
 * @data_sectors: length of the data file or device, no less than before
 * @err: the reason, on failure
 *
 * Whether new entries share sectors of the data with those before is not
 * looked at. Takes time in proportion to the extents and @nr log @nr.
 *
 * Return: 0, -EINVAL, or -ENOMEM.
 */
int replay_more(struct replay *replay, const struct lsmt_entry *log, u64 nr,
		u64 data_sectors, struct obd_error *err);

/**
 * replay_release - free what replay_log() allocated
 * @replay: what it filled in; a zeroed one is fine
 */
void replay_release(struct replay *replay);

#endif
