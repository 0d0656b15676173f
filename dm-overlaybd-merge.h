/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Merge the indexes of a stack of layers into one map. No I/O.
 */
#ifndef DM_OVERLAYBD_MERGE_H
#define DM_OVERLAYBD_MERGE_H

#include "dm-overlaybd-error.h"
#include "dm-overlaybd-lsmt.h"
#include "dm-overlaybd-map.h"

/* A checked index, to be merged. */
struct obd_index {
	const struct lsmt_entry *entries;
	u32 nr;
};

/**
 * obd_index_end - where does what an index maps end?
 * @index: the index, checked
 *
 * Any context.
 *
 * Return: the sector behind the last that it maps; 0 if there is none.
 */
static inline u64 obd_index_end(const struct obd_index *index)
{
	const struct lsmt_entry *last = index->entries + index->nr - 1;

	return index->nr ? lsmt_entry_offset(last) + lsmt_entry_length(last) :
			   0;
}

/**
 * obd_map_build - merge the indexes of a stack, or of its upper layers
 * @map: filled in; release with obd_map_release()
 * @indexes: checked indexes, lowest layer first
 * @nr_layers: how many: at least 1
 * @first_layer: number of the lowest; LSMT_MAX_LAYERS at most with @nr_layers
 * @nr_sectors: where the map ends, not 0; what lies behind is cut off
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

#endif
