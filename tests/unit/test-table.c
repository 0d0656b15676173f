// SPDX-License-Identifier: GPL-2.0-only
/*
 * Table and status lines: what the program writes it reads again, and what the
 * kernel would not write is refused.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/said.h"
#include "tools/commands.h"
#include "tools/counters.h"
#include "tools/table.h"

static int parse(struct table *table, const char *text)
{
	char *copy = strdup(text);
	int r;

	*said = '\0';
	r = table_parse(table, copy);
	free(copy);
	return r;
}

/* Read and written again it must be the same. */
static void good(struct table *table, const char *text)
{
	char *again;

	if (parse(table, text))
		fail_msg("refused: %s", said);
	again = table_format(table);
	assert_string_equal(again, text);
	free(again);
}

static void bad(const char *text)
{
	struct table table;

	assert_int_equal(parse(&table, text), EXIT_FAILED);
	assert_non_null(strstr(said, "is not of this version"));
	table_release(&table);
}

static void lowers_only(void **state)
{
	struct table t;

	(void)state;
	good(&t, "6 lower 7:0 4096 lower 7:1 8193");
	assert_int_equal(t.nr, 2);
	assert_string_equal(t.layers[1].dev, "7:1");
	assert_int_equal(t.layers[1].bytes, 8193);
	assert_null(t.upper.data);
	assert_int_equal(t.options, 0);
	table_release(&t);
}

static void upper_is_the_last(void **state)
{
	struct table t;

	(void)state;
	good(&t, "6 lower 7:0 4096 upper 7:1 7:2");
	assert_int_equal(t.nr, 1);
	assert_string_equal(t.upper.data, "7:1");
	assert_string_equal(t.upper.index, "7:2");
	table_release(&t);
	good(&t, "3 upper 7:1 7:2");
	assert_int_equal(t.nr, 0);
	table_release(&t);
	bad("6 upper 7:1 7:2 lower 7:0 4096");
	bad("3 upper 7:1");
	bad("3 upper");
	bad("3 middle 7:1 7:2");
}

static void turbo_layers_are_two(void **state)
{
	struct table t;

	(void)state;
	good(&t, "17 lower 7:0 1 turbo 7:1 2 7:2 3 7:3 4 turbo 7:4 5 7:5 6 - 0");
	assert_int_equal(t.nr, 5);
	assert_int_equal(t.layers[1].kind, LAYER_TURBO);
	assert_int_equal(t.layers[2].kind, LAYER_GZIP);
	assert_string_equal(t.layers[2].dev, "7:2");
	assert_string_equal(t.layers[2].index, "7:3");
	assert_int_equal(t.layers[2].index_bytes, 4);
	assert_int_equal(t.layers[4].kind, LAYER_RAW);
	assert_int_equal(t.layers[4].bytes, 6);
	assert_null(t.layers[4].index);
	table_release(&t);
	good(&t, "10 turbo 7:1 2 7:2 3 7:3 4 upper 7:6 7:7 1 no_cache");
	table_release(&t);
	bad("6 turbo 7:1 2 7:2 3 7:3");
	bad("7 turbo 7:1 2 7:2 3 7:3 x");
	bad("3 turbo 7:1 2");
	bad("10 upper 7:6 7:7 turbo 7:1 2 7:2 3 7:3 4");
}

static void options_are_counted_in_words(void **state)
{
	struct table t;

	(void)state;
	good(&t, "3 upper 7:1 7:2 2 low_water 2048");
	assert_int_equal(t.low_water, 2048);
	table_release(&t);
	good(&t, "3 upper 7:1 7:2 4 no_verify no_cache low_water 1");
	assert_int_equal(t.options,
			 1 << TABLE_NO_VERIFY | 1 << TABLE_NO_CACHE);
	table_release(&t);
	good(&t, "3 lower 7:1 5 1 no_cache");
	table_release(&t);
	bad("3 upper 7:1 7:2 1 low_water");
	bad("3 upper 7:1 7:2 2 low_water much");
	/* Of a later version. */
	assert_int_equal(parse(&t, "3 upper 7:1 7:2 2 swift no_cache"),
			 EXIT_OK);
	assert_int_equal(t.options, 1 << TABLE_NO_CACHE);
	table_release(&t);
}

/* To be freed. */
static char *many_layers(unsigned int nr, const char *rest)
{
	char *text = NULL;
	unsigned int i;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fprintf(out, "%u", 3 * nr + (*rest ? 3 : 0));
	for (i = 0; i < nr; i++)
		fprintf(out, " lower 7:%u %u", i, i);
	fputs(rest, out);
	fclose(out);
	return text;
}

static void the_number_of_layers_is_bounded(void **state)
{
	char *most = many_layers(254, " upper 8:1 8:2");
	char *more = many_layers(256, "");
	struct table t;

	(void)state;
	good(&t, most);
	assert_int_equal(t.nr, 254);
	assert_string_equal(t.layers[253].dev, "7:253");
	table_release(&t);
	bad(more);
	bad("0");
	bad("");
	bad("4 lower 7:0 1 1");
	free(most);
	free(more);
}

static void blanks_in_paths_are_escaped(void **state)
{
	struct table t = {
		.upper = { .data = "/a b", .index = "/c\\d" },
	};
	char *text = table_format(&t);

	(void)state;
	assert_string_equal(text, "3 upper /a\\ b /c\\\\d");
	free(text);
}

static void low_water_is_whole_sectors(void **state)
{
	uint64_t sectors;

	(void)state;
	assert_true(table_low_water("1M", &sectors));
	assert_int_equal(sectors, 2048);
	assert_true(table_low_water("512", &sectors));
	assert_int_equal(sectors, 1);
	assert_false(table_low_water("0", &sectors));
	assert_false(table_low_water("513", &sectors));
	assert_false(table_low_water("-512", &sectors));
	assert_false(table_low_water("", &sectors));
}

#define COUNTERS	"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21"

static void status_of_an_upper(void **state)
{
	uint64_t counts[NR_COUNTERS];
	struct upper_status s;

	(void)state;
	assert_int_equal(counters_parse(counts, COUNTERS, "x"), EXIT_OK);
	assert_int_equal(counts[COUNTER_UNVERIFIED], 21);
	assert_int_equal(upper_status_parse(&s, COUNTERS
					    " rw 22 23 24 25 26 27 28 29 30",
					    "x"), EXIT_OK);
	assert_string_equal(s.mode, "rw");
	assert_int_equal(s.counts[UPPER_EXTENTS], 22);
	assert_int_equal(s.counts[UPPER_USED_SECTORS], 24);
	assert_int_equal(s.counts[UPPER_LOG_SLOTS], 27);
	assert_int_equal(s.counts[UPPER_COMPACTIONS], 30);
	assert_int_equal(upper_status_parse(&s, COUNTERS
					    " failed 1 2 3 4 5 6 7 8 9 10",
					    "x"), EXIT_OK);
	assert_string_equal(s.mode, "failed");
}

static void short_status_is_refused(void **state)
{
	uint64_t counts[NR_COUNTERS];
	struct upper_status s;

	(void)state;
	*said = '\0';
	assert_int_equal(counters_parse(counts, "1 2 3", "x"), EXIT_FAILED);
	assert_non_null(strstr(said, "x: the status line '1 2 3' lacks"));
	assert_int_equal(upper_status_parse(&s, COUNTERS, "x"), EXIT_FAILED);
	assert_int_equal(upper_status_parse(&s, COUNTERS " rw", "x"),
			 EXIT_FAILED);
	assert_int_equal(upper_status_parse(&s, COUNTERS
					    " rw 1 2 3 4 5 6 7 8", "x"),
			 EXIT_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lowers_only),
		cmocka_unit_test(upper_is_the_last),
		cmocka_unit_test(turbo_layers_are_two),
		cmocka_unit_test(options_are_counted_in_words),
		cmocka_unit_test(the_number_of_layers_is_bounded),
		cmocka_unit_test(blanks_in_paths_are_escaped),
		cmocka_unit_test(low_water_is_whole_sectors),
		cmocka_unit_test(status_of_an_upper),
		cmocka_unit_test(short_status_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
