// SPDX-License-Identifier: GPL-2.0-only
/*
 * Read a gzip file through its index.
 */
#include "tools/gzip-file.h"

/* An obd_gzip_fetch; the context is the gzip file. */
static int fetch(struct obd_gzip_stream *stream, void *context,
		 enum obd_gzip_file which, u64 pos, u64 len)
{
	const struct gzip_file *file = context;
	u32 n = min_t(u64, len, OBD_GZIP_IN_SIZE);
	int r;

	r = obd_dev_read(which == OBD_GZIP_DATA ? file->data : file->index, pos,
			 stream->in, n);
	stream->in_at = 0;
	return r ? r : (int)n;
}

struct gzip_cursor *gzip_cursor_new(const struct gzip_file *file)
{
	struct gzip_cursor *cursor = calloc(1, sizeof(*cursor));

	if (cursor && !obd_gzip_stream_init(&cursor->stream, &file->gzip,
					    fetch)) {
		cursor->file = file;
		return cursor;
	}
	gzip_cursor_free(cursor);
	return NULL;
}

void gzip_cursor_free(struct gzip_cursor *cursor)
{
	if (cursor)
		obd_gzip_stream_exit(&cursor->stream);
	free(cursor);
}

static int failed(int r, u64 pos, struct obd_error *err)
{
	if (r == -EBADMSG)
		return obd_fail(err, r, "the data from byte %llu on has a wrong CRC",
				(unsigned long long)pos);
	if (r == -EILSEQ)
		return obd_fail(err, r, "the gzip file does not inflate to byte %llu as its index says",
				(unsigned long long)pos);
	return obd_fail(err, r, "cannot read what inflates to byte %llu: %s",
			(unsigned long long)pos, strerror(-r));
}

/* What lies before is inflated into the same memory, and overwritten. */
static int inflate_block(struct gzip_cursor *cursor, u64 nr)
{
	const struct obd_gzip *gzip = &cursor->file->gzip;
	struct obd_gzip_stream *s = &cursor->stream;
	void *context = (void *)cursor->file;
	u64 begin = nr << OBD_GZIP_BLOCK_SHIFT;
	u32 len = gzip_block_len(gzip, nr);
	int r = obd_gzip_stream_seek(s, context, begin);

	while (!r && s->pos < begin)
		r = obd_gzip_stream_inflate(s, context, cursor->block,
					    min_t(u64, begin - s->pos,
						  GZIP_BLOCK_SIZE));
	return r ?: obd_gzip_stream_inflate(s, context, cursor->block, len) ?:
	       obd_gzip_check(gzip, nr, cursor->block, len);
}

static int load_block(struct gzip_cursor *cursor, u64 nr,
		      struct obd_error *err)
{
	int r;

	if (cursor->loaded && cursor->block_nr == nr)
		return 0;
	r = inflate_block(cursor, nr);
	cursor->loaded = !r;
	cursor->block_nr = nr;
	return r ? failed(r, nr << OBD_GZIP_BLOCK_SHIFT, err) : 0;
}

int gzip_cursor_read(struct gzip_cursor *cursor, u64 pos, void *buf, u64 len,
		     struct obd_error *err)
{
	while (len) {
		u32 skip = pos % GZIP_BLOCK_SIZE;
		u64 n = min(len, (u64)GZIP_BLOCK_SIZE - skip);
		int r = load_block(cursor, pos >> OBD_GZIP_BLOCK_SHIFT, err);

		if (r)
			return r;
		memcpy(buf, cursor->block + skip, n);
		pos += n;
		buf += n;
		len -= n;
	}
	return 0;
}
