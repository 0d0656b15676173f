// SPDX-License-Identifier: GPL-2.0-only
/*
 * The index of a gzip file, and what is inflated from its points: whatever they
 * say, nothing is read or written out of bounds, and points are in order.
 *
 * The input is an index with the gzip file behind it.
 */
#include "dm-overlaybd-gzip-stream.h"
#include "tests/fuzz/fixup.h"
#include "tests/unit/gzip-builder.h"

#define DATA_SIZE	37000
#define READ_MAX	4096U
#define POINTS_MAX	16U
#define READS_MAX	20	/* more than between two points of a seed */

static void make_seed(struct buffer *blob, u32 seed)
{
	static const int flushes[] = { Z_NO_FLUSH, Z_FULL_FLUSH, Z_BLOCK };
	struct gzip_how how = { 6, Z_DEFAULT_STRATEGY, flushes[seed % 3], 5000 };
	struct buffer data = {}, gzip = {};

	buffer_add_zeros(&data, DATA_SIZE);
	pattern_fill(data.data, seed, 0, DATA_SIZE / OBD_SECTOR_SIZE);
	build_gzip(&gzip, &data, &how);
	build_gzip_index(blob, &gzip, 33000, seed & 4);
	buffer_add(blob, gzip.data, gzip.len);
	buffer_release(&data);
	buffer_release(&gzip);
}

/* Numbers of a point that is stored as it is: a little off. */
static void mutate_point(u8 *data, size_t size, u32 seed)
{
	const struct gzidx_header *h = (const void *)data;
	u64 pos = le64_to_cpu(h->table_offset);
	struct gzidx_entry e;

	if (pos > size || size - pos < 2 * sizeof(e))
		return;
	pos += seed % 2 * sizeof(e);
	memcpy(&e, data + pos, sizeof(e));
	switch (seed / 2 % 4) {
	case 0:
		e.window_size = cpu_to_le32(GZIDX_WINDOW_SIZE - 2 + seed / 8 % 5);
		break;
	case 1:
		e.window_pos = cpu_to_le64(le64_to_cpu(h->index_size) -
					   seed / 8 % 40000);
		break;
	case 2:
		e.gzip_pos = cpu_to_le64(le64_to_cpu(h->gzip_size) + 2 -
					 seed / 8 % 5);
		break;
	default:
		e.bits = seed / 8;
	}
	memcpy(data + pos, &e, sizeof(e));
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
			       unsigned int seed)
{
	struct gzidx_header *h = (void *)data;
	struct buffer blob = {};

	if (size < sizeof(*h)) {
		make_seed(&blob, seed);
		return fuzz_seed(data, max_size, &blob);
	}
	if (seed % 3 && h->algorithm == GZIDX_ALGO_NONE)
		mutate_point(data, size, seed / 3);
	else
		size = LLVMFuzzerMutate(data, size, max_size);
	if (size < sizeof(*h))
		return size;
	memcpy(h->magic, GZIDX_MAGIC, GZIDX_MAGIC_SIZE);
	if (seed % 8 && le64_to_cpu(h->index_size) <= size)
		h->gzip_size = cpu_to_le64(size - le64_to_cpu(h->index_size));
	gzip_index_fix(h);
	return size;
}

static void check_points(const struct obd_gzip *gzip)
{
	u32 i;

	for (i = 0; i < gzip->nr_points; i++) {
		const struct obd_gzip_point *p = &gzip->points[i];

		fuzz_assert(p->bits < 8 && p->gzip_pos > 0);
		fuzz_assert(p->gzip_pos <= gzip->gzip_size);
		fuzz_assert(p->window_pos <= gzip->index_size);
		fuzz_assert(p->window_size <=
			    gzip->index_size - p->window_pos);
		fuzz_assert(obd_gzip_find(gzip, p->data_pos) >= p);
	}
}

static void inflate_from(struct obd_inflater *inflater,
			 const struct obd_gzip *gzip,
			 const struct obd_gzip_point *p, const u8 *index)
{
	const u8 *in = index + gzip->index_size + p->gzip_pos;
	u8 window[GZIDX_WINDOW_SIZE], out[READ_MAX];
	u32 in_len = gzip->gzip_size - p->gzip_pos;
	u32 out_len = sizeof(out), len;

	if (obd_inflater_window(inflater, gzip, index + p->window_pos,
				p->window_size, window, &len))
		return;
	fuzz_assert(len <= sizeof(window));
	if (!obd_inflater_start(inflater, p, in[-1], window, len))
		obd_inflater_run(inflater, in, &in_len, out, &out_len,
				 p->bits & 1);
	fuzz_assert(out_len <= sizeof(out));
}

/* An obd_gzip_fetch; the context is the index, with the gzip file behind it. */
static int fetch(struct obd_gzip_stream *stream, void *context,
		 enum obd_gzip_file file, u64 pos, u64 len)
{
	const struct obd_gzip *gzip = stream->gzip;
	const u8 *from = context;
	u32 n = min_t(u64, len, OBD_GZIP_IN_SIZE);

	if (file == OBD_GZIP_DATA)
		from += gzip->index_size;
	fuzz_assert(len && len <= (file == OBD_GZIP_DATA ? gzip->gzip_size :
				   gzip->index_size) - pos);
	memcpy(stream->in, from + pos, n);
	stream->in_at = 0;
	return n;
}

/* Read on from a point, over others. */
static void read_from(struct obd_gzip_stream *s, const u8 *index, u32 nr)
{
	const struct obd_gzip *gzip = s->gzip;
	u64 pos = gzip->points[nr].data_pos + nr % 3;
	u8 out[READ_MAX];
	u32 i, n;

	if (pos >= gzip->data_size ||
	    obd_gzip_stream_seek(s, (void *)index, pos))
		return;
	for (i = 0; i < READS_MAX && s->pos < gzip->data_size; i++) {
		pos = s->pos;
		n = min_t(u64, sizeof(out), gzip->data_size - pos);
		if (obd_gzip_stream_inflate(s, (void *)index, out, n)) {
			fuzz_assert(!s->live);
			return;
		}
		fuzz_assert(s->pos == pos + n);
		fuzz_assert(s->in_at + s->in_len <= OBD_GZIP_IN_SIZE);
	}
	if (s->pos == gzip->data_size &&
	    !obd_gzip_stream_cross(s, (void *)index))
		fuzz_assert(s->member_end <= gzip->gzip_size);
}

static void read_through(const struct obd_gzip *gzip, const u8 *index)
{
	struct obd_gzip_stream s;
	u32 i;

	if (!obd_gzip_stream_init(&s, gzip, fetch))
		for (i = 0; i < min(gzip->nr_points, POINTS_MAX); i++)
			read_from(&s, index, i);
	obd_gzip_stream_exit(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct gzidx_header *h = (const void *)data;
	struct obd_inflater inflater;
	struct obd_dev dev = { .fd = -1 };
	struct obd_gzip gzip = {};
	struct obd_error err = {};
	u64 index_size;
	u32 i;

	if (size < sizeof(*h) || obd_inflater_init(&inflater))
		return 0;
	index_size = min_t(u64, le64_to_cpu(h->index_size), size);
	if (!obd_gzip_parse(&gzip, h, size - index_size, index_size, &err) &&
	    !obd_gzip_load(&gzip, data + gzip.table_pos, &dev, &inflater, &err)) {
		check_points(&gzip);
		for (i = 0; i < min(gzip.nr_points, POINTS_MAX); i++)
			inflate_from(&inflater, &gzip, &gzip.points[i], data);
		read_through(&gzip, data);
	} else {
		fuzz_assert(err.text[0]);
	}
	obd_gzip_release(&gzip);
	obd_inflater_exit(&inflater);
	return 0;
}
