// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writable layers: every field of the headers, every rule of the slots, where
 * the log ends, and what it comes to against a model of every sector.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/test.h"
#include "tests/unit/upper-model.h"
#include "tools/upper.h"

#define ROUNDS		3000
#define MANY		1000000U

static const struct lsmt_entry padding = { .where = ~0ULL, .what = ~0ULL };

struct opened {
	struct upper upper;
	struct obd_error err;
	int data;
	int index;
};

static int open_model(struct opened *o, const struct upper_model *m)
{
	o->err.text[0] = '\0';
	upper_model_files(m, &o->data, &o->index);
	return upper_load(&o->upper, o->data, o->index, &o->err);
}

static void close_model(struct opened *o)
{
	upper_close(&o->upper);
	close(o->data);
	close(o->index);
}

/* Must fail with these words in the reason. */
static void refused(const struct upper_model *m, const char *words)
{
	struct opened o;

	assert_true(open_model(&o, m) < 0);
	if (!strstr(o.err.text, words))
		fail_msg("expected \"%s\" in \"%s\"", words, o.err.text);
	close_model(&o);
}

static void accepted(const struct upper_model *m)
{
	struct opened o;

	if (open_model(&o, m))
		fail_msg("%s", o.err.text);
	close_model(&o);
}

static void good_layer_is_opened(void **state)
{
	struct upper_model m;
	struct opened o;

	upper_model_init(&m);
	assert_int_equal(open_model(&o, &m), 0);
	assert_int_equal(o.upper.writable.virtual_sectors,
			 UPPER_MODEL_SECTORS);
	assert_string_equal(o.upper.writable.uuid, m.data_header.uuid);
	assert_string_equal(o.upper.writable.parent_uuid,
			    m.data_header.parent_uuid);
	assert_int_equal(o.upper.log_slots, 0);
	assert_int_equal(o.upper.replay.nr, 0);
	assert_int_equal(upper_live_end(&o.upper), LSMT_HEADER_SPACE);
	assert_int_equal(upper_log_end(&o.upper), LSMT_HEADER_SPACE);
	assert_int_equal(o.upper.log_data_end, LSMT_HEADER_SPACE);
	close_model(&o);
}

/* A change to either header that must be found, and the word for it. */
#define FIELD(which, change, words)					\
	do {								\
		struct upper_model m;					\
		struct lsmt_header *h;					\
									\
		upper_model_init(&m);					\
		h = &m.which;						\
		change;							\
		refused(&m, words);					\
	} while (0)

static void every_field_of_the_headers_is_checked(void **state)
{
	FIELD(data_header, h->magic0[7] ^= 1, "LSMT data: bad magic");
	FIELD(data_header, h->magic1[0] ^= 1, "LSMT data: bad magic");
	FIELD(data_header, h->size = 0, "LSMT data: size");
	FIELD(data_header, h->version = 2, "LSMT data: version");
	FIELD(data_header, h->flags = cpu_to_le32(2), "LSMT data: flags");
	FIELD(data_header, h->flags = cpu_to_le32(1), "LSMT data: flags");
	FIELD(data_header, h->flags = cpu_to_le32(7), "LSMT data: flags");
	FIELD(data_header, h->flags = cpu_to_le32(0x13), "sparse");
	FIELD(data_header, h->virtual_size = cpu_to_le64(1ULL << 40 | 1),
	      "virtual_size");
	FIELD(data_header, h->virtual_size = cpu_to_le64(1ULL << 60),
	      "virtual_size");
	FIELD(data_header, h->uuid[0] = 'f', "uuid");
	FIELD(index_header, h->magic0[0] ^= 1, "LSMT index: bad magic");
	FIELD(index_header, h->magic1[15] ^= 1, "LSMT index: bad magic");
	FIELD(index_header, h->size = 0, "LSMT index: size");
	FIELD(index_header, h->version = 0, "LSMT index: version");
	FIELD(index_header, h->flags = 0, "LSMT index: flags");
	FIELD(index_header, h->flags = cpu_to_le32(3), "LSMT index: flags");
	FIELD(index_header, h->flags = cpu_to_le32(5), "has been sealed");
	FIELD(index_header, h->flags = cpu_to_le32(4), "LSMT index: flags");
	FIELD(index_header, h->index_offset = 0, "index_offset");
	FIELD(index_header, h->index_offset = cpu_to_le64(4112),
	      "index_offset");
	FIELD(index_header, h->virtual_size = cpu_to_le64(1ULL << 40 | 1),
	      "virtual_size");
	FIELD(index_header, h->uuid[35] = '0', "uuid");
}

static void sparse_layers_are_told_apart(void **state)
{
	struct upper_model m;
	struct opened o;

	upper_model_init(&m);
	m.data_header.flags = cpu_to_le32(0x13);
	assert_int_equal(open_model(&o, &m), -EOPNOTSUPP);
	assert_int_equal(le32_to_cpu(o.upper.data_header.flags), 0x13);
	close_model(&o);
}

static void the_larger_virtual_size_counts(void **state)
{
	struct upper_model m;
	struct opened o;

	upper_model_init(&m);
	m.data_header.virtual_size = cpu_to_le64(1 << 20);
	m.index_header.virtual_size = cpu_to_le64(2 << 20);
	assert_int_equal(open_model(&o, &m), 0);
	assert_int_equal(o.upper.writable.virtual_sectors, 4096);
	close_model(&o);
	m.data_header.virtual_size = cpu_to_le64(4 << 20);
	assert_int_equal(open_model(&o, &m), 0);
	assert_int_equal(o.upper.writable.virtual_sectors, 8192);
	close_model(&o);
}

static void short_files_are_refused(void **state)
{
	struct upper_model m;
	struct opened o;

	upper_model_init(&m);
	upper_model_files(&m, &o.data, &o.index);
	assert_int_equal(ftruncate(o.index, LSMT_HEADER_SPACE - 1), 0);
	assert_int_equal(upper_load(&o.upper, o.data, o.index, &o.err),
			 -EINVAL);
	assert_non_null(strstr(o.err.text, "index: has 4095 bytes"));
	upper_close(&o.upper);
	assert_int_equal(ftruncate(o.index, LSMT_HEADER_SPACE), 0);
	assert_int_equal(ftruncate(o.data, LSMT_HEADER_SPACE - 1), 0);
	assert_int_equal(upper_load(&o.upper, o.data, o.index, &o.err),
			 -EINVAL);
	assert_non_null(strstr(o.err.text, "data: has 4095 bytes"));
	close_model(&o);
}

static void slot_is(u64 offset, u32 len, u64 moffset, u64 bits, int expected)
{
	struct lsmt_entry e = {
		.where = cpu_to_le64(offset | (u64)len << LSMT_OFFSET_BITS),
		.what = cpu_to_le64(moffset | bits),
	};
	struct obd_error err = {};

	assert_int_equal(obd_log_check(&e, 7, 100, &err), expected);
	assert_true((expected < 0) == !!strstr(err.text, "log entry 7: "));
}

static void every_rule_of_a_slot_is_checked(void **state)
{
	const u64 last = LSMT_OFFSET_MASK;

	slot_is(0, 0, 0, 0, OBD_SLOT_END);
	slot_is(last, 0, 0, 0, OBD_SLOT_PADDING);
	slot_is(last, 9, 1, LSMT_ZEROED, OBD_SLOT_PADDING);
	slot_is(0, 0, 8, 0, -EINVAL);
	slot_is(1, 0, 8, 0, -EINVAL);
	slot_is(0, 1, 8, 0, OBD_SLOT_ENTRY);
	slot_is(0, 1, 7, 0, -EINVAL);
	slot_is(0, 92, 8, 0, OBD_SLOT_ENTRY);
	slot_is(0, 93, 8, 0, -EINVAL);
	slot_is(0, 1, 99, 0, OBD_SLOT_ENTRY);
	slot_is(0, 1, 100, 0, -EINVAL);
	slot_is(0, 1, LSMT_MOFFSET_MASK, 0, -EINVAL);
	slot_is(0, 1, 0, LSMT_ZEROED, OBD_SLOT_ENTRY);
	slot_is(0, LSMT_LENGTH_MAX, LSMT_MOFFSET_MASK, LSMT_ZEROED,
		OBD_SLOT_ENTRY);
	slot_is(last - 3, 3, 8, 0, OBD_SLOT_ENTRY);
	slot_is(last - 3, 4, 8, 0, -EINVAL);
	slot_is(0, 1, 8, 0xffULL << LSMT_TAG_SHIFT, OBD_SLOT_ENTRY);
}

static void entries_are_made(void **state)
{
	struct lsmt_entry e;

	obd_log_entry(&e, 5, LSMT_LENGTH_MAX, 77, 9);
	assert_int_equal(lsmt_entry_offset(&e), 5);
	assert_int_equal(lsmt_entry_length(&e), LSMT_LENGTH_MAX);
	assert_int_equal(lsmt_entry_moffset(&e), 77);
	assert_int_equal(lsmt_entry_tag(&e), 9);
	assert_false(lsmt_entry_zeroed(&e));
	obd_log_entry(&e, 5, 1, 0, 9);
	assert_true(lsmt_entry_zeroed(&e));
	assert_int_equal(lsmt_entry_moffset(&e), OBD_DATA_START);
}

static void log_ends_at_a_zero_slot(void **state)
{
	struct lsmt_entry garbage = { .where = cpu_to_le64(1) };
	struct upper_model m;
	struct opened o;

	upper_model_init(&m);
	upper_model_log(&m, 0, 4, 8);
	upper_model_slot(&m, padding);
	upper_model_log(&m, 8, 4, 12);
	upper_model_slot(&m, (struct lsmt_entry) {});
	upper_model_slot(&m, garbage);
	assert_int_equal(open_model(&o, &m), 0);
	assert_int_equal(o.upper.log_slots, 3);
	assert_int_equal(o.upper.replay.nr, 2);
	assert_int_equal(upper_log_end(&o.upper), LSMT_HEADER_SPACE + 3 * 16);
	assert_int_equal(upper_live_end(&o.upper), 16 * OBD_SECTOR_SIZE);
	close_model(&o);
	upper_model_release(&m);
}

static void log_ends_with_the_file(void **state)
{
	struct upper_model m;
	struct opened o;

	upper_model_init(&m);
	upper_model_log(&m, 0, 4, 8);
	upper_model_log(&m, 8, 4, 12);
	upper_model_files(&m, &o.data, &o.index);
	assert_int_equal(ftruncate(o.index, LSMT_HEADER_SPACE + 2 * 16 - 1),
			 0);
	assert_int_equal(upper_load(&o.upper, o.data, o.index, &o.err), 0);
	assert_int_equal(o.upper.log_slots, 1);
	close_model(&o);
	upper_model_release(&m);
}

/* The end is found wherever it is in what is read at a time. */
static void long_logs_are_read(void **state)
{
	static const u32 lengths[] = { 65535, 65536, 65537, 131072, 200000 };
	size_t i;
	u32 n;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct upper_model m;
		struct opened o;

		upper_model_init(&m);
		for (n = 0; n < lengths[i]; n++)
			upper_model_log(&m, n % 500, 1, 8 + n % 500);
		assert_int_equal(open_model(&o, &m), 0);
		assert_int_equal(o.upper.log_slots, lengths[i]);
		assert_int_equal(o.upper.replay.nr, 1);
		close_model(&o);
		upper_model_release(&m);
	}
}

static void bad_entries_are_refused(void **state)
{
	struct lsmt_entry bad = { .what = cpu_to_le64(8) };
	struct upper_model m;

	upper_model_init(&m);
	upper_model_log(&m, 0, 4, 8);
	upper_model_slot(&m, bad);
	refused(&m, "log entry 1: length is 0");
	upper_model_release(&m);
}

static void live_entries_lie_within_the_data(void **state)
{
	struct upper_model m;
	struct lsmt_entry e;

	upper_model_init(&m);
	obd_log_entry(&e, 10, 8, UPPER_MODEL_SECTORS - 4, 0);
	upper_model_slot(&m, e);
	refused(&m, "log entry 0: moffset 596, length 8");
	upper_model_log(&m, 15, 3, 0);
	refused(&m, "log entry 0: moffset 596, length 5");
	upper_model_log(&m, 14, 1, 0);
	accepted(&m);
	upper_model_release(&m);
}

/* The last moffset that there is must not run over into the bits above. */
static void moffsets_do_not_overflow(void **state)
{
	struct upper_model m;
	struct lsmt_entry e;

	upper_model_init(&m);
	obd_log_entry(&e, 10, 8, LSMT_MOFFSET_MASK - 3, 0);
	upper_model_slot(&m, e);
	upper_model_log(&m, 10, 4, 0);
	refused(&m, "log entry 0: moffset");
	upper_model_release(&m);
}

static void overridden_entries_count_for_the_cut(void **state)
{
	struct upper_model m;
	struct lsmt_entry e;
	struct opened o;

	upper_model_init(&m);
	upper_model_log(&m, 0, 4, 100);
	upper_model_log(&m, 0, 4, 50);
	assert_int_equal(open_model(&o, &m), 0);
	assert_int_equal(upper_live_end(&o.upper), 54 * OBD_SECTOR_SIZE);
	assert_int_equal(o.upper.log_data_end, 104 * OBD_SECTOR_SIZE);
	close_model(&o);
	obd_log_entry(&e, 9, 8, LSMT_MOFFSET_MASK - 9, 0);
	upper_model_slot(&m, e);
	upper_model_log(&m, 9, 8, 0);
	assert_int_equal(open_model(&o, &m), 0);
	assert_int_equal(o.upper.log_data_end,
			 UPPER_MODEL_SECTORS * OBD_SECTOR_SIZE);
	close_model(&o);
	upper_model_release(&m);
}

static void shared_data_is_refused(void **state)
{
	struct upper_model m;

	upper_model_init(&m);
	upper_model_log(&m, 100, 10, 50);
	upper_model_log(&m, 0, 4, 57);
	refused(&m, "log: sectors 107 and 0 share the data at sector 57");
	/* Where the first is overridden nothing is shared. */
	upper_model_log(&m, 107, 3, 0);
	accepted(&m);
	upper_model_release(&m);
}

static void check_entry(const struct upper_model *m,
			const struct lsmt_entry *e)
{
	u64 offset = lsmt_entry_offset(e);
	u32 i;

	for (i = 0; i < lsmt_entry_length(e); i++)
		assert_int_equal(m->sectors[offset + i],
				 lsmt_entry_zeroed(e) ? UPPER_ZEROS :
				 lsmt_entry_moffset(e) + i);
}

/* All that is mapped, nothing that is not, and in no more entries than it takes. */
static void check_replay(const struct upper_model *m, const struct replay *r)
{
	u64 sector = 0, data = 0, data_end = OBD_DATA_START;
	bool merged = true;
	u32 i;

	for (i = 0; i < r->nr; i++) {
		const struct lsmt_entry *e = &r->entries[i];
		const struct lsmt_entry *last = i ? e - 1 : NULL;

		assert_true(lsmt_entry_offset(e) >= sector);
		for (; sector < lsmt_entry_offset(e); sector++)
			assert_int_equal(m->sectors[sector], UPPER_NOTHING);
		check_entry(m, e);
		if (last && lsmt_entry_offset(last) +
		    lsmt_entry_length(last) == sector)
			merged &= lsmt_entry_zeroed(e) !=
				  lsmt_entry_zeroed(last) ||
				  (!lsmt_entry_zeroed(e) &&
				   lsmt_entry_moffset(last) +
				   lsmt_entry_length(last) !=
				   lsmt_entry_moffset(e));
		sector += lsmt_entry_length(e);
		if (lsmt_entry_zeroed(e))
			continue;
		data += lsmt_entry_length(e);
		data_end = max(data_end, lsmt_entry_moffset(e) +
					 lsmt_entry_length(e));
	}
	for (; sector < UPPER_MODEL_SECTORS; sector++)
		assert_int_equal(m->sectors[sector], UPPER_NOTHING);
	assert_true(merged);
	assert_int_equal(r->data_sectors, data);
	assert_int_equal(r->data_end, data_end);
}

typedef int (*open_fn)(struct opened *o, const struct upper_model *m, u64 *seed);

static void check_logs(open_fn open_log)
{
	u64 seed = test_seed(), first;
	u32 i;

	for (i = 0; i < ROUNDS; i++) {
		struct upper_model m;
		struct opened o;

		first = seed;
		upper_model_init(&m);
		upper_model_fill(&m, &seed, random_below(&seed, 300));
		if (open_log(&o, &m, &seed))
			fail_msg("seed %llu: %s", (unsigned long long)first,
				 o.err.text);
		assert_int_equal(o.upper.log_slots, m.nr);
		check_replay(&m, &o.upper.replay);
		close_model(&o);
		upper_model_release(&m);
	}
}

static int open_whole(struct opened *o, const struct upper_model *m, u64 *seed)
{
	(void)seed;
	return open_model(o, m);
}

/* The log grows while it is read, as when a snapshot is taken. */
static int open_in_two_parts(struct opened *o, const struct upper_model *m,
			     u64 *seed)
{
	u64 slots = random_below(seed, m->nr + 1);

	upper_model_files(m, &o->data, &o->index);
	return upper_load_begin(&o->upper, o->data, o->index, slots,
				&o->err) ?:
	       upper_load_rest(&o->upper, &o->err);
}

static void logs_match_the_model(void **state)
{
	(void)state;
	check_logs(open_whole);
}

static void logs_match_the_model_in_two_parts(void **state)
{
	(void)state;
	check_logs(open_in_two_parts);
}

static void long_extents_are_split_at_the_limit(void **state)
{
	struct replay replay;
	struct lsmt_entry log[3];
	struct obd_error err;

	obd_log_entry(&log[0], 0, LSMT_LENGTH_MAX, 100, 0);
	obd_log_entry(&log[1], LSMT_LENGTH_MAX, LSMT_LENGTH_MAX,
		      100 + LSMT_LENGTH_MAX, 0);
	obd_log_entry(&log[2], 2 * LSMT_LENGTH_MAX, 5,
		      100 + 2 * LSMT_LENGTH_MAX, 0);
	assert_int_equal(replay_log(&replay, log, 3, 1 << 20, &err), 0);
	assert_int_equal(replay.nr, 3);
	assert_int_equal(lsmt_entry_length(&replay.entries[0]),
			 LSMT_LENGTH_MAX);
	assert_int_equal(lsmt_entry_moffset(&replay.entries[2]),
			 100 + 2 * LSMT_LENGTH_MAX);
	replay_release(&replay);
	replay_release(&replay);
}

/* I/O may be waiting for those that come last. */
static void check_one_more(struct replay *replay, clock_t all)
{
	struct lsmt_entry e;
	struct obd_error err;
	clock_t begin;

	obd_log_entry(&e, 1, 1, 8, 0);
	begin = clock();
	assert_int_equal(replay_more(replay, &e, 1, 1ULL << 40, &err), 0);
	assert_true(4 * (clock() - begin) < all);
}

/* Whatever the order of a million entries, it takes a moment. */
static void millions_of_entries_are_replayed(void **state)
{
	struct lsmt_entry *log = malloc(MANY * sizeof(*log));
	u64 seed = test_seed();
	struct replay replay;
	struct obd_error err;
	clock_t begin;
	u32 i, order;

	assert_non_null(log);
	for (order = 0; order < 3; order++) {
		for (i = 0; i < MANY; i++) {
			u64 n = order == 0 ? i : order == 1 ? MANY - 1 - i :
				random_below(&seed, MANY);

			obd_log_entry(&log[i], 16 * n, 24 - 8 * (order == 2),
				      8 + 32ULL * i, 0);
		}
		begin = clock();
		assert_int_equal(replay_log(&replay, log, MANY, 1ULL << 40,
					    &err), 0);
		assert_true(replay.nr > MANY / 2);
		check_one_more(&replay, clock() - begin);
		replay_release(&replay);
	}
	free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_layer_is_opened),
		cmocka_unit_test(every_field_of_the_headers_is_checked),
		cmocka_unit_test(sparse_layers_are_told_apart),
		cmocka_unit_test(the_larger_virtual_size_counts),
		cmocka_unit_test(short_files_are_refused),
		cmocka_unit_test(every_rule_of_a_slot_is_checked),
		cmocka_unit_test(entries_are_made),
		cmocka_unit_test(log_ends_at_a_zero_slot),
		cmocka_unit_test(log_ends_with_the_file),
		cmocka_unit_test(long_logs_are_read),
		cmocka_unit_test(bad_entries_are_refused),
		cmocka_unit_test(live_entries_lie_within_the_data),
		cmocka_unit_test(moffsets_do_not_overflow),
		cmocka_unit_test(overridden_entries_count_for_the_cut),
		cmocka_unit_test(shared_data_is_refused),
		cmocka_unit_test(logs_match_the_model),
		cmocka_unit_test(logs_match_the_model_in_two_parts),
		cmocka_unit_test(long_extents_are_split_at_the_limit),
		cmocka_unit_test(millions_of_entries_are_replayed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
