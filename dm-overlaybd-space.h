/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The space of a data device: what is in use, what is free, and what will be
 * free once nobody needs it any more. Everything in sectors, and everything
 * under a lock of the caller's; nothing here sleeps but obd_space_load() and
 * obd_space_exit().
 */
#ifndef DM_OVERLAYBD_SPACE_H
#define DM_OVERLAYBD_SPACE_H

#include "dm-overlaybd-error.h"
#include "dm-overlaybd-ranges.h"
#include "dm-overlaybd-upper-map.h"

/**
 * struct obd_space - the space of a data device
 * @sectors: length of the device
 * @end: nothing was ever in use from here on
 * @next: what is handed out next
 * @next_end: where that ends
 * @free: what is free below @end, less what is left to hand out
 * @limbo: the two that follow
 * @pending: what has been overridden since the last obd_space_settle()
 * @settled: what had been before it, which may still be in use by bios, or on
 *	the disk, until obd_space_release()
 * @due: @settled is waiting for obd_space_release()
 * @durable: what overrides @settled is on disk
 * @suspect: free as well, but writing there has failed
 * @released: sectors that obd_space_release() has made free so far
 *
 * Where there are free ranges, the lowest is handed out next, so that the data
 * file remains short; what is suspect is handed out when there is nothing else.
 * What there is no memory to note is free again when the layer is opened anew.
 */
struct obd_space {
	u64 sectors;
	u64 end;
	u64 next;
	u64 next_end;
	struct obd_ranges free;
	struct obd_ranges limbo[2];
	struct obd_ranges *pending;
	struct obd_ranges *settled;
	bool due;
	bool durable;
	struct obd_ranges suspect;
	u64 released;
};

/**
 * obd_space_init - begin with nothing in use
 * @space: the space
 */
void obd_space_init(struct obd_space *space);

/**
 * obd_space_exit - forget everything
 * @space: the space
 */
void obd_space_exit(struct obd_space *space);

/**
 * obd_space_load - find out what is in use
 * @space: the space
 * @map: all that is in use; nobody else knows of it yet, nor of @space
 * @err: the reason, on failure
 *
 * May sleep.
 *
 * Return: 0; -EINVAL if sectors are in use twice; -ENOMEM; or -EINTR.
 */
int obd_space_load(struct obd_space *space, struct obd_upper_map *map,
		   struct obd_error *err);

/**
 * obd_space_alloc - take free sectors
 * @space: the space
 * @want: how many, at least 1
 * @moffset: the first of them
 *
 * Return: how many, up to @want; 0 if there is none.
 */
u64 obd_space_alloc(struct obd_space *space, u64 want, u64 *moffset);

/**
 * obd_space_return - sectors that were allocated have not been used
 * @space: the space
 * @moffset: the first of them
 * @len: how many
 */
void obd_space_return(struct obd_space *space, u64 moffset, u64 len);

/**
 * obd_space_suspect - sectors that were allocated could not be written
 * @space: the space
 * @moffset: the first of them
 * @len: how many
 */
void obd_space_suspect(struct obd_space *space, u64 moffset, u64 len);

/**
 * obd_space_free - sectors have been overridden
 * @space: the space
 * @freed: which
 */
void obd_space_free(struct obd_space *space, const struct obd_freed *freed);

/**
 * obd_space_settle - what has been overridden until now is about to be on disk
 * @space: the space
 *
 * Does nothing while obd_space_release() is due from the last time.
 */
void obd_space_settle(struct obd_space *space);

/**
 * obd_space_durable - what had been overridden when it was settled is on disk
 * @space: the space
 *
 * Return: true if obd_space_release() is due once no bio that began before is
 * under way.
 */
static inline bool obd_space_durable(struct obd_space *space)
{
	space->durable = space->due;
	return space->due;
}

/**
 * obd_space_release - settled sectors are free for use, one range at a time
 * @space: the space, of which it is due, and durable
 *
 * No bio is on its way to them.
 *
 * Return: true if there are more.
 */
bool obd_space_release(struct obd_space *space);

/**
 * obd_space_available - how many sectors can be allocated
 * @space: the space
 *
 * Return: a number of sectors.
 */
static inline u64 obd_space_available(const struct obd_space *space)
{
	return space->sectors - space->end + space->next_end - space->next +
	       space->free.sectors + space->suspect.sectors;
}

#endif
