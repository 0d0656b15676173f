// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tar wrapper: which headers are ustar, and what size they tell.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/blob-builder.h"
#include "dm-overlaybd-tar.h"

#define UNTOUCHED	4711

static void good_header(struct tar_header *tar)
{
	struct buffer blob = {}, archive = {};

	buffer_add_zeros(&blob, 1000);
	build_tar(&archive, &blob, TAR_USTAR);
	memcpy(tar, archive.data, sizeof(*tar));
	buffer_release(&blob);
	buffer_release(&archive);
}

static void ustar_is_recognised(void **state)
{
	struct tar_header tar;
	struct obd_error err;
	u64 size;

	(void)state;
	good_header(&tar);
	assert_true(obd_tar_recognised(&tar));
	assert_int_equal(obd_tar_size(&tar, &size, &err), 0);
	assert_int_equal(size, 1000);
}

static void names_do_not_matter(void **state)
{
	struct tar_header tar;

	(void)state;
	good_header(&tar);
	memset(tar.name, 0xff, sizeof(tar.name));
	memset(tar.prefix, 'p', sizeof(tar.prefix));
	tar_set_checksum(&tar);
	assert_true(obd_tar_recognised(&tar));
}

static void other_magics_are_not(void **state)
{
	static const char *const magics[] = {
		"ustar  ", "ustar ", "USTAR", "ustaR", "star\0\0", "\0ustar"
	};
	struct tar_header tar;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(magics); i++) {
		good_header(&tar);
		memcpy(tar.magic, magics[i], sizeof(tar.magic));
		tar_set_checksum(&tar);
		assert_false(obd_tar_recognised(&tar));
	}
}

static void every_changed_byte_breaks_the_checksum(void **state)
{
	struct tar_header tar;
	u8 *raw = (u8 *)&tar;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(tar); i++) {
		/* Of the checksum's own bytes the last is not read. */
		if (i == offsetof(struct tar_header, checksum) + 7)
			continue;
		good_header(&tar);
		raw[i] += 1;
		assert_false(obd_tar_recognised(&tar));
	}
}

static void checksum_may_be_written_in_many_ways(void **state)
{
	static const char *const forms[] = {
		"%06o", "%07o", "%08o", "%6o ", "%7o", "%8o", "%o ", "  %o"
	};
	struct tar_header tar;
	char text[16];
	size_t i;
	u32 sum;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(forms); i++) {
		good_header(&tar);
		sum = strtoul(tar.checksum, NULL, 8);
		memset(text, 0, sizeof(text));
		snprintf(text, sizeof(text), forms[i], sum);
		memcpy(tar.checksum, text, sizeof(tar.checksum));
		assert_true(obd_tar_recognised(&tar));
	}
}

/* Some old archivers summed signed characters; those blobs do not exist. */
static void checksum_must_be_a_number(void **state)
{
	static const char *const forms[] = {
		"", "       ", "9999999", "0x1234", "-000001", "12345678"
	};
	struct tar_header tar;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(forms); i++) {
		good_header(&tar);
		memset(tar.checksum, 0, sizeof(tar.checksum));
		memcpy(tar.checksum, forms[i], strlen(forms[i]));
		assert_false(obd_tar_recognised(&tar));
	}
}

struct size_case {
	const char *field;
	u32 len;
	s64 size;	/* negative: refused */
};

static void size_is_octal_or_refused(void **state)
{
	static const struct size_case cases[] = {
		{ "00000001750", 11, 1000 },
		{ "1750", 4, 1000 },
		{ "   1750 ", 8, 1000 },
		{ "1750 garbage", 12, 1000 },
		{ "00000000000", 11, 0 },
		{ "777777777777", 12, 0777777777777 },
		{ "000000000017", 12, 15 },
		{ "", 0, -1 },
		{ "            ", 12, -1 },
		{ "00000001759", 11, -1 },
		{ "0x000000010", 11, -1 },
		{ "-0000000001", 11, -1 },
		{ "1750garbage", 11, -1 },
		{ "\x80\0\0\0\0\0\0\0\0\0\x03\xe8", 12, -1 },
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12, -1 },
	};
	struct tar_header tar;
	struct obd_error err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct size_case *c = &cases[i];
		u64 size = UNTOUCHED;
		int r;

		good_header(&tar);
		memset(tar.size, 0, sizeof(tar.size));
		memcpy(tar.size, c->field, c->len);
		r = obd_tar_size(&tar, &size, &err);
		assert_int_equal(r, c->size < 0 ? -EINVAL : 0);
		assert_int_equal(size, c->size < 0 ? UNTOUCHED : c->size);
		if (r)
			assert_string_equal(err.text,
					    "tar header: size is not an octal number");
	}
}

/* The records in exactly as much memory as they need, for ASan to watch. */
static int pax_size(const char *text, u64 *size, struct obd_error *err)
{
	u32 len = strlen(text);
	char *records = malloc(len + !len);
	int r;

	assert_non_null(records);
	memcpy(records, text, len);
	*size = UNTOUCHED;
	r = obd_tar_pax_size(records, len, size, err);
	free(records);
	return r;
}

static void pax_size_is_found(void **state)
{
	static const struct size_case cases[] = {
		{ "13 size=1234\n", 0, 1234 },
		{ "10 size=0\n", 0, 0 },
		{ "013 size=123\n", 0, 123 },
		{ "28 size=9223372036854775807\n", 0, INT64_MAX },
		{ "11 path=ab\n12 size=123\n", 0, 123 },
		{ "12 size=123\n11 path=ab\n", 0, 123 },
		{ "12 size=123\n12 size=456\n", 0, 456 },
		{ "30 mtime=1350244992.023960108\n12 size=123\n", 0, 123 },
		{ "22 comment=12 size=77\n", 0, UNTOUCHED },
		{ "13 sizes=123\n", 0, UNTOUCHED },
		{ "14 xsize=1234\n", 0, UNTOUCHED },
		{ "11 size123\n", 0, UNTOUCHED },
		{ "3 \n", 0, UNTOUCHED },
		{ "", 0, UNTOUCHED },
	};
	struct obd_error err;
	size_t i;
	u64 size;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(pax_size(cases[i].field, &size, &err), 0);
		assert_int_equal(size, cases[i].size);
	}
}

static void pax_value_must_be_decimal(void **state)
{
	static const char *const records[] = {
		"8 size=\n", "13 size=12a4\n", "13 size=0x12\n",
		"13 size=-123\n", "13 size= 123\n", "13 size=123 \n",
		"14 size=12 34\n", "12 size=1.2\n",
		"29 size=18446744073709551616\n",
		"30 size=184467440737095516150\n",
		"12 size=123\n13 size=12x4\n",
	};
	struct obd_error err;
	size_t i;
	u64 size;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(records); i++) {
		assert_int_equal(pax_size(records[i], &size, &err), -EINVAL);
		assert_string_equal(err.text,
				    "PAX header: size is not a decimal number");
	}
}

static void pax_value_may_hold_no_nul(void **state)
{
	const char record[] = "13 size=12\0" "4\n";
	u64 size = UNTOUCHED;
	struct obd_error err;

	(void)state;
	assert_int_equal(obd_tar_pax_size(record, 13, &size, &err), -EINVAL);
	assert_int_equal(size, UNTOUCHED);
}

static void pax_record_length_is_bounded(void **state)
{
	static const char *const records[] = {
		"12", "size=123\n", "x2 size=123\n", " 12 size=123\n",
		"0 size=123\n", "1 size=123\n", "2 size=123\n",
		"3 size=123\n", "11 size=123\n", "13 size=123\n",
		"12 size=1234", "99999999 size=123\n", "-12 size=123\n",
		"4294967308 size=123\n", "18446744073709551628 size=123\n",
		"12 size=123\n\n", "12 size=123\n12 size=1", "12\tsize=123\n",
		"\n", " ", "  \n",
	};
	struct obd_error err;
	size_t i;
	u64 size;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(records); i++) {
		assert_int_equal(pax_size(records[i], &size, &err), -EINVAL);
		assert_string_equal(err.text,
				    "PAX header: a record's length is wrong");
	}
}

/* A record cut off at any byte is refused, and nothing behind it is read. */
static void truncated_records_are_refused(void **state)
{
	const char all[] = "30 mtime=1350244992.023960108\n12 size=123\n";
	struct obd_error err;
	char text[64];
	u64 size;
	u32 i;

	(void)state;
	for (i = 1; i < sizeof(all) - 1; i++) {
		snprintf(text, sizeof(text), "%.*s", (int)i, all);
		assert_int_equal(pax_size(text, &size, &err),
				 i == 30 ? 0 : -EINVAL);
		assert_int_equal(size, UNTOUCHED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ustar_is_recognised),
		cmocka_unit_test(names_do_not_matter),
		cmocka_unit_test(other_magics_are_not),
		cmocka_unit_test(every_changed_byte_breaks_the_checksum),
		cmocka_unit_test(checksum_may_be_written_in_many_ways),
		cmocka_unit_test(checksum_must_be_a_number),
		cmocka_unit_test(size_is_octal_or_refused),
		cmocka_unit_test(pax_size_is_found),
		cmocka_unit_test(pax_value_must_be_decimal),
		cmocka_unit_test(pax_value_may_hold_no_nul),
		cmocka_unit_test(pax_record_length_is_bounded),
		cmocka_unit_test(truncated_records_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
