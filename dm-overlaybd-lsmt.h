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
#define OBD_LEAF_LINE		16	/* 32-bit numbers in a cache line */
#define OBD_LEAF_LINES		20	/* a full leaf just fits into a page */
#define OBD_LEAF_EXTENTS	(OBD_LEAF_LINE * OBD_LEAF_LINES)

/**
 * struct obd_leaf - neighbouring extents of a map
 * @begin: first sector of the first
 * @end: the sector behind the last
 * @nr: number of extents
 * @lines: where every OBD_LEAF_LINE-th extent begins, from @begin on
 * @reserved: fills a cache line up
 * @begins: where each begins, from @begin on; a whole number of lines, filled
 *	up with the highest value; then, for each, a u64 that says what it is:
 *	in OBD_EXTENT_SHIFT bits, the sector of the layer that would hold
 *	sector 0 if the extent reached that far, modulo 2^OBD_EXTENT_SHIFT;
 *	above them 1 + the layer. 0 is a hole.
 *
 * An extent ends where its successor begins.
 */
struct obd_leaf {
	u64 begin;
	u64 end;
	u32 nr;
	u32 lines[OBD_LEAF_LINES];
	u32 reserved[7];
	u32 begins[];
};

/**
 * struct obd_map - the merged index of a stack of layers
 * @nr_sectors: virtual size
 * @bytes: memory that the map holds
 * @nr: number of extents, holes included
 * @nr_leaves: number of leaves
 * @begins: first sector of each leaf, in order; the first is 0
 * @extents: the leaves
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
	u64 *begins;
	struct obd_leaf **extents;
};

#define OBD_MAP_MAX_ENTRIES	0x2000000U	/* of all layers of a stack */

/**
 * struct obd_range - what a sector, and those behind it, map to
 * @layer: 0 is the lowest; OBD_HOLE where no layer has data
 * @moffset: sector of the layer
 * @len: sectors from the one asked for to the end of the extent
 */
struct obd_range {
	int layer;
	u64 moffset;
	u64 len;
};

#define OBD_HOLE	(-1)

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

/* A checked index, to be merged. */
struct obd_index {
	const struct lsmt_entry *entries;
	u32 nr;
};

/**
 * obd_map_build - merge the indexes of a stack
 * @map: filled in; release with obd_map_release()
 * @indexes: checked indexes, lowest layer first
 * @nr_layers: 1 to LSMT_MAX_LAYERS
 * @nr_sectors: virtual size of the stack; what lies behind it is cut off
 * @err: the reason, on failure
 *
 * A sector belongs to the highest layer that maps it. Takes time in proportion
 * to the number of all entries, times @nr_layers / 16 at the worst, and a second
 * at the most for extents that are 2^32 sectors apart. Allocates, may sleep.
 *
 * Return: 0, -E2BIG, -ENOMEM, or -EINTR if the user has given up.
 */
int obd_map_build(struct obd_map *map, const struct obd_index *indexes,
		  unsigned int nr_layers, u64 nr_sectors,
		  struct obd_error *err);

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
