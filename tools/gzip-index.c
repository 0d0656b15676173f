// SPDX-License-Identifier: GPL-2.0-only
/*
 * Write the index of access points of a gzip file.
 */
#include "dm-overlaybd-gzip.h"
#include "tools/gzip-index.h"
#include "tools/gzip-member.h"

#define IN_SIZE		(256 * 1024)
#define OUT_SIZE	(256 * 1024)
#define LAST_BLOCK	64		/* of data_type: it was the last */
#define UNUSED_BITS	7		/* of data_type */
#define ROOM_MIN	1024
#define BLOCK_SIZE	(1U << GZIDX_SUMS_BLOCK_SHIFT)

/* What grows. */
struct array {
	void *items;
	u64 nr;
	u64 room;
};

/*
 * @at: gzip bytes before what is in @in; @member: those before the member;
 * @out holds the last @filled bytes of data, @fresh of them of this member, which
 * has had a point if it has @begun; @last: data position of the last point;
 * @crc: of the block that is not complete yet; @blank: where the index has the window
 * of points that no data comes before, once there is one, and its @blank_size there.
 */
struct walk {
	struct gzip_index *index;
	z_stream s;
	u64 at;
	u64 member;
	u64 last;
	u32 filled;
	u64 fresh;
	bool begun;
	u32 crc;
	u64 blank;
	u32 blank_size;
	struct array entries;
	struct array sums;
	u8 in[IN_SIZE];
	u8 out[OUT_SIZE];
	u8 window[GZIDX_WINDOW_SIZE];
	u8 stored[GZIDX_WINDOW_SIZE * 2];
};

static int add_bytes(struct gzip_index *index, const void *buf, u64 len,
		     struct obd_error *err)
{
	int r;

	r = output_write(index->out, index->index_size, buf, len, err);
	index->index_size += len;
	return r;
}

/* Return: bytes that it takes there, or a negative errno. */
static int store_window(struct walk *w, struct obd_error *err)
{
	uLongf size = sizeof(w->stored);

	if (!w->index->level)
		return add_bytes(w->index, w->window, sizeof(w->window), err) ?:
		       (int)sizeof(w->window);
	if (compress2(w->stored, &size, w->window, sizeof(w->window),
		      w->index->level) != Z_OK)
		return obd_fail(err, -ENOMEM, "no memory to compress");
	return add_bytes(w->index, w->stored, size, err) ?: (int)size;
}

/*
 * The reference tools read from points with whole windows only: zeros stand for what
 * there is not. Return: bytes that the index has from @pos on, or a negative errno.
 */
static int add_window(struct walk *w, u64 *pos, struct obd_error *err)
{
	u32 len = min_t(u64, min(w->filled, GZIDX_WINDOW_SIZE), w->fresh);
	u32 blank = sizeof(w->window) - len;
	int size;

	if (!len && w->blank) {
		*pos = w->blank;
		return w->blank_size;
	}
	*pos = w->index->index_size;
	memset(w->window, 0, blank);
	memcpy(w->window + blank, w->out + w->filled - len, len);
	size = store_window(w, err);
	if (!len && size > 0) {
		w->blank = *pos;
		w->blank_size = size;
	}
	return size;
}

/* Return: the next item, or NULL without memory. */
static void *array_add(struct array *array, size_t size)
{
	u64 room = max_t(u64, ROOM_MIN, 2 * array->room);
	void *p;

	if (array->nr == array->room) {
		p = realloc(array->items, room * size);
		if (!p)
			return NULL;
		array->items = p;
		array->room = room;
	}
	return array->items + size * array->nr++;
}

static int add_point(struct walk *w, struct obd_error *err)
{
	struct gzip_index *index = w->index;
	struct gzidx_entry *entry;
	u64 pos;
	int size;

	size = add_window(w, &pos, err);
	if (size < 0)
		return size;
	entry = array_add(&w->entries, sizeof(*entry));
	if (!entry)
		return obd_fail(err, -ENOMEM, "no memory for access points");
	*entry = (struct gzidx_entry) {
		.data_pos = cpu_to_le64(index->data_size),
		.gzip_pos = cpu_to_le64(w->member + w->s.total_in),
		.window_pos = cpu_to_le64(pos),
		.bits = w->s.data_type & UNUSED_BITS,
		.window_size = cpu_to_le32(size),
	};
	w->last = index->data_size;
	w->begun = true;
	return 0;
}

static int add_sum(struct walk *w, struct obd_error *err)
{
	__le32 *sum = array_add(&w->sums, sizeof(*sum));

	if (!sum)
		return obd_fail(err, -ENOMEM, "no memory for checksums");
	*sum = cpu_to_le32(w->crc);
	w->crc = 0;
	return 0;
}

/* The next @len bytes of data. */
static int sum_up(struct walk *w, const u8 *data, u32 len,
		  struct obd_error *err)
{
	u64 pos = w->index->data_size;
	int r = 0;

	while (!r && len) {
		u32 n = min(len, BLOCK_SIZE - (u32)(pos % BLOCK_SIZE));

		w->crc = crc32c(w->crc, data, n);
		pos += n;
		data += n;
		len -= n;
		if (pos % BLOCK_SIZE == 0)
			r = add_sum(w, err);
	}
	return r;
}

/* Keep what may become a window. */
static void slide(struct walk *w)
{
	u32 keep = min(w->filled, GZIDX_WINDOW_SIZE);

	if (w->filled < OUT_SIZE)
		return;
	memmove(w->out, w->out + w->filled - keep, keep);
	w->filled = keep;
}

static int fill_in(struct walk *w, struct obd_error *err)
{
	struct obd_dev *gzip = w->index->gzip;
	u32 n = min_t(u64, IN_SIZE, gzip->size - w->at);
	int r;

	if (w->s.avail_in)
		return 0;
	if (!n)
		return obd_fail(err, -EINVAL,
				"is no whole gzip file: it ends within a member, at byte %llu",
				(unsigned long long)w->at);
	r = obd_dev_read(gzip, w->at, w->in, n);
	if (r)
		return obd_fail(err, r, "cannot read: %s", strerror(-r));
	w->at += n;
	w->s.next_in = w->in;
	w->s.avail_in = n;
	progress_add(w->index->progress, n);
	return 0;
}

/* zlib gets its window when it has the first data. */
static int inflate_failed(const struct walk *w, int r, struct obd_error *err)
{
	if (r == Z_MEM_ERROR)
		return obd_fail(err, -ENOMEM, "no memory to inflate");
	return obd_fail(err, -EINVAL, "is no whole gzip file: at byte %llu: %s",
			(unsigned long long)(w->at - w->s.avail_in),
			w->s.msg ?: "wrong");
}

/* Return: 1 at the end of a member, 0, or a negative errno. */
static int step(struct walk *w, struct obd_error *err)
{
	struct gzip_index *index = w->index;
	u32 before;
	int r;

	r = fill_in(w, err);
	if (r)
		return r;
	slide(w);
	w->s.next_out = w->out + w->filled;
	w->s.avail_out = OUT_SIZE - w->filled;
	before = w->s.avail_out;
	r = inflate(&w->s, Z_BLOCK);
	if (r != Z_OK && r != Z_STREAM_END)
		return inflate_failed(w, r, err);
	before -= w->s.avail_out;
	if (index->checksums && sum_up(w, w->out + w->filled, before, err))
		return -ENOMEM;
	w->filled += before;
	w->fresh += before;
	index->data_size += before;
	if (r == Z_STREAM_END)
		return 1;
	if ((w->s.data_type & (GZIP_AT_BLOCK | LAST_BLOCK)) != GZIP_AT_BLOCK ||
	    (w->begun && index->data_size - w->last < index->span))
		return 0;
	return add_point(w, err);
}

/* Return: 1 if another member follows, 0 if not, or a negative errno. */
static int next_member(struct walk *w, struct obd_error *err)
{
	w->index->nr_members++;
	w->member = w->at - w->s.avail_in;
	w->fresh = 0;
	w->begun = false;
	if (!w->s.avail_in && w->at == w->index->gzip->size)
		return 0;
	return inflateReset(&w->s) == Z_OK ? 1 :
	       obd_fail(err, -EINVAL, "cannot begin a member");
}

static int walk(struct walk *w, struct obd_error *err)
{
	int r;

	do {
		do {
			r = step(w, err);
		} while (!r);
		if (r > 0)
			r = next_member(w, err);
	} while (r > 0);
	return r;
}

/* Return: bytes that the table takes, or a negative errno. */
static s64 add_table(struct walk *w, struct obd_error *err)
{
	u64 len = w->entries.nr * sizeof(struct gzidx_entry);
	uLongf size = compressBound(len);
	u8 *buf;
	int r;

	if (!w->index->level)
		return add_bytes(w->index, w->entries.items, len, err) ?: (s64)len;
	buf = malloc(size);
	if (!buf || compress2(buf, &size, w->entries.items, len,
			      w->index->level) != Z_OK)
		r = obd_fail(err, -ENOMEM, "no memory to compress");
	else
		r = add_bytes(w->index, buf, size, err);
	free(buf);
	return r ?: (s64)size;
}

static int add_sums(struct walk *w, struct gzidx_sums *sums,
		    struct obd_error *err)
{
	u64 len;

	if (w->index->data_size % BLOCK_SIZE && add_sum(w, err))
		return -ENOMEM;
	len = w->sums.nr * sizeof(__le32);
	*sums = (struct gzidx_sums) {
		.magic = GZIDX_SUMS_MAGIC,
		.version = GZIDX_SUMS_VERSION,
		.block_shift = GZIDX_SUMS_BLOCK_SHIFT,
		.crc = cpu_to_le32(crc32c(0, w->sums.items, len)),
		.offset = cpu_to_le64(w->index->index_size),
	};
	return add_bytes(w->index, w->sums.items, len, err);
}

static int add_header(struct walk *w, const struct gzidx_sums *sums,
		      u64 table_pos, u64 table_size, struct obd_error *err)
{
	const struct gzip_index *index = w->index;
	struct gzidx_header h = {
		.magic = GZIDX_MAGIC,
		.major = GZIDX_MAJOR,
		.algorithm = index->level ? GZIDX_ALGO_ZLIB : GZIDX_ALGO_NONE,
		.level = index->level,
		.span = cpu_to_le32(index->span),
		.window_size = cpu_to_le32(GZIDX_WINDOW_SIZE),
		.entry_size = cpu_to_le32(sizeof(struct gzidx_entry)),
		.nr_entries = cpu_to_le64(index->nr_points),
		.gzip_size = cpu_to_le64(index->gzip->size),
		.index_size = cpu_to_le64(index->index_size),
		.data_size = cpu_to_le64(index->data_size),
		.table_offset = cpu_to_le64(table_pos),
		.table_size = cpu_to_le64(table_size),
	};

	memcpy(h.reserved, sums, sizeof(*sums));
	h.crc = cpu_to_le32(crc32c(0, &h, offsetof(struct gzidx_header, crc)));
	return output_write(index->out, 0, &h, sizeof(h), err);
}

static int write_index(struct walk *w, struct obd_error *err)
{
	struct gzidx_sums sums = {};
	u64 table_pos;
	s64 size;
	int r;

	w->index->index_size = sizeof(struct gzidx_header);
	r = walk(w, err);
	if (!r && w->index->checksums)
		r = add_sums(w, &sums, err);
	if (r)
		return r;
	w->index->nr_points = w->entries.nr;
	table_pos = w->index->index_size;
	size = add_table(w, err);
	if (size < 0)
		return size;
	return add_header(w, &sums, table_pos, size, err);
}

int gzip_index_write(struct gzip_index *index, struct obd_error *err)
{
	struct walk *w = calloc(1, sizeof(*w));
	int r;

	if (!w || inflateInit2(&w->s, GZIP_FORMAT) != Z_OK) {
		free(w);
		return obd_fail(err, -ENOMEM, "no memory to inflate");
	}
	w->index = index;
	r = write_index(w, err);
	inflateEnd(&w->s);
	free(w->entries.items);
	free(w->sums.items);
	free(w);
	return r;
}

/* Members need a point each; of the others there are fewer the larger the span. */
static int check_number(const struct gzip_index *index, struct obd_error *err)
{
	u64 max = OBD_GZIP_ALL_POINTS_MAX;
	u64 more, times;

	if (index->nr_points <= max)
		return 0;
	if (index->nr_members >= max)
		return obd_fail(err, -EOPNOTSUPP,
				"%llu members, expected fewer than %llu",
				(unsigned long long)index->nr_members,
				(unsigned long long)max);
	more = index->nr_points - index->nr_members;
	times = DIV_ROUND_UP(more, max - index->nr_members);
	return obd_fail(err, -EOPNOTSUPP,
			"%llu access points, expected up to %llu: choose a --span of %llu or more",
			(unsigned long long)index->nr_points,
			(unsigned long long)max,
			(unsigned long long)(index->span * times));
}

int gzip_index_check(const struct gzip_index *index, struct obd_error *err)
{
	struct obd_dev dev = { index->out->fd, index->index_size };
	struct obd_gzip gzip = {};
	int r;

	r = check_number(index, err) ?:
	    obd_gzip_open(&gzip, &dev, dev.size, index->gzip->size, err);
	obd_gzip_release(&gzip);
	return r;
}
