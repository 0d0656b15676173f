/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes the log of a writable layer. One caller at a time; all functions may
 * sleep, and none allocates after obd_logger_init().
 *
 * At any time, whatever a crash leaves undone, the log on the disk ends with
 * what has been written to it: a slot that is zero, or the end of the device,
 * follows. To that end the sectors behind the log are zeroed before the log
 * grows into them, and it never grows further than that between two flushes.
 */
#ifndef DM_OVERLAYBD_LOGGER_H
#define DM_OVERLAYBD_LOGGER_H

#include "dm-overlaybd-bdev.h"
#include "dm-overlaybd-log.h"

#define OBD_SECTOR_SLOTS	(OBD_SECTOR_SIZE / (u32)sizeof(struct lsmt_entry))
#define OBD_LOGGER_ROOM		4096U	/* slots of the buffer */
#define OBD_LOGGER_MAX		(OBD_LOGGER_ROOM - OBD_SECTOR_SLOTS)

/**
 * struct obd_logger - writes a log
 * @bdev: the index device
 * @slots: how many slots it has
 * @end: slots in use
 * @zeroed: slots from @end to here are zeros on stable storage
 * @buf: OBD_LOGGER_ROOM slots. It begins with those that the sector in which
 *	the log ends holds already
 */
struct obd_logger {
	struct block_device *bdev;
	u64 slots;
	u64 end;
	u64 zeroed;
	struct lsmt_entry *buf;
};

/**
 * obd_logger_init - set up
 * @logger: zeroed
 * @bdev: the index device
 *
 * Return: 0 or -ENOMEM.
 */
int obd_logger_init(struct obd_logger *logger, struct block_device *bdev);

/**
 * obd_logger_exit - undo obd_logger_init()
 * @logger: the logger; a zeroed one is fine
 */
void obd_logger_exit(struct obd_logger *logger);

/**
 * obd_logger_slots - how many slots the device has
 * @logger: the logger
 *
 * Return: at most OBD_LOG_MAX.
 */
u64 obd_logger_slots(const struct obd_logger *logger);

/**
 * obd_logger_start - prepare for obd_logger_append()
 * @logger: the logger, with @end set
 *
 * Takes up what has been changed by others: the length of the device.
 *
 * Return: 0, or a negative errno.
 */
int obd_logger_start(struct obd_logger *logger);

/**
 * obd_logger_entries - where obd_logger_append() takes entries from
 * @logger: the logger
 *
 * Return: room for OBD_LOGGER_MAX entries.
 */
struct lsmt_entry *obd_logger_entries(struct obd_logger *logger);

/**
 * obd_logger_append - append entries to the log
 * @logger: the logger
 * @nr: how many, up to OBD_LOGGER_MAX; there is room for them
 * @flags: REQ_FUA, to have them reach the disk, or 0: then a flush follows before
 *	   anything is appended that the log does not say yet
 *
 * The data that they refer to has been flushed.
 *
 * Return: 0, or a negative errno, whereupon nothing may be appended any more.
 */
int obd_logger_append(struct obd_logger *logger, u32 nr, blk_opf_t flags);

/**
 * obd_logger_align - end the log at the end of a sector, by padding
 * @logger: the logger; there is room for the rest of the sector
 *
 * Return: as obd_logger_append().
 */
int obd_logger_align(struct obd_logger *logger);

/**
 * obd_logger_may_restart - does a log that begins later overwrite itself?
 * @end: slots in use
 * @from: the slot with which it is to begin
 *
 * Return: false if it does, or if @from is not the first of a sector.
 */
static inline bool obd_logger_may_restart(u64 end, u64 from)
{
	return !(from % OBD_SECTOR_SLOTS) &&
	       end - from + OBD_SECTOR_SLOTS < from;
}

/**
 * obd_logger_restart - have the log begin where its last part begins
 * @logger: the logger
 * @from: the first slot that is still needed; obd_logger_may_restart()
 *
 * The part must say all that the log says.
 *
 * Return: as obd_logger_append().
 */
int obd_logger_restart(struct obd_logger *logger, u64 from);

#endif
