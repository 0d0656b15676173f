// SPDX-License-Identifier: GPL-2.0-only
/*
 * Check everything in a blob that can be checked.
 */
#include <isa-l/mem_routines.h>

#include "dm-overlaybd-tar.h"
#include "tools/compressor.h"
#include "tools/dump-upper.h"
#include "tools/reader.h"
#include "tools/turbo.h"
#include "tools/verify-blob.h"
#include "tools/workers.h"

#define PIECE_BYTES	(1U << 20)
#define ZEROS_BYTES	(64U << 10)	/* of padding, read at a time */

struct blob {
	struct verify verify;
	const struct config_lower *lower;	/* NULL if in no image */
	const struct verify_target *target;
	struct obd_dev dev;
	struct obd_blob blob;
	u64 nr_entries;
	u64 nr_target;			/* of them, with data in a target */
	u64 nr_bad;			/* blocks */
	struct reader *readers;		/* one a thread */
	u8 **blocks;			/* one a thread */
	u32 blocks_per_piece;
};

struct bad_block {
	u32 block;
	int r;
};

/* What one piece has of bad blocks. */
struct piece {
	u32 nr_bad;
	struct bad_block bad[VERIFY_MAX_SHOWN];
};

static void add_bad(struct piece *p, u32 block, int r)
{
	if (p->nr_bad < VERIFY_MAX_SHOWN)
		p->bad[p->nr_bad] = (struct bad_block) { block, r };
	p->nr_bad++;
}

static void check_run(const struct blob *b, unsigned int thread, u32 block,
		      struct reader_run run, struct piece *p)
{
	const struct obd_zfile *z = &b->blob.zfile;
	u32 end = block + run.nr;
	int r;

	for (; block < end; block++) {
		u32 stored = obd_zfile_stored(z, block);

		r = obd_zfile_check(z, run.src, stored) ?:
		    obd_zfile_decompress(z, &b->readers[thread].codec, run.src,
					 stored, b->blocks[thread],
					 obd_zfile_block_len(z, block));
		if (r)
			add_bad(p, block, r);
		run.src += stored;
	}
}

/* Where a long read fails, shorter ones tell which block it is. */
static int check_piece(void *ctx, unsigned int thread, u64 item, void *slot,
		       struct obd_error *err)
{
	const struct blob *b = ctx;
	const struct obd_zfile *z = &b->blob.zfile;
	u32 block = item * b->blocks_per_piece;
	u32 end = min_t(u64, (u64)block + b->blocks_per_piece, z->nr_blocks);
	u32 nr = end - block;
	struct reader_run run;
	struct piece *p = slot;

	p->nr_bad = 0;
	while (block < end) {
		int r = reader_read_run(&b->readers[thread], &b->blob, block,
					min(nr, end - block), &run, err);

		if (r == -ENOMEM)
			return r;
		if (r && run.nr > 1) {
			nr = 1;
			continue;
		}
		if (r)
			add_bad(p, block, r);
		else
			check_run(b, thread, block, run, p);
		block += run.nr;
	}
	return 0;
}

static const char *what_is_wrong(int r)
{
	switch (r) {
	case -EBADMSG:
		return "wrong CRC";
	case -EILSEQ:
		return "does not decompress to its size";
	default:
		return strerror(-r);
	}
}

static int take_piece(void *ctx, u64 item, void *slot, struct obd_error *err)
{
	struct blob *b = ctx;
	const struct piece *p = slot;
	char text[OBD_ERROR_SIZE];
	u32 i;

	(void)item;
	(void)err;
	for (i = 0; i < p->nr_bad && i < VERIFY_MAX_SHOWN; i++) {
		const struct bad_block *bad = &p->bad[i];
		u64 at = b->blob.start +
			 obd_zfile_offset(&b->blob.zfile, bad->block);

		snprintf(text, sizeof(text), "block %u, %u bytes at byte %llu: %s",
			 bad->block,
			 obd_zfile_stored(&b->blob.zfile, bad->block),
			 (unsigned long long)at, what_is_wrong(bad->r));
		verify_error(&b->verify, bad->r, text);
	}
	if (p->nr_bad > VERIFY_MAX_SHOWN)
		b->verify.nr_errors += p->nr_bad - VERIFY_MAX_SHOWN;
	b->nr_bad += p->nr_bad;
	progress_add(&b->verify.progress, (u64)b->blocks_per_piece <<
				   b->blob.zfile.block_shift);
	return 0;
}

static int alloc_threads(struct blob *b, struct obd_error *err)
{
	unsigned int i, nr = b->verify.options->nr_threads;

	b->readers = calloc(nr, sizeof(*b->readers));
	b->blocks = calloc(nr, sizeof(*b->blocks));
	for (i = 0; b->blocks && i < nr; i++) {
		b->blocks[i] = malloc(b->blob.zfile.block_size);
		if (!b->blocks[i])
			break;
	}
	if (!b->readers || !b->blocks || i < nr)
		return obd_fail(err, -ENOMEM, "no memory for %u threads", nr);
	return 0;
}

static void free_threads(struct blob *b)
{
	unsigned int i, nr = b->verify.options->nr_threads;

	for (i = 0; b->readers && i < nr; i++)
		reader_release(&b->readers[i]);
	for (i = 0; b->blocks && i < nr; i++)
		free(b->blocks[i]);
	free(b->readers);
	free(b->blocks);
}

static void check_blocks(struct blob *b)
{
	const struct obd_zfile *z = &b->blob.zfile;
	struct work work = {
		.nr_threads = b->verify.options->nr_threads,
		.slot_size = sizeof(struct piece),
		.ctx = b,
		.work = check_piece,
		.finish = take_piece,
	};
	struct obd_error err;
	int r;

	b->blocks_per_piece = max(PIECE_BYTES >> z->block_shift, 1U);
	work.nr_items = DIV_ROUND_UP(z->nr_blocks, b->blocks_per_piece);
	progress_begin(&b->verify.progress, b->verify.path, z->original_size);
	r = alloc_threads(b, &err) ?: work_run(&work, &err);
	progress_end(&b->verify.progress);
	free_threads(b);
	if (r)
		verify_error(&b->verify, r, err.text);
}

static int read_trailer(struct blob *b, u64 at, void *buf, u32 len,
			struct obd_error *err)
{
	int r = obd_dev_read(&b->dev, at, buf, len);

	return r ? obd_fail(err, r, "ZFile trailer: cannot read it: %s",
			    strerror(-r)) : 0;
}

/*
 * A complete header makes the trailer superfluous for readers, but not for
 * those that rely on it: both must be right, and say the same.
 */
static void check_trailer(struct blob *b)
{
	const struct obd_zfile *z = &b->blob.zfile;
	u8 raw[ZFILE_HEADER_SPACE];
	struct obd_zfile t;
	struct obd_error err;
	u64 at;
	int r;

	at = b->blob.start + b->blob.size - sizeof(raw);
	if (b->blob.size < 2 * sizeof(raw))
		r = obd_fail(&err, -EINVAL, "ZFile trailer: there is none");
	else
		r = read_trailer(b, at, raw, sizeof(raw), &err);
	r = r ?: obd_zfile_parse(&t, (struct zfile_header *)raw, true,
				 b->blob.size, &err);
	if (!r && (t.original_size != z->original_size ||
		   t.index_offset != z->index_offset ||
		   t.block_size != z->block_size ||
		   t.algorithm != z->algorithm || t.verify != z->verify ||
		   t.check_table != z->check_table ||
		   t.table_crc != z->table_crc))
		r = obd_fail(&err, -EINVAL,
			     "ZFile trailer: differs from the header");
	if (r)
		verify_error(&b->verify, r, err.text);
}

/* What fills a tar up must be zero. */
static void check_zeros(struct blob *b, u64 pos, u64 end, const char *what)
{
	u8 buf[ZEROS_BYTES];
	char text[OBD_ERROR_SIZE];

	while (pos < end) {
		u32 n = min(sizeof(buf), end - pos);
		int r = obd_dev_read(&b->dev, pos, buf, n);

		if (!r && !isal_zero_detect(buf, n)) {
			pos += n;
			continue;
		}
		if (!r)
			pos += (u8 *)memchr_inv(buf, 0, n) - buf;
		snprintf(text, sizeof(text), "%s at byte %llu: %s", what,
			 (unsigned long long)pos,
			 r ? strerror(-r) : "expected zeros");
		verify_error(&b->verify, r ?: -EINVAL, text);
		return;
	}
}

static void check_tar(struct blob *b)
{
	u64 end = b->blob.start + b->blob.size;
	struct tar_header h;
	struct obd_error err;
	u64 len;

	if (!b->blob.start)
		return;
	check_zeros(b, end, b->dev.size, "tar padding");
	if (obd_dev_read(&b->dev, 0, &h, sizeof(h)) ||
	    h.type != TAR_TYPE_PAX || obd_tar_size(&h, &len, &err))
		return;
	check_zeros(b, TAR_BLOCK_SIZE + len,
		    TAR_BLOCK_SIZE + round_up(len, TAR_BLOCK_SIZE),
		    "PAX padding");
}

/* Without a target, what the layer says of it can only be believed. */
static int open_layer(struct blob *b, u64 bytes, struct obd_layer *layer,
		      struct obd_error *err)
{
	int r;

	if (!b->lower)
		return turbo_open(layer, &b->dev, bytes, err);
	if (!b->target)
		return obd_layer_open(layer, &b->dev, bytes, err);
	r = turbo_open_metadata(layer, &b->dev, bytes, err);
	return r || b->target->r ? r :
	       obd_layer_check_target(layer, &b->target->layer, err);
}

static void check_layer(struct blob *b, u64 bytes)
{
	struct obd_layer layer;
	struct obd_error err;
	int r = open_layer(b, bytes, &layer, &err);

	if (r) {
		verify_error(&b->verify, r, err.text);
	} else {
		b->nr_target = layer.nr_target;
		b->nr_entries = layer.lsmt.nr_entries + layer.nr_target;
	}
	obd_layer_release(&layer);
}

static void check_blob(struct blob *b)
{
	bool zfile = b->verify.options->zfile;
	struct obd_error err;
	u64 bytes = 0;
	int r;

	r = obd_file_open(&b->dev, b->verify.path);
	if (r) {
		verify_error(&b->verify, r, obd_file_error(r));
		return;
	}
	if (b->lower && obd_file_is_device(&b->dev))
		bytes = b->lower->size;
	r = obd_blob_open(&b->blob, &b->dev, bytes, &err);
	if (!r && zfile && !b->blob.compressed)
		r = obd_fail(&err, -EINVAL, "is no ZFile");
	if (r) {
		verify_error(&b->verify, r, err.text);
		return;
	}
	check_tar(b);
	if (b->blob.compressed) {
		check_trailer(b);
		check_blocks(b);
	}
	if (!zfile)
		check_layer(b, bytes);
}

static bool target_checked(const struct blob *b)
{
	return b->target && !b->target->r;
}

static void print_entries(const struct blob *b)
{
	printf(", %llu index entries", (unsigned long long)b->nr_entries);
	if (b->nr_target)
		printf(", %llu of them with data in the target%s",
		       (unsigned long long)b->nr_target,
		       target_checked(b) ? "" : ", which was not looked at");
}

static void print_text(const struct blob *b)
{
	const struct obd_zfile *z = &b->blob.zfile;

	if (b->blob.compressed)
		printf(", %s, %u blocks of %u bytes%s, %llu bad",
		       compressor_name(z->algorithm), z->nr_blocks,
		       z->block_size, z->verify ? "" : " without CRC",
		       (unsigned long long)b->nr_bad);
	else if (!b->verify.nr_errors)
		printf(", plain: holds no checksums, only its structure was checked");
	if (!b->verify.options->zfile && !b->verify.nr_errors)
		print_entries(b);
}

static void add_facts(struct blob *b)
{
	const struct obd_blob *blob = &b->blob;
	const struct obd_zfile *z = &blob->zfile;
	struct verify *v = &b->verify;

	verify_add_bool(v, "tar", blob->start);
	verify_add_string(v, "algorithm", blob->compressed ?
			  compressor_name(z->algorithm) : "none");
	verify_add_u64(v, "bytes", blob->data_size);
	verify_add_bool(v, "checksums", blob->compressed && z->verify);
	verify_add_u64(v, "blocks", blob->compressed ? z->nr_blocks : 0);
	verify_add_u64(v, "bad_blocks", b->nr_bad);
	verify_add_u64(v, "entries", b->nr_entries);
	verify_add_u64(v, "target_entries", b->nr_target);
	verify_add_bool(v, "target_checked", target_checked(b));
}

static int verify(struct blob *b, const char *path,
		  const struct verify_options *options)
{
	int r;

	verify_begin(&b->verify, options, path);
	check_blob(b);
	verify_verdict(&b->verify);
	if (options->results)
		add_facts(b);
	else
		print_text(b);
	r = verify_end(&b->verify);
	if (r)
		upper_suggest(path);
	obd_blob_release(&b->blob);
	obd_file_close(&b->dev);
	return r;
}

int verify_blob(const char *path, const struct verify_options *options)
{
	struct blob b = {};

	return verify(&b, path, options);
}

int verify_layer(const struct config_lower *lower,
		 const struct verify_target *target,
		 const struct verify_options *options)
{
	struct blob b = { .lower = lower, .target = target };

	return verify(&b, lower->file, options);
}
