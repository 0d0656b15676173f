// SPDX-License-Identifier: GPL-2.0-only
/*
 * LSMT: fields of header and trailer, rules of the index.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dm-overlaybd-lsmt.h"
#include "tests/unit/test.h"

#define INDEX_AT	8192
#define INDEX_ENTRIES	512
#define LAYER_SIZE	(INDEX_AT + INDEX_ENTRIES * 16 + LSMT_HEADER_SPACE)

/* Header and trailer of a layer. */
struct ends {
	struct lsmt_header header;
	struct lsmt_header trailer;
};

static void good_end(struct lsmt_header *h, u32 flags)
{
	*h = (struct lsmt_header) {
		.size = cpu_to_le32(sizeof(*h)),
		.flags = cpu_to_le32(flags),
		.virtual_size = cpu_to_le64(1 << 20),
		.version = LSMT_VERSION,
		.sub_version = LSMT_SUB_VERSION,
		.uuid = "01234567-89ab-cdef-0123-456789abcdef",
		.parent_uuid = "76543210-89ab-cdef-0123-456789abcdef",
	};
	memcpy(h->magic0, LSMT_MAGIC0, LSMT_MAGIC0_SIZE);
	memcpy(h->magic1, LSMT_MAGIC1, LSMT_MAGIC1_SIZE);
}

static void good_ends(struct ends *ends)
{
	good_end(&ends->header, LSMT_FLAG_HEADER | LSMT_FLAG_DATA |
				LSMT_FLAG_SEALED);
	good_end(&ends->trailer, LSMT_FLAG_DATA | LSMT_FLAG_SEALED);
	ends->trailer.index_offset = cpu_to_le64(INDEX_AT);
	ends->trailer.index_size = cpu_to_le64(INDEX_ENTRIES);
}

static int parse(const struct ends *ends, struct obd_lsmt *lsmt,
		 struct obd_error *err)
{
	err->text[0] = '\0';
	return obd_lsmt_parse(&ends->header, &ends->trailer, LAYER_SIZE, lsmt,
			      err);
}

static void good_layer_is_parsed(void **state)
{
	struct obd_error err;
	struct obd_lsmt lsmt;
	struct ends ends;

	good_ends(&ends);
	assert_int_equal(parse(&ends, &lsmt, &err), 0);
	assert_int_equal(lsmt.virtual_sectors, 2048);
	assert_int_equal(lsmt.index_offset, INDEX_AT);
	assert_int_equal(lsmt.nr_entries, INDEX_ENTRIES);
	assert_string_equal(lsmt.uuid, ends.trailer.uuid);
	assert_string_equal(lsmt.parent_uuid, ends.trailer.parent_uuid);
}

/* A field, by its place in struct ends, and what becomes of a value in it. */
struct field {
	size_t at;
	size_t size;
	u64 value;
	const char *text;	/* NULL if the value is fine */
};

#define FIELD(member, value, text) { \
	offsetof(struct ends, member), \
	sizeof(((struct ends *)NULL)->member), value, text }
#define HEADER(member, value, text)	FIELD(header.member, value, text)
#define TRAILER(member, value, text)	FIELD(trailer.member, value, text)

static const struct field fields[] = {
	HEADER(magic0[0], 'l', "LSMT header: bad magic"),
	HEADER(magic0[7], 1, "LSMT header: bad magic"),
	HEADER(magic1[0], 0, "LSMT header: bad magic"),
	HEADER(magic1[15], 0, "LSMT header: bad magic"),
	HEADER(size, 389, "LSMT header: size is 389, expected 390"),
	HEADER(size, 0, "LSMT header: size is 0, expected 390"),
	HEADER(flags, 0x6,
	       "LSMT header: flags are 0x6, expected 0x3 set and 0x10 clear"),
	HEADER(flags, 0x5,
	       "LSMT header: flags are 0x5, expected 0x3 set and 0x10 clear"),
	HEADER(flags, 0x17,
	       "LSMT header: flags are 0x17, expected 0x3 set and 0x10 clear"),
	HEADER(flags, 0x3, NULL),
	HEADER(flags, 0xffffffef, NULL),
	HEADER(index_offset, ~0ULL, NULL),
	HEADER(index_size, ~0ULL, NULL),
	HEADER(virtual_size, 1, NULL),
	HEADER(reserved, 0xffff, NULL),
	HEADER(version, 2, "LSMT header: version is 2, expected 1"),
	HEADER(version, 0, "LSMT header: version is 0, expected 1"),
	HEADER(sub_version, 0xff, NULL),
	HEADER(user_tag[0], 0xff, NULL),

	TRAILER(magic0[0], 'l', "LSMT trailer: bad magic"),
	TRAILER(magic0[7], 1, "LSMT trailer: bad magic"),
	TRAILER(magic1[0], 0, "LSMT trailer: bad magic"),
	TRAILER(magic1[15], 0, "LSMT trailer: bad magic"),
	TRAILER(size, 391, "LSMT trailer: size is 391, expected 390"),
	TRAILER(flags, 0x7,
		"LSMT trailer: flags are 0x7, expected 0x6 set and 0x11 clear"),
	TRAILER(flags, 0x4,
		"LSMT trailer: flags are 0x4, expected 0x6 set and 0x11 clear"),
	TRAILER(flags, 0x2,
		"LSMT trailer: flags are 0x2, expected 0x6 set and 0x11 clear"),
	TRAILER(flags, 0x16,
		"LSMT trailer: flags are 0x16, expected 0x6 set and 0x11 clear"),
	TRAILER(flags, 0xffffffee, NULL),
	TRAILER(index_offset, 4095,
		"LSMT trailer: index_offset is 4095, expected 4096 to 16384"),
	TRAILER(index_offset, 16385,
		"LSMT trailer: index_offset is 16385, expected 4096 to 16384"),
	TRAILER(index_offset, ~0ULL,
		"LSMT trailer: index_offset is 18446744073709551615, expected 4096 to 16384"),
	TRAILER(index_offset, 4096, NULL),
	TRAILER(index_offset, 16384,
		"LSMT trailer: index_size is 512, expected at most 0"),
	TRAILER(index_offset, 8193,
		"LSMT trailer: index_size is 512, expected at most 511"),
	TRAILER(index_size, 513,
		"LSMT trailer: index_size is 513, expected at most 512"),
	TRAILER(index_size, 1ULL << 60,
		"LSMT trailer: index_size is 1152921504606846976, expected at most 512"),
	TRAILER(index_size, ~0ULL,
		"LSMT trailer: index_size is 18446744073709551615, expected at most 512"),
	TRAILER(index_size, 0, NULL),
	TRAILER(virtual_size, 513,
		"LSMT trailer: virtual_size is 513, expected a multiple of 512"),
	TRAILER(virtual_size, 1ULL << 59,
		"LSMT trailer: virtual_size is 576460752303423488, expected at most 576460752303422976"),
	TRAILER(virtual_size, LSMT_OFFSET_MASK << 9, NULL),
	TRAILER(virtual_size, 0, NULL),
	TRAILER(reserved, 0xffff, NULL),
	TRAILER(version, 2, "LSMT trailer: version is 2, expected 1"),
	TRAILER(sub_version, 0xff, NULL),
	TRAILER(user_tag[255], 0xff, NULL),
};

static void every_field_is_checked(void **state)
{
	struct obd_error err;
	struct obd_lsmt lsmt;
	struct ends ends;
	u32 i;
	int r;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		const struct field *f = &fields[i];
		__le64 value = cpu_to_le64(f->value);

		good_ends(&ends);
		memcpy((u8 *)&ends + f->at, &value, f->size);
		r = parse(&ends, &lsmt, &err);
		assert_string_equal(err.text, f->text ?: "");
		assert_int_equal(r, f->text ? -EINVAL : 0);
	}
}

static void entries_are_bounded(void **state)
{
	u64 size = 2 * LSMT_HEADER_SPACE + (LSMT_MAX_ENTRIES + 1ULL) * 16;
	struct obd_error err;
	struct obd_lsmt lsmt;
	struct ends ends;

	good_ends(&ends);
	ends.trailer.index_offset = cpu_to_le64(LSMT_HEADER_SPACE);
	ends.trailer.index_size = cpu_to_le64(LSMT_MAX_ENTRIES);
	assert_int_equal(obd_lsmt_parse(&ends.header, &ends.trailer, size,
					&lsmt, &err), 0);
	ends.trailer.index_size = cpu_to_le64(LSMT_MAX_ENTRIES + 1);
	assert_int_equal(obd_lsmt_parse(&ends.header, &ends.trailer, size,
					&lsmt, &err), -EINVAL);
	assert_string_equal(err.text,
			    "LSMT trailer: index_size is 1048577, expected at most 1048576");
}

static void endless_uuids_are_ended(void **state)
{
	struct obd_error err;
	struct obd_lsmt lsmt;
	struct ends ends;

	good_ends(&ends);
	memset(ends.trailer.uuid, 'u', LSMT_UUID_SIZE);
	memset(ends.trailer.parent_uuid, 'p', LSMT_UUID_SIZE);
	assert_int_equal(parse(&ends, &lsmt, &err), 0);
	assert_int_equal(strlen(lsmt.uuid), LSMT_UUID_SIZE - 1);
	assert_int_equal(strlen(lsmt.parent_uuid), LSMT_UUID_SIZE - 1);
}

/* A layer with 100 sectors of data, and an index. */
#define DATA_BEGIN	8
#define DATA_END	108
#define LAST_SECTOR	(LSMT_OFFSET_MASK - 1)

#define ENTRY(offset, len, moffset) \
	{ (u64)(len) << LSMT_OFFSET_BITS | (offset), (moffset) }
#define ZEROED(offset, len) \
	{ (u64)(len) << LSMT_OFFSET_BITS | (offset), ~0ULL }
#define PADDING	{ ~0ULL, ~0ULL }

struct index_case {
	u32 nr;
	u32 kept;		/* if it is fine */
	const char *text;	/* if it is not */
	u64 entries[4][2];
};

static const struct index_case index_cases[] = {
	{ 0, 0, NULL, {} },
	{ 1, 1, NULL, { ENTRY(0, 1, 8) } },
	{ 1, 1, NULL, { ENTRY(0, 100, 8) } },
	{ 1, 1, NULL, { ENTRY(7, 1, 107) } },
	{ 1, 1, NULL, { ENTRY(7, 1, 107 | 0xffULL << 56) } },
	{ 2, 2, NULL, { ENTRY(0, 10, 50), ENTRY(10, 10, 20) } },
	{ 2, 2, NULL, { ENTRY(0, 10, 20), ENTRY(11, 10, 20) } },
	{ 1, 1, NULL, { ENTRY(LAST_SECTOR, 1, 8) } },
	{ 1, 1, NULL, { ZEROED(LSMT_OFFSET_MASK - 16383, 16383) } },
	{ 2, 2, NULL, { ZEROED(0, 16383), ZEROED(16383, 1) } },
	{ 1, 0, NULL, { PADDING } },
	{ 3, 1, NULL, { ENTRY(0, 1, 8), PADDING, PADDING } },
	{ 4, 2, NULL, { PADDING, ENTRY(5, 1, 8), PADDING, ENTRY(6, 1, 8) } },
	{ 2, 1, NULL, { ENTRY(0, 1, 8), { LSMT_OFFSET_MASK, 0 } } },

	{ 1, 0, "index entry 0: length is 0", { ENTRY(5, 0, 8) } },
	{ 1, 0, "index entry 0: length is 0", { ZEROED(5, 0) } },
	{ 2, 0, "index entry 1: length is 0",
	  { ENTRY(5, 1, 8), ENTRY(6, 0, 8) } },
	{ 2, 0,
	  "index entry 1 overlaps its predecessor: offset is 9, expected 10 or more",
	  { ENTRY(0, 10, 8), ENTRY(9, 1, 8) } },
	{ 2, 0,
	  "index entry 1 overlaps its predecessor: offset is 4, expected 6 or more",
	  { ZEROED(5, 1), ZEROED(4, 1) } },
	{ 3, 0,
	  "index entry 2 overlaps its predecessor: offset is 5, expected 6 or more",
	  { ENTRY(5, 1, 8), PADDING, ENTRY(5, 1, 8) } },
	{ 1, 0,
	  "index entry 0: offset 1125899906842622, length 2 pass the last sector",
	  { ENTRY(LAST_SECTOR, 2, 8) } },
	{ 1, 0,
	  "index entry 0: offset 1125899906826241, length 16383 pass the last sector",
	  { ZEROED(LSMT_OFFSET_MASK - 16382, 16383) } },
	{ 1, 0, "index entry 0: moffset 7, length 1, expected within 8 to 108",
	  { ENTRY(0, 1, 7) } },
	{ 1, 0, "index entry 0: moffset 0, length 1, expected within 8 to 108",
	  { ENTRY(0, 1, 0) } },
	{ 1, 0, "index entry 0: moffset 108, length 1, expected within 8 to 108",
	  { ENTRY(0, 1, 108) } },
	{ 1, 0, "index entry 0: moffset 9, length 100, expected within 8 to 108",
	  { ENTRY(0, 100, 9) } },
	{ 1, 0,
	  "index entry 0: moffset 36028797018963967, length 16383, expected within 8 to 108",
	  { ENTRY(0, 16383, LSMT_MOFFSET_MASK) } },
};

static void check_index_case(const struct index_case *c)
{
	struct obd_lsmt lsmt = {
		.nr_entries = c->nr,
		.index_offset = DATA_END * OBD_SECTOR_SIZE + 511,
	};
	struct lsmt_entry *entries = malloc(c->nr * sizeof(*entries));
	struct obd_error err = {};
	u32 i, kept = 0;
	int r;

	for (i = 0; i < c->nr; i++) {
		entries[i].where = cpu_to_le64(c->entries[i][0]);
		entries[i].what = cpu_to_le64(c->entries[i][1]);
	}
	r = obd_lsmt_check_index(&lsmt, entries, &err);
	assert_string_equal(err.text, c->text ?: "");
	assert_int_equal(r, c->text ? -EINVAL : 0);
	for (i = 0; !r && i < c->nr; i++) {
		if ((c->entries[i][0] & LSMT_OFFSET_MASK) == LSMT_OFFSET_MASK)
			continue;
		assert_int_equal(le64_to_cpu(entries[kept].where),
				 c->entries[i][0]);
		assert_int_equal(le64_to_cpu(entries[kept].what),
				 c->entries[i][1]);
		kept++;
	}
	assert_int_equal(kept, c->kept);
	assert_int_equal(lsmt.nr_entries, r ? c->nr : c->kept);
	free(entries);
}

/* What is not an entry of zeros, as it is in memory. */
#define TAGGED(offset, len, moffset, tag) {				\
	(u64)(offset) | (u64)(len) << LSMT_OFFSET_BITS,			\
	(u64)(moffset) | (u64)(tag) << LSMT_TAG_SHIFT			\
}

static void every_rule_of_the_index_is_checked(void **state)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(index_cases); i++)
		check_index_case(&index_cases[i]);
}

#define SPLIT_MAX	4

/* What of @nr entries stays, and what is in the target; or why not. */
static const struct split_case {
	u32 nr, kept, moved;
	u64 first_moved;
	const char *text;
	u64 entries[SPLIT_MAX][2];
} split_cases[] = {
	{ 3, 2, 1, 5, NULL, { TAGGED(0, 5, 8, 0), TAGGED(5, 5, 0, 1),
			      TAGGED(10, 5, 13, 0) } },
	/* Tags count from the smallest. */
	{ 3, 1, 2, 0, NULL, { TAGGED(0, 5, 1ULL << 40, 4), TAGGED(5, 5, 8, 3),
			      TAGGED(10, 5, 0, 4) } },
	/* Zeros are nowhere, whatever their tag; it may be the smallest all the same. */
	{ 2, 2, 0, 0, NULL, { ZEROED(0, 5), TAGGED(5, 5, 8, 2) } },
	{ 3, 2, 1, 10, NULL, { ZEROED(0, 5), TAGGED(5, 5, 8, 1),
			       TAGGED(10, 5, 8, 2) } },
	{ 2, 1, 1, 5, NULL, { TAGGED(0, 5, LSMT_ZEROED, 0),
			      TAGGED(5, 5, 1ULL << 40, 1) } },
	{ 2, 0, 0, 0, "index entry 1: tag is 2, expected 0 or 1",
	  { TAGGED(0, 5, LSMT_ZEROED, 0), TAGGED(5, 5, 8, 2) } },
	/* One tag alone is the lowest, whatever it is. */
	{ 1, 1, 0, 0, NULL, { TAGGED(0, 5, 8, 1) } },
	{ 1, 0, 0, 0, "index entry 0: moffset 1000, length 5, expected within",
	  { TAGGED(0, 5, 1000, 1) } },
	/* Nothing is asked of the place in the target, but all of that here. */
	{ 2, 0, 0, 0, "index entry 1 overlaps its predecessor",
	  { TAGGED(0, 5, 8, 0), TAGGED(4, 5, 8, 1) } },
	{ 2, 0, 0, 0, "index entry 1: length is 0",
	  { TAGGED(0, 5, 8, 0), TAGGED(5, 0, 8, 1) } },
	{ 2, 0, 0, 0, "index entry 1: tag is 2, expected 0 or 1",
	  { TAGGED(0, 5, 8, 0), TAGGED(5, 5, 8, 2) } },
	{ 2, 0, 0, 0, "index entry 0: tag is 255, expected 1 or 2",
	  { TAGGED(0, 5, 8, 255), TAGGED(5, 5, 8, 1) } },
};

static void take_entries(struct lsmt_entry *to, const u64 (*from)[2], u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		to[i].where = cpu_to_le64(from[i][0]);
		to[i].what = cpu_to_le64(from[i][1]);
	}
}

static void a_split_case(const struct split_case *c)
{
	struct obd_lsmt lsmt = {
		.nr_entries = c->nr,
		.index_offset = DATA_END * OBD_SECTOR_SIZE,
	};
	u32 size = c->nr * sizeof(struct lsmt_entry), moved = 99;
	struct lsmt_entry *entries = malloc(size), *target = malloc(size);
	struct obd_error err = {};
	int r;

	take_entries(entries, c->entries, c->nr);
	r = obd_lsmt_split_index(&lsmt, entries, target, &moved, &err);
	if (c->text) {
		assert_int_equal(r, -EINVAL);
		assert_non_null(strstr(err.text, c->text));
	} else {
		assert_int_equal(r, 0);
		assert_int_equal(lsmt.nr_entries, c->kept);
		assert_int_equal(moved, c->moved);
	}
	if (!r && moved)
		assert_int_equal(lsmt_entry_offset(target), c->first_moved);
	free(entries);
	free(target);
}

static void an_index_is_split_by_tags(void **state)
{
	u32 i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(split_cases); i++)
		a_split_case(&split_cases[i]);
}

static void a_target_holds_what_is_said(void **state)
{
	const u64 from[][2] = {
		TAGGED(0, 5, 95, 1), ZEROED(5, 5), TAGGED(10, 1, 0, 1),
	};
	struct lsmt_entry entries[3];
	struct obd_error err;

	(void)state;
	take_entries(entries, from, 3);
	assert_int_equal(obd_lsmt_check_target(entries, 3, 100, &err), 0);
	assert_int_equal(obd_lsmt_check_target(entries, 3, 99, &err), -EINVAL);
	assert_non_null(strstr(err.text, "index entry for sector 0: moffset 95"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_layer_is_parsed),
		cmocka_unit_test(every_field_is_checked),
		cmocka_unit_test(entries_are_bounded),
		cmocka_unit_test(endless_uuids_are_ended),
		cmocka_unit_test(every_rule_of_the_index_is_checked),
		cmocka_unit_test(an_index_is_split_by_tags),
		cmocka_unit_test(a_target_holds_what_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
