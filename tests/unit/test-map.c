// SPDX-License-Identifier: GPL-2.0-only
/*
 * Merged maps: against a model that knows of every sector, lookups, memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dm-overlaybd-blob.h"
#include "tests/unit/lsmt-model.h"
#include "tests/unit/test.h"

/*
 * The code under test, over an allocator that counts bytes and fails when it
 * is told to.
 */
#define ALLOC_HEADER	64

static s64 bytes_held;
static int allocs_left = -1;	/* that succeed; below 0: all of them */

static void *counted_alloc(size_t n)
{
	u8 *p;

	if (!allocs_left)
		return NULL;
	if (allocs_left > 0)
		allocs_left--;
	p = malloc(ALLOC_HEADER + n);
	assert_non_null(p);
	memcpy(p, &n, sizeof(n));
	bytes_held += n;
	return p + ALLOC_HEADER;
}

static void counted_free(const void *p)
{
	size_t n;

	if (!p)
		return;
	p = (u8 *)p - ALLOC_HEADER;
	memcpy(&n, p, sizeof(n));
	bytes_held -= n;
	free((void *)p);
}

static void *counted_zalloc(size_t n)
{
	void *p = counted_alloc(n);

	return p ? memset(p, 0, n) : NULL;
}

#define kvmalloc(n, gfp)		counted_alloc(n)
#define kvmalloc_array(n, size, gfp)	counted_alloc((size_t)(n) * (size))
#define kvzalloc(n, gfp)		counted_zalloc(n)
#define kvfree(p)			counted_free(p)
#include "dm-overlaybd-map.c"
#include "dm-overlaybd-merge.c"

/* One extent goes on in the other: they should be one. */
static bool continues(const struct obd_range *a, const struct obd_range *b)
{
	return a->layer == b->layer &&
	       (a->layer < 0 || a->moffset + a->len == b->moffset);
}

/* What the model says of @sector; the sectors that it speaks of by *@len. */
static struct cell model_cell(const struct model *m, u64 sector, u64 *len)
{
	struct cell hole = { .layer = OBD_HOLE };
	u32 i;

	*len = m->nr_sectors - sector;
	for (i = 0; i < m->nr_islands; i++) {
		u64 at = m->islands[i];

		if (sector < at) {
			*len = min(*len, at - sector);
			break;
		}
		if (sector - at >= m->island_sectors)
			continue;
		*len = 1;
		return m->cells[(u64)i * m->island_sectors + sector - at];
	}
	return hole;
}

static bool range_matches(const struct model *m, u64 sector,
			  const struct obd_range *range)
{
	u64 len, done;

	for (done = 0; done < range->len; done += len) {
		struct cell cell = model_cell(m, sector + done, &len);

		if (cell.layer != range->layer)
			return false;
		if (cell.layer != OBD_HOLE &&
		    cell.moffset != range->moffset + done)
			return false;
	}
	return done == range->len;
}

/* Any hint does, and becomes that of the leaf the sector is in. */
static bool hint_works(const struct obd_map *map, u64 sector, u32 hint,
		       const struct obd_range *want)
{
	const u64 *keys = map->levels[0];
	struct obd_range range;

	obd_map_lookup_near(map, sector, &hint, &range);
	return range.layer == want->layer && range.moffset == want->moffset &&
	       range.len == want->len && hint < map->nr_leaves &&
	       keys[hint] >> 1 <= sector && keys[hint + 1] >> 1 > sector;
}

static bool hints_work(const struct obd_map *map, u64 sector,
		       const struct obd_range *want, u64 *seed)
{
	u32 last = map->nr_leaves - 1;

	return hint_works(map, sector, random_below(seed, last + 1), want) &&
	       hint_works(map, sector, random_next(seed), want) &&
	       hint_works(map, sector, 0, want) &&
	       hint_works(map, sector, last, want) &&
	       hint_works(map, sector, last + 1, want) &&
	       hint_works(map, sector, last + 2 + random_below(seed, 100),
			  want) &&
	       hint_works(map, sector, ~0U - random_below(seed, 3), want);
}

/* A lookup in the middle is the end of one that begins before. */
static bool lookups_agree(const struct obd_map *map, u64 sector,
			  const struct obd_range *whole, u64 at, u64 *seed)
{
	struct obd_range range;

	obd_map_lookup(map, sector + at, &range);
	return range.layer == whole->layer && range.len == whole->len - at &&
	       (range.layer < 0 ? !range.moffset :
		range.moffset == whole->moffset + at) &&
	       hints_work(map, sector + at, &range, seed);
}

/* Is the map sound from end to end? */
static bool map_is_sound(const struct obd_map *map, u64 *seed)
{
	struct obd_range range, last = { .layer = OBD_BELOW - 1 };
	u32 i, nr = 0;
	u64 sector;

	for (sector = 0; sector < map->nr_sectors; sector += range.len) {
		obd_map_lookup(map, sector, &range);
		if (!range.len || range.len > map->nr_sectors - sector ||
		    continues(&last, &range) ||
		    !lookups_agree(map, sector, &range, 0, seed) ||
		    !lookups_agree(map, sector, &range, range.len - 1, seed))
			return false;
		for (i = 0; i < 3; i++)
			if (!lookups_agree(map, sector, &range,
					   random_below(seed, range.len), seed))
				return false;
		last = range;
		nr++;
	}
	return nr == map->nr;
}

/* Does it say what the model says? What it leaves open, @below says. */
static bool map_matches(const struct model *m, const struct obd_map *map,
			const struct obd_map *below)
{
	struct obd_range range;
	u64 sector, len;

	for (sector = 0; sector < map->nr_sectors; sector += range.len) {
		obd_map_lookup(map, sector, &range);
		if (range.layer == OBD_BELOW && below) {
			len = range.len;
			obd_map_lookup(below, sector, &range);
			range.len = min(len, range.len);
		}
		if (!range_matches(m, sector, &range))
			return false;
	}
	return true;
}

static void build_model(struct obd_map *map, const struct model *m, u32 first,
			u32 end)
{
	struct obd_error err;

	assert_int_equal(obd_map_build(map, m->indexes + first, end - first,
				       first, m->nr_sectors, &err), 0);
}

static void maps_match_the_model(void **state)
{
	u64 seed = test_seed();
	struct model model;
	struct obd_map map;
	u32 i;

	for (i = 0; i < 3000; i++) {
		u64 begin = seed;

		model_init(&model, &seed);
		build_model(&map, &model, 0, model.nr_layers);
		if (!map_is_sound(&map, &seed) ||
		    !map_matches(&model, &map, NULL))
			fail_msg("map %u differs, OVERLAYBD_SEED=%llu", i,
				 (unsigned long long)begin);
		assert_int_equal(bytes_held, obd_map_bytes(&map));
		obd_map_release(&map);
		assert_int_equal(bytes_held, 0);
		model_release(&model);
	}
}

static void partial_maps_complete_each_other(void **state)
{
	u64 seed = test_seed();
	struct obd_map below, above;
	struct model model;
	u32 i, first;

	for (i = 0; i < 2000; i++) {
		u64 begin = seed;

		model_init(&model, &seed);
		if (model.nr_layers > 1) {
			first = 1 + random_below(&seed, model.nr_layers - 1);
			build_model(&below, &model, 0, first);
			build_model(&above, &model, first, model.nr_layers);
			if (!map_is_sound(&above, &seed) ||
			    !map_matches(&model, &above, &below))
				fail_msg("maps %u differ, OVERLAYBD_SEED=%llu",
					 i, (unsigned long long)begin);
			assert_int_equal(bytes_held, obd_map_bytes(&below) +
						     obd_map_bytes(&above));
			obd_map_release(&below);
			obd_map_release(&above);
		}
		model_release(&model);
	}
}

static void build(struct obd_map *map, const struct lsmt_entry *entries,
		  u32 nr, u64 nr_sectors)
{
	struct obd_index index = { .entries = entries, .nr = nr };
	struct obd_error err;

	assert_int_equal(obd_map_build(map, &index, 1, 0, nr_sectors, &err), 0);
}

static void assert_range(const struct obd_map *map, u64 sector, int layer,
			 u64 moffset, u64 len)
{
	struct obd_range range;

	obd_map_lookup(map, sector, &range);
	assert_int_equal(range.layer, layer);
	assert_int_equal(range.moffset, moffset);
	assert_int_equal(range.len, len);
}

static void empty_stack_is_a_hole(void **state)
{
	struct obd_map map;

	build(&map, NULL, 0, LSMT_OFFSET_MASK);
	assert_int_equal(map.nr, 1);
	assert_range(&map, 0, OBD_HOLE, 0, LSMT_OFFSET_MASK);
	assert_range(&map, LSMT_OFFSET_MASK - 1, OBD_HOLE, 0, 1);
	obd_map_release(&map);
}

static void partial_map_tells_holes_from_nothing(void **state)
{
	struct lsmt_entry entries[] = {
		model_entry(10, 5, 100, false, 0),
		model_entry(15, 5, 100, true, 0),
		model_entry(30, 5, 200, true, 0),
		model_entry(35, 5, 300, true, 0),
	};
	struct obd_index index = { .entries = entries, .nr = 4 };
	struct obd_error err;
	struct obd_map map;
	u32 first;

	for (first = 1; first < LSMT_MAX_LAYERS; first++) {
		assert_int_equal(obd_map_build(&map, &index, 1, first, 50,
					       &err), 0);
		assert_int_equal(map.nr, 6);
		assert_range(&map, 0, OBD_BELOW, 0, 10);
		assert_range(&map, 12, first, 102, 3);
		assert_range(&map, 16, OBD_HOLE, 0, 4);
		assert_range(&map, 20, OBD_BELOW, 0, 10);
		assert_range(&map, 30, OBD_HOLE, 0, 10);
		assert_range(&map, 49, OBD_BELOW, 0, 1);
		obd_map_release(&map);
	}
	build(&map, entries, 4, 50);
	assert_int_equal(map.nr, 3);
	assert_range(&map, 14, 0, 104, 1);
	assert_range(&map, 15, OBD_HOLE, 0, 35);
	obd_map_release(&map);
}

/* The indexes of the lower layers are gone; what is mapped behind the disk's end stays. */
static void upper_layers_of_a_stack_are_merged(void **state)
{
	struct lsmt_entry entries[] = {
		model_entry(10, 5, 100, false, 0),
		model_entry(48, 5, 200, false, 0),
	};
	struct obd_layer layers[] = {
		{ .lsmt = { .virtual_sectors = 100, .nr_entries = 9 } },
		{ .lsmt = { .virtual_sectors = 50, .nr_entries = 9 } },
		{ .lsmt = { .nr_entries = 1 }, .entries = entries },
		{ .lsmt = { .nr_entries = 1 }, .entries = entries + 1 },
	};
	struct obd_layer *stack[] = {
		&layers[0], &layers[1], &layers[2], &layers[3],
	};
	struct obd_error err;
	struct obd_map map;

	assert_int_equal(obd_stack_merge(&map, stack, 4, 2, 0, &err), 0);
	assert_int_equal(map.nr_sectors, 53);
	assert_int_equal(map.nr, 4);
	assert_range(&map, 0, OBD_BELOW, 0, 10);
	assert_range(&map, 10, 2, 100, 5);
	assert_range(&map, 15, OBD_BELOW, 0, 33);
	assert_range(&map, 48, 3, 200, 5);
	obd_map_release(&map);

	/* What is below may go further. */
	assert_int_equal(obd_stack_merge(&map, stack, 4, 2, 100, &err), 0);
	assert_int_equal(map.nr_sectors, 100);
	assert_range(&map, 53, OBD_BELOW, 0, 47);
	obd_map_release(&map);
}

static void released_maps_can_be_released(void **state)
{
	struct obd_map map = {};

	obd_map_release(&map);
	build(&map, NULL, 0, 1);
	obd_map_release(&map);
	obd_map_release(&map);
	assert_int_equal(bytes_held, 0);
}

/* Of a file that is in one piece: more than 2^32 sectors. */
static void long_runs_are_one_extent(void **state)
{
	const u32 nr = 270000;
	const u64 end = 1000 + (u64)nr * LSMT_LENGTH_MAX;
	struct lsmt_entry *entries = malloc(nr * sizeof(*entries));
	struct obd_map map;
	u32 i;

	for (i = 0; i < nr; i++) {
		u64 at = (u64)i * LSMT_LENGTH_MAX;

		entries[i] = model_entry(1000 + at, LSMT_LENGTH_MAX, 8 + at,
					 false, i);
	}
	build(&map, entries, nr, end + 5);
	assert_int_equal(map.nr, 3);
	assert_range(&map, 0, OBD_HOLE, 0, 1000);
	assert_range(&map, 1000, 0, 8, end - 1000);
	assert_range(&map, end - 1, 0, end - 1 - 992, 1);
	assert_range(&map, end, OBD_HOLE, 0, 5);
	obd_map_release(&map);

	build(&map, entries, nr, end - 1);
	assert_int_equal(map.nr, 2);
	assert_range(&map, end - 2, 0, end - 2 - 992, 1);
	obd_map_release(&map);
	free(entries);
}

/* Entries of one sector, two apart; and some that are far from them. */
static struct lsmt_entry *clustered_entries(u32 nr, u32 nr_far)
{
	struct lsmt_entry *entries = malloc((nr + nr_far) * sizeof(*entries));
	u32 i;

	for (i = 0; i < nr; i++)
		entries[i] = model_entry(1 + 2 * i, 1, 8 + 3 * i, false, 0);
	for (; i < nr + nr_far; i++)
		entries[i] = model_entry((u64)(i - nr + 1) << 36, 1, 8, false,
					 0);
	return entries;
}

/* Returns the level of the tree that the table led to. */
static u32 check_clustered(u32 nr, u32 nr_far)
{
	struct lsmt_entry *entries = clustered_entries(nr, nr_far);
	u64 seed = test_seed(), end = nr_far ? 1ULL << 43 : 2 * nr + 1;
	struct obd_map map;
	u32 i, level;

	build(&map, entries, nr + nr_far, end);
	assert_int_equal(map.nr, 2 * (nr + nr_far) + 1);
	for (i = 0; i < nr; i++) {
		assert_range(&map, 2 * i, OBD_HOLE, 0, 1);
		assert_range(&map, 1 + 2 * i, 0, 8 + 3 * i, 1);
	}
	assert_range(&map, end - 1, OBD_HOLE, 0, 1);
	assert_true(map_is_sound(&map, &seed));
	assert_int_equal(bytes_held, obd_map_bytes(&map));
	level = map.level;
	obd_map_release(&map);
	free(entries);
	return level;
}

/* Around the sizes where a leaf, a node, a piece or a level is full. */
static void maps_of_every_size_are_right(void **state)
{
	static const u32 leaves[] = {
		1, 2, 14, 15, 16, 17, 18, 31, 32, 33, 47, 48, 49, OBD_PIECE_LEAVES,
		239, 240, 241, 255, 256, 257, 272, 273, 2 * OBD_PIECE_LEAVES,
		4095, 4096, 4097, 4352,
	};
	u32 i, k, levels = 0;

	for (i = 0; i < ARRAY_SIZE(leaves); i++) {
		u32 nr = leaves[i] * OBD_NEAR_EXTENTS / 2;

		for (k = nr - 2; k < nr + 2; k++) {
			assert_int_equal(check_clustered(k, 0), 0);
			levels |= 1 << check_clustered(k, 100);
		}
	}
	assert_int_equal(levels, 0xf);
}

/* A leaf that covers just less than 2^32 sectors, or just as many, or more. */
static void near_and_far_leaves_meet(void **state)
{
	u64 far = 1ULL << 32, seed = test_seed();
	struct obd_map map;
	s64 i;

	for (i = -3; i <= 3; i++) {
		struct lsmt_entry entries[] = {
			model_entry(5, 1, 100, false, 0),
			model_entry(far + i - 2, 1, 200, false, 0),
		};

		build(&map, entries, 2, far + i);
		assert_int_equal(map.nr, 5);
		assert_int_equal(map.levels[0][0], i >= 0);
		assert_range(&map, 6, OBD_HOLE, 0, far + i - 8);
		assert_range(&map, far + i - 2, 0, 200, 1);
		assert_range(&map, far + i - 1, OBD_HOLE, 0, 1);
		assert_true(map_is_sound(&map, &seed));
		obd_map_release(&map);
	}
}

/* Each layer has a place of its own, the first the last. */
static void layers_apart_are_merged(void **state)
{
	const u32 nr = 300;
	struct lsmt_entry *entries = malloc(LSMT_MAX_LAYERS * nr *
					    sizeof(*entries));
	struct obd_index indexes[LSMT_MAX_LAYERS];
	struct obd_error err;
	struct obd_map map;
	u32 i, k;

	for (i = 0; i < LSMT_MAX_LAYERS; i++) {
		struct lsmt_entry *e = entries + i * nr;
		u64 at = (LSMT_MAX_LAYERS - 1 - i) * 1000000ULL;

		for (k = 0; k < nr; k++)
			e[k] = model_entry(at + 3 * k, 1, 8 + k, false, 0);
		indexes[i] = (struct obd_index) { .entries = e, .nr = nr };
	}
	assert_int_equal(obd_map_build(&map, indexes, LSMT_MAX_LAYERS,
				       0, 255000000, &err), 0);
	assert_int_equal(map.nr, 2 * LSMT_MAX_LAYERS * nr);
	for (i = 0; i < LSMT_MAX_LAYERS; i++)
		for (k = 0; k < nr; k++)
			assert_range(&map, (254 - i) * 1000000ULL + 3 * k, i,
				     8 + k, 1);
	obd_map_release(&map);
	free(entries);
}

/* Lookups against a scan, among extents anywhere in 2^50 sectors. */
static void lookups_find_what_a_scan_finds(void **state)
{
	const u32 nr = 20000;
	struct lsmt_entry *entries = malloc(nr * sizeof(*entries));
	u64 seed = test_seed(), at = 0;
	struct obd_map map;
	u32 i;

	for (i = 0; i < nr; i++) {
		at += 2 + random_below(&seed, 1ULL << random_below(&seed, 36));
		entries[i] = model_entry(at, 1, 8 + i, false, 0);
	}
	build(&map, entries, nr, at + 1);
	assert_true(at > 1ULL << 32);
	assert_int_equal(map.nr, 2 * nr);
	for (i = 0; i < nr; i++) {
		u64 begin = i ? lsmt_entry_offset(&entries[i - 1]) + 1 : 0;
		u64 end = lsmt_entry_offset(&entries[i]);
		u64 sector = begin + random_below(&seed, end - begin);

		assert_range(&map, end, 0, 8 + i, 1);
		assert_range(&map, sector, OBD_HOLE, 0, end - sector);
		assert_range(&map, begin, OBD_HOLE, 0, end - begin);
	}
	obd_map_release(&map);
	free(entries);
}

/* Where the distance between extents just does not fit into 32 bits. */
static void far_extents_are_found(void **state)
{
	u64 i, at, far = 1ULL << 32;
	struct obd_map map;

	for (i = 0; i < 8; i++) {
		struct lsmt_entry entries[] = {
			model_entry(10, 1, 100, false, 0),
			model_entry(far - 4 + i, 2, 200, false, 0),
			model_entry(far + 2 + i, 3, 300, false, 0),
			model_entry(2 * far + i, 4, 400, false, 0),
		};

		build(&map, entries, ARRAY_SIZE(entries), 4 * far);
		assert_int_equal(map.nr, 9);
		assert_range(&map, 10, 0, 100, 1);
		at = far - 4 + i;
		assert_range(&map, 11, OBD_HOLE, 0, at - 11);
		assert_range(&map, at - 1, OBD_HOLE, 0, 1);
		assert_range(&map, at, 0, 200, 2);
		assert_range(&map, at + 2, OBD_HOLE, 0, 4);
		assert_range(&map, at + 6, 0, 300, 3);
		assert_range(&map, 2 * far + i, 0, 400, 4);
		assert_range(&map, 4 * far - 1, OBD_HOLE, 0, 1);
		obd_map_release(&map);
	}
}

static u64 centibytes_per_extent(u64 step)
{
	const u32 nr = 100000;
	struct lsmt_entry *entries = malloc(nr * sizeof(*entries));
	struct obd_map map;
	u64 bytes;
	u32 i;

	for (i = 0; i < nr; i++)
		entries[i] = model_entry(step * i + 1, 8, 8, false, 0);
	build(&map, entries, nr, step * nr);
	assert_int_equal(map.nr, 2 * nr + 1);
	bytes = obd_map_bytes(&map);
	obd_map_release(&map);
	free(entries);
	return bytes * 100 / (2 * nr + 1);
}

/* In 13 bytes even where a leaf just is near; all over the disk, in 18. */
static void extents_are_small(void **state)
{
	assert_true(centibytes_per_extent(1000) < 1300);
	assert_true(centibytes_per_extent(1ULL << 28) < 1300);
	assert_true(centibytes_per_extent(1ULL << 33) < 1800);
}

static void too_many_entries_are_refused(void **state)
{
	struct obd_index indexes[LSMT_MAX_LAYERS];
	struct obd_error err;
	struct obd_map map;
	u32 i;

	for (i = 0; i < LSMT_MAX_LAYERS; i++)
		indexes[i] = (struct obd_index) { .nr = 0xffffffff };
	assert_int_equal(obd_map_build(&map, indexes, LSMT_MAX_LAYERS, 0, 1,
				       &err),
			 -E2BIG);
	assert_string_equal(err.text,
			    "the stack has 1095216660225 index entries, expected at most 33554432");
	indexes[0].nr = OBD_MAP_MAX_ENTRIES;
	indexes[1].nr = 1;
	assert_int_equal(obd_map_build(&map, indexes, 2, 0, 1, &err), -E2BIG);
}

/* Before they are in memory, padding and all; a little is no more than usual. */
static void too_many_stored_entries_are_refused(void **state)
{
	struct obd_layer layer = { .nr_stored = LSMT_MAX_ENTRIES };
	struct obd_error err;
	unsigned int i;
	u64 nr = 0;

	for (i = 0; i < OBD_MAP_MAX_ENTRIES / LSMT_MAX_ENTRIES; i++)
		assert_int_equal(obd_layer_count_entries(&layer, &nr, &err), 0);
	assert_int_equal(obd_layer_count_entries(&layer, &nr, &err), -E2BIG);
	assert_string_equal(err.text,
			    "the stack has 34594560 index entries or more, expected at most 33554432");
	nr = OBD_MAP_MAX_ENTRIES;
	layer.nr_stored = 256;
	assert_int_equal(obd_layer_count_entries(&layer, &nr, &err), 0);
	layer.nr_stored = 257;
	assert_int_equal(obd_layer_count_entries(&layer, &nr, &err), -E2BIG);
}

/* Whichever allocation fails, nothing is left behind. */
static void lack_of_memory_is_survived(void **state)
{
	const u32 nr = 1000;
	struct lsmt_entry *entries = malloc(nr * sizeof(*entries));
	struct obd_index index = { .entries = entries, .nr = nr };
	struct obd_error err;
	struct obd_map map;
	int r, failed = -1;
	u32 i;

	for (i = 0; i < nr; i++)
		entries[i] = model_entry(1000ULL * i + 1, 8, 8, false, 0);
	do {
		allocs_left = ++failed;
		r = obd_map_build(&map, &index, 1, 0, 1000ULL * nr, &err);
		if (!r)
			break;
		assert_int_equal(r, -ENOMEM);
		assert_string_equal(err.text,
				    "no memory to merge 1000 index entries");
		assert_int_equal(bytes_held, 0);
		obd_map_release(&map);
	} while (failed < 100);
	allocs_left = -1;
	assert_int_equal(r, 0);
	assert_true(failed > 2);
	assert_int_equal(map.nr, 2 * nr + 1);
	obd_map_release(&map);
	free(entries);
}

/* A plain layer of a fixture. */
struct fixture_layer {
	struct obd_lsmt lsmt;
	struct lsmt_entry *entries;
};

static FILE *fixture_open(const char *name, const char *file)
{
	const char *folder = getenv("OVERLAYBD_FIXTURES");
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s/%s",
		 folder ?: "../shared/fixtures", name, file);
	return fopen(path, "rb");
}

static void fixture_read(FILE *f, u64 offset, void *to, size_t n)
{
	assert_int_equal(fseek(f, offset, SEEK_SET), 0);
	assert_int_equal(fread(to, 1, n, f), n);
}

static void fixture_layer_load(struct fixture_layer *layer, const char *name,
			       const char *file)
{
	struct obd_error err;
	struct lsmt_header header, trailer;
	FILE *f;
	u64 size;

	f = fixture_open(name, file);
	if (!f)
		skip();
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	size = ftell(f);
	fixture_read(f, 0, &header, sizeof(header));
	fixture_read(f, size - LSMT_HEADER_SPACE, &trailer, sizeof(trailer));
	assert_int_equal(obd_lsmt_parse(&header, &trailer, size, &layer->lsmt,
					&err), 0);
	layer->entries = malloc(layer->lsmt.nr_entries *
				sizeof(*layer->entries));
	fixture_read(f, layer->lsmt.index_offset, layer->entries,
		     layer->lsmt.nr_entries * sizeof(*layer->entries));
	fclose(f);
	assert_int_equal(obd_lsmt_check_index(&layer->lsmt, layer->entries,
					      &err), 0);
}

/* The next extent that is not a hole, from @*sector on. */
static bool next_mapped(const struct obd_map *map, u64 *sector,
			struct obd_range *range)
{
	for (; *sector < map->nr_sectors; *sector += range->len) {
		obd_map_lookup(map, *sector, range);
		if (range->layer != OBD_HOLE)
			return true;
	}
	return false;
}

static void check_against_map_txt(const struct obd_map *map, const char *name)
{
	unsigned long long offset, len, moffset;
	struct obd_range range;
	u64 sector = 0;
	int layer, tag;
	FILE *f;

	f = fixture_open(name, "map.txt");
	assert_non_null(f);
	while (fscanf(f, "%llu %llu %d %llu %d", &offset, &len, &layer,
		      &moffset, &tag) == 5) {
		assert_true(next_mapped(map, &sector, &range));
		assert_int_equal(sector, offset);
		assert_int_equal(range.len, len);
		assert_int_equal(range.layer, layer);
		assert_int_equal(range.moffset, moffset);
		sector += range.len;
	}
	assert_true(feof(f));
	assert_false(next_mapped(map, &sector, &range));
	fclose(f);
}

static void check_fixture(const char *name, const char *const *files,
			  unsigned int nr)
{
	struct fixture_layer layers[3];
	struct obd_index indexes[3];
	struct obd_error err;
	struct obd_map map;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		fixture_layer_load(&layers[i], name, files[i]);
		indexes[i].entries = layers[i].entries;
		indexes[i].nr = layers[i].lsmt.nr_entries;
	}
	assert_int_equal(obd_map_build(&map, indexes, nr, 0,
				       layers[nr - 1].lsmt.virtual_sectors,
				       &err), 0);
	check_against_map_txt(&map, name);
	obd_map_release(&map);
	for (i = 0; i < nr; i++)
		free(layers[i].entries);
}

static void fixture_plain3_is_merged(void **state)
{
	static const char *const files[] = {
		"layer0.lsmt", "layer1.lsmt", "layer2.lsmt",
	};

	check_fixture("plain3", files, ARRAY_SIZE(files));
}

static void fixture_merged_plain_is_mapped(void **state)
{
	static const char *const files[] = { "merged.lsmt" };

	check_fixture("merged-plain", files, ARRAY_SIZE(files));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_match_the_model),
		cmocka_unit_test(partial_maps_complete_each_other),
		cmocka_unit_test(partial_map_tells_holes_from_nothing),
		cmocka_unit_test(upper_layers_of_a_stack_are_merged),
		cmocka_unit_test(maps_of_every_size_are_right),
		cmocka_unit_test(near_and_far_leaves_meet),
		cmocka_unit_test(empty_stack_is_a_hole),
		cmocka_unit_test(released_maps_can_be_released),
		cmocka_unit_test(long_runs_are_one_extent),
		cmocka_unit_test(layers_apart_are_merged),
		cmocka_unit_test(lookups_find_what_a_scan_finds),
		cmocka_unit_test(far_extents_are_found),
		cmocka_unit_test(extents_are_small),
		cmocka_unit_test(too_many_entries_are_refused),
		cmocka_unit_test(too_many_stored_entries_are_refused),
		cmocka_unit_test(lack_of_memory_is_survived),
		cmocka_unit_test(fixture_plain3_is_merged),
		cmocka_unit_test(fixture_merged_plain_is_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
