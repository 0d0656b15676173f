// SPDX-License-Identifier: GPL-2.0-only
/*
 * LSMT layers: what opens has a sorted index within its data, and its map
 * covers the disk without a gap.
 */
#include "tests/fuzz/fixup.h"

static void seed_layer(struct buffer *out, u32 seed)
{
	struct layer_extent extents[16];
	u64 sector = 0;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(extents); i++) {
		extents[i] = (struct layer_extent) {
			.offset = sector + i % 3,
			.len = 1 + i % 4,
			.zeroed = i % 5 == 1,
			.tag = i % 2,
		};
		sector = extents[i].offset + extents[i].len;
	}
	build_layer(out, &(struct layer_spec) {
		.virtual_size = 64 * OBD_SECTOR_SIZE,
		.extents = extents,
		.nr = seed % (ARRAY_SIZE(extents) + 1),
		.sealed = seed & 32,
		.unpadded = seed & 64,
	});
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
			       unsigned int seed)
{
	struct buffer blob = {};

	if (size >= 2 * LSMT_HEADER_SPACE)
		return mutate_blob(data, size, max_size, seed);
	seed_layer(&blob, seed);
	return fuzz_seed(data, max_size, &blob);
}

static void check_index(const struct obd_layer *layer)
{
	u64 data_end = layer->lsmt.index_offset / OBD_SECTOR_SIZE;
	u64 end = 0;
	u32 i;

	for (i = 0; i < layer->lsmt.nr_entries; i++) {
		const struct lsmt_entry *e = &layer->entries[i];
		u64 moffset = lsmt_entry_moffset(e);

		fuzz_assert(lsmt_entry_length(e));
		fuzz_assert(lsmt_entry_offset(e) >= end);
		end = lsmt_entry_offset(e) + lsmt_entry_length(e);
		fuzz_assert(end <= LSMT_OFFSET_MASK);
		fuzz_assert(lsmt_entry_zeroed(e) ||
			    (moffset >= 8 &&
			     moffset + lsmt_entry_length(e) <= data_end));
	}
}

static void check_map(const struct obd_layer *layer, const struct obd_map *map)
{
	u64 data_end = layer->lsmt.index_offset / OBD_SECTOR_SIZE;
	struct obd_range range;
	u64 sector;
	u32 nr = 0;

	for (sector = 0; sector < map->nr_sectors; sector += range.len) {
		obd_map_lookup(map, sector, &range);
		fuzz_assert(range.len &&
			    range.len <= map->nr_sectors - sector);
		fuzz_assert(range.layer == 0 || range.layer == OBD_HOLE);
		fuzz_assert(range.layer == OBD_HOLE ||
			    (range.moffset >= 8 &&
			     range.moffset + range.len <= data_end));
		nr++;
	}
	fuzz_assert(nr == map->nr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct obd_layer layer, *layers[] = { &layer };
	struct obd_error err = {};
	struct obd_map map = {};
	int r;

	r = obd_layer_open(&layer, fuzz_device(data, size), size, &err);
	fuzz_assert(!r || (r < 0 && err.text[0]));
	if (!r) {
		check_index(&layer);
		r = obd_stack_merge(&map, layers, 1, 0, &err);
		fuzz_assert(!r || !layer.lsmt.virtual_sectors);
		if (!r)
			check_map(&layer, &map);
		obd_map_release(&map);
	}
	obd_layer_release(&layer);
	return 0;
}
