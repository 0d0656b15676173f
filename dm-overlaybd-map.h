/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The merged map of a stack of layers: which extent of which layer serves a
 * sector. No I/O. All functions may be called from any context unless they say
 * that they may sleep.
 */
#ifndef DM_OVERLAYBD_MAP_H
#define DM_OVERLAYBD_MAP_H

#include "dm-overlaybd-compat.h"
#include "dm-overlaybd-format.h"

#define OBD_EXTENT_SHIFT	LSMT_MOFFSET_BITS
#define OBD_NEAR_EXTENTS	16
#define OBD_FAR_EXTENTS		12

/**
 * struct obd_leaf - neighbouring extents of a map, in three cache lines
 * @near: if the leaf covers less than 2^32 sectors
 * @far: if it covers more
 *
 * ends: where each extent ends, which is where its successor begins, counted
 * from the first sector of the leaf. The last one's is repeated up to the end
 * of the array; only the last leaf of a map has room for that.
 *
 * whats: what each extent is: in OBD_EXTENT_SHIFT bits, the sector of the layer
 * that would hold sector 0 if the extent reached that far, modulo
 * 2^OBD_EXTENT_SHIFT; above them the number of the layer, from 1 - or, in a
 * partial map, from 2 on. 0 is what no layer maps; 1, in a partial map, a hole.
 */
struct obd_leaf {
	union {
		struct {
			u32 ends[OBD_NEAR_EXTENTS];
			u64 whats[OBD_NEAR_EXTENTS];
		} near;
		struct {
			u64 ends[OBD_FAR_EXTENTS];
			u64 whats[OBD_FAR_EXTENTS];
		} far;
	};
};

#define OBD_PIECE_SIZE		0x8000
#define OBD_PIECE_LEAVES	(OBD_PIECE_SIZE / (u32)sizeof(struct obd_leaf))
#define OBD_NODE_KEYS		16
#define OBD_NODE_BITS		4	/* of a number below OBD_NODE_KEYS */
#define OBD_TABLE_REACH		(OBD_NODE_KEYS - 1)
#define OBD_MAP_LEVELS		6

/**
 * struct obd_map - the merged index of a stack of layers
 * @nr_sectors: where it ends
 * @bytes: memory that the map holds
 * @nr: number of extents, holes included
 * @nr_leaves: number of leaves that they are in
 * @shift: an entry of the table stands for 2^@shift sectors
 * @level: the level of the tree that the table leads to
 * @half: half the power of two that is above the distance between any two
 *	entries that follow one another
 * @none: the answer for what no layer maps
 * @last: the last entry of the table: stands for all sectors that follow, too
 * @table: where in the level @level the first of the sectors is
 * @levels: the tree. On the lowest level, 0, is a key for each leaf; on every
 *	other, the first key of each node of the level below. A node is two cache
 *	lines of OBD_NODE_KEYS ascending keys. Behind the last key all are ~0.
 *	All are in the memory of the lowest.
 * @pieces: the leaves, OBD_PIECE_LEAVES in each piece but the last: where the
 *	first leaf of all would be if it were in the same piece
 *
 * A leaf's key is twice its first sector, plus 1 if the leaf is far.
 *
 * A lookup enters the tree at @level, where the table says, up to
 * OBD_TABLE_REACH keys before the one it looks for. @level is as low as that
 * allows: 0, unless extents are clustered. From there it goes down the tree, a
 * node a level, to a leaf: a line of it for the ends, and one for the whats.
 *
 * Immutable once built, so that lookups need no lock. Neighbours always
 * differ: an extent never continues its predecessor in the same layer.
 * obd_map_lookup() is the way to its content, of all extents in order too.
 */
struct obd_map {
	u64 nr_sectors;
	u64 bytes;
	u32 nr;
	u32 nr_leaves;
	u32 shift;
	u32 level;
	u32 half;
	int none;
	u64 last;
	u32 *table;
	u64 *levels[OBD_MAP_LEVELS];
	unsigned long *pieces;
};

#define OBD_MAP_MAX_ENTRIES	0x2000000U	/* of all layers of a stack */
#define OBD_MAP_MAX_LEAVES	(2 * OBD_MAP_MAX_ENTRIES / OBD_FAR_EXTENTS + 1)

static_assert(OBD_MAP_MAX_LEAVES <= 1U << OBD_NODE_BITS * OBD_MAP_LEVELS,
	      "levels of a map");

/**
 * struct obd_range - what a sector, and those behind it, map to
 * @layer: 0 is the lowest; OBD_HOLE where no layer has data; OBD_BELOW where a
 *	partial map leaves the answer to the map of the layers below
 * @moffset: sector of the layer
 * @len: sectors from the one asked for to the end of the extent
 */
struct obd_range {
	int layer;
	u64 moffset;
	u64 len;
};

#define OBD_HOLE	(-1)
#define OBD_BELOW	(-2)

/**
 * obd_extent_what - what an extent is, see struct obd_leaf
 * @code: number of the layer, counted as there
 * @delta: the sector of the layer that would hold sector 0; modulo 2^64
 *
 * Return: the entry of whats.
 */
static inline u64 obd_extent_what(u64 code, u64 delta)
{
	return code << OBD_EXTENT_SHIFT | (delta & LSMT_MOFFSET_MASK);
}

/**
 * obd_map_init - begin a map
 * @map: filled in; release with obd_map_release(), whatever becomes of it
 * @nr_entries: of the indexes that its extents come from, OBD_MAP_MAX_ENTRIES at
 *	most: there is room for twice as many extents, and one
 * @nr_sectors: where it ends
 * @none: the answer for what no layer maps, OBD_HOLE or OBD_BELOW
 *
 * Allocates, may sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int obd_map_init(struct obd_map *map, u32 nr_entries, u64 nr_sectors, int none);

/**
 * obd_map_append - add a leaf of extents to a map that has been begun
 * @map: the map
 * @sectors: where each extent begins, and behind that where the last one ends
 * @whats: what they are; as many are read as a leaf has room for
 * @nr: how many there are, 1 or more
 *
 * The first of all begins at sector 0, every other where the one before it ends.
 * Every leaf but the last has to be full: call it with OBD_NEAR_EXTENTS at least
 * as long as others follow. Allocates, may sleep.
 *
 * Return: how many extents were added, or -ENOMEM.
 */
int obd_map_append(struct obd_map *map, const u64 *sectors, const u64 *whats,
		   u32 nr);

/**
 * obd_map_finish - make a map ready for lookups
 * @map: all leaves have been added, one at least
 *
 * Allocates, may sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int obd_map_finish(struct obd_map *map);

/**
 * obd_map_release - free a map
 * @map: the map; one that was zeroed and never begun is fine
 *
 * May sleep.
 */
void obd_map_release(struct obd_map *map);

/**
 * obd_map_lookup - find out who serves a sector
 * @map: the map
 * @sector: virtual sector, below @map->nr_sectors
 * @range: the answer
 *
 * Neither locks nor allocates; any context.
 */
void obd_map_lookup(const struct obd_map *map, u64 sector,
		    struct obd_range *range);

/**
 * obd_map_lookup_near - find out who serves a sector, close to the last one
 * @map: the map
 * @sector: virtual sector, below @map->nr_sectors
 * @hint: where the last lookup ended; any value does, and others may write it
 *	at the same time, for it can only cost time
 * @range: the answer
 *
 * The same as obd_map_lookup(), but sooner if @sector is in the same place, or
 * the next. Neither locks nor allocates; any context.
 */
void obd_map_lookup_near(const struct obd_map *map, u64 sector, u32 *hint,
			 struct obd_range *range);

/**
 * obd_map_bytes - memory that a map holds
 * @map: the map
 *
 * Return: bytes.
 */
static inline u64 obd_map_bytes(const struct obd_map *map)
{
	return map->bytes;
}

#endif
