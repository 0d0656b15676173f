/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * LSMT layers: header, trailer and index of one layer; the merged map of a
 * stack of layers; finding a sector in it. No I/O. All functions may be
 * called from any context unless they say that they allocate.
 */
#ifndef DM_OVERLAYBD_LSMT_H
#define DM_OVERLAYBD_LSMT_H

#include "dm-overlaybd-error.h"
#include "dm-overlaybd-format.h"

/* What a layer's trailer says, checked against the length of the layer. */
struct obd_lsmt {
	u64 virtual_sectors;
	u64 index_offset;	/* bytes */
	u32 nr_entries;		/* padding included until the index is checked */
	char uuid[LSMT_UUID_SIZE];
	char parent_uuid[LSMT_UUID_SIZE];
};

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
 * @nr_sectors: virtual size
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

static inline u64 lsmt_entry_offset(const struct lsmt_entry *e)
{
	return le64_to_cpu(e->where) & LSMT_OFFSET_MASK;
}

static inline u32 lsmt_entry_length(const struct lsmt_entry *e)
{
	return le64_to_cpu(e->where) >> LSMT_OFFSET_BITS;
}

static inline u64 lsmt_entry_moffset(const struct lsmt_entry *e)
{
	return le64_to_cpu(e->what) & LSMT_MOFFSET_MASK;
}

static inline bool lsmt_entry_zeroed(const struct lsmt_entry *e)
{
	return le64_to_cpu(e->what) & LSMT_ZEROED;
}

static inline u8 lsmt_entry_tag(const struct lsmt_entry *e)
{
	return le64_to_cpu(e->what) >> LSMT_TAG_SHIFT;
}

/**
 * obd_lsmt_check_header - check magic, version and flags of a header or trailer
 * @h: the header
 * @which: what to call it
 * @must: flags that must be set
 * @must_not: flags that must be clear
 * @err: the reason, on failure
 *
 * Return: 0, or -EINVAL.
 */
int obd_lsmt_check_header(const struct lsmt_header *h, const char *which,
			  u32 must, u32 must_not, struct obd_error *err);

/**
 * obd_lsmt_check_virtual_size - check a virtual size
 * @which: what to call the header that it is in
 * @size: bytes
 * @err: the reason, on failure
 *
 * Return: 0, or -EINVAL.
 */
int obd_lsmt_check_virtual_size(const char *which, u64 size,
				struct obd_error *err);

/**
 * obd_lsmt_copy_uuid - copy a uuid that may not be terminated
 * @to: room for LSMT_UUID_SIZE; will be terminated
 * @from: of a header
 */
void obd_lsmt_copy_uuid(char *to, const char *from);

/**
 * obd_lsmt_parse - check a sealed layer's header and trailer
 * @header: the first LSMT_HEADER_SPACE bytes of the layer
 * @trailer: the last LSMT_HEADER_SPACE bytes
 * @size: bytes in the layer, at least twice LSMT_HEADER_SPACE
 * @lsmt: what they say
 * @err: the reason, on failure
 *
 * Return: 0, or -EINVAL.
 */
int obd_lsmt_parse(const struct lsmt_header *header,
		   const struct lsmt_header *trailer, u64 size,
		   struct obd_lsmt *lsmt, struct obd_error *err);

/**
 * obd_lsmt_check_index - check a sealed layer's index, drop its padding
 * @lsmt: the layer; @nr_entries becomes the number of entries kept
 * @entries: its index as it is on disk, compacted in place
 * @err: the reason, on failure
 *
 * What it leaves is sorted by offset, does not overlap, and lies within the
 * data of the layer.
 *
 * Return: 0, or -EINVAL.
 */
int obd_lsmt_check_index(struct obd_lsmt *lsmt, struct lsmt_entry *entries,
			 struct obd_error *err);

/**
 * obd_lsmt_split_index - check the index of a layer with data in two places
 * @lsmt: the layer; @nr_entries becomes the number of entries kept
 * @entries: its index as it is on disk; those stay whose data is in the layer
 * @target: room for as many; gets those whose data is in the target
 * @nr_target: how many
 * @err: the reason, on failure
 *
 * What it leaves is sorted by offset; nothing overlaps, also not between the two.
 * Whether the target is long enough is not checked.
 *
 * Return: 0, or -EINVAL.
 */
int obd_lsmt_split_index(struct obd_lsmt *lsmt, struct lsmt_entry *entries,
			 struct lsmt_entry *target, u32 *nr_target,
			 struct obd_error *err);

/**
 * obd_lsmt_check_target - check that a target holds all that is said to be there
 * @entries: see obd_lsmt_split_index()
 * @nr: how many
 * @sectors: what the target has
 * @err: the reason, on failure
 *
 * Return: 0, or -EINVAL.
 */
int obd_lsmt_check_target(const struct lsmt_entry *entries, u32 nr,
			  u64 sectors, struct obd_error *err);

/* A checked index, to be merged. */
struct obd_index {
	const struct lsmt_entry *entries;
	u32 nr;
};

/**
 * obd_map_build - merge the indexes of a stack, or of its upper layers
 * @map: filled in; release with obd_map_release()
 * @indexes: checked indexes, lowest layer first
 * @nr_layers: how many: at least 1
 * @first_layer: number of the lowest; LSMT_MAX_LAYERS at most with @nr_layers
 * @nr_sectors: virtual size of the stack, not 0; what lies behind is cut off
 * @err: the reason, on failure
 *
 * A sector belongs to the highest layer that maps it. If none does, it is a
 * hole; but if there are layers below @first_layer, the map is partial: such a
 * sector is OBD_BELOW, and only what a layer says to be zeroes is OBD_HOLE.
 *
 * Takes time in proportion to the number of all entries, times @nr_layers / 16
 * at the worst, and a second at the most for extents that are 2^32 sectors apart.
 * Allocates, may sleep.
 *
 * Return: 0, -E2BIG, or -ENOMEM.
 */
int obd_map_build(struct obd_map *map, const struct obd_index *indexes,
		  unsigned int nr_layers, unsigned int first_layer,
		  u64 nr_sectors, struct obd_error *err);

/**
 * obd_map_release - free what obd_map_build() allocated
 * @map: the map; one that was zeroed and never built is fine
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
