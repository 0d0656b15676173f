// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stacks: layers are built from a description, wrapped in whatever nesting it
 * asks for, and the merged map must agree with a sector-by-sector model, as
 * must every byte that is read through it.
 *
 * The input is a description, a layer after the other, lowest first:
 *
 *	wrapping, flags, virtual size in sectors, number of extents
 *	gap before the extent, its length		for each of them
 *
 * With FLAG_RAW the index is overwritten by the bytes of the extents, so that
 * hostile indexes get behind compression, too.
 */
#include "tests/fuzz/fixup.h"

#define MAX_LAYERS	8
#define MAX_EXTENTS	64
#define MAX_LENGTH	48
#define MAX_SECTORS	(255 * 32)	/* of the largest virtual size */

#define FLAG_SEALED	1
#define FLAG_RAW	2
#define FLAG_VERIFY	4
#define FLAG_TRAILER	8
#define FLAG_NO_DIGEST	16
#define FLAG_UNPADDED	32

struct input {
	const u8 *data;
	size_t left;
};

struct model {
	u8 layer[MAX_SECTORS];		/* that serves it + 1; 0 is a hole */
	u16 moffset[MAX_SECTORS];
};

struct built {
	struct layer_extent extents[MAX_EXTENTS];
	struct layer_spec spec;
	struct obd_dev dev;
	struct obd_layer layer;
	bool raw;
};

static u8 take(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->data++;
}

static void take_extents(struct input *in, struct built *b, u32 nr)
{
	u64 sector = 0;
	u32 i;

	for (i = 0; i < nr; i++) {
		u8 gap = take(in), len = take(in);
		struct layer_extent *x = &b->extents[i];

		x->offset = sector + (gap & 0x7f);
		x->zeroed = gap & 0x80;
		x->len = 1 + len % MAX_LENGTH;
		x->tag = gap;
		sector = x->offset + x->len;
	}
}

static void wrap(struct buffer *blob, u8 wrapping, u8 flags)
{
	struct zfile_spec spec = {
		.block_size = 512U << (wrapping >> 4) % 8,
		.algorithm = 1 + (wrapping >> 2) % 2,
		.verify = flags & FLAG_VERIFY,
		.trailer_only = flags & FLAG_TRAILER,
		.no_digest = flags & FLAG_NO_DIGEST,
	};
	struct buffer inner = {};

	if (wrapping & 8) {
		buffer_copy(&inner, blob);
		build_zfile(blob, &inner, &spec);
	}
	if (wrapping & 3) {
		buffer_copy(&inner, blob);
		build_tar(blob, &inner, wrapping & 1 ? TAR_USTAR : TAR_PAX);
	}
	buffer_release(&inner);
}

/* The index lies behind the header and the data; @raw is put over it. */
static void make_raw(struct buffer *blob, const struct built *b,
		     const u8 *raw, size_t len)
{
	size_t at = LSMT_HEADER_SPACE;
	u32 i;

	for (i = 0; i < b->spec.nr; i++)
		at += b->extents[i].zeroed ? 0 :
		      b->extents[i].len * OBD_SECTOR_SIZE;
	memcpy(blob->data + at, raw, min(len, blob->len - at));
}

static int open_layer(struct input *in, struct built *b, u32 seed,
		      struct obd_error *err)
{
	u8 wrapping = take(in), flags = take(in);
	const u8 *raw = in->data;
	struct buffer blob = {};
	u64 bytes;

	b->raw = flags & FLAG_RAW;
	b->spec = (struct layer_spec) {
		.virtual_size = (u64)take(in) * 32 * OBD_SECTOR_SIZE,
		.extents = b->extents,
		.nr = take(in) % MAX_EXTENTS,
		.seed = seed,
		.sealed = flags & FLAG_SEALED,
		.unpadded = flags & FLAG_UNPADDED,
	};
	take_extents(in, b, b->spec.nr);
	build_layer(&blob, &b->spec);
	if (b->raw)
		make_raw(&blob, b, raw, in->data - raw);
	wrap(&blob, wrapping, flags);
	buffer_device(&blob, &b->dev);
	buffer_release(&blob);

	/* What is complete without its tail may do without it. */
	bytes = b->dev.size;
	if (!(flags & FLAG_TRAILER))
		b->dev.size = round_down(bytes, OBD_SECTOR_SIZE);
	return obd_layer_open(&b->layer, &b->dev, bytes, err);
}

/* A layer over those below: its extents hide what they cover. */
static void model_add(struct model *m, const struct built *b, u32 layer)
{
	u64 moffset = LSMT_HEADER_SPACE / OBD_SECTOR_SIZE;
	u32 i, s;

	for (i = 0; i < b->spec.nr; i++) {
		const struct layer_extent *x = &b->extents[i];

		for (s = 0; s < x->len && x->offset + s < MAX_SECTORS; s++) {
			m->layer[x->offset + s] = x->zeroed ? 0 : layer + 1;
			m->moffset[x->offset + s] = moffset + s;
		}
		moffset += x->zeroed ? 0 : x->len;
	}
}

/* Of every range the first, the last and some sectors between are read. */
static void check_data(const struct built *b, const struct obd_range *range,
		       struct obd_scratch *scratch)
{
	u8 got[3 * OBD_SECTOR_SIZE], wanted[sizeof(got)];
	struct obd_error err;
	u32 nr = min(range->len, 3ULL);
	u64 from[] = { range->moffset, range->moffset + range->len - nr };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(from); i++) {
		pattern_fill(wanted, b->spec.seed, from[i], nr);
		fuzz_assert(!obd_blob_read(&b->layer.blob,
					   from[i] * OBD_SECTOR_SIZE, got,
					   nr * OBD_SECTOR_SIZE, scratch,
					   &err));
		fuzz_assert(!memcmp(got, wanted, nr * OBD_SECTOR_SIZE));
	}
}

static void check_range(const struct model *m, u64 sector,
			const struct obd_range *range)
{
	u64 i;

	for (i = 0; i < range->len; i++) {
		fuzz_assert(m->layer[sector + i] == range->layer + 1);
		fuzz_assert(range->layer == OBD_HOLE ||
			    m->moffset[sector + i] == range->moffset + i);
	}
}

static void check_stack(struct built *layers, u32 nr, const struct model *m)
{
	struct obd_layer *opened[MAX_LAYERS];
	static struct obd_scratch scratch;
	struct obd_error err;
	struct obd_map map = {};
	struct obd_range range;
	bool raw = false;
	u64 sector;
	u32 i;

	for (i = 0; i < nr; i++) {
		opened[i] = &layers[i].layer;
		raw |= layers[i].raw;
	}
	if (obd_stack_merge(&map, opened, nr, 0, 0, &err)) {
		fuzz_assert(!obd_stack_sectors(opened, nr));
		return;
	}
	for (sector = 0; sector < map.nr_sectors; sector += range.len) {
		obd_map_lookup(&map, sector, &range);
		fuzz_assert(range.len &&
			    range.len <= map.nr_sectors - sector);
		if (raw)
			continue;
		check_range(m, sector, &range);
		if (range.layer != OBD_HOLE)
			check_data(&layers[range.layer], &range, &scratch);
	}
	obd_map_release(&map);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct built layers[MAX_LAYERS];
	static struct model model;
	struct input in = { .data = data, .left = size };
	struct obd_error err = {};
	u32 nr = 0, i;
	int r = 0;

	memset(&model, 0, sizeof(model));
	do {
		r = open_layer(&in, &layers[nr], nr, &err);
		fuzz_assert(!r || (layers[nr].raw && err.text[0]));
		if (!r)
			model_add(&model, &layers[nr], nr);
		nr++;
	} while (!r && in.left && nr < MAX_LAYERS);
	if (!r)
		check_stack(layers, nr, &model);
	for (i = 0; i < nr; i++) {
		obd_layer_release(&layers[i].layer);
		obd_file_close(&layers[i].dev);
	}
	return 0;
}
