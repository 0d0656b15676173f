// SPDX-License-Identifier: GPL-2.0-only
/*
 * Go through the data of a gzip file.
 */
#include "dm-overlaybd-gzip-stream.h"

int obd_gzip_stream_init(struct obd_gzip_stream *stream,
			 const struct obd_gzip *gzip, obd_gzip_fetch fetch)
{
	int r;

	*stream = (struct obd_gzip_stream) { .gzip = gzip, .fetch = fetch };
	r = obd_inflater_init(&stream->inflater);
	if (r)
		return r;
	stream->in = kmalloc(OBD_GZIP_IN_SIZE, OBD_GFP_BLOB);
	stream->window = kvmalloc(GZIDX_WINDOW_SIZE, GFP_KERNEL);
	return stream->in && stream->window ? 0 : -ENOMEM;
}

void obd_gzip_stream_exit(struct obd_gzip_stream *stream)
{
	obd_inflater_exit(&stream->inflater);
	kfree(stream->in);
	kvfree(stream->window);
	*stream = (struct obd_gzip_stream) {};
}

static int fill_in(struct obd_gzip_stream *s, void *context)
{
	int n;

	if (s->in_len)
		return 0;
	n = s->fetch(s, context, OBD_GZIP_DATA, s->in_pos,
		     s->gzip->gzip_size - s->in_pos);
	if (n < 0)
		return n;
	s->in_len = n;
	return 0;
}

static u8 take_byte(struct obd_gzip_stream *s)
{
	s->in_len--;
	s->in_pos++;
	return s->in[s->in_at++];
}

static int read_window(struct obd_gzip_stream *s, void *context,
		       const struct obd_gzip_point *point, u32 *len)
{
	int n;

	if (!point->window_size)
		return 0;
	s->in_len = 0;
	n = s->fetch(s, context, OBD_GZIP_INDEX, point->window_pos,
		     point->window_size);
	if (n < 0)
		return n;
	return obd_inflater_window(&s->inflater, s->gzip, s->in + s->in_at, n,
				   s->window, len);
}

/* What was read while all went well may have that byte, and what follows. */
static void move_to(struct obd_gzip_stream *s, u64 gzip_pos)
{
	u64 skip = gzip_pos - s->in_pos;

	if (!s->live || gzip_pos < s->in_pos || skip > s->in_len)
		skip = s->in_len;
	s->in_at += skip;
	s->in_len -= skip;
	s->in_pos = gzip_pos;
}

/* Begin at an access point, with its window if it has a @history. */
static int begin(struct obd_gzip_stream *s, void *context, u32 nr,
		 bool history)
{
	const struct obd_gzip_point *point = &s->gzip->points[nr];
	u32 len = 0;
	u8 before = 0;
	int r;

	move_to(s, point->gzip_pos - !!point->bits);
	s->live = false;
	s->point = nr;
	s->pos = point->data_pos;
	r = history ? read_window(s, context, point, &len) : 0;
	if (r)
		return r;
	if (point->bits) {
		r = fill_in(s, context);
		if (r)
			return r;
		before = take_byte(s);
	}
	r = obd_inflater_start(&s->inflater, point, before, s->window, len);
	s->live = !r;
	return r;
}

int obd_gzip_stream_seek(struct obd_gzip_stream *stream, void *context,
			 u64 pos)
{
	const struct obd_gzip_point *point = obd_gzip_find(stream->gzip, pos);

	if (stream->live && stream->pos <= pos &&
	    stream->pos >= point->data_pos)
		return 0;
	return begin(stream, context, point - stream->gzip->points, true);
}

/* The point that is ahead, or NULL. */
static const struct obd_gzip_point *next_point(const struct obd_gzip_stream *s)
{
	return s->point + 1 < s->gzip->nr_points ?
	       &s->gzip->points[s->point + 1] : NULL;
}

/*
 * Inflate some of what is in the gzip file before the next point. Return: see
 * obd_inflater_run().
 */
static int run(struct obd_gzip_stream *s, void *context, void *out, u32 *room,
	       bool stop)
{
	const struct obd_gzip_point *next = next_point(s);
	u64 end = next ? next->gzip_pos : s->gzip->gzip_end;
	u32 n, left;
	int r = 0;

	if (s->in_pos < end)
		r = fill_in(s, context);
	if (r)
		return r;
	n = min_t(u64, s->in_len, end - s->in_pos);
	left = n;
	r = obd_inflater_run(&s->inflater, s->in + s->in_at, &left, out, room,
			     stop);
	s->in_at += n - left;
	s->in_len -= n - left;
	s->in_pos += n - left;
	return r;
}

static bool is_at(const struct obd_gzip_stream *s,
		  const struct obd_gzip_point *point)
{
	u8 bits;

	return s->in_pos == point->gzip_pos &&
	       obd_inflater_at_block(&s->inflater, &bits) &&
	       bits == point->bits;
}

/*
 * All bytes before the next point have been inflated: no more must come before
 * the gzip file reaches it, or that point is wrong, or the one before. Only where
 * a member ends inflation has to begin anew, and the next one has no history. For
 * small members it matters that nothing is read for that, not even a window that
 * the index has all the same.
 */
int obd_gzip_stream_cross(struct obd_gzip_stream *stream, void *context)
{
	const struct obd_gzip_point *next = next_point(stream);
	u32 room = 1;
	u8 more;
	int r;

	stream->member_end = 0;
	while (!next || !is_at(stream, next)) {
		r = run(stream, context, &more, &room, true);
		if (r < 0)
			return r;
		if (!room)
			return -EILSEQ;
		if (r > 0) {
			stream->member_end = stream->in_pos;
			return next ? begin(stream, context,
					    stream->point + 1, false) : 0;
		}
	}
	stream->point++;
	return 0;
}

/* Return: how many bytes, 0 if a point was gone by, or a negative errno. */
static int step(struct obd_gzip_stream *s, void *context, u8 *out, u32 len)
{
	const struct obd_gzip_point *next = next_point(s);
	u64 end = next ? next->data_pos : s->gzip->data_size;
	u32 n = min_t(u64, len, end - s->pos), room = n;
	int r;

	if (!n)
		return obd_gzip_stream_cross(s, context);
	r = run(s, context, out, &room, next && n == end - s->pos);
	n -= room;
	s->pos += n;
	/* Where a member ends, another begins at a point. */
	if (r > 0 && s->pos < end)
		return -EILSEQ;
	return r < 0 ? r : (int)n;
}

int obd_gzip_stream_inflate(struct obd_gzip_stream *stream, void *context,
			    u8 *out, u32 len)
{
	int r;

	while (len) {
		r = step(stream, context, out, len);
		if (r < 0) {
			stream->live = false;
			return r;
		}
		out += r;
		len -= r;
	}
	return 0;
}
