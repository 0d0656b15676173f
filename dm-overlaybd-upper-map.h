/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a writable layer maps, and sets of ranges of sectors; both in maple
 * trees under a lock of the caller's, which may be held with interrupts off:
 * nothing here sleeps.
 */
#ifndef DM_OVERLAYBD_UPPER_MAP_H
#define DM_OVERLAYBD_UPPER_MAP_H

#include <linux/maple_tree.h>
#include <linux/seqlock.h>
#include <linux/spinlock.h>

#include "dm-overlaybd-compat.h"

#if BITS_PER_LONG < 64
#error "dm-overlaybd needs a 64-bit kernel: maple trees are indexed by long"
#endif

enum obd_what {
	OBD_UNMAPPED,	/* the layers below have the answer */
	OBD_ZEROES,
	OBD_DATA,
};

/**
 * struct obd_piece - what a sector, and those behind it, map to
 * @what: what they are
 * @moffset: sector of the data device, if they are data
 * @len: how many; more of the same may follow
 */
struct obd_piece {
	enum obd_what what;
	u64 moffset;
	u64 len;
};

/*
 * How many extents a store can override at a time. Together with the gaps
 * between them they must be less than what an inner node of a tree leads to: a
 * tree that readers walk must not lose one, for it may be freed twice then.
 */
#define OBD_STORE_MAX	16

/* What a store has overridden: ranges of the data device. */
struct obd_freed {
	unsigned int nr;
	struct {
		u64 moffset;
		u64 len;
	} ranges[OBD_STORE_MAX];
};

/**
 * struct obd_upper_map - what a writable layer maps
 * @tree: extents by virtual sector
 * @changes: a lookup that meets one begins anew: the tree changes a node in
 *	place at times, and would give the new extent for a sector behind it
 * @nr: how many
 * @sectors: how many sectors they have
 *
 * An extent's value does not depend on where it begins, so that one that is
 * cut in two stays as it is.
 */
struct obd_upper_map {
	struct maple_tree tree;
	seqcount_spinlock_t changes;
	u64 nr;
	u64 sectors;
};

/**
 * obd_upper_map_init - begin with an empty map
 * @map: the map
 * @lock: held to change it
 */
void obd_upper_map_init(struct obd_upper_map *map, spinlock_t *lock);

/**
 * obd_upper_map_exit - forget everything
 * @map: the map, which nobody else uses any more
 *
 * Must not be called with interrupts off.
 */
void obd_upper_map_exit(struct obd_upper_map *map);

/**
 * obd_upper_map_lookup - find out what a sector is
 * @map: the map
 * @sector: the sector
 * @piece: the answer
 *
 * Takes no lock; any context that @lock is not held in. Waits for a store that
 * is under way.
 */
void obd_upper_map_lookup(struct obd_upper_map *map, u64 sector,
			  struct obd_piece *piece);

/**
 * obd_upper_map_next - go through all extents
 * @map: the map, locked
 * @sector: where to begin; moved behind the extent
 * @piece: the extent
 * @first: its first sector
 *
 * Return: false if there is none any more.
 */
bool obd_upper_map_next(struct obd_upper_map *map, u64 *sector,
			struct obd_piece *piece, u64 *first);

/**
 * obd_upper_map_store - map sectors
 * @map: the map, locked
 * @sector: the first sector
 * @piece: what they are: data or zeroes; @len becomes smaller if they override
 *	more than OBD_STORE_MAX extents: the rest has to be stored again
 * @freed: what data they override
 * @gfp: how to allocate; must not sleep
 *
 * Return: 0; or -ENOMEM, when nothing has changed.
 */
int obd_upper_map_store(struct obd_upper_map *map, u64 sector,
			struct obd_piece *piece, struct obd_freed *freed,
			gfp_t gfp);

/**
 * obd_upper_map_bytes - the most memory that the map can take
 * @map: the map
 *
 * Return: bytes.
 */
u64 obd_upper_map_bytes(const struct obd_upper_map *map);

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
