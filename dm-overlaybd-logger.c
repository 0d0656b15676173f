// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes the log of a writable layer.
 */
#include <linux/bio.h>
#include <linux/slab.h>

#include "dm-overlaybd-logger.h"

#define LOG_START	(LSMT_HEADER_SPACE / OBD_SECTOR_SIZE)
#define BUF_BYTES	(OBD_LOGGER_ROOM * sizeof(struct lsmt_entry))
#define AHEAD_SLOTS	(4 * OBD_LOGGER_ROOM)	/* to be zeroed at a time */

static_assert(BUF_BYTES <= OBD_BDEV_MAX);

int obd_logger_init(struct obd_logger *logger, struct block_device *bdev)
{
	logger->bdev = bdev;
	logger->slots = obd_logger_slots(logger);
	logger->buf = kvzalloc(BUF_BYTES, GFP_KERNEL);
	return logger->buf ? 0 : -ENOMEM;
}

void obd_logger_exit(struct obd_logger *logger)
{
	kvfree(logger->buf);
}

u64 obd_logger_slots(const struct obd_logger *logger)
{
	u64 sectors = bdev_nr_sectors(logger->bdev);

	if (sectors < LOG_START)
		return 0;
	return min((sectors - LOG_START) * OBD_SECTOR_SLOTS, OBD_LOG_MAX);
}

static u64 end_of_sector(u64 slot)
{
	return round_up(slot, OBD_SECTOR_SLOTS);
}

/* Slots that are held by the sector in which the log ends. */
static u32 tail_of(const struct obd_logger *logger)
{
	return logger->end % OBD_SECTOR_SLOTS;
}

static sector_t sector_of(u64 slot)
{
	return LOG_START + div_u64(slot, OBD_SECTOR_SLOTS);
}

/* @slot is the first of a sector. */
static int logger_io(struct obd_logger *logger, blk_opf_t opf, u64 slot,
		     void *buf, u32 slots)
{
	return obd_bdev_io(logger->bdev, opf, sector_of(slot), buf,
			   slots * sizeof(struct lsmt_entry));
}

/* Zero the slots behind the next @nr, but those behind the device. */
static int zero_ahead(struct obd_logger *logger, u32 nr)
{
	u64 need = min(end_of_sector(logger->end + nr) + OBD_SECTOR_SLOTS,
		       logger->slots);
	u64 end = min(logger->zeroed + AHEAD_SLOTS, logger->slots);
	int r;

	if (logger->zeroed >= need)
		return 0;
	r = obd_bdev_zero(logger->bdev, sector_of(logger->zeroed),
			  (end - logger->zeroed) * sizeof(struct lsmt_entry)) ?:
	    blkdev_issue_flush(logger->bdev);
	if (!r)
		logger->zeroed = end;
	return r;
}

/* Read what the last sector of the log holds. */
static int load_tail(struct obd_logger *logger)
{
	u64 slot = logger->end - tail_of(logger);

	if (!tail_of(logger))
		return 0;
	return logger_io(logger, REQ_OP_READ, slot, logger->buf,
			 OBD_SECTOR_SLOTS);
}

int obd_logger_start(struct obd_logger *logger)
{
	int r;

	logger->slots = obd_logger_slots(logger);
	if (logger->end > logger->slots)
		return -ENOSPC;
	r = load_tail(logger);
	if (r)
		return r;
	logger->zeroed = end_of_sector(logger->end);
	return zero_ahead(logger, 0);
}

struct lsmt_entry *obd_logger_entries(struct obd_logger *logger)
{
	return logger->buf + tail_of(logger);
}

int obd_logger_append(struct obd_logger *logger, u32 nr, blk_opf_t flags)
{
	u32 tail = tail_of(logger);
	u32 total = tail + nr;
	u32 left = total % OBD_SECTOR_SLOTS;
	u32 slots = end_of_sector(total);
	int r;

	memset(logger->buf + total, 0,
	       (slots - total) * sizeof(struct lsmt_entry));
	r = zero_ahead(logger, nr);
	if (!r)
		r = logger_io(logger, REQ_OP_WRITE | flags,
			      logger->end - tail, logger->buf, slots);
	if (r)
		return r;
	memmove(logger->buf, logger->buf + total - left,
		left * sizeof(struct lsmt_entry));
	logger->end += nr;
	return 0;
}

int obd_logger_align(struct obd_logger *logger)
{
	struct lsmt_entry *e = obd_logger_entries(logger);
	u32 nr = end_of_sector(logger->end) - logger->end;
	u32 i;

	for (i = 0; i < nr; i++)
		obd_log_entry(&e[i], LSMT_OFFSET_PADDING, 0, 0, 0);
	return nr ? obd_logger_append(logger, nr, REQ_FUA) : 0;
}

static int copy_slots(struct obd_logger *logger, u64 from, u64 to, u64 nr)
{
	u32 n;
	int r = 0;

	for (; !r && nr; nr -= n, from += n, to += n) {
		n = min_t(u64, nr, OBD_LOGGER_ROOM);
		r = logger_io(logger, REQ_OP_READ, from, logger->buf, n) ?:
		    logger_io(logger, REQ_OP_WRITE, to, logger->buf, n);
	}
	return r;
}

/*
 * Until the last write below the log ends where it ended, and the part that is
 * being copied overrides whatever lies before it. That write is of one sector:
 * the one in which the log ends from then on. Nothing may fail behind it: the
 * caller would take the log for the old one. What lies behind the log is zeroed
 * before anything is appended.
 */
int obd_logger_restart(struct obd_logger *logger, u64 from)
{
	u64 nr = logger->end - from;
	u32 left = nr % OBD_SECTOR_SLOTS;
	u64 full = nr - left;
	int r;

	r = copy_slots(logger, from, 0, full) ?:
	    blkdev_issue_flush(logger->bdev);
	if (r)
		return r;
	memset(logger->buf, 0, OBD_SECTOR_SIZE);
	if (left)
		r = logger_io(logger, REQ_OP_READ, from + full, logger->buf,
			      OBD_SECTOR_SLOTS);
	if (!r)
		r = logger_io(logger, REQ_OP_WRITE | REQ_FUA, full,
			      logger->buf, OBD_SECTOR_SLOTS);
	if (r)
		return r;
	logger->end = nr;
	logger->zeroed = full + OBD_SECTOR_SLOTS;
	return 0;
}
