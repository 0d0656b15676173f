// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sealing writable layers: what comes out reads as before, whatever interrupts
 * it, and until it is finished the pair is what it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dm-overlaybd-blob.h"
#include "tests/unit/interrupt.h"
#include "tests/unit/test.h"
#include "tests/unit/upper-model.h"
#include "tools/seal.h"
#include "tools/upper.h"

#define ROUNDS		40
#define CHANGES_MAX	20

struct pair {
	struct upper_model model;
	int data;
	int index;
	u64 bytes;
	struct obd_error err;
};

static struct progress silent;

static void make_pair(struct pair *p, u64 *seed)
{
	upper_model_init(&p->model);
	upper_model_fill(&p->model, seed, random_below(seed, 100));
	upper_model_files(&p->model, &p->data, &p->index);
}

static void free_pair(struct pair *p)
{
	upper_model_release(&p->model);
	close(p->data);
	close(p->index);
}

static void check_entry(const struct upper_model *m,
			const struct lsmt_entry *e, u32 *mapped)
{
	u64 offset = lsmt_entry_offset(e);
	u32 i;

	for (i = 0; i < lsmt_entry_length(e); i++)
		assert_int_equal(m->sectors[offset + i],
				 lsmt_entry_zeroed(e) ? UPPER_ZEROS :
				 lsmt_entry_moffset(e) + i);
	*mapped += lsmt_entry_length(e);
}

static u32 count_mapped(const struct upper_model *m)
{
	u32 i, nr = 0;

	for (i = 0; i < UPPER_MODEL_SECTORS; i++)
		nr += m->sectors[i] != UPPER_NOTHING;
	return nr;
}

/* The data, up to @bytes, must be a layer that maps what the model says. */
static void check_sealed(const struct pair *p, u64 bytes)
{
	struct obd_dev dev = { .fd = p->data, .size = bytes };
	struct obd_layer layer;
	struct obd_error err;
	u32 i, mapped = 0;

	if (obd_layer_open(&layer, &dev, bytes, &err))
		fail_msg("%s", err.text);
	assert_string_equal(layer.lsmt.uuid, p->model.data_header.uuid);
	assert_string_equal(layer.lsmt.parent_uuid,
			    p->model.data_header.parent_uuid);
	assert_int_equal(layer.lsmt.virtual_sectors, UPPER_MODEL_SECTORS);
	for (i = 0; i < layer.lsmt.nr_entries; i++)
		check_entry(&p->model, &layer.entries[i], &mapped);
	assert_int_equal(mapped, count_mapped(&p->model));
	obd_layer_release(&layer);
}

/* The pair must still be the writable layer that it was, data included. */
static void check_writable(const struct pair *p)
{
	struct upper_model *m = (struct upper_model *)&p->model;
	u8 expected[OBD_SECTOR_SIZE], found[OBD_SECTOR_SIZE];
	struct obd_error err;
	struct upper upper;
	int data, index;
	u32 i;

	if (upper_load(&upper, p->data, p->index, &err))
		fail_msg("%s", err.text);
	assert_int_equal(upper.log_slots, m->nr);
	upper_close(&upper);
	upper_model_files(m, &data, &index);
	for (i = OBD_DATA_START; i < UPPER_MODEL_SECTORS; i++) {
		if (!m->users[i])
			continue;
		assert_int_equal(pread(data, expected, 512, i * 512ULL), 512);
		assert_int_equal(pread(p->data, found, 512, i * 512ULL), 512);
		assert_memory_equal(found, expected, 512);
	}
	close(data);
	close(index);
}

static u64 size_of(int fd)
{
	return lseek(fd, 0, SEEK_END);
}

static int seal_whole(void *ctx)
{
	struct pair *p = ctx;

	return seal_upper(p->data, p->index, &p->bytes, &silent, &p->err) ?:
	       seal_finish(p->data, p->index, p->bytes, &p->err);
}

/* While a device may yet go on to write to it. */
static int seal_in_use(void *ctx)
{
	struct pair *p = ctx;

	return seal_upper(p->data, p->index, &p->bytes, &silent, &p->err) ?:
	       seal_mark(p->index, true, &p->err) ?:
	       seal_cut(p->data, p->bytes, &p->err);
}

static void sealed_layers_match_the_model(void **state)
{
	u64 seed = test_seed();
	struct obd_error err;
	struct upper upper;
	struct pair p;
	u32 i;

	for (i = 0; i < ROUNDS; i++) {
		make_pair(&p, &seed);
		assert_int_equal(seal_upper(p.data, p.index, &p.bytes, &silent,
					    &p.err),
				 0);
		assert_int_equal(p.bytes % OBD_SECTOR_SIZE, 0);
		check_sealed(&p, p.bytes);
		check_writable(&p);
		assert_int_equal(seal_finish(p.data, p.index, p.bytes, &p.err),
				 0);
		assert_int_equal(size_of(p.data), p.bytes);
		check_sealed(&p, p.bytes);
		assert_int_equal(upper_load(&upper, p.data, p.index, &err),
				 -EINVAL);
		assert_non_null(strstr(err.text, "has been sealed"));
		upper_close(&upper);
		free_pair(&p);
	}
}

/* Before the mark it is a writable layer, whatever happens. */
static bool is_marked(const struct pair *p)
{
	struct lsmt_header h;

	assert_int_equal(pread(p->index, &h, sizeof(h), 0), sizeof(h));
	return le32_to_cpu(h.flags) & LSMT_FLAG_SEALED;
}

static void restart_anywhere(int (*seal)(void *ctx))
{
	u64 seed = test_seed(), pair_seed;
	bool died = true;
	struct pair p;
	int nr, i;

	for (nr = 0; died; nr++) {
		for (i = 0; i < ROUNDS; i++) {
			pair_seed = seed + i;
			make_pair(&p, &pair_seed);
			died = interrupted(seal, &p, nr, i % 2);
			if (!is_marked(&p))
				check_writable(&p);
			assert_int_equal(seal_whole(&p), 0);
			check_sealed(&p, size_of(p.data));
			assert_int_equal(size_of(p.data), p.bytes);
			free_pair(&p);
		}
		assert_true(nr < CHANGES_MAX);
	}
	/* Index, sync, trailer, sync, cut, sync, mark, sync. */
	assert_int_equal(nr, 9);
}

static void sealing_is_restarted_anywhere(void **state)
{
	restart_anywhere(seal_whole);
	restart_anywhere(seal_in_use);
}

static void sealing_twice_changes_nothing(void **state)
{
	u64 seed = test_seed(), bytes;
	struct pair p;

	make_pair(&p, &seed);
	assert_int_equal(seal_whole(&p), 0);
	bytes = p.bytes;
	assert_int_equal(seal_whole(&p), 0);
	assert_int_equal(p.bytes, bytes);
	check_sealed(&p, bytes);
	free_pair(&p);
}

static void empty_layers_are_sealed(void **state)
{
	struct pair p;

	upper_model_init(&p.model);
	upper_model_files(&p.model, &p.data, &p.index);
	assert_int_equal(seal_whole(&p), 0);
	assert_int_equal(p.bytes, 2 * LSMT_HEADER_SPACE + OBD_SECTOR_SIZE);
	check_sealed(&p, p.bytes);
	free_pair(&p);
}

/* What other implementations read at most. */
static void too_many_extents_are_refused(void **state)
{
	struct pair p;
	u64 sectors;
	u32 i;

	upper_model_init(&p.model);
	for (i = 0; i < 1000000; i++) {
		struct lsmt_entry e;

		obd_log_entry(&e, 2ULL * i, 1, 0, 0);
		upper_model_slot(&p.model, e);
	}
	upper_model_files(&p.model, &p.data, &p.index);
	sectors = size_of(p.data) / OBD_SECTOR_SIZE;
	assert_int_equal(seal_upper(p.data, p.index, &p.bytes, &silent,
				    &p.err), -E2BIG);
	assert_non_null(strstr(p.err.text, "1000000 extents"));
	assert_int_equal(size_of(p.data) / OBD_SECTOR_SIZE, sectors);
	free_pair(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sealed_layers_match_the_model),
		cmocka_unit_test(sealing_is_restarted_anywhere),
		cmocka_unit_test(sealing_twice_changes_nothing),
		cmocka_unit_test(empty_layers_are_sealed),
		cmocka_unit_test(too_many_extents_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
