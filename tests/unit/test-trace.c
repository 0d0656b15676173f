// SPDX-License-Identifier: GPL-2.0-only
/*
 * Traces: what is kept of the reads, what is written is read again, and what
 * is no trace is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/said.h"
#include "tests/unit/test.h"
#include "tools/commands.h"
#include "tools/message.h"
#include "tools/trace.h"

#define LAYERS		4
#define BLOCKS		64		/* of each layer, as the model has it */
#define BLOCK_SIZE	4096

/* All layers differ, and the last block of each is not a whole one. */
static void make_layers(struct trace *trace, u32 nr, u64 blocks)
{
	u32 i;

	*trace = (struct trace) { .nr_layers = nr };
	trace->layers = calloc(nr, sizeof(*trace->layers));
	assert_non_null(trace->layers);
	for (i = 0; i < nr; i++) {
		trace->layers[i] = (struct trace_layer) {
			.bytes = 1000 + i,
			.data_bytes = (blocks - 1) * BLOCK_SIZE + 1,
			.block_size = BLOCK_SIZE,
			.table_crc = 0xfedcba98 + i,
		};
		sprintf(trace->layers[i].uuid,
			"01234567-89ab-cdef-0123-%012u", i);
	}
}

static void add(struct trace *trace, u32 layer, u32 first, u32 count)
{
	const struct trace_range range = { layer, first, count };

	assert_int_equal(trace_add(trace, &range), 0);
}

static void expect_ranges(const struct trace *trace,
			  const struct trace_range *ranges, u32 nr)
{
	u32 i;

	assert_int_equal(trace->nr_ranges, nr);
	for (i = 0; i < nr; i++) {
		assert_int_equal(trace->ranges[i].layer, ranges[i].layer);
		assert_int_equal(trace->ranges[i].first, ranges[i].first);
		assert_int_equal(trace->ranges[i].count, ranges[i].count);
	}
}

static void expect_equal(const struct trace *a, const struct trace *b)
{
	u32 i;

	assert_int_equal(a->nr_layers, b->nr_layers);
	for (i = 0; i < a->nr_layers; i++)
		assert_true(trace_layer_equal(&a->layers[i], &b->layers[i]));
	expect_ranges(a, b->ranges, b->nr_ranges);
}

static void round_trip(const struct trace *trace)
{
	struct obd_error err;
	struct trace again;
	size_t size;
	u8 *data;

	assert_int_equal(trace_format(trace, &data, &size), 0);
	assert_int_equal(trace_parse(&again, data, size, &err), 0);
	expect_equal(&again, trace);
	trace_release(&again);
	free(data);
}

static void layers_tell_differences(void **state)
{
	struct trace t;

	(void)state;
	make_layers(&t, 2, BLOCKS);
	assert_false(trace_layer_equal(&t.layers[0], &t.layers[1]));
	t.layers[1] = t.layers[0];
	assert_true(trace_layer_equal(&t.layers[0], &t.layers[1]));
	t.layers[1].uuid[35] = 'x';
	assert_false(trace_layer_equal(&t.layers[0], &t.layers[1]));
	t.layers[1] = t.layers[0];
	t.layers[1].table_crc++;
	assert_false(trace_layer_equal(&t.layers[0], &t.layers[1]));
	t.layers[1] = t.layers[0];
	t.layers[1].bytes++;
	assert_false(trace_layer_equal(&t.layers[0], &t.layers[1]));
	trace_release(&t);
}

static void ranges_stay_within_their_layer(void **state)
{
	static const struct trace_range bad[] = {
		{ LAYERS, 0, 1 }, { ~0U, 0, 1 }, { 0, 0, 0 },
		{ 0, BLOCKS, 1 }, { 0, 0, BLOCKS + 1 }, { 0, 1, BLOCKS },
		{ 0, ~0U, 2 }, { 0, 1, ~0U }, { 3, 0, 1 },
	};
	struct trace t;
	size_t i;

	(void)state;
	make_layers(&t, LAYERS, BLOCKS);
	t.layers[3].block_size = 0;	/* not compressed */
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(trace_add(&t, &bad[i]), -ERANGE);
	assert_int_equal(t.nr_ranges, 0);
	add(&t, 0, 0, BLOCKS);
	add(&t, 2, BLOCKS - 1, 1);
	round_trip(&t);
	trace_release(&t);
}

static void the_largest_layer_is_all_there(void **state)
{
	const struct trace_range all = { 0, 0, TRACE_MAX_BLOCKS };
	struct trace t;

	(void)state;
	make_layers(&t, 1, TRACE_MAX_BLOCKS);
	assert_int_equal(trace_blocks(&t.layers[0]), TRACE_MAX_BLOCKS);
	add(&t, 0, TRACE_MAX_BLOCKS - 1, 1);
	add(&t, 0, 0, TRACE_MAX_BLOCKS - 1);
	round_trip(&t);
	add(&t, 0, 0, TRACE_MAX_BLOCKS);
	assert_int_equal(trace_normalise(&t), 0);
	assert_int_equal(t.nr_ranges, 2);
	round_trip(&t);
	t.nr_ranges = 0;
	add(&t, 0, 0, TRACE_MAX_BLOCKS);
	assert_int_equal(trace_normalise(&t), 0);
	expect_ranges(&t, &all, 1);
	round_trip(&t);
	t.layers[0].data_bytes += BLOCK_SIZE;
	assert_int_equal(trace_blocks(&t.layers[0]), 0);
	trace_release(&t);
}

static void only_first_uses_are_kept(void **state)
{
	static const struct trace_range wanted[] = {
		{ 0, 10, 10 }, { 1, 10, 5 }, { 0, 5, 5 }, { 0, 20, 5 },
		{ 2, 0, 4 },
	};
	struct trace t;

	(void)state;
	make_layers(&t, LAYERS, BLOCKS);
	add(&t, 0, 10, 4);
	add(&t, 0, 14, 6);	/* a neighbour */
	add(&t, 0, 12, 3);	/* all known */
	add(&t, 1, 10, 5);
	add(&t, 0, 5, 20);	/* on both sides of what is known */
	add(&t, 2, 0, 2);
	add(&t, 0, 5, 1);
	add(&t, 2, 2, 2);
	assert_int_equal(trace_normalise(&t), 0);
	expect_ranges(&t, wanted, ARRAY_SIZE(wanted));
	round_trip(&t);
	trace_release(&t);
}

static void an_empty_trace_is_one(void **state)
{
	struct trace t;

	(void)state;
	make_layers(&t, TRACE_MAX_LAYERS, BLOCKS);
	assert_int_equal(trace_normalise(&t), 0);
	round_trip(&t);
	trace_release(&t);
}

static void add_random(struct trace *t, u64 *random, u32 nr)
{
	while (nr--) {
		u32 first = random_below(random, BLOCKS);

		add(t, random_below(random, LAYERS), first,
		    1 + random_below(random, BLOCKS - first));
	}
}

/* Block by block: what is new, one behind the other. */
static void model(struct trace *out, const struct trace *in)
{
	bool seen[LAYERS][BLOCKS] = { };
	struct trace_range *last;
	u32 i, block;

	make_layers(out, LAYERS, BLOCKS);
	for (i = 0; i < in->nr_ranges; i++) {
		const struct trace_range *r = &in->ranges[i];

		for (block = r->first; block < r->first + r->count; block++) {
			if (seen[r->layer][block])
				continue;
			seen[r->layer][block] = true;
			last = out->ranges + out->nr_ranges - !!out->nr_ranges;
			if (out->nr_ranges && last->layer == r->layer &&
			    last->first + last->count == block)
				last->count++;
			else
				add(out, r->layer, block, 1);
		}
	}
}

static void random_traces_are_as_the_model_says(void **state)
{
	u64 random = test_seed();
	struct trace t, wanted;
	int i;

	(void)state;
	for (i = 0; i < 2000; i++) {
		make_layers(&t, LAYERS, BLOCKS);
		add_random(&t, &random, random_below(&random, 40));
		round_trip(&t);
		model(&wanted, &t);
		assert_int_equal(trace_normalise(&t), 0);
		expect_equal(&t, &wanted);
		round_trip(&t);
		trace_release(&t);
		trace_release(&wanted);
	}
}

/* Bytes of a small trace, in memory that ends where they do. */
static u8 *sample(size_t *size)
{
	u64 random = test_seed();
	struct trace t;
	u8 *data;

	make_layers(&t, LAYERS, BLOCKS);
	add_random(&t, &random, 20);
	assert_int_equal(trace_format(&t, &data, size), 0);
	trace_release(&t);
	data = realloc(data, *size);
	assert_non_null(data);
	return data;
}

/* As whoever wants to mislead the parser would. */
static void fix_checksum(u8 *data, size_t size)
{
	struct trace_header *h = (void *)data;
	const size_t from = offsetof(struct trace_header, nr_layers);

	h->crc = cpu_to_le32(~crc32c(~0U, data + from, size - from));
}

static int parse(const u8 *data, size_t size, struct obd_error *err)
{
	struct trace t;
	u32 i;
	int r;

	*err = (struct obd_error) {};
	r = trace_parse(&t, data, size, err);
	assert_int_equal(!r, !*err->text);
	for (i = 0; !r && i < t.nr_ranges; i++) {
		const struct trace_range *range = &t.ranges[i];

		assert_true(range->layer < t.nr_layers);
		assert_true(range->count);
		assert_true((u64)range->first + range->count <=
			    trace_blocks(&t.layers[range->layer]));
	}
	trace_release(&t);
	return r;
}

static void expect_refusal(const u8 *data, size_t size, int wanted,
			   const char *reason)
{
	struct obd_error err;

	assert_int_equal(parse(data, size, &err), wanted);
	if (!strstr(err.text, reason))
		fail_msg("expected '%s' in '%s'", reason, err.text);
}

/* With the old checksum, and with one that fits. */
static void every_truncation_is_refused(void **state)
{
	struct obd_error err;
	size_t size, cut;
	u8 *data = sample(&size);

	(void)state;
	for (cut = 0; cut < size; cut++) {
		u8 *part = malloc(cut + !cut);

		assert_non_null(part);
		memcpy(part, data, cut);
		assert_int_not_equal(parse(part, cut, &err), 0);
		if (cut >= sizeof(struct trace_header)) {
			fix_checksum(part, cut);
			assert_int_equal(parse(part, cut, &err), -EINVAL);
		}
		free(part);
	}
	free(data);
}

static void what_follows_is_refused(void **state)
{
	size_t size;
	u8 *data = sample(&size);

	(void)state;
	data = realloc(data, size + 1);
	assert_non_null(data);
	data[size] = 0;
	expect_refusal(data, size + 1, -EBADMSG, "its checksum is");
	fix_checksum(data, size + 1);
	expect_refusal(data, size + 1, -EINVAL, "1 bytes follow");
	free(data);
}

static void every_flipped_bit_is_found(void **state)
{
	struct obd_error err;
	size_t size, bit;
	u8 *data = sample(&size);

	(void)state;
	for (bit = 0; bit < 8 * size; bit++) {
		data[bit / 8] ^= 1 << bit % 8;
		assert_int_not_equal(parse(data, size, &err), 0);
		/* Whatever comes of it: it is within bounds, or refused. */
		fix_checksum(data, size);
		parse(data, size, &err);
		data[bit / 8] ^= 1 << bit % 8;
		fix_checksum(data, size);
	}
	assert_int_equal(parse(data, size, &err), 0);
	free(data);
}

static void expect_counts_refused(u32 nr_layers, u32 nr_ranges,
				  const char *reason)
{
	size_t size;
	u8 *data = sample(&size);
	struct trace_header *h = (void *)data;

	h->nr_layers = cpu_to_le32(nr_layers);
	h->nr_ranges = cpu_to_le32(nr_ranges);
	fix_checksum(data, size);
	expect_refusal(data, size, -EINVAL, reason);
	free(data);
}

static void oversized_counts_are_refused(void **state)
{
	(void)state;
	expect_counts_refused(0, 20, "nr_layers is 0, expected 1 to");
	expect_counts_refused(LAYERS + 2, 20, "nr_layers is 6, expected 1 to");
	expect_counts_refused(256, 20, "nr_layers is 256");
	expect_counts_refused(~0U, 20, "nr_layers is 4294967295");
	expect_counts_refused(LAYERS, 1000, "nr_ranges is 1000");
	expect_counts_refused(LAYERS, ~0U, "nr_ranges is 4294967295");
	expect_counts_refused(LAYERS, 21, "nr_ranges is 21, expected 20");
	expect_counts_refused(LAYERS, 19, "bytes follow behind the last");
}

static void fields_are_checked(void **state)
{
	size_t size;
	u8 *data = sample(&size);
	struct trace_header *h = (void *)data;
	struct trace_layer_record *layers = (void *)(h + 1);

	(void)state;
	h->version = cpu_to_le32(2);
	expect_refusal(data, size, -EOPNOTSUPP, "its version is 2, expected 1");
	h->version = cpu_to_le32(1);
	layers[1].reserved[2] = 1;
	fix_checksum(data, size);
	expect_refusal(data, size, -EINVAL, "layer 1: reserved bytes");
	layers[1].reserved[2] = 0;
	layers[2].data_bytes = cpu_to_le64(~0ULL);
	fix_checksum(data, size);
	expect_refusal(data, size, -EINVAL, "layer 2: 18446744073709551615");
	h->magic[0] ^= 1;
	expect_refusal(data, size, -EINVAL, "it is no trace");
	free(data);
}

/* A range by hand: @bytes in place of what a trace of one range has there. */
static void expect_range(const char *bytes, size_t len, int wanted)
{
	u8 data[sizeof(struct trace_header) +
		sizeof(struct trace_layer_record) + 64];
	struct obd_error err;
	struct trace t;
	size_t size;
	u8 *from;

	make_layers(&t, 1, BLOCKS);
	add(&t, 0, 0, 1);
	assert_int_equal(trace_format(&t, &from, &size), 0);
	assert_int_equal(size, sizeof(data) - 64 + 3);
	memcpy(data, from, size - 3);
	memcpy(data + size - 3, bytes, len);
	fix_checksum(data, size - 3 + len);
	assert_int_equal(parse(data, size - 3 + len, &err), wanted);
	free(from);
	trace_release(&t);
}

static void numbers_are_checked(void **state)
{
	(void)state;
	expect_range("\0\0\0", 3, 0);
	expect_range("\0\176\0", 3, 0);			/* block 63 */
	expect_range("\0\200\1\0", 4, -EINVAL);		/* block 64 */
	expect_range("\0\1\0", 3, -EINVAL);		/* block -1 */
	expect_range("\2\0\0", 3, -EINVAL);		/* layer 1 */
	expect_range("\1\0\0", 3, -EINVAL);		/* layer -1 */
	expect_range("\0\0\77", 3, 0);			/* 64 blocks */
	expect_range("\0\0\100", 3, -EINVAL);		/* 65 */
	expect_range("\0\200\0\0", 4, -EINVAL);		/* a byte too long */
	expect_range("\0\0\377\377\377\377\377\377\377\377\377\1", 12,
		     -EINVAL);				/* 2^64 blocks */
	expect_range("\0\0\377\377\377\377\377\377\377\377\377\2", 12,
		     -EINVAL);				/* beyond 64 bits */
	expect_range("\0\377\377\377\377\377\377\377\377\377\1\0", 12,
		     -EINVAL);				/* the lowest number */
	expect_range("\377\377\377\377\377\377\377\377\377\1\0\0", 12,
		     -EINVAL);
}

static void layers_are_found_at_other_places(void **state)
{
	static const struct trace_range wanted[] = {
		{ 2, 1, 2 }, { 0, 3, 4 },
	};
	struct trace t, here;

	(void)state;
	make_layers(&t, 3, BLOCKS);
	make_layers(&here, LAYERS, BLOCKS);
	swap(here.layers[0], here.layers[2]);
	here.layers[1].bytes++;
	add(&t, 0, 1, 2);
	add(&t, 1, 0, 1);
	add(&t, 2, 3, 4);
	*said = '\0';
	assert_int_equal(trace_match(&t, &here, "file", "name"), EXIT_OK);
	expect_ranges(&t, wanted, ARRAY_SIZE(wanted));
	assert_non_null(strstr(said, "warning: file: of its 3 layers name has only 2: 1 of 3 ranges"));
	trace_release(&t);
	trace_release(&here);
}

static void one_of_two_equal_layers_stays_in_place(void **state)
{
	struct trace t, here;

	(void)state;
	make_layers(&t, 2, BLOCKS);
	make_layers(&here, 2, BLOCKS);
	t.layers[1] = t.layers[0];
	here.layers[1] = here.layers[0];
	add(&t, 1, 0, 1);
	*said = '\0';
	assert_int_equal(trace_match(&t, &here, "file", "name"), EXIT_OK);
	assert_int_equal(t.ranges[0].layer, 1);
	assert_string_equal(said, "");
	trace_release(&t);
	trace_release(&here);
}

static void other_layers_are_refused(void **state)
{
	struct trace t, here;

	(void)state;
	make_layers(&t, 2, BLOCKS);
	make_layers(&here, 2, BLOCKS);
	here.layers[0].uuid[0] = 'x';
	add(&t, 0, 0, 1);
	assert_int_equal(trace_match(&t, &here, "file", "name"), EXIT_FAILED);
	assert_non_null(strstr(said, "file is a trace of other layers: of its 2 layers name has 1"));
	here.layers[1].uuid[0] = 'x';
	t.nr_ranges = 0;
	assert_int_equal(trace_match(&t, &here, "file", "name"), EXIT_FAILED);
	trace_release(&t);
	trace_release(&here);
}

static void answers_are_taken_apart(void **state)
{
	static const struct trace_range wanted[] = {
		{ 0, 5, 2 }, { 3, 0, 1 },
	};
	struct recording rec;
	struct trace t;

	(void)state;
	make_layers(&t, LAYERS, BLOCKS);
	assert_int_equal(recording_parse(&rec, &t, "7 2 1\n0 5 2\n3 0 1\n"),
			 0);
	assert_int_equal(rec.nr, 7);
	assert_int_equal(rec.dropped, 2);
	assert_true(rec.running);
	expect_ranges(&t, wanted, ARRAY_SIZE(wanted));
	assert_int_equal(recording_parse(&rec, &t, "7 2 0"), 0);
	assert_false(rec.running);
	expect_ranges(&t, wanted, ARRAY_SIZE(wanted));
	assert_int_equal(recording_parse(&rec, &t, ""), -EINVAL);
	assert_int_equal(recording_parse(&rec, &t, "1 2"), -EINVAL);
	assert_int_equal(recording_parse(&rec, &t, "1 0 0\n0 1"), -EINVAL);
	assert_int_equal(recording_parse(&rec, &t, "1 0 0\nx"), -EINVAL);
	assert_int_equal(recording_parse(&rec, &t, "1 0 0\n9 0 1"), -ERANGE);
	trace_release(&t);
}

static void times_are_taken_apart(void **state)
{
	struct load_times times;

	(void)state;
	assert_true(times_parse(&times, "layers 255 shared 3 open_us 1234 "
				"merge_us 456 map partial"));
	assert_int_equal(times.layers, 255);
	assert_int_equal(times.shared, 3);
	assert_int_equal(times.open_us, 1234);
	assert_int_equal(times.merge_us, 456);
	assert_string_equal(times.map, "partial");
	assert_true(times_parse(&times, "map shared new 1 layers 1 shared 1 "
				"open_us 0 merge_us 0\n"));
	assert_string_equal(times.map, "shared");
	assert_false(times_parse(&times, "layers 255 shared 3 open_us 1234"));
	assert_false(times_parse(&times, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layers_tell_differences),
		cmocka_unit_test(ranges_stay_within_their_layer),
		cmocka_unit_test(the_largest_layer_is_all_there),
		cmocka_unit_test(only_first_uses_are_kept),
		cmocka_unit_test(an_empty_trace_is_one),
		cmocka_unit_test(random_traces_are_as_the_model_says),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(what_follows_is_refused),
		cmocka_unit_test(every_flipped_bit_is_found),
		cmocka_unit_test(oversized_counts_are_refused),
		cmocka_unit_test(fields_are_checked),
		cmocka_unit_test(numbers_are_checked),
		cmocka_unit_test(layers_are_found_at_other_places),
		cmocka_unit_test(one_of_two_equal_layers_stays_in_place),
		cmocka_unit_test(other_layers_are_refused),
		cmocka_unit_test(answers_are_taken_apart),
		cmocka_unit_test(times_are_taken_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
