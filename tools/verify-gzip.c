// SPDX-License-Identifier: GPL-2.0-only
/*
 * Inflate a gzip file from all of its access points.
 *
 * Threads take a segment each, the data from one point to the next. It is inflated
 * as a reader would do who begins there, with the window that the index has. So
 * the CRC of a member says of all its windows whether they are right, as well.
 */
#include "tools/gzip-member.h"
#include "tools/verify-gzip.h"
#include "tools/workers.h"

enum what {
	BAD_WINDOW,	/* cannot be had */
	BAD_HISTORY,	/* is another than what comes before the point */
	BAD_DATA,	/* does not inflate */
	BAD_PLACE,	/* inflation does not come to the point, or the end */
	BAD_HEADER,	/* no member begins where a point says */
	BAD_TRAILER,	/* nor ends */
	BAD_SUM,
};

struct finding {
	enum what what;
	int r;
	u32 point;
	u64 pos;	/* in the data */
};

/*
 * What comes of a segment. It is @whole if nothing was wrong up to its end, where a
 * member may have @ended, which has that @trailer, and others without data, of
 * which there are @nr_members with it.
 */
struct segment {
	u32 nr_found;
	struct finding found[VERIFY_MAX_SHOWN];
	u32 nr_bad;
	bool whole;
	u64 len;
	u32 crc;
	bool ended;
	u32 nr_members;
	struct gzip_trailer trailer;
	u64 unindexed;
};

/*
 * @buf: the block that is being inflated behind what comes before it, which the
 * last @history bytes that there are begin with; @filled: bytes of the block.
 */
struct thread {
	struct gzip_cursor *cursor;
	struct obd_inflater inflater;
	u8 stored[OBD_GZIP_STORED_MAX];
	u8 window[GZIDX_WINDOW_SIZE];
	u8 buf[GZIDX_WINDOW_SIZE + GZIP_BLOCK_SIZE];
	u32 filled;
	u32 history;
};

/*
 * @first: the first point that anybody begins at; @crc, @len: of what was seen of a
 * member, unless a part of it was @missed.
 */
struct job {
	struct verify *v;
	const struct gzip_file *file;
	struct verify_gzip_result *result;
	struct thread **threads;
	u32 first;
	u32 crc;
	u64 len;
	bool missed;
};

static void add_finding(struct segment *seg, enum what what, int r, u32 point,
			u64 pos)
{
	if (seg->nr_found < VERIFY_MAX_SHOWN)
		seg->found[seg->nr_found] = (struct finding) {
			what, r, point, pos
		};
	seg->nr_found++;
}

/* The data position of what follows a point: the next one, or the end. */
static u64 next_pos(const struct obd_gzip *gzip, u32 nr)
{
	return nr + 1 < gzip->nr_points ? gzip->points[nr + 1].data_pos :
					  gzip->data_size;
}

/* Have the window of a point. Return: its bytes, or a negative errno. */
static int load_window(struct thread *t, const struct obd_gzip_point *point)
{
	const struct gzip_file *file = t->cursor->file;
	u32 len;
	int r;

	r = obd_dev_read(file->index, point->window_pos, t->stored,
			 point->window_size) ?:
	    obd_inflater_window(&t->inflater, &file->gzip, t->stored,
				point->window_size, t->window, &len);
	return r ?: (int)len;
}

/* What a window has before the first byte of data is nothing. */
static int begin_segment(struct thread *t, u32 nr)
{
	struct gzip_cursor *cursor = t->cursor;
	const struct obd_gzip_point *point = &cursor->file->gzip.points[nr];
	int len = load_window(t, point);

	if (len < 0)
		return len;
	t->filled = point->data_pos % GZIP_BLOCK_SIZE;
	t->history = min_t(u64, len, point->data_pos);
	memcpy(t->buf + GZIDX_WINDOW_SIZE + t->filled - len, t->window, len);
	cursor->stream.live = false;
	return 0;
}

static int inflate_bytes(struct thread *t, u32 len, u32 *crc)
{
	struct gzip_cursor *cursor = t->cursor;
	u8 *out;
	int r;

	if (t->filled == GZIP_BLOCK_SIZE) {
		memmove(t->buf, t->buf + GZIP_BLOCK_SIZE, GZIDX_WINDOW_SIZE);
		t->filled = 0;
	}
	out = t->buf + GZIDX_WINDOW_SIZE + t->filled;
	r = obd_gzip_stream_inflate(&cursor->stream, (void *)cursor->file, out,
				    len);
	if (r)
		return r;
	*crc = crc32(*crc, out, len);
	t->filled += len;
	t->history = min(t->history + len, GZIDX_WINDOW_SIZE);
	return 0;
}

/* The last block, if all of it is there; @from is where the segment begins. */
static void check_sum(struct thread *t, struct segment *seg, u64 from)
{
	const struct obd_gzip *gzip = &t->cursor->file->gzip;
	u64 end = t->cursor->stream.pos, begin = end - t->filled;
	int r;

	if (begin < from ||
	    (t->filled < GZIP_BLOCK_SIZE && end < gzip->data_size))
		return;
	r = obd_gzip_check(gzip, begin >> OBD_GZIP_BLOCK_SHIFT,
			   t->buf + GZIDX_WINDOW_SIZE, t->filled);
	if (!r)
		return;
	seg->nr_bad++;
	add_finding(seg, BAD_SUM, r, 0, begin);
}

/* Up to the next point, or to the end. */
static int inflate_segment(struct thread *t, struct segment *seg, u64 from)
{
	struct gzip_cursor *cursor = t->cursor;
	struct obd_gzip_stream *s = &cursor->stream;
	u64 end = from + seg->len;
	int r = obd_gzip_stream_seek(s, (void *)cursor->file, from);

	while (!r && s->pos < end) {
		u32 n = min_t(u64, end - s->pos,
			      GZIP_BLOCK_SIZE - s->pos % GZIP_BLOCK_SIZE);

		r = inflate_bytes(t, n, &seg->crc);
		if (!r)
			check_sum(t, seg, from);
	}
	return r;
}

/* The point that was gone by last. One that cannot be had is told elsewhere. */
static void check_history(struct thread *t, struct segment *seg)
{
	const struct obd_gzip_stream *s = &t->cursor->stream;
	int len = load_window(t, &s->gzip->points[s->point]);
	u32 n;

	if (len < 0)
		return;
	n = min((u32)len, t->history);
	if (memcmp(t->window + len - n,
		   t->buf + GZIDX_WINDOW_SIZE + t->filled - n, n))
		add_finding(seg, BAD_HISTORY, -EINVAL, s->point, s->pos);
}

static void check_header(struct thread *t, struct segment *seg, u64 pos)
{
	const struct gzip_file *file = t->cursor->file;
	u32 nr = t->cursor->stream.point;
	u64 end;
	int r = gzip_member_header(file->data, pos, &end);

	if (!r && (file->gzip.points[nr].gzip_pos != end ||
		   file->gzip.points[nr].bits))
		r = -EILSEQ;
	if (r)
		add_finding(seg, BAD_HEADER, r, nr, 0);
}

/* A member has ended; only the first to end where a segment does can have data. */
static void end_member(struct thread *t, struct segment *seg, bool last)
{
	struct obd_gzip_stream *s = &t->cursor->stream;
	struct obd_dev *dev = t->cursor->file->data;
	u64 end = s->member_end + sizeof(struct gzip_trailer);
	struct gzip_trailer trailer = {};
	int r = gzip_member_trailer(dev, s->member_end, &trailer);

	if (!r && seg->ended && (trailer.crc || trailer.len))
		r = -EBADMSG;
	if (r)
		add_finding(seg, BAD_TRAILER, r, s->point, s->pos);
	else if (last)
		seg->unindexed = s->gzip->gzip_size - end;
	else
		check_header(t, seg, end);
	if (!seg->ended)
		seg->trailer = trailer;
	seg->ended = true;
	seg->nr_members++;
}

/* Go by all points where the segment ends, or by the end of all. */
static int end_segment(struct thread *t, struct segment *seg)
{
	struct gzip_cursor *cursor = t->cursor;
	struct obd_gzip_stream *s = &cursor->stream;
	bool last = false;

	while (!last && next_pos(s->gzip, s->point) == s->pos) {
		u32 before = s->point;
		int r = obd_gzip_stream_cross(s, (void *)cursor->file);

		if (r)
			return r;
		last = s->point == before;
		if (s->member_end)
			end_member(t, seg, last);
		else
			check_history(t, seg);
	}
	return 0;
}

/* A block that begins here ends behind the next point. */
static void finish_block(struct thread *t, struct segment *seg, u64 from)
{
	const struct obd_gzip *gzip = &t->cursor->file->gzip;
	u64 pos = t->cursor->stream.pos;
	u32 n = min_t(u64, GZIP_BLOCK_SIZE - t->filled, gzip->data_size - pos);
	u32 crc = 0;

	if (gzip->sums && n && pos - t->filled >= from &&
	    !inflate_bytes(t, n, &crc))
		check_sum(t, seg, from);
}

static void check_segment(struct thread *t, struct segment *seg, u32 nr)
{
	const struct obd_gzip_stream *s = &t->cursor->stream;
	u64 from = s->gzip->points[nr].data_pos;
	int r = inflate_segment(t, seg, from);

	if (r) {
		add_finding(seg, BAD_DATA, r, nr, s->pos);
		return;
	}
	if (!nr)
		check_header(t, seg, 0);
	r = end_segment(t, seg);
	if (r) {
		add_finding(seg, BAD_PLACE, r, s->point + 1, s->pos);
		return;
	}
	seg->whole = !seg->nr_found;
	finish_block(t, seg, from);
}

static struct thread *thread_new(const struct gzip_file *file)
{
	struct thread *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->cursor = gzip_cursor_new(file);
	if (t->cursor && !obd_inflater_init(&t->inflater))
		return t;
	gzip_cursor_free(t->cursor);
	free(t);
	return NULL;
}

static void thread_free(struct thread *t)
{
	if (!t)
		return;
	obd_inflater_exit(&t->inflater);
	gzip_cursor_free(t->cursor);
	free(t);
}

/* Nobody begins at a point that has no data before the next one. */
static int do_segment(void *ctx, unsigned int thread, u64 item, void *slot,
		      struct obd_error *err)
{
	const struct job *job = ctx;
	const struct obd_gzip *gzip = &job->file->gzip;
	u32 nr = job->first + item;
	struct segment *seg = slot;
	struct thread *t = job->threads[thread];
	int r;

	*seg = (struct segment) {
		.len = next_pos(gzip, nr) - gzip->points[nr].data_pos,
	};
	r = begin_segment(t, nr);
	if (r)
		add_finding(seg, BAD_WINDOW, r, nr, gzip->points[nr].data_pos);
	else if (item && !seg->len)
		seg->whole = true;
	else
		check_segment(t, seg, nr);
	return 0;
}

static void describe(const struct job *job, const struct finding *f,
		     char *text, size_t size)
{
	static const char *const texts[] = {
		[BAD_WINDOW] = "its window does not inflate",
		[BAD_HISTORY] = "its window and the data before it differ",
		[BAD_PLACE] = "is not where the gzip file comes to",
		[BAD_HEADER] = "is not where a gzip member begins",
	};
	unsigned long long pos = f->pos;

	if (f->r != -EILSEQ && f->r != -EBADMSG && f->r != -EINVAL)
		snprintf(text, size, "access point %u, byte %llu of the data: cannot read: %s",
			 f->point, pos, strerror(-f->r));
	else if (f->what == BAD_DATA)
		snprintf(text, size, "access point %u: does not inflate from there, at byte %llu of the data",
			 f->point, pos);
	else if (f->what == BAD_SUM)
		snprintf(text, size, "byte %llu of the data, block %llu: wrong CRC",
			 pos, pos >> OBD_GZIP_BLOCK_SHIFT);
	else if (f->what == BAD_TRAILER)
		snprintf(text, size, "byte %llu of the data: the gzip member does not end as it has to",
			 pos);
	else if (f->what == BAD_PLACE &&
		 f->point == job->file->gzip.nr_points)
		snprintf(text, size, "the gzip file does not end with byte %llu of the data, as the index says",
			 pos);
	else
		snprintf(text, size, "access point %u: %s", f->point,
			 texts[f->what]);
}

static void report(struct job *job, const struct segment *seg)
{
	char text[OBD_ERROR_SIZE];
	u32 i;

	for (i = 0; i < seg->nr_found && i < VERIFY_MAX_SHOWN; i++) {
		describe(job, &seg->found[i], text, sizeof(text));
		verify_error(job->v, seg->found[i].r, text);
	}
	if (seg->nr_found > VERIFY_MAX_SHOWN)
		job->v->nr_errors += seg->nr_found - VERIFY_MAX_SHOWN;
}

static void check_trailer(struct job *job, const struct gzip_trailer *trailer)
{
	u64 nr = job->result->nr_members;
	struct obd_error err;
	int r = 0;

	if (le32_to_cpu(trailer->crc) != job->crc)
		r = obd_fail(&err, -EBADMSG,
			     "gzip member %llu: CRC of its data is %#x, expected %#x",
			     (unsigned long long)nr, job->crc,
			     le32_to_cpu(trailer->crc));
	else if (le32_to_cpu(trailer->len) != (u32)job->len)
		r = obd_fail(&err, -EINVAL,
			     "gzip member %llu: length of its data is %u modulo 2^32, expected %u",
			     (unsigned long long)nr, (u32)job->len,
			     le32_to_cpu(trailer->len));
	if (r)
		verify_error(job->v, r, err.text);
}

static int take_segment(void *ctx, u64 item, void *slot, struct obd_error *err)
{
	const struct segment *seg = slot;
	struct job *job = ctx;

	(void)item;
	(void)err;
	report(job, seg);
	job->missed |= !seg->whole;
	job->crc = crc32_combine(job->crc, seg->crc, seg->len);
	job->len += seg->len;
	if (seg->ended) {
		if (!job->missed)
			check_trailer(job, &seg->trailer);
		job->crc = 0;
		job->len = 0;
		job->missed = false;
	}
	job->result->nr_members += seg->nr_members;
	job->result->nr_bad += seg->nr_bad;
	job->result->unindexed += seg->unindexed;
	progress_add(&job->v->progress, seg->len);
	return 0;
}

static int begin_threads(struct job *job, unsigned int nr,
			 struct obd_error *err)
{
	unsigned int i;

	job->threads = calloc(nr, sizeof(*job->threads));
	for (i = 0; job->threads && i < nr; i++) {
		job->threads[i] = thread_new(job->file);
		if (!job->threads[i])
			break;
	}
	if (!job->threads || i < nr)
		return obd_fail(err, -ENOMEM, "no memory for %u threads", nr);
	return 0;
}

static void end_threads(struct job *job, unsigned int nr)
{
	unsigned int i;

	for (i = 0; job->threads && i < nr; i++)
		thread_free(job->threads[i]);
	free(job->threads);
}

static int run(struct job *job, struct obd_error *err)
{
	const struct obd_gzip *gzip = &job->file->gzip;
	struct work work = {
		.nr_items = gzip->nr_points - job->first,
		.nr_threads = job->v->options->nr_threads,
		.slot_size = sizeof(struct segment),
		.ctx = job,
		.work = do_segment,
		.finish = take_segment,
	};
	int r;

	progress_begin(&job->v->progress, job->v->path, gzip->data_size);
	r = begin_threads(job, work.nr_threads, err) ?: work_run(&work, err);
	end_threads(job, work.nr_threads);
	progress_end(&job->v->progress);
	return r;
}

void verify_gzip(struct verify *v, const struct gzip_file *file,
		 struct verify_gzip_result *result)
{
	const struct obd_gzip_point *first = obd_gzip_find(&file->gzip, 0);
	struct job job = { .v = v, .file = file, .result = result };
	struct obd_error err;
	int r;

	*result = (struct verify_gzip_result) {};
	if (!first)
		return;
	job.first = first - file->gzip.points;
	r = run(&job, &err);
	if (r)
		verify_error(v, r, err.text);
}
