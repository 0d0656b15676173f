// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes the log of a writable layer shorter: all that is mapped is appended to
 * the log once more, and then the log begins there.
 */
#include "dm-overlaybd-upper.h"

#define CLUTTER_MIN	65536U	/* slots: a log that short may stay */
#define CLUTTER_RATIO	4U	/* of the log to what is mapped */
#define TIGHT_PART	8	/* of the slots: with fewer left it is urgent */
#define GAIN_MIN	128U	/* slots: less is not worth it */
#define GAIN_PART	64

bool obd_upper_compactable(const struct obd_upper *u)
{
	u64 gain = max_t(u64, GAIN_MIN, u->log_slots / GAIN_PART);
	u64 live = obd_upper_map_pieces(&u->map);
	u64 more = (u64)OBD_EXTENTS_PER_WRITE * u->nr_reserved;
	s64 room = obd_upper_log_room(u);

	if (room < 0 || u->log_end < live + more + gain)
		return false;
	return room < (s64)(u->log_slots / TIGHT_PART) ||
	       (u->log_end > CLUTTER_MIN && u->log_end > CLUTTER_RATIO * live);
}

bool obd_upper_log_low(const struct obd_upper *u)
{
	return obd_upper_log_room(u) < (s64)(u->log_slots / TIGHT_PART) &&
	       !obd_upper_compactable(u);
}

/* Write extents down. Return: how many entries that takes. */
static u32 collect(struct obd_upper *u, u64 *sector)
{
	struct lsmt_entry *e = obd_logger_entries(&u->logger);
	struct obd_piece piece;
	u64 first;
	u32 nr;

	for (nr = 0; nr < OBD_LOGGER_MAX; nr++) {
		if (!obd_upper_map_next(&u->map, sector, &piece, &first))
			break;
		obd_log_entry(&e[nr], first, piece.len, piece.moffset, u->tag);
		cond_resched();
	}
	return nr;
}

/*
 * The log has said all of that before: until it is complete, nobody misses what a
 * crash leaves out.
 */
static int append_all(struct obd_upper *u)
{
	u64 sector = 0;
	u32 nr;
	int r = 0;

	while (!r && (nr = collect(u, &sector)))
		r = obd_logger_append(&u->logger, nr, 0);
	return r ?: blkdev_issue_flush(u->index);
}

int obd_upper_compact(struct obd_upper *u)
{
	struct obd_logger *logger = &u->logger;
	u64 start;
	int r;

	r = obd_logger_align(logger);
	if (r)
		return r;
	start = logger->end;
	r = append_all(u);
	if (!r && obd_logger_may_restart(logger->end, start))
		r = obd_logger_restart(logger, start);
	spin_lock_irq(&u->lock);
	u->log_end = logger->end;
	u->nr_compactions += !r;
	spin_unlock_irq(&u->lock);
	return r;
}
