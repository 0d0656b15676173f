// SPDX-License-Identifier: GPL-2.0-only
/*
 * LSMT layers: what opens has a sorted index within its data, and its map
 * covers the disk without a gap. So has what opens as the metadata of a target
 * of TARGET_SECTORS; of that the map shows nothing but what it has.
 */
#include "tests/fuzz/fixup.h"

#define TARGET_SECTORS	50

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

/* The data of an entry: about the end of the target, if its tag says that. */
static void mutate_entry(u8 *data, size_t size, u32 seed)
{
	u64 moffset = TARGET_SECTORS + 1 - seed / 16 % 8;
	u64 tag = seed / 128 % 3;
	struct lsmt_header trailer;
	struct lsmt_entry e;
	u64 at;

	memcpy(&trailer, data + size - LSMT_HEADER_SPACE, sizeof(trailer));
	at = le64_to_cpu(trailer.index_offset) + seed % 16 * sizeof(e);
	if (at > size - sizeof(e))
		return;
	memcpy(&e, data + at, sizeof(e));
	e.what = cpu_to_le64(moffset | tag << LSMT_TAG_SHIFT);
	memcpy(data + at, &e, sizeof(e));
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
			       unsigned int seed)
{
	struct buffer blob = {};

	if (size < 2 * LSMT_HEADER_SPACE) {
		seed_layer(&blob, seed);
		return fuzz_seed(data, max_size, &blob);
	}
	if (seed % 4)
		return mutate_blob(data, size, max_size, seed);
	mutate_entry(data, size, seed / 4);
	return size;
}

/* Sorted, and within the data from @begin to @end. */
static void check_entries(const struct lsmt_entry *e, u32 nr, u64 data_begin,
			  u64 data_end)
{
	u64 end = 0;

	for (; nr; nr--, e++) {
		u64 moffset = lsmt_entry_moffset(e);

		fuzz_assert(lsmt_entry_length(e));
		fuzz_assert(lsmt_entry_offset(e) >= end);
		end = lsmt_entry_offset(e) + lsmt_entry_length(e);
		fuzz_assert(end <= LSMT_OFFSET_MASK);
		fuzz_assert(lsmt_entry_zeroed(e) ||
			    (moffset >= data_begin &&
			     moffset + lsmt_entry_length(e) <= data_end));
	}
}

static u64 data_end(const struct obd_layer *layer)
{
	return layer->lsmt.index_offset / OBD_SECTOR_SIZE;
}

static void check_map(const struct obd_layer *layer, const struct obd_map *map)
{
	struct obd_range range;
	u64 sector;
	u32 nr = 0;

	for (sector = 0; sector < map->nr_sectors; sector += range.len) {
		obd_map_lookup(map, sector, &range);
		fuzz_assert(range.len &&
			    range.len <= map->nr_sectors - sector);
		if (range.layer == 0)
			fuzz_assert(range.moffset >= 8 &&
				    range.moffset + range.len <=
				    data_end(layer));
		else if (range.layer == 1)
			fuzz_assert(layer->turbo && range.moffset + range.len <=
				    TARGET_SECTORS);
		else
			fuzz_assert(range.layer == OBD_HOLE);
		nr++;
	}
	fuzz_assert(nr == map->nr);
}

static void check_layer(struct obd_layer *layer, struct obd_layer *target)
{
	struct obd_layer *layers[] = { layer, target };
	struct obd_error err = {};
	struct obd_map map = {};
	int r;

	check_entries(layer->entries, layer->lsmt.nr_entries, 8,
		      data_end(layer));
	check_entries(layer->target, layer->nr_target, 0, ~0ULL);
	r = obd_stack_merge(&map, layers, layer->turbo ? 2 : 1, 0, 0, &err);
	fuzz_assert(!r || err.text[0]);
	fuzz_assert(!r || !layer->lsmt.virtual_sectors ||
		    obd_layer_check_target(layer, target, &err));
	if (!r)
		check_map(layer, &map);
	obd_map_release(&map);
}

static void open_layer(struct obd_dev *dev, u64 size, bool turbo)
{
	struct obd_layer layer, target = {
		.blob.data_size = TARGET_SECTORS * OBD_SECTOR_SIZE,
	};
	struct obd_error err = {};
	int r;

	r = obd_layer_open_headers(&layer, dev, size, &err);
	layer.turbo = turbo;
	r = r ?: obd_layer_load_index(&layer, &err);
	fuzz_assert(!r || (r < 0 && err.text[0]));
	if (!r)
		check_layer(&layer, &target);
	obd_layer_release(&layer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct obd_dev *dev = fuzz_device(data, size);

	open_layer(dev, size, false);
	open_layer(dev, size, true);
	return 0;
}
