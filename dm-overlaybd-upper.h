/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The writable layer on top of a stack: which sectors it maps, where their data
 * is, and the log that says so on the index device.
 *
 * A write to sectors that are data already goes in place. Everything else is
 * appended: it gets free sectors of the data device, and is mapped when it is
 * there. What has been mapped is pending until the next commit: the data device
 * is flushed, the pending entries are written to the log, and then those who
 * asked for a flush are told. A sector of the data device that is not mapped
 * any more is free for use when a commit has put that on the disk, and no bio
 * can still be on its way to it.
 */
#ifndef DM_OVERLAYBD_UPPER_H
#define DM_OVERLAYBD_UPPER_H

#include <linux/bio.h>
#include <linux/device-mapper.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/srcu.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "dm-overlaybd-logger.h"
#include "dm-overlaybd-read.h"
#include "dm-overlaybd-space.h"

/* Of one discard or write of zeroes: what is done under the lock at a time. */
#define OBD_ZERO_MAX_SECTORS	2048U
/* Entries that wait for a commit, and writes that will become some. */
#define OBD_PENDING_MAX		(OBD_LOGGER_MAX - 1)
/*
 * What a write may cost: two entries now, if it crosses a chunk of the map and is
 * committed in between; and three extents more to write down later: one for each
 * side of that, and one for what has become longer than an entry.
 */
#define OBD_EXTENTS_PER_WRITE	3
#define OBD_SLOTS_PER_WRITE	(2 + OBD_EXTENTS_PER_WRITE)

/**
 * struct obd_upper - a writable layer
 * @link: R: in the list of all
 * @users: R: tables that have it; they are of the same mapped device
 * @ready: R: it has been loaded
 * @md: K: that mapped device
 * @device: K: its name
 * @data: K: the data device
 * @index: K: the index device
 * @tag: K: number of layers below, which its entries are marked with
 * @wq: K: does the work below
 * @commit_work: puts on disk what is pending
 * @release_work: frees the space that nobody uses any more
 * @bios: bios on their way to sectors of the data device that are mapped
 * @wait: for what a commit makes room for
 * @lock: taken with interrupts off
 * @map: L, looked up without: what it maps
 * @space: L: of the data device
 * @freed: L: what is being freed
 * @pending: L: entries for the log, in the order in which they were mapped
 * @nr_pending: L: how many
 * @nr_reserved: L: writes under way that will need one each
 * @waiting: L: bios that end with the next commit
 * @stalled: L: written, but there was no memory for mapping them
 * @failed: L, read without: the disk did not take what it had to; nothing is
 *	written any more
 * @shut: L: nobody gets a slot: the log is being made shorter
 * @full: L: a write did not fit
 * @low: L: less than @low_water sectors are free
 * @log_low: L: the log will be full soon
 * @event: L: somebody should be told
 * @nr_commits: L: how many there were
 * @nr_compactions: L: how many times the log was made shorter
 * @low_water: S: see above
 * @ti: S: the target that uses it, or NULL
 * @virtual_sectors: S: what the headers say, or the layers below if they say 0
 * @unequal: S: one of the headers says less
 * @sectors: S: length of the table, 0 as long as there was none
 * @copy: S: slot from which the log says all once more, 0 if none is known
 * @logger: C: writes the log
 * @log_end: L: slots of the log in use, by what is being committed, too
 * @log_slots: L: slots that there are
 *
 * R: under the lock of the list; K: set when it is made; L: under @lock; S: set
 * while the device is suspended; C: used by @commit_work, and while suspended.
 */
struct obd_upper {
	struct list_head link;
	unsigned int users;
	bool ready;
	struct mapped_device *md;
	const char *device;
	struct block_device *data;
	struct block_device *index;
	u8 tag;

	struct workqueue_struct *wq;
	struct work_struct commit_work;
	struct work_struct release_work;
	struct srcu_struct bios;
	wait_queue_head_t wait;

	spinlock_t lock;	/* see above */
	struct obd_upper_map map;
	struct obd_space space;
	struct obd_freed freed;
	struct lsmt_entry *pending;
	unsigned int nr_pending;
	unsigned int nr_reserved;
	struct bio_list waiting;
	struct bio_list stalled;
	bool failed;
	bool shut;
	bool full;
	bool low;
	bool log_low;
	bool event;
	u64 nr_commits;
	u64 nr_compactions;
	u64 log_end;
	u64 log_slots;

	u64 low_water;
	struct dm_target *ti;
	u64 virtual_sectors;
	bool unequal;
	u64 sectors;
	u64 copy;
	struct obd_logger logger;
};

/**
 * struct obd_upper_io - a bio of a writable layer
 * @upper: the layer
 * @end_io: what it ended with before
 * @sector: first virtual sector
 * @moffset: first sector of the data device
 * @len: sectors of it; of one that is appended, those that are still to be mapped
 * @bios_idx: of @upper->bios
 * @tries: attempts at mapping it that there was no memory for
 * @fua: ends with a commit
 */
struct obd_upper_io {
	struct obd_upper *upper;
	bio_end_io_t *end_io;
	u64 sector;
	u64 moffset;
	u32 len;
	int bios_idx;
	unsigned int tries;
	bool fua;
};

/* What a target has for each of its bios. */
union obd_bio {
	struct obd_io read;
	struct obd_upper_io upper;
};

/* dm-overlaybd-upper.c: all may sleep */

/**
 * obd_upper_get - load a writable layer, or find the one that a device has
 * @ti: a target of the device
 * @data: the data device
 * @index: the index device
 * @tag: number of layers below
 * @err: the reason, on failure
 *
 * Writes nothing.
 *
 * Return: the layer, or an ERR_PTR().
 */
struct obd_upper *obd_upper_get(struct dm_target *ti, struct block_device *data,
				struct block_device *index, u8 tag,
				struct obd_error *err);

/**
 * obd_upper_put - a table does without a writable layer from now on
 * @upper: the layer, or NULL
 */
void obd_upper_put(struct obd_upper *upper);

/**
 * obd_upper_start - the table is about to be used for writing
 * @upper: the layer
 * @ti: the target; its length becomes the layer's if that is shorter
 * @low_water: tell when fewer sectors are free; 0: if the data device cannot take
 *	all of the disk, when fewer than an eighth of it are
 *
 * Takes up new lengths of the devices, and sees to it that the index does not
 * say that the layer is sealed.
 *
 * Return: 0, or a negative errno: the table cannot be used.
 */
int obd_upper_start(struct obd_upper *upper, struct dm_target *ti,
		    u64 low_water);

/**
 * obd_upper_stop - put everything on disk; no bio is under way
 * @upper: the layer
 */
void obd_upper_stop(struct obd_upper *upper);

/* How a writable layer stands; see the admin guide. */
struct obd_upper_usage {
	bool failed;
	u64 extents;
	u64 map_bytes;
	u64 used_sectors;
	u64 data_sectors;
	u64 log_entries;
	u64 log_slots;
	u64 pending;
	u64 commits;
	u64 compactions;
};

/**
 * obd_upper_usage - find out how a writable layer stands
 * @upper: the layer
 * @usage: the answer
 */
void obd_upper_usage(struct obd_upper *upper, struct obd_upper_usage *usage);

/* dm-overlaybd-write.c: called by map functions of targets */

/**
 * obd_upper_read - read sectors, if they are data of this layer
 * @upper: the layer
 * @bio: the bio; cut to the piece that its first sector is in
 * @sector: its first virtual sector
 * @io: memory for as long as the bio is under way
 * @what: what the sectors are; the bio has been remapped if they are data
 *
 * Does not sleep.
 */
void obd_upper_read(struct obd_upper *upper, struct bio *bio, u64 sector,
		    struct obd_upper_io *io, enum obd_what *what);

/**
 * obd_upper_write - write sectors
 * @upper: the layer
 * @bio: the bio; cut to what can be written at once
 * @sector: its first virtual sector
 * @io: memory for as long as the bio is under way
 *
 * May sleep unless the bio is REQ_NOWAIT.
 *
 * Return: DM_MAPIO_REMAPPED, or DM_MAPIO_SUBMITTED if it has failed.
 */
int obd_upper_write(struct obd_upper *upper, struct bio *bio, u64 sector,
		    struct obd_upper_io *io);

/**
 * obd_upper_zero - make sectors read as zeros, by a discard or otherwise
 * @upper: the layer
 * @bio: the bio; ends at once, or with the next commit
 * @sector: its first virtual sector
 * @io: memory for as long as the bio is under way
 *
 * May sleep unless the bio is REQ_NOWAIT.
 *
 * Return: DM_MAPIO_SUBMITTED.
 */
int obd_upper_zero(struct obd_upper *upper, struct bio *bio, u64 sector,
		   struct obd_upper_io *io);

/**
 * obd_upper_flush - have everything reach the disk that has been written
 * @upper: the layer
 * @bio: an empty bio; ended then
 *
 * Does not sleep.
 *
 * Return: DM_MAPIO_SUBMITTED.
 */
int obd_upper_flush(struct obd_upper *upper, struct bio *bio);

/**
 * obd_upper_map_stalled - map what has been written without memory for it
 * @upper: the layer
 * @bio: the bio, which ends, or will end with the next commit
 *
 * One attempt.
 *
 * Return: false if there still is no memory, and it has to be tried again.
 */
bool obd_upper_map_stalled(struct obd_upper *upper, struct bio *bio);

/**
 * obd_upper_wait_for_memory - see to it that there is some memory
 * @try: how many times that has been done
 *
 * May sleep.
 *
 * Return: false if that was often enough.
 */
bool obd_upper_wait_for_memory(unsigned int try);

/* dm-overlaybd-commit.c */

/**
 * obd_upper_commit_work - commit what is pending
 * @work: of a struct obd_upper
 *
 * May sleep.
 */
void obd_upper_commit_work(struct work_struct *work);

/**
 * obd_upper_release_work - free the space that nobody uses any more
 * @work: of a struct obd_upper
 *
 * May sleep.
 */
void obd_upper_release_work(struct work_struct *work);

/**
 * obd_upper_kick - have everything committed soon
 * @upper: the layer
 *
 * Any context.
 */
void obd_upper_kick(struct obd_upper *upper);

/**
 * obd_upper_log_room - how many entries the log can still take
 * @upper: the layer, locked
 *
 * Leaves out what is pending and reserved, and as much as it would take to
 * write down all that is mapped, for that is how the log is made shorter.
 *
 * Return: a number of entries; negative where that would not fit.
 */
s64 obd_upper_log_room(const struct obd_upper *upper);

/* dm-overlaybd-compact.c */

/**
 * obd_upper_compactable - does making the log shorter pay, and is there room?
 * @upper: the layer, locked
 *
 * Return: true if it is.
 */
bool obd_upper_compactable(const struct obd_upper *upper);

/**
 * obd_upper_log_low - will the log be full soon, whatever is done about it?
 * @upper: the layer, locked
 *
 * Return: true if the index device should grow.
 */
bool obd_upper_log_low(const struct obd_upper *upper);

/**
 * obd_upper_compact - make the log shorter
 * @upper: the layer, compactable, and shut, with nothing pending or reserved
 *
 * Called by @commit_work only. May sleep.
 *
 * Return: 0, or a negative errno: nothing may be logged any more.
 */
int obd_upper_compact(struct obd_upper *upper);

#endif
