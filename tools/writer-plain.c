// SPDX-License-Identifier: GPL-2.0-only
/*
 * Write a blob without compression.
 */
#include "tools/workers.h"
#include "tools/writer-plain.h"

#define CHUNK_BYTES	(1U << 20)

struct copy {
	const struct output *out;
	u64 start;
	const struct source *source;
	struct progress *progress;
};

static int copy_chunk(void *ctx, unsigned int thread, u64 item, void *slot,
		      struct obd_error *err)
{
	const struct copy *copy = ctx;
	u64 pos = item * CHUNK_BYTES;
	u64 len = min_t(u64, CHUNK_BYTES, copy->source->size - pos);

	(void)thread;
	return copy->source->read(copy->source->ctx, pos, slot, len, err) ?:
	       output_write(copy->out, copy->start + pos, slot, len, err);
}

static int count_chunk(void *ctx, u64 item, void *slot, struct obd_error *err)
{
	struct copy *copy = ctx;

	(void)item;
	(void)slot;
	(void)err;
	progress_add(copy->progress, CHUNK_BYTES);
	return 0;
}

int plain_write(const struct output *out, u64 start,
		const struct source *source, unsigned int nr_threads,
		struct progress *progress, struct obd_error *err)
{
	struct copy copy = { out, start, source, progress };
	const struct work work = {
		.nr_items = DIV_ROUND_UP(source->size, CHUNK_BYTES),
		.nr_threads = nr_threads,
		.slot_size = CHUNK_BYTES,
		.ctx = &copy,
		.work = copy_chunk,
		.finish = count_chunk,
	};

	return work_run(&work, err);
}
