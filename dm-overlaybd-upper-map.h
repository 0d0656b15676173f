/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a writable layer maps: a tree by virtual sector, changed under a lock of
 * the caller's, which is held with interrupts off: nothing here sleeps but
 * obd_upper_map_exit(). Whoever looks something up neither takes a lock nor
 * waits.
 */
#ifndef DM_OVERLAYBD_UPPER_MAP_H
#define DM_OVERLAYBD_UPPER_MAP_H

#include "dm-overlaybd-compat.h"
#include "dm-overlaybd-format.h"

#if BITS_PER_LONG < 64
#error "dm-overlaybd needs a 64-bit kernel: an extent's value has 57 bits"
#endif

/* Of a write, of an entry of the log, and of a piece; a multiple of 4096 bytes. */
#define OBD_PIECE_MAX	(LSMT_LENGTH_MAX / 8 * 8)

enum obd_what {
	OBD_UNMAPPED,	/* the layers below have the answer */
	OBD_ZEROES,
	OBD_DATA,
};

/**
 * struct obd_piece - what a sector, and those behind it, map to
 * @what: what they are
 * @moffset: sector of the data device, if they are data
 * @len: how many
 */
struct obd_piece {
	enum obd_what what;
	u64 moffset;
	u64 len;
};

/* How many extents a store can override at a time. */
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
 * @chunks: entries by virtual MiB; see dm-overlaybd-upper-map.c
 * @nr: how many extents there are, each as long as can be
 * @sectors: how many sectors they have
 * @nr_chunks: how many chunks have an entry
 * @last_chunk: the last of them
 * @nr_nodes: how many nodes there are below
 * @nr_leaves: how many leaves
 *
 * An extent's value does not depend on where it begins, so that one that is
 * cut in two stays as it is. All but @chunks under the caller's lock.
 */
struct obd_upper_map {
	struct xarray chunks;
	u64 nr;
	u64 sectors;
	u64 nr_chunks;
	u64 last_chunk;
	u64 nr_nodes;
	u64 nr_leaves;
};

/**
 * obd_upper_map_init - begin with an empty map
 * @map: the map
 */
void obd_upper_map_init(struct obd_upper_map *map);

/**
 * obd_upper_map_exit - forget everything
 * @map: the map, which nobody else uses any more
 *
 * May sleep.
 */
void obd_upper_map_exit(struct obd_upper_map *map);

/**
 * obd_upper_map_lookup - find out what a sector is
 * @map: the map
 * @sector: the sector
 * @max: how many sectors behind it matter, at least 1: itself
 * @piece: the answer: all that is the same, up to @max sectors
 *
 * Each sector of a store that is under way may be old or new. Any context.
 */
void obd_upper_map_lookup(struct obd_upper_map *map, u64 sector, u64 max,
			  struct obd_piece *piece);

/**
 * obd_upper_map_next - go through all extents
 * @map: the map, locked, or one that nobody changes
 * @sector: where to begin; moved behind the extent
 * @piece: the extent, or OBD_PIECE_MAX sectors of it
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
 * @piece: what they are: data or zeroes; @len becomes smaller if that is more
 *	than can be done at a time: the rest has to be stored again
 * @freed: what data they override
 * @gfp: how to allocate; must not sleep
 *
 * Return: 0; or -ENOMEM, when nothing has changed.
 */
int obd_upper_map_store(struct obd_upper_map *map, u64 sector,
			struct obd_piece *piece, struct obd_freed *freed,
			gfp_t gfp);

/**
 * obd_upper_map_pieces - how many pieces going through a map can give
 * @map: the map, locked
 *
 * Return: a number of pieces, not too small.
 */
u64 obd_upper_map_pieces(const struct obd_upper_map *map);

/**
 * obd_upper_map_bytes - the most memory that the map can take
 * @map: the map, locked
 *
 * Return: bytes.
 */
u64 obd_upper_map_bytes(const struct obd_upper_map *map);

#endif
