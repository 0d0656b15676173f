// SPDX-License-Identifier: GPL-2.0-only
/*
 * Read a gzip file through its index.
 */
#include "tools/gzip-file.h"

#define STEP	(1U << 20)

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
	if (r == -EILSEQ)
		return obd_fail(err, r, "the gzip file does not inflate to byte %llu as its index says",
				(unsigned long long)pos);
	return obd_fail(err, r, "cannot read what inflates to byte %llu: %s",
			(unsigned long long)pos, strerror(-r));
}

/* What lies before is inflated into the caller's memory, and overwritten. */
int gzip_cursor_read(struct gzip_cursor *cursor, u64 pos, void *buf, u64 len,
		     struct obd_error *err)
{
	struct obd_gzip_stream *s = &cursor->stream;
	void *context = (void *)cursor->file;
	u64 n;
	int r;

	if (!len)
		return 0;
	r = obd_gzip_stream_seek(s, context, pos);
	while (!r && s->pos < pos) {
		n = min(min(len, pos - s->pos), (u64)STEP);
		r = obd_gzip_stream_inflate(s, context, buf, n);
	}
	while (!r && len) {
		n = min(len, (u64)STEP);
		r = obd_gzip_stream_inflate(s, context, buf, n);
		pos += n;
		buf += n;
		len -= n;
	}
	return r ? failed(r, pos, err) : 0;
}
