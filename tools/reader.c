// SPDX-License-Identifier: GPL-2.0-only
/*
 * Read decompressed data.
 */
#include "tools/reader.h"

/* Large enough to be read at speed, small enough to stay in the cache. */
#define RUN_SIZE	(256U << 10)

static int grow(u8 **buf, u32 *size, u32 need)
{
	if (*size >= need)
		return 0;
	free(*buf);
	*buf = malloc(need);
	*size = *buf ? need : 0;
	return *buf ? 0 : -ENOMEM;
}

static int prepare(struct reader *reader, const struct obd_zfile *z,
		   struct obd_error *err)
{
	if (obd_codec_prepare(&reader->codec, z->algorithm) ||
	    grow(&reader->in, &reader->in_size, max(RUN_SIZE, z->stored_max)))
		return obd_fail(err, -ENOMEM, "no memory to decompress");
	return 0;
}

int reader_read_run(struct reader *reader, const struct obd_blob *blob,
		    u32 block, u32 nr, struct reader_run *run,
		    struct obd_error *err)
{
	const struct obd_zfile *z = &blob->zfile;
	u64 pos = blob->start + obd_zfile_offset(z, block);
	u32 len = 0;
	int r;

	r = prepare(reader, z, err);
	if (r)
		return r;
	*run = (struct reader_run) { .src = reader->in };
	while (run->nr < nr &&
	       len + obd_zfile_stored(z, block + run->nr) <= reader->in_size)
		len += obd_zfile_stored(z, block + run->nr++);
	r = obd_dev_read(blob->dev, pos, reader->in, len);
	if (r)
		return obd_fail(err, r, "block %u: cannot read %u bytes at byte %llu: %s",
				block, len, (unsigned long long)pos,
				strerror(-r));
	return 0;
}

static int decompress(struct reader *reader, const struct obd_zfile *z,
		      u32 block, const u8 *src, void *dst,
		      struct obd_error *err)
{
	u32 stored = obd_zfile_stored(z, block);
	u32 len = obd_zfile_block_len(z, block);
	int r;

	r = obd_zfile_check(z, src, stored);
	if (r)
		return obd_fail(err, r, "block %u: wrong CRC", block);
	r = obd_zfile_decompress(z, &reader->codec, src, stored, dst, len);
	if (r)
		return obd_fail(err, r, "block %u does not decompress to %u bytes",
				block, len);
	return 0;
}

/* Have one block in the reader's memory. */
static int load_block(struct reader *reader, const struct obd_blob *blob,
		      u32 block, struct obd_error *err)
{
	const struct obd_zfile *z = &blob->zfile;
	struct reader_run run;
	int r;

	if (reader->cached == blob && reader->cached_nr == block)
		return 0;
	reader->cached = NULL;
	if (grow(&reader->block, &reader->block_size, z->block_size))
		return obd_fail(err, -ENOMEM, "no memory to decompress");
	r = reader_read_run(reader, blob, block, 1, &run, err) ?:
	    decompress(reader, z, block, run.src, reader->block, err);
	if (r)
		return r;
	reader->cached = blob;
	reader->cached_nr = block;
	return 0;
}

/* Decompress @nr whole blocks in place. */
static int read_whole(struct reader *reader, const struct obd_blob *blob,
		      u32 block, u32 nr, u8 *dst, struct obd_error *err)
{
	const struct obd_zfile *z = &blob->zfile;
	struct reader_run run;
	int r = 0;

	for (; !r && nr; nr -= run.nr) {
		u32 end;

		r = reader_read_run(reader, blob, block, nr, &run, err);
		if (r)
			return r;
		for (end = block + run.nr; !r && block < end; block++) {
			r = decompress(reader, z, block, run.src, dst, err);
			run.src += obd_zfile_stored(z, block);
			dst += obd_zfile_block_len(z, block);
		}
	}
	return r;
}

static int read_compressed(struct reader *reader, const struct obd_blob *blob,
			   u64 pos, u8 *buf, u64 len, struct obd_error *err)
{
	const struct obd_zfile *z = &blob->zfile;
	int r = 0;

	while (!r && len) {
		u32 block = pos >> z->block_shift;
		u32 skip = pos & (z->block_size - 1);
		u64 n = min_t(u64, len, obd_zfile_block_len(z, block) - skip);
		u32 whole = len >> z->block_shift;

		if (!skip && whole) {
			n = (u64)whole << z->block_shift;
			r = read_whole(reader, blob, block, whole, buf, err);
		} else {
			r = load_block(reader, blob, block, err);
			if (!r)
				memcpy(buf, reader->block + skip, n);
		}
		pos += n;
		buf += n;
		len -= n;
	}
	return r;
}

int reader_read(struct reader *reader, const struct obd_blob *blob, u64 pos,
		void *buf, u64 len, struct obd_error *err)
{
	if (blob->compressed)
		return read_compressed(reader, blob, pos, buf, len, err);
	return obd_blob_read(blob, pos, buf, len, &reader->scratch, err);
}

int reader_read_gzip(struct reader *reader, const struct gzip_file *file,
		     u64 pos, void *buf, u64 len, struct obd_error *err)
{
	struct gzip_cursor *cursor = reader->cursors;

	while (cursor && cursor->file != file)
		cursor = cursor->next;
	if (!cursor) {
		cursor = gzip_cursor_new(file);
		if (!cursor)
			return obd_fail(err, -ENOMEM, "no memory to inflate");
		cursor->next = reader->cursors;
		reader->cursors = cursor;
	}
	return gzip_cursor_read(cursor, pos, buf, len, err);
}

void reader_release(struct reader *reader)
{
	struct gzip_cursor *cursor, *next;

	for (cursor = reader->cursors; cursor; cursor = next) {
		next = cursor->next;
		gzip_cursor_free(cursor);
	}
	obd_codec_release(&reader->codec);
	obd_scratch_release(&reader->scratch);
	free(reader->in);
	free(reader->block);
	*reader = (struct reader) {};
}
