// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a trace: what the parser lets pass lies within its layers, and
 * is the same when it has been written and read again.
 */
#include "tests/fuzz/fixup.h"
#include "tools/trace-file.h"

#define SEED_LAYERS	3

static void fix_checksum(u8 *data, size_t size)
{
	struct trace_header *h = (void *)data;
	const size_t from = offsetof(struct trace_header, nr_layers);

	if (size >= sizeof(*h))
		h->crc = cpu_to_le32(~crc32c(~0U, data + from, size - from));
}

static size_t write_trace(const struct trace *trace, u8 *out, size_t max_size)
{
	size_t size;
	u8 *data;

	fuzz_assert(!trace_format(trace, &data, &size));
	if (size > max_size)
		size = 0;
	memcpy(out, data, size);
	free(data);
	return size;
}

/* A few layers, and ranges all over them. */
static size_t make_trace(u8 *out, size_t max_size, u32 seed)
{
	struct trace_layer layers[SEED_LAYERS] = { };
	struct trace trace = { .layers = layers, .nr_layers = SEED_LAYERS };
	size_t size;
	u32 i;

	for (i = 0; i < SEED_LAYERS; i++) {
		layers[i].data_bytes = 1ULL << (12 + seed % 20);
		layers[i].block_size = i ? 512 << i : 0;
	}
	for (i = 0; i < seed % 64; i++) {
		const struct trace_range range = {
			1 + i % 2, (seed ^ i * 7) % 100, 1 + i % 9,
		};

		trace_add(&trace, &range);
	}
	size = write_trace(&trace, out, max_size);
	free(trace.ranges);
	return size;
}

/* One mutation in sixteen is left with the checksum it has. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
			       unsigned int seed)
{
	if (size < sizeof(struct trace_header))
		return make_trace(data, max_size, seed);
	size = LLVMFuzzerMutate(data, size, max_size);
	if (size < sizeof(struct trace_header))
		return size;
	if (seed % 8)
		memcpy(data, &(struct trace_header) {
			.magic = TRACE_MAGIC,
			.version = cpu_to_le32(TRACE_VERSION),
		}, offsetof(struct trace_header, crc));
	if (seed % 16)
		fix_checksum(data, size);
	return size;
}

static void check_bounds(const struct trace *t)
{
	u32 i;

	fuzz_assert(t->nr_layers && t->nr_layers <= TRACE_MAX_LAYERS);
	fuzz_assert(t->nr_ranges <= TRACE_MAX_RANGES);
	for (i = 0; i < t->nr_ranges; i++) {
		const struct trace_range *r = &t->ranges[i];

		fuzz_assert(r->layer < t->nr_layers);
		fuzz_assert(r->count);
		fuzz_assert((u64)r->first + r->count <=
			    trace_blocks(&t->layers[r->layer]));
	}
}

/* Numbers have one form only: the bytes are the same but for the uuids. */
static void check_round_trip(const struct trace *t, size_t size)
{
	struct obd_error err;
	struct trace again;
	size_t written;
	u8 *data;

	fuzz_assert(!trace_format(t, &data, &written));
	fuzz_assert(written == size);
	fuzz_assert(!trace_parse(&again, data, written, &err));
	fuzz_assert(again.nr_ranges == t->nr_ranges);
	fuzz_assert(!t->nr_ranges ||
		    !memcmp(again.ranges, t->ranges,
			    t->nr_ranges * sizeof(*t->ranges)));
	trace_release(&again);
	free(data);
}

/* Normalised once is normalised for ever. */
static void check_normal(struct trace *t)
{
	u32 nr;

	fuzz_assert(!trace_normalise(t));
	check_bounds(t);
	nr = t->nr_ranges;
	fuzz_assert(!trace_normalise(t));
	fuzz_assert(t->nr_ranges == nr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct obd_error err = {};
	struct trace trace;
	int r;

	r = trace_parse(&trace, data, size, &err);
	fuzz_assert(r ? r < 0 && err.text[0] : !err.text[0]);
	if (!r) {
		check_bounds(&trace);
		check_round_trip(&trace, size);
		check_normal(&trace);
	}
	trace_release(&trace);
	return 0;
}
