// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compress into a ZFile.
 */
#include "dm-overlaybd-format.h"
#include "tools/workers.h"
#include "tools/writer-zfile.h"

/*
 * What a thread compresses at a time. Part of what makes the output
 * reproducible: a compressor's memory begins anew with each such piece.
 */
#define PIECE_BYTES	(2U << 20)

struct writer {
	const struct output *out;
	u64 start;
	const struct source *source;
	const struct zfile_options *options;
	struct progress *progress;
	u32 blocks_per_piece;
	u64 nr_blocks;
	u64 nr_written;		/* blocks */
	u64 pos;		/* of the next block, from @start */
	u32 largest;
	__le32 *table;
	u8 **in;		/* one piece a thread */
	unsigned int nr_threads;
};

/* A compressed piece. */
struct piece {
	u8 *out;
	u32 *stored;
	u32 nr;
	u64 len;
};

static u32 stored_bound(const struct zfile_options *o)
{
	return o->compressor->bound(o->block_size) +
	       (o->verify ? ZFILE_CRC_SIZE : 0);
}

u64 zfile_bound(const struct zfile_options *options, u64 size)
{
	u64 nr = DIV_ROUND_UP(size, options->block_size);

	return 2 * ZFILE_HEADER_SPACE +
	       nr * (stored_bound(options) + sizeof(__le32));
}

static int prepare_piece(const struct writer *w, struct piece *p)
{
	if (p->out)
		return 0;
	p->out = malloc((u64)w->blocks_per_piece * stored_bound(w->options));
	p->stored = malloc(w->blocks_per_piece * sizeof(*p->stored));
	return p->out && p->stored ? 0 : -ENOMEM;
}

static void release_piece(void *slot)
{
	struct piece *p = slot;

	free(p->out);
	free(p->stored);
}

/* Returns the bytes that the block takes in the file, 0 on failure. */
static u32 compress_block(const struct zfile_options *o, void *state,
			  const u8 *src, u32 len, u8 *dst)
{
	const struct compressor *c = o->compressor;
	u32 n = c->compress(state, o->level, src, len, dst,
			    c->bound(o->block_size));
	__le32 crc;

	if (!n || !o->verify)
		return n;
	crc = cpu_to_le32(crc32c(ZFILE_CRC_SEED, dst, n));
	memcpy(dst + n, &crc, sizeof(crc));
	return n + sizeof(crc);
}

static int compress_blocks(const struct zfile_options *o, struct piece *p,
			   const u8 *src, u64 len)
{
	void *state = o->compressor->begin(o->level);
	u64 done;
	int r = state ? 0 : -ENOMEM;

	p->nr = 0;
	p->len = 0;
	for (done = 0; !r && done < len; done += o->block_size) {
		u32 n = compress_block(o, state, src + done,
				       min_t(u64, o->block_size, len - done),
				       p->out + p->len);

		p->stored[p->nr++] = n;
		p->len += n;
		r = n ? 0 : -ENOMEM;
	}
	o->compressor->end(state);
	return r;
}

static int compress_piece(void *ctx, unsigned int thread, u64 item, void *slot,
			  struct obd_error *err)
{
	const struct writer *w = ctx;
	const struct source *source = w->source;
	u64 bytes = (u64)w->blocks_per_piece * w->options->block_size;
	u64 pos = item * bytes;
	u64 len = min(bytes, source->size - pos);
	int r;

	r = source->read(source->ctx, pos, w->in[thread], len, err);
	if (r)
		return r;
	r = prepare_piece(w, slot) ?:
	    compress_blocks(w->options, slot, w->in[thread], len);
	return r ? obd_fail(err, r, "no memory to compress") : 0;
}

static int write_piece(void *ctx, u64 item, void *slot, struct obd_error *err)
{
	struct writer *w = ctx;
	const struct piece *p = slot;
	u32 i;
	int r;

	(void)item;
	r = output_write(w->out, w->start + w->pos, p->out, p->len, err);
	if (r)
		return r;
	for (i = 0; i < p->nr; i++) {
		w->table[w->nr_written++] = cpu_to_le32(p->stored[i]);
		w->largest = max(w->largest, p->stored[i]);
	}
	w->pos += p->len;
	progress_add(w->progress, (u64)p->nr * w->options->block_size);
	return 0;
}

static int writer_alloc(struct writer *w)
{
	size_t bytes = (size_t)w->blocks_per_piece * w->options->block_size;
	unsigned int i;

	w->table = malloc(w->nr_blocks * sizeof(*w->table));
	w->in = calloc(w->nr_threads, sizeof(*w->in));
	if (!w->table || !w->in)
		return -ENOMEM;
	for (i = 0; i < w->nr_threads; i++) {
		w->in[i] = malloc(bytes);
		if (!w->in[i])
			return -ENOMEM;
	}
	return 0;
}

static void writer_release(struct writer *w)
{
	unsigned int i;

	for (i = 0; w->in && i < w->nr_threads; i++)
		free(w->in[i]);
	free(w->in);
	free(w->table);
}

static int write_blocks(struct writer *w, struct obd_error *err)
{
	const struct work work = {
		.nr_items = DIV_ROUND_UP(w->nr_blocks, w->blocks_per_piece),
		.nr_threads = w->nr_threads,
		.slot_size = sizeof(struct piece),
		.ctx = w,
		.work = compress_piece,
		.finish = write_piece,
		.release = release_piece,
	};

	if (writer_alloc(w))
		return obd_fail(err, -ENOMEM, "no memory for %u threads",
				w->nr_threads);
	return work_run(&work, err);
}

static u32 table_crc(const struct writer *w)
{
	const u32 step = 1U << 20;
	u32 crc = ZFILE_META_CRC_SEED;
	u64 i;

	for (i = 0; i < w->nr_blocks; i += step)
		crc = crc32c(crc, w->table + i, sizeof(*w->table) *
			     min_t(u64, step, w->nr_blocks - i));
	return crc;
}

static int write_header(const struct writer *w, u64 pos, u64 flags,
			u32 index_crc, struct obd_error *err)
{
	const struct zfile_options *o = w->options;
	union {
		struct zfile_header header;
		u8 raw[ZFILE_HEADER_SPACE];
	} h = {};

	h.header = (struct zfile_header) {
		.size = cpu_to_le32(sizeof(h.header)),
		.flags = cpu_to_le64(flags),
		.index_offset = cpu_to_le64(w->pos),
		.index_size = cpu_to_le64(w->nr_blocks),
		.original_size = cpu_to_le64(w->source->size),
		.index_crc = cpu_to_le32(index_crc),
		.block_size = cpu_to_le32(o->block_size),
		.algorithm = o->compressor->algorithm,
		.level = o->level,
		.verify = o->verify,
	};
	memcpy(h.header.magic0, ZFILE_MAGIC0, ZFILE_MAGIC0_SIZE);
	memcpy(h.header.magic1, ZFILE_MAGIC1, ZFILE_MAGIC1_SIZE);
	h.header.digest = cpu_to_le32(crc32c(ZFILE_META_CRC_SEED, h.raw,
					     sizeof(h.raw)));
	return output_write(w->out, w->start + pos, h.raw, sizeof(h.raw), err);
}

static int write_metadata(const struct writer *w, struct obd_error *err)
{
	const u64 both = ZFILE_FLAG_DATA | ZFILE_FLAG_DIGEST;
	u64 table_bytes = w->nr_blocks * sizeof(*w->table);
	u32 crc = table_crc(w);

	return output_write(w->out, w->start + w->pos, w->table, table_bytes,
			    err) ?:
	       write_header(w, w->pos + table_bytes, both | ZFILE_FLAG_SEALED,
			    crc, err) ?:
	       write_header(w, 0, both | ZFILE_FLAG_HEADER |
			    ZFILE_FLAG_OVERWRITTEN, crc, err);
}

int zfile_write(const struct output *out, u64 start,
		const struct source *source,
		const struct zfile_options *options, unsigned int nr_threads,
		struct progress *progress, struct zfile_result *result,
		struct obd_error *err)
{
	struct writer w = {
		.out = out,
		.start = start,
		.source = source,
		.options = options,
		.progress = progress,
		.blocks_per_piece = max(PIECE_BYTES / options->block_size, 1U),
		.nr_blocks = DIV_ROUND_UP(source->size, options->block_size),
		.pos = ZFILE_HEADER_SPACE,
		.nr_threads = nr_threads,
	};
	int r;

	if (w.nr_blocks > ZFILE_MAX_BLOCKS)
		return obd_fail(err, -E2BIG,
				"%llu blocks of %u bytes, expected at most %u: choose a larger block size",
				(unsigned long long)w.nr_blocks,
				options->block_size, ZFILE_MAX_BLOCKS);
	r = write_blocks(&w, err) ?: write_metadata(&w, err);
	result->size = w.pos + w.nr_blocks * sizeof(*w.table) +
		       ZFILE_HEADER_SPACE;
	result->largest = w.largest;
	writer_release(&w);
	return r;
}
