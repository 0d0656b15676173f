// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a writable layer maps, the kernel's very file, against a model of every
 * sector: stores of all sizes, what they free, what is counted, and that a
 * store for which there is no memory changes nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/test.h"
#include "tests/unit/xarray.h"

#include "dm-overlaybd-upper-map.c"

#define ROUNDS		30000
#define CHECKS		300	/* rounds between two looks at everything */
#define SECTORS		(9U << CHUNK_SHIFT)	/* more than a piece */

/* What each sector should be: what value_of() says, or NULL. */
struct model {
	struct obd_upper_map map;
	u64 rng;
	void *value[SECTORS];
};

static struct model model;

static void begin(u64 seed)
{
	allocations = -1;
	memset(&model, 0, sizeof(model));
	model.rng = test_seed() + seed;
	obd_upper_map_init(&model.map);
}

/* Nodes, some of which may be leaves. */
static u64 all_nodes(void)
{
	return model.map.nr_nodes + model.map.nr_leaves;
}

static void end(void)
{
	obd_upper_map_exit(&model.map);
	assert_int_equal(model.map.nr_nodes, 0);
	assert_int_equal(model.map.nr_leaves, 0);
}

/* The sectors that are freed, one by one, in order. */
static void check_freed(const struct obd_freed *freed, u64 first, u64 len,
			void *value)
{
	struct obd_piece old;
	u64 i, n = 0, done = 0;

	for (i = first; i < first + len; i++) {
		piece_of(model.value[i], i, &old);
		if (old.what != OBD_DATA || model.value[i] == value)
			continue;
		assert_true(n < freed->nr);
		assert_int_equal(freed->ranges[n].moffset + done, old.moffset);
		if (++done == freed->ranges[n].len) {
			n++;
			done = 0;
		}
	}
	assert_int_equal(n, freed->nr);
	assert_int_equal(done, 0);
}

/* Return: how many sectors were stored, 0 if there was no memory. */
static u64 store_some(u64 sector, const struct obd_piece *want)
{
	u64 nodes = all_nodes(), nr = model.map.nr;
	void *value = value_of(sector, want);
	struct obd_piece piece = *want;
	struct obd_freed freed;
	u64 i;

	if (obd_upper_map_store(&model.map, sector, &piece, &freed, 0)) {
		assert_int_equal(allocations, 0);
		assert_int_equal(all_nodes(), nodes);
		assert_int_equal(model.map.nr, nr);
		return 0;
	}
	assert_in_range(piece.len, 1, want->len);
	assert_in_range(freed.nr, 0, OBD_STORE_MAX);
	check_freed(&freed, sector, piece.len, value);
	for (i = 0; i < piece.len; i++)
		model.value[sector + i] = value;
	return piece.len;
}

static void put(u64 sector, enum obd_what what, u64 moffset, u64 len)
{
	struct obd_piece piece = { what, moffset, len };
	u64 done;

	while (piece.len) {
		done = store_some(sector, &piece);
		if (!done)
			return;
		sector += done;
		piece.moffset += done;
		piece.len -= done;
	}
}

/* Sizes from a sector to several chunks; half of them begin where parts do. */
static void store_random(u64 *rng)
{
	static const u32 sizes[] = { 1, 8, 128, 2048 };
	u32 size = sizes[random_below(rng, ARRAY_SIZE(sizes))];
	u64 len = size * (1 + random_below(rng, 20));
	u64 sector = random_below(rng, SECTORS);
	u64 moffset = random_below(rng, 1ULL << 20);

	if (one_in(rng, 2))
		sector = round_down(sector, size);
	len = min_t(u64, len, SECTORS - sector);
	/* Data that continues, and is continued by, that of other stores. */
	if (!one_in(rng, 4))
		moffset = sector + (1U << 20) * random_below(rng, 3);
	put(sector, one_in(rng, 4) ? OBD_ZEROES : OBD_DATA, moffset, len);
}

static void check_lookup(u64 sector, u64 max)
{
	void *value = model.value[sector];
	struct obd_piece piece, want;
	u64 len = 1;

	while (len < max && sector + len < SECTORS &&
	       model.value[sector + len] == value)
		len++;
	piece_of(value, sector, &want);
	obd_upper_map_lookup(&model.map, sector, max, &piece);
	assert_int_equal(piece.what, want.what);
	assert_int_equal(piece.moffset, want.moffset);
	if (sector + len < SECTORS || value)
		assert_int_equal(piece.len, len);
	else
		assert_int_equal(piece.len, max);
}

/* Nodes that a range must have: none where all is the same. */
static u64 count_nodes(u64 first, unsigned int shift)
{
	unsigned int below = shift_below(shift);
	u64 i, nodes = 0, size = 1ULL << shift;

	for (i = 1; i < size; i++)
		if (model.value[first + i] != model.value[first])
			break;
	if (i == size)
		return 0;
	for (i = 0; i < nr_slots(shift) && shift; i++)
		nodes += count_nodes(first + (i << below), below);
	return nodes + 1;
}

static void check_counts(void)
{
	u64 i, nr = 0, sectors = 0, nodes = 0, chunks = 0;

	for (i = 0; i < SECTORS; i++) {
		sectors += !!model.value[i];
		nr += model.value[i] &&
		      (!i || model.value[i] != model.value[i - 1]);
	}
	for (i = 0; i < SECTORS; i += 1U << CHUNK_SHIFT) {
		nodes += count_nodes(i, CHUNK_SHIFT);
		chunks += !!model.map.chunks.entries[i >> CHUNK_SHIFT];
	}
	assert_int_equal(model.map.nr_chunks, chunks);
	assert_int_equal(model.map.nr, nr);
	assert_int_equal(model.map.sectors, sectors);
	assert_int_equal(all_nodes(), nodes);
}

static void check_pieces(void)
{
	u64 sector = 0, first, done = 0, sectors = 0, pieces = 0;
	struct obd_piece piece, want;

	while (obd_upper_map_next(&model.map, &sector, &piece, &first)) {
		for (; done < first; done++)
			assert_null(model.value[done]);
		assert_in_range(piece.len, 1, OBD_PIECE_MAX);
		for (; done < first + piece.len; done++)
			assert_ptr_equal(model.value[done],
					 model.value[first]);
		piece_of(model.value[first], first, &want);
		assert_int_equal(piece.what, want.what);
		assert_int_equal(piece.moffset, want.moffset);
		assert_int_equal(sector, done);
		sectors += piece.len;
		pieces++;
	}
	assert_int_equal(sectors, model.map.sectors);
	assert_in_range(pieces, 0, obd_upper_map_pieces(&model.map));
}

static void run(u64 seed, u32 failures)
{
	u64 *rng = &model.rng;
	u32 i;

	begin(seed);
	for (i = 0; i < ROUNDS; i++) {
		allocations = failures && one_in(rng, failures) ?
			      (int)random_below(rng, 6) : -1;
		store_random(rng);
		check_lookup(random_below(rng, SECTORS),
			     1 + random_below(rng, one_in(rng, 2) ? 8 : 6000));
		if (i % CHECKS)
			continue;
		check_counts();
		check_pieces();
		/* Now and then from few large extents. */
		if (one_in(rng, 10))
			put(0, OBD_ZEROES, 0, SECTORS);
	}
	end();
}

static void test_random(void **state)
{
	(void)state;
	run(0, 0);
}

static void test_no_memory(void **state)
{
	(void)state;
	run(1, 2);
}

/* A chunk that nothing was mapped in, and no memory at all, or almost none. */
static void test_no_memory_first(void **state)
{
	struct obd_piece piece = { OBD_DATA, 5000, 8 };
	struct obd_freed freed;
	int n;

	(void)state;
	begin(2);
	for (n = 0; n < 4; n++) {
		allocations = n;
		piece.len = 3;
		if (!obd_upper_map_store(&model.map, 2048 + 133, &piece, &freed,
					 0))
			break;
		assert_null(model.map.chunks.entries[1]);
		assert_int_equal(all_nodes(), 0);
		assert_int_equal(obd_upper_map_bytes(&model.map), 0);
	}
	/* One above the chunks, and one for parts of each size. */
	assert_int_equal(n, 4);
	end();
}

/* All that is in order becomes one, whatever the order it was stored in. */
static void test_merges(void **state)
{
	u64 i, at;

	(void)state;
	begin(3);
	for (i = 0; i < SECTORS; i += 8) {
		at = i * 2053 % SECTORS;
		put(at, OBD_DATA, 100000 + at, 8);
	}
	check_counts();
	assert_int_equal(model.map.nr, 1);
	assert_int_equal(all_nodes(), 0);
	check_lookup(7, SECTORS - 7);
	check_pieces();
	end();
}

/* Values of many extents at once: as many as a store takes, then the rest. */
static void test_store_max(void **state)
{
	struct obd_piece piece = { OBD_ZEROES, 0, 64 };
	u64 i, done;

	(void)state;
	begin(4);
	for (i = 0; i < 64; i++)
		put(i, OBD_DATA, 1000 + 2 * i, 1);
	done = store_some(0, &piece);
	assert_int_equal(done, OBD_STORE_MAX);
	check_counts();
	end();
}

/* The largest distances there are, both ways, and none. */
static void test_far(void **state)
{
	u64 far = LSMT_MOFFSET_MASK - 100;
	struct obd_piece piece;

	(void)state;
	begin(5);
	put(3, OBD_DATA, far, 50);
	put(9000, OBD_DATA, 8, 50);
	check_lookup(10, 20);
	check_lookup(9010, 20);
	obd_upper_map_lookup(&model.map, 5, 8, &piece);
	assert_int_equal(piece.what, OBD_DATA);
	assert_int_equal(piece.moffset, far + 2);
	assert_int_equal(model.map.sectors, 100);
	put(4, OBD_ZEROES, 99, 1);
	obd_upper_map_lookup(&model.map, 4, 8, &piece);
	assert_int_equal(piece.what, OBD_ZEROES);
	assert_int_equal(piece.moffset, 0);
	assert_int_equal(piece.len, 1);
	end();
}

/* A distance in parts, from where leaves can no longer say it. */
static void check_packs(u64 parts, bool packs)
{
	struct obd_piece piece = { OBD_DATA, 0, 8 };
	u64 sector = 2048 + 8;
	void *value;
	u32 packed;

	piece.moffset = (sector + 8 * parts) & SHIFT_MASK;
	value = value_of(sector, &piece);
	assert_int_equal(pack(value, &packed), packs);
	if (packs)
		assert_ptr_equal(unpack(packed), value);
	begin(7);
	put(sector, OBD_DATA, piece.moffset, 8);
	assert_int_equal(model.map.nr_leaves, packs);
	assert_int_equal(model.map.nr_nodes, 2 - packs);
	check_lookup(sector, 20);
	check_lookup(sector + 5, 3);
	check_counts();
	end();
}

static void test_packs(void **state)
{
	(void)state;
	check_packs(0, true);
	check_packs(1, true);
	check_packs(-1ULL, true);
	check_packs(PACKED_PARTS - 1, true);
	check_packs(PACKED_PARTS, false);
	check_packs(-PACKED_PARTS, true);
	check_packs(-PACKED_PARTS - 1, false);
}

/* What becomes of a leaf that is to have what it cannot say. */
static void check_widened(u64 sector, enum obd_what what, u64 moffset, u64 len)
{
	begin(8);
	put(2048 + 8, OBD_DATA, 80000, 8);
	put(2048 + 40, OBD_ZEROES, 0, 8);
	assert_int_equal(model.map.nr_leaves, 1);
	put(sector, what, moffset, len);
	assert_int_equal(model.map.nr_leaves, 0);
	check_lookup(2048, 8);
	check_lookup(2048 + 8, 8);
	check_lookup(2048 + 40, 8);
	check_counts();
	check_pieces();
	end();
}

static void test_widened(void **state)
{
	(void)state;
	/* Parts of parts, at either end; misaligned; too far. */
	check_widened(2048 + 9, OBD_ZEROES, 0, 7);
	check_widened(2048 + 16, OBD_ZEROES, 0, 7);
	check_widened(2048 + 16, OBD_DATA, 80001, 8);
	check_widened(2048 + 16, OBD_DATA, 1ULL << 40, 8);
}

/* Memory: what dense and what lonely extents take. */
static void test_bytes(void **state)
{
	u64 i;

	(void)state;
	begin(6);
	put(0, OBD_DATA, 8, SECTORS);
	assert_int_equal(all_nodes(), 0);
	assert_int_equal(obd_upper_map_bytes(&model.map), XA_NODE_BYTES);
	for (i = 0; i < SECTORS; i += 8)
		put(i, OBD_DATA, (i * 17 + 4096) * 2, 8);
	/* A leaf of sixteen parts for each 64 KiB, and a node for each MiB. */
	assert_int_equal(model.map.nr_leaves, SECTORS / 128);
	assert_int_equal(model.map.nr_nodes, SECTORS / 2048);
	assert_int_equal(obd_upper_map_bytes(&model.map), XA_NODE_BYTES +
			 NODE_BYTES * model.map.nr_nodes +
			 LEAF_BYTES * model.map.nr_leaves);
	assert_true(sizeof(struct node) + (1 << NODE_SHIFT) * sizeof(void *) <=
		    NODE_BYTES);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_no_memory_first),
		cmocka_unit_test(test_merges),
		cmocka_unit_test(test_store_max),
		cmocka_unit_test(test_far),
		cmocka_unit_test(test_packs),
		cmocka_unit_test(test_widened),
		cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
