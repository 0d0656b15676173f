// SPDX-License-Identifier: GPL-2.0-only
/*
 * Make gzip files, and indexes of them.
 */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "tests/unit/gzip-builder.h"
#include "tools/gzip-index.h"

#define GZIP_FORMAT	(15 + 16)
#define CHUNK		4096

static void deflate_some(z_stream *s, struct buffer *out, int flush)
{
	u8 buf[CHUNK];

	do {
		s->next_out = buf;
		s->avail_out = sizeof(buf);
		if (deflate(s, flush) == Z_STREAM_ERROR)
			abort();
		buffer_add(out, buf, sizeof(buf) - s->avail_out);
	} while (!s->avail_out);
}

void build_gzip(struct buffer *out, const struct buffer *data,
		const struct gzip_how *how)
{
	u32 every = how->flush == Z_NO_FLUSH ? UINT32_MAX : how->every;
	z_stream s = {};
	size_t at = 0;

	if (deflateInit2(&s, how->level, Z_DEFLATED, GZIP_FORMAT, 8,
			 how->strategy) != Z_OK)
		abort();
	for (; data->len - at > every; at += every) {
		s.next_in = data->data + at;
		s.avail_in = every;
		deflate_some(&s, out, how->flush);
	}
	s.next_in = data->data + at;
	s.avail_in = data->len - at;
	deflate_some(&s, out, Z_FINISH);
	deflateEnd(&s);
}

void gzip_index_fix(struct gzidx_header *header)
{
	header->crc = cpu_to_le32(crc32c(0, header, offsetof(struct gzidx_header,
							     crc)));
}

void build_gzip_index(struct buffer *out, const struct buffer *gzip, u32 span,
		      bool packed)
{
	struct output file = { .fd = memfd_create("index", MFD_CLOEXEC) };
	struct progress progress;
	struct obd_error err;
	struct obd_dev dev;
	struct gzip_index index = {
		.gzip = &dev, .out = &file, .progress = &progress,
		.span = span, .level = packed ? 6 : 0, .checksums = packed,
	};

	progress_begin(&progress, "", 0);
	buffer_device(gzip, &dev);
	if (file.fd < 0 || gzip_index_write(&index, &err))
		abort();
	progress_end(&progress);
	obd_file_close(&dev);
	dev = (struct obd_dev) { file.fd, index.index_size };
	buffer_add_zeros(out, index.index_size);
	if (obd_dev_read(&dev, 0, out->data, out->len))
		abort();
	obd_file_close(&dev);
}
