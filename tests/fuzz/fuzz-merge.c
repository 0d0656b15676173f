// SPDX-License-Identifier: GPL-2.0-only
/*
 * Merged maps of large stacks, far apart or close together: what a map says
 * must be right wherever an entry of a layer begins or ends, which is everywhere
 * that an extent can, and hence everywhere that it can be wrong. So must be what
 * a map of the upper layers and one of the lower layers say together.
 *
 * The input is the number of layers, a virtual size, and four numbers a layer
 * that the shape of its index follows from; they start over where they end.
 */
#include "tests/fuzz/fixup.h"

#define MAX_ENTRIES	6000		/* of all layers */

struct shape {
	u8 start, gap, len, count;
};

struct stack {
	struct lsmt_entry *entries[LSMT_MAX_LAYERS];
	struct obd_index indexes[LSMT_MAX_LAYERS];
	unsigned int nr;
	u64 nr_sectors;
};

static u32 scramble(u32 x)
{
	x ^= x >> 16;
	x *= 0x7feb352dU;
	x ^= x >> 15;
	x *= 0x846ca68bU;
	return x ^ x >> 16;
}

/* Of the 8 bits 4 say how large, 2 how regular. */
static u64 number(u8 code, u32 i)
{
	u32 base = 1U << (code & 15);

	switch (code >> 4 & 3) {
	case 0:
		return base - 1;
	case 1:
		return i % base;
	case 2:
		return scramble(i + code) % base;
	default:
		return i % 64 ? 0 : (u64)base << 22;
	}
}

static void make_index(struct stack *s, const struct shape *shape, u32 max)
{
	u64 offset = (u64)(shape->start & 31) << (shape->start >> 5) * 6;
	u32 n, nr = min(max, 1U + shape->count * shape->count);
	struct lsmt_entry *e = calloc(nr, sizeof(*e));
	u32 i = s->nr++;

	fuzz_assert(e);
	for (n = 0; n < nr; n++) {
		u32 len = min(number(shape->len, n + 7) + 1,
			      (u64)LSMT_LENGTH_MAX);

		offset += number(shape->gap, n);
		if (offset + len > LSMT_OFFSET_MASK)
			break;
		e[n].where = cpu_to_le64(offset |
					 (u64)len << LSMT_OFFSET_BITS);
		e[n].what = cpu_to_le64((shape->len & 0x80 ? offset : n) + 8);
		if (shape->gap & 0x80 && scramble(n) % 4 == 0)
			e[n].what |= cpu_to_le64(LSMT_ZEROED);
		offset += len;
	}
	s->entries[i] = e;
	s->indexes[i] = (struct obd_index) { .entries = e, .nr = n };
}

static void make_stack(struct stack *s, const u8 *data, size_t size)
{
	u32 i, k, nr = data[0] % LSMT_MAX_LAYERS + 1;

	s->nr = 0;
	s->nr_sectors = data[1] & 0x80 ? LSMT_OFFSET_MASK :
			1 + ((u64)data[1] << data[1] % 40);
	for (i = 0; i < nr; i++) {
		struct shape shape;
		u8 raw[sizeof(shape)];

		for (k = 0; k < sizeof(raw); k++)
			raw[k] = data[2 + (i * sizeof(raw) + k) % (size - 2)];
		memcpy(&shape, raw, sizeof(raw));
		make_index(s, &shape, MAX_ENTRIES / nr);
	}
}

/* The last entry that begins at or before @sector, if it reaches it. */
static const struct lsmt_entry *find(const struct obd_index *index, u64 sector)
{
	const struct lsmt_entry *e = index->entries;
	u32 low = 0, high = index->nr;

	while (low < high) {
		u32 middle = (low + high) / 2;

		if (lsmt_entry_offset(&e[middle]) <= sector)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	e += low - 1;
	return sector < lsmt_entry_offset(e) + lsmt_entry_length(e) ? e : NULL;
}

/* The maps of all layers, of the upper ones and of those below. */
struct maps {
	struct obd_map all, above, below;
};

/* With a hint that is wrong, most of the time, in one way or another. */
static void lookup(const struct obd_map *map, u64 sector,
		   struct obd_range *range)
{
	struct obd_range near;
	static u32 hint, nr;

	obd_map_lookup(map, sector, range);
	fuzz_assert(range->len && range->len <= map->nr_sectors - sector);
	fuzz_assert(range->layer >= 0 || !range->moffset);
	nr++;
	if (nr % 3 == 0)
		hint = scramble(nr) >> (nr % 32);
	obd_map_lookup_near(map, sector, &hint, &near);
	fuzz_assert(hint < map->nr_leaves);
	fuzz_assert(near.layer == range->layer && near.len == range->len &&
		    near.moffset == range->moffset);
}

static void check_sector(const struct stack *s, const struct maps *maps,
			 u64 sector)
{
	const struct lsmt_entry *e = NULL;
	struct obd_range range, part;
	int i = s->nr;

	if (sector >= s->nr_sectors)
		return;
	while (!e && i)
		e = find(&s->indexes[--i], sector);
	lookup(&maps->all, sector, &range);
	lookup(&maps->above, sector, &part);
	fuzz_assert(part.len <= range.len || part.layer == OBD_BELOW);
	if (part.layer == OBD_BELOW)
		lookup(&maps->below, sector, &part);
	fuzz_assert(part.layer == range.layer && part.moffset == range.moffset);
	if (!e || lsmt_entry_zeroed(e)) {
		fuzz_assert(range.layer == OBD_HOLE);
		return;
	}
	fuzz_assert(range.layer == i);
	fuzz_assert(range.moffset == lsmt_entry_moffset(e) + sector -
		    lsmt_entry_offset(e));
}

static void check_entries(const struct stack *s, const struct maps *maps)
{
	u32 i, n;

	for (i = 0; i < s->nr; i++) {
		for (n = 0; n < s->indexes[i].nr; n++) {
			const struct lsmt_entry *e = &s->entries[i][n];
			u64 offset = lsmt_entry_offset(e);

			check_sector(s, maps, offset);
			check_sector(s, maps, offset + lsmt_entry_length(e));
		}
	}
}

/* As few extents as there can be: none goes on where its predecessor ended. */
static void check_extents(const struct obd_map *map)
{
	struct obd_range range, last = { .layer = OBD_BELOW - 1 };
	u64 sector;
	u32 nr = 0;

	for (sector = 0; sector < map->nr_sectors; sector += range.len) {
		lookup(map, sector, &range);
		fuzz_assert(range.layer != last.layer ||
			    (range.layer >= 0 &&
			     range.moffset != last.moffset + last.len));
		last = range;
		nr++;
	}
	fuzz_assert(nr == map->nr);
}

static void build(struct obd_map *map, const struct stack *s, u32 first,
		  u32 end)
{
	struct obd_error err;

	fuzz_assert(!obd_map_build(map, s->indexes + first, end - first, first,
				   s->nr_sectors, &err));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stack stack;
	struct maps maps = {};
	u32 first;

	if (size < 2 + sizeof(struct shape))
		return 0;
	make_stack(&stack, data, size);
	first = (data[1] & 0x7f) % stack.nr;
	build(&maps.all, &stack, 0, stack.nr);
	build(&maps.above, &stack, first, stack.nr);
	if (first)
		build(&maps.below, &stack, 0, first);
	check_entries(&stack, &maps);
	check_extents(&maps.all);
	check_extents(&maps.above);
	obd_map_release(&maps.all);
	obd_map_release(&maps.above);
	obd_map_release(&maps.below);
	while (stack.nr)
		free(stack.entries[--stack.nr]);
	return 0;
}
