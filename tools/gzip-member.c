// SPDX-License-Identifier: GPL-2.0-only
/*
 * Headers and trailers of gzip members.
 */
#include "tools/gzip-member.h"

#define STEP	512	/* most headers are shorter */

/* Return: 1 behind the header, 0 within it, or a negative errno. */
static int step(z_stream *s, struct obd_dev *dev, u64 pos)
{
	u64 at = pos + s->total_in;
	u8 in[STEP], nothing;
	int r;

	s->next_in = in;
	s->avail_in = min_t(u64, sizeof(in), dev->size - min(at, dev->size));
	s->next_out = &nothing;
	s->avail_out = sizeof(nothing);
	if (!s->avail_in)
		return -EILSEQ;
	r = obd_dev_read(dev, at, in, s->avail_in);
	if (r)
		return r;
	if (inflate(s, Z_BLOCK) != Z_OK)
		return -EILSEQ;
	return !!(s->data_type & GZIP_AT_BLOCK);
}

int gzip_member_header(struct obd_dev *dev, u64 pos, u64 *end)
{
	z_stream s = {};
	int r;

	if (inflateInit2(&s, GZIP_FORMAT) != Z_OK)
		return -ENOMEM;
	do {
		r = step(&s, dev, pos);
	} while (!r);
	*end = pos + s.total_in;
	inflateEnd(&s);
	return min(r, 0);
}

int gzip_member_trailer(struct obd_dev *dev, u64 pos,
			struct gzip_trailer *trailer)
{
	if (pos > dev->size || dev->size - pos < sizeof(*trailer))
		return -EILSEQ;
	return obd_dev_read(dev, pos, trailer, sizeof(*trailer));
}
