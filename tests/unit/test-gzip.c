// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gzip files that are read from the middle: what comes out is what zlib says,
 * and an index that lies is found out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <unistd.h>

#include <cmocka.h>

#include "dm-overlaybd-gzip-stream.h"
#include "tests/unit/gzip-builder.h"
#include "tests/unit/test.h"
#include "tools/gzip-index.h"

static u32 patience;		/* the user gives up when asked so many times */

static bool interrupted(const struct obd_dev *dev)
{
	(void)dev;
	return patience && !--patience;
}

#define obd_dev_interrupted	interrupted
#include "dm-overlaybd-gzip.c"
#undef obd_dev_interrupted

#define FIXTURES_DEFAULT	"../shared/fixtures"
#define READ_MAX		20000U
#define ROUNDS			4

/* A gzip file, its index, and what is in it. */
struct subject {
	struct buffer gzip;
	struct buffer index;
	struct buffer data;
	struct obd_gzip parsed;
	struct obd_inflater inflater;
	u32 bits_seen;		/* a bit for each number of bits */
	u32 at;			/* point that inflation began at */
	u64 fetched;		/* bytes of the gzip file that were read */
};

static int parse(struct subject *s, struct obd_error *err)
{
	const struct gzidx_header *h = (const void *)s->index.data;
	struct obd_dev index = { .fd = -1 };

	return obd_gzip_parse(&s->parsed, h, s->gzip.len, s->index.len, err) ?:
	       obd_gzip_load(&s->parsed, s->index.data + s->parsed.table_pos,
			     &index, &s->inflater, err);
}

static void open_subject(struct subject *s)
{
	struct obd_error err;

	assert_int_equal(obd_inflater_init(&s->inflater), 0);
	if (parse(s, &err))
		fail_msg("%s", err.text);
}

static void release(struct subject *s)
{
	obd_gzip_release(&s->parsed);
	obd_inflater_exit(&s->inflater);
	buffer_release(&s->gzip);
	buffer_release(&s->index);
	buffer_release(&s->data);
}

static int start(struct subject *s, const struct obd_gzip_point *p)
{
	u8 window[GZIDX_WINDOW_SIZE];
	u32 len;

	s->at = p - s->parsed.points;
	s->bits_seen |= 1U << p->bits;
	return obd_inflater_window(&s->inflater, &s->parsed,
				   s->index.data + p->window_pos,
				   p->window_size, window, &len) ?:
	       obd_inflater_start(&s->inflater, p,
				  s->gzip.data[p->gzip_pos - 1], window, len);
}

/* Go on where the next member begins, which is a point. */
static int next_member(struct subject *s, u64 *gzip_pos)
{
	const struct obd_gzip_point *p = &s->parsed.points[s->at];
	const struct obd_gzip_point *end = s->parsed.points +
					   s->parsed.nr_points;

	while (p < end && p->gzip_pos < *gzip_pos)
		p++;
	if (p == end)
		return -EILSEQ;
	*gzip_pos = p->gzip_pos;
	return start(s, p);
}

/* Input and output come in pieces of any size, and end at blocks or not. */
static int inflate_to(struct subject *s, u64 *gzip_pos, u8 *out, u32 len,
		      u64 *seed)
{
	int r = 0;

	while (len && !r) {
		u32 in_len = min_t(u64, 1 + random_below(seed, 3000),
				   s->gzip.len - *gzip_pos);
		u32 room = min_t(u32, len, 1 + random_below(seed, 5000));
		u32 in_left = in_len, out_left = room;

		r = obd_inflater_run(&s->inflater, s->gzip.data + *gzip_pos,
				     &in_left, out, &out_left,
				     random_below(seed, 2));
		*gzip_pos += in_len - in_left;
		out += room - out_left;
		len -= room - out_left;
		if (r == 1 && len)
			r = next_member(s, gzip_pos);
	}
	return len ? -EILSEQ : 0;
}

static int read_at(struct subject *s, u64 pos, u8 *out, u32 len, u64 *seed)
{
	const struct obd_gzip_point *p = obd_gzip_find(&s->parsed, pos);
	u64 gzip_pos, skip;
	u8 *buf;
	int r;

	if (!p)
		return -EILSEQ;
	gzip_pos = p->gzip_pos;
	skip = pos - p->data_pos;
	buf = malloc(skip + len);
	r = start(s, p) ?: inflate_to(s, &gzip_pos, buf, skip + len, seed);
	if (!r)
		memcpy(out, buf + skip, len);
	free(buf);
	return r;
}

static void check_points(struct subject *s, u64 *seed)
{
	u8 out[READ_MAX];
	u32 i;

	for (i = 0; i < s->parsed.nr_points; i++) {
		u64 pos = s->parsed.points[i].data_pos;
		u32 len = min_t(u64, READ_MAX, s->data.len - pos);

		assert_int_equal(read_at(s, pos, out, len, seed), 0);
		assert_memory_equal(out, s->data.data + pos, len);
	}
}

static void check_reads(struct subject *s, u32 nr, u64 *seed)
{
	u8 out[READ_MAX];

	for (; nr; nr--) {
		u64 pos = random_below(seed, s->data.len);
		u32 len = 1 + random_below(seed, min_t(u64, READ_MAX,
						       s->data.len - pos));

		assert_int_equal(read_at(s, pos, out, len, seed), 0);
		assert_memory_equal(out, s->data.data + pos, len);
	}
}

/* Text-like, noise, and long runs by turns. */
static void make_data(struct buffer *data, size_t len, u64 *seed)
{
	while (data->len < len) {
		size_t n = 1 + random_below(seed, 30000);
		u32 kind = random_below(seed, 3);
		u64 rare = random_next(seed);
		size_t i;

		for (i = 0; i < n; i++) {
			u8 c = kind == 2 ? rare : random_next(seed);

			if (kind == 1)
				c = "etaoin shrdlu\n"[c % 14];
			buffer_add(data, &c, 1);
		}
	}
	data->len = len;
}

static const struct gzip_how hows[] = {
	{ 1, Z_DEFAULT_STRATEGY, Z_NO_FLUSH, 0 },
	{ 6, Z_DEFAULT_STRATEGY, Z_NO_FLUSH, 0 },
	{ 9, Z_DEFAULT_STRATEGY, Z_NO_FLUSH, 0 },
	{ 0, Z_DEFAULT_STRATEGY, Z_NO_FLUSH, 0 },
	{ 6, Z_FIXED, Z_NO_FLUSH, 0 },
	{ 6, Z_HUFFMAN_ONLY, Z_NO_FLUSH, 0 },
	{ 6, Z_RLE, Z_NO_FLUSH, 0 },
	{ 6, Z_FILTERED, Z_NO_FLUSH, 0 },
	{ 6, Z_DEFAULT_STRATEGY, Z_SYNC_FLUSH, 3001 },
	{ 6, Z_DEFAULT_STRATEGY, Z_FULL_FLUSH, 7919 },
	{ 6, Z_DEFAULT_STRATEGY, Z_PARTIAL_FLUSH, 2003 },
	{ 6, Z_DEFAULT_STRATEGY, Z_BLOCK, 1777 },
	{ 6, Z_FIXED, Z_BLOCK, 411 },
};

static void every_kind_of_gzip_is_read(void **state)
{
	u64 seed = test_seed();
	u32 bits_seen = 0, i;

	(void)state;
	for (i = 0; i < ROUNDS * ARRAY_SIZE(hows); i++) {
		struct subject s = {};

		make_data(&s.data, 1 + random_below(&seed, 400000), &seed);
		build_gzip(&s.gzip, &s.data, &hows[i % ARRAY_SIZE(hows)]);
		build_gzip_index(&s.index, &s.gzip,
				 1 + random_below(&seed, 9000), i % 2);
		open_subject(&s);
		assert_int_equal(s.parsed.data_size, s.data.len);
		check_points(&s, &seed);
		check_reads(&s, 30, &seed);
		bits_seen |= s.bits_seen;
		release(&s);
	}
	assert_int_equal(bits_seen, 0xff);
}

static void the_end_of_the_stream_is_told(void **state)
{
	u64 seed = test_seed();
	struct subject s = {};
	u32 in_len, out_len;
	u8 out[16];

	(void)state;
	make_data(&s.data, 100, &seed);
	build_gzip(&s.gzip, &s.data, &hows[1]);
	build_gzip_index(&s.index, &s.gzip, 1000, true);
	open_subject(&s);
	assert_int_equal(s.parsed.nr_points, 1);
	assert_int_equal(start(&s, obd_gzip_find(&s.parsed, 90)), 0);
	in_len = s.gzip.len - s.parsed.points[0].gzip_pos;
	s.data.len = 0;
	do {
		const u8 *in = s.gzip.data + s.gzip.len - in_len;

		out_len = sizeof(out);
		s.bits_seen = obd_inflater_run(&s.inflater, in, &in_len, out,
					       &out_len, false);
		s.data.len += sizeof(out) - out_len;
	} while (!s.bits_seen);
	assert_int_equal(s.bits_seen, 1);
	assert_int_equal(s.data.len, 100);
	/* CRC and length are left. */
	assert_int_equal(in_len, 8);
	release(&s);
}

/* As concatenation, and what is made to be read in parts, has it. */
static void all_members_are_read(void **state)
{
	u64 seed = test_seed();
	struct subject s = {};
	u32 i;

	(void)state;
	for (i = 0; i < 40; i++) {
		struct buffer part = {};

		if (!one_in(&seed, 8))
			make_data(&part, random_below(&seed, 30000), &seed);
		build_gzip(&s.gzip, &part, &hows[i % ARRAY_SIZE(hows)]);
		buffer_add(&s.data, part.data, part.len);
		buffer_release(&part);
	}
	build_gzip_index(&s.index, &s.gzip, 10000, true);
	open_subject(&s);
	assert_true(s.parsed.nr_points >= 40);
	assert_int_equal(s.parsed.data_size, s.data.len);
	check_points(&s, &seed);
	check_reads(&s, 100, &seed);
	release(&s);
}

struct lie {
	const char *what;	/* the error says */
	u32 offset;
	u32 size;
	u64 value;
};

#define LIE(field, value, what)						\
	{ what, offsetof(struct gzidx_header, field),			\
	  sizeof_field(struct gzidx_header, field), value }
#define sizeof_field(type, field)	sizeof(((type *)NULL)->field)

static const struct lie header_lies[] = {
	LIE(major, 2, "version"),
	LIE(algorithm, 2, "algorithm"),
	LIE(window_size, 32767, "window_size"),
	LIE(entry_size, 28, "entry_size"),
	LIE(gzip_size, 1, "gzip_size"),
	LIE(index_size, 1, "index_size"),
	LIE(data_size, 1ULL << 40, "data_size"),
	LIE(data_size, ~0ULL, "data_size"),
	LIE(nr_entries, 0, "nr_entries"),
	LIE(nr_entries, 1ULL << 32, "nr_entries"),
	LIE(nr_entries, ~0ULL, "nr_entries"),
	LIE(table_offset, 0, "table_offset"),
	LIE(table_offset, ~0ULL, "table_offset"),
	LIE(table_size, ~0ULL, "table_size"),
	LIE(table_size, 1ULL << 31, "table_size"),
};

static const struct gzip_how flushed = {
	6, Z_DEFAULT_STRATEGY, Z_FULL_FLUSH, 7919
};

static void make_subject(struct subject *s, bool packed, u64 *seed)
{
	*s = (struct subject) {};
	make_data(&s->data, 200000, seed);
	build_gzip(&s->gzip, &s->data, &flushed);
	build_gzip_index(&s->index, &s->gzip, 20000, packed);
	open_subject(s);
	assert_true(s->parsed.nr_points > 2);
}

/* An obd_gzip_fetch; a few bytes at a time. The context is the subject. */
static int fetch(struct obd_gzip_stream *stream, void *context,
		 enum obd_gzip_file file, u64 pos, u64 len)
{
	struct subject *s = context;
	const struct buffer *from = file == OBD_GZIP_DATA ? &s->gzip :
							    &s->index;
	u32 n = min_t(u64, len, file == OBD_GZIP_DATA ? 1 + pos % 3000 :
							OBD_GZIP_STORED_MAX);

	assert_true(len && pos <= from->len && len <= from->len - pos);
	stream->in_at = pos % 512;
	memcpy(stream->in + stream->in_at, from->data + pos, n);
	if (file == OBD_GZIP_DATA)
		s->fetched += n;
	return n;
}

static int read_stream(struct obd_gzip_stream *stream, struct subject *s,
		       u64 pos, u32 len)
{
	u8 out[READ_MAX];
	int r = obd_gzip_stream_seek(stream, s, pos);

	while (!r && stream->pos < pos)
		r = obd_gzip_stream_inflate(stream, s, out,
					    min_t(u64, READ_MAX,
						  pos - stream->pos));
	r = r ?: obd_gzip_stream_inflate(stream, s, out, len);
	if (!r)
		assert_memory_equal(out, s->data.data + pos, len);
	return r;
}

/* From the first byte to the last. Return: an error, if there was one. */
static int read_through(struct obd_gzip_stream *stream, struct subject *s,
			u64 *seed)
{
	u64 pos = 0;
	int r = 0;

	while (!r && pos < s->data.len) {
		u32 len = min_t(u64, 1 + random_below(seed, READ_MAX),
				s->data.len - pos);

		r = read_stream(stream, s, pos, len);
		pos += len;
	}
	return r;
}

static void make_members(struct subject *s, const struct gzip_how *how,
			 u64 *seed)
{
	u32 members = 1 + random_below(seed, 4);

	for (; members; members--) {
		struct buffer part = {};

		make_data(&part, 1 + random_below(seed, 150000), seed);
		build_gzip(&s->gzip, &part, how);
		buffer_add(&s->data, part.data, part.len);
		buffer_release(&part);
	}
}

static void streams_go_by_points(void **state)
{
	u64 seed = test_seed();
	u32 i, k;

	(void)state;
	for (i = 0; i < ROUNDS * ARRAY_SIZE(hows); i++) {
		struct obd_gzip_stream stream;
		struct subject s = {};

		make_members(&s, &hows[i % ARRAY_SIZE(hows)], &seed);
		build_gzip_index(&s.index, &s.gzip,
				 1 + random_below(&seed, 9000), i % 2);
		open_subject(&s);
		assert_int_equal(obd_gzip_stream_init(&stream, &s.parsed,
						      fetch), 0);
		assert_int_equal(read_through(&stream, &s, &seed), 0);
		assert_int_equal(stream.point, s.parsed.nr_points - 1);
		assert_int_equal(obd_gzip_stream_cross(&stream, &s), 0);
		assert_int_equal(stream.member_end, s.gzip.len - 8);
		for (k = 0; k < 20; k++) {
			u64 pos = random_below(&seed, s.data.len);

			assert_int_equal(read_stream(&stream, &s, pos, 1), 0);
		}
		obd_gzip_stream_exit(&stream);
		release(&s);
	}
}

/* Who goes on where another read has ended begins nowhere anew. */
static void a_stream_goes_on(void **state)
{
	struct obd_gzip_stream stream;
	u64 seed = test_seed();
	struct subject s;

	(void)state;
	make_subject(&s, true, &seed);
	assert_int_equal(obd_gzip_stream_init(&stream, &s.parsed, fetch), 0);
	assert_int_equal(read_stream(&stream, &s, 0, 100), 0);
	s.parsed.points[0].window_size = 0;
	s.index.len = 0;
	assert_int_equal(read_through(&stream, &s, &seed), 0);
	assert_int_equal(read_stream(&stream, &s, 0, 100), 0);
	obd_gzip_stream_exit(&stream);
	release(&s);
}

/* Nothing of them is read twice, nor is what no member needs. */
static void small_members_cost_their_size(void **state)
{
	struct obd_gzip_stream stream;
	u64 seed = test_seed();
	struct subject s = {};
	u32 i;

	(void)state;
	for (i = 0; i < 3000; i++) {
		struct buffer part = {};

		make_data(&part, random_below(&seed, 500), &seed);
		build_gzip(&s.gzip, &part, &hows[1]);
		buffer_add(&s.data, part.data, part.len);
		buffer_release(&part);
	}
	build_gzip_index(&s.index, &s.gzip, 10000, true);
	open_subject(&s);
	assert_true(s.parsed.nr_points >= 3000);
	s.parsed.points[0].window_size = 0;
	s.index.len = 0;
	assert_int_equal(obd_gzip_stream_init(&stream, &s.parsed, fetch), 0);
	assert_int_equal(read_through(&stream, &s, &seed), 0);
	assert_true(s.fetched <= s.gzip.len);
	obd_gzip_stream_exit(&stream);
	release(&s);
}

/* But not if a point is nearer. */
static void a_stream_takes_the_shorter_way(void **state)
{
	struct obd_gzip_stream stream;
	u64 seed = test_seed(), pos;
	struct subject s;

	(void)state;
	make_subject(&s, true, &seed);
	assert_int_equal(obd_gzip_stream_init(&stream, &s.parsed, fetch), 0);
	assert_int_equal(read_stream(&stream, &s, 0, 100), 0);
	pos = s.parsed.points[2].data_pos;
	assert_int_equal(obd_gzip_stream_seek(&stream, &s, pos + 1), 0);
	assert_int_equal(stream.pos, pos);
	obd_gzip_stream_exit(&stream);
	release(&s);
}

/* As where an index says that there is more. */
static void the_end_comes_too_early(void **state)
{
	struct obd_gzip_stream stream;
	u64 seed = test_seed();
	struct subject s;

	(void)state;
	make_subject(&s, true, &seed);
	s.parsed.data_size++;
	buffer_add(&s.data, "", 1);
	assert_int_equal(obd_gzip_stream_init(&stream, &s.parsed, fetch), 0);
	assert_int_equal(read_through(&stream, &s, &seed), -EILSEQ);
	obd_gzip_stream_exit(&stream);
	release(&s);
}

static void the_end_comes_too_late(void **state)
{
	struct obd_gzip_stream stream;
	u64 seed = test_seed();
	struct subject s;

	(void)state;
	make_subject(&s, true, &seed);
	s.parsed.data_size--;
	s.data.len--;
	assert_int_equal(obd_gzip_stream_init(&stream, &s.parsed, fetch), 0);
	assert_int_equal(read_through(&stream, &s, &seed), 0);
	assert_int_equal(obd_gzip_stream_cross(&stream, &s), -EILSEQ);
	obd_gzip_stream_exit(&stream);
	release(&s);
}

/* Whoever begins with a point knows whether a member ended before the next. */
static void ends_of_members_are_told(void **state)
{
	struct obd_gzip_stream stream;
	u64 seed = test_seed(), end;
	struct buffer part = {};
	struct subject s = {};
	u32 nr = 0;

	(void)state;
	make_data(&part, 100000, &seed);
	build_gzip(&s.gzip, &part, &flushed);
	end = s.gzip.len - 8;
	build_gzip(&s.gzip, &part, &flushed);
	build_gzip_index(&s.index, &s.gzip, 20000, true);
	buffer_add(&s.data, part.data, part.len);
	buffer_add(&s.data, part.data, part.len);
	open_subject(&s);
	assert_int_equal(obd_gzip_stream_init(&stream, &s.parsed, fetch), 0);
	while (++nr < s.parsed.nr_points) {
		u64 pos = s.parsed.points[nr].data_pos;

		assert_int_equal(read_stream(&stream, &s, pos - 1, 1), 0);
		assert_int_equal(obd_gzip_stream_cross(&stream, &s), 0);
		assert_int_equal(stream.point, nr);
		assert_int_equal(stream.member_end, pos == part.len ? end : 0);
	}
	obd_gzip_stream_exit(&stream);
	buffer_release(&part);
	release(&s);
}

static void move_point(struct obd_gzip_point *p, u32 how)
{
	switch (how) {
	case 0:
		p->data_pos++;
		break;
	case 1:
		p->data_pos--;
		break;
	case 2:
		p->gzip_pos++;
		break;
	case 3:
		p->gzip_pos--;
		break;
	default:
		p->bits ^= 1 << (how - 4);
	}
}

/* Whoever goes by such a point finds out, to the bit. */
static void points_that_are_off_are_found_out(void **state)
{
	u64 seed = test_seed();
	u32 how, k;

	(void)state;
	for (k = 0; k < ARRAY_SIZE(hows); k++) {
		struct obd_gzip_stream stream;
		struct obd_gzip_point *p, good;
		struct subject s = {};

		make_data(&s.data, 300000, &seed);
		build_gzip(&s.gzip, &s.data, &hows[k]);
		build_gzip_index(&s.index, &s.gzip, 20000, false);
		open_subject(&s);
		p = &s.parsed.points[s.parsed.nr_points / 2];
		good = *p;
		for (how = 0; p != s.parsed.points && how < 7; how++) {
			move_point(p, how);
			assert_int_equal(obd_gzip_stream_init(&stream,
							      &s.parsed, fetch),
					 0);
			assert_int_equal(read_through(&stream, &s, &seed),
					 -EILSEQ);
			assert_false(stream.live);
			obd_gzip_stream_exit(&stream);
			*p = good;
		}
		release(&s);
	}
}

static void refused(struct subject *s, const char *what)
{
	struct obd_error err;

	obd_gzip_release(&s->parsed);
	assert_true(parse(s, &err) < 0);
	assert_null(s->parsed.points);
	if (!strstr(err.text, what))
		fail_msg("\"%s\" does not name %s", err.text, what);
}

static void headers_that_lie_are_refused(void **state)
{
	u64 seed = test_seed();
	struct gzidx_header *h, good;
	struct subject s;
	u32 i;

	(void)state;
	make_subject(&s, true, &seed);
	h = (void *)s.index.data;
	good = *h;
	for (i = 0; i < ARRAY_SIZE(header_lies); i++) {
		const struct lie *lie = &header_lies[i];
		u64 value = cpu_to_le64(lie->value);

		memcpy((u8 *)h + lie->offset, &value, lie->size);
		gzip_index_fix(h);
		refused(&s, lie->what);
		*h = good;
	}
	h->reserved[7] ^= 1;
	refused(&s, "CRC");
	*h = good;
	h->magic[0] ^= 1;
	refused(&s, "magic");
	release(&s);
}

static int open_index(struct subject *s, struct obd_gzip *gzip,
		      struct obd_error *err)
{
	struct obd_dev dev;
	int r;

	buffer_device(&s->index, &dev);
	r = obd_gzip_open(gzip, &dev, s->index.len, s->gzip.len, err);
	obd_file_close(&dev);
	return r;
}

static void blocks_are_compared_with_their_checksums(void **state)
{
	const u32 size = 1U << OBD_GZIP_BLOCK_SHIFT;
	u64 seed = test_seed();
	struct obd_gzip gzip = {};
	struct obd_error err;
	struct subject s;
	u32 i;

	(void)state;
	make_subject(&s, true, &seed);
	assert_int_equal(open_index(&s, &gzip, &err), 0);
	assert_int_equal(gzip.nr_sums, DIV_ROUND_UP(s.data.len, size));
	for (i = 0; i < gzip.nr_sums; i++) {
		u8 *block = s.data.data + i * size;
		u32 len = min_t(u64, size, s.data.len - i * size);

		assert_int_equal(obd_gzip_check(&gzip, i, block, len), 0);
		block[len - 1] ^= 1;
		assert_int_equal(obd_gzip_check(&gzip, i, block, len),
				 -EBADMSG);
	}
	s.index.data[gzip.sums_pos + 5] ^= 1;
	obd_gzip_release(&gzip);
	assert_int_equal(open_index(&s, &gzip, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "CRC of the checksums"));
	assert_null(gzip.points);
	release(&s);

	make_subject(&s, false, &seed);
	assert_int_equal(open_index(&s, &gzip, &err), 0);
	assert_int_equal(gzip.nr_sums, 0);
	assert_int_equal(obd_gzip_check(&gzip, 0, s.data.data, size), 0);
	obd_gzip_release(&gzip);
	release(&s);
}

static void checksums_that_lie_are_refused(void **state)
{
	u64 seed = test_seed();
	struct gzidx_sums *sums;
	struct gzidx_header *h;
	struct subject s;

	(void)state;
	make_subject(&s, true, &seed);
	h = (void *)s.index.data;
	sums = (void *)h->reserved;
	sums->block_shift = 15;
	gzip_index_fix(h);
	refused(&s, "block_shift");
	/* Of a later version nobody here knows anything. */
	sums->version = 2;
	gzip_index_fix(h);
	assert_int_equal(parse(&s, &(struct obd_error) {}), 0);
	assert_int_equal(s.parsed.nr_sums, 0);
	sums->version = GZIDX_SUMS_VERSION;
	sums->block_shift = GZIDX_SUMS_BLOCK_SHIFT;
	sums->offset = cpu_to_le64(s.index.len - 4);
	gzip_index_fix(h);
	refused(&s, "checksums at");
	sums->offset = cpu_to_le64(332);
	gzip_index_fix(h);
	refused(&s, "checksums at");
	sums->offset = cpu_to_le64(~0ULL);
	gzip_index_fix(h);
	refused(&s, "checksums at");
	release(&s);
}

static void points_that_lie_are_refused(void **state)
{
	u64 seed = test_seed();
	struct gzidx_entry *e, good;
	struct subject s;

	(void)state;
	make_subject(&s, false, &seed);
	e = (void *)(s.index.data + s.parsed.table_pos);
	good = e[1];
	e[1].data_pos = cpu_to_le64(s.data.len + 1);
	refused(&s, "point 1: data position");
	e[1] = good;
	e[1].data_pos = cpu_to_le64(~0ULL);
	refused(&s, "point 1: data position");
	e[1] = good;
	e[1].gzip_pos = cpu_to_le64(s.gzip.len + 1);
	refused(&s, "point 1: gzip position");
	e[1] = good;
	e[1].bits = 8;
	refused(&s, "point 1: bits");
	e[1] = good;
	e[1].window_size = cpu_to_le32(GZIDX_WINDOW_SIZE + 1);
	refused(&s, "point 1: window");
	e[1] = good;
	e[1].window_pos = cpu_to_le64(s.index.len - 5);
	refused(&s, "point 1: window");
	e[1] = good;
	e[2].data_pos = cpu_to_le64(1);
	refused(&s, "point 2: data position");
	e[2] = good;
	e[2].gzip_pos = cpu_to_le64(1);
	refused(&s, "point 2: gzip position");
	e[0].data_pos = cpu_to_le64(1);
	e[2] = good;
	refused(&s, "point 0: data position");
	release(&s);
}

/* Of a gzip file large enough for so much data. */
static void points_far_apart_are_refused(void **state)
{
	u64 seed = test_seed(), end = OBD_GZIP_GAP_MAX;
	struct gzidx_header *h;
	struct gzidx_entry *e;
	struct obd_error err;
	struct subject s;
	u32 last;

	(void)state;
	make_subject(&s, false, &seed);
	e = (void *)(s.index.data + s.parsed.table_pos);
	h = (void *)s.index.data;
	last = s.parsed.nr_points - 1;
	while (s.gzip.len < 2 * end / 1000)
		buffer_add(&s.gzip, s.data.data, s.data.len);
	end += le64_to_cpu(e[last].data_pos);
	h->gzip_size = cpu_to_le64(s.gzip.len);
	h->data_size = cpu_to_le64(end);
	gzip_index_fix(h);
	obd_gzip_release(&s.parsed);
	assert_int_equal(parse(&s, &err), 0);
	h->data_size = cpu_to_le64(end + 1);
	gzip_index_fix(h);
	refused(&s, "follow without another");
	e[last].data_pos = cpu_to_le64(end + 1);
	refused(&s, "follow without another");
	release(&s);
}

/* Between others that lie in the same block of data, and for its end. */
static void ways_that_are_long_are_refused(void **state)
{
	const u64 some = OBD_GZIP_EXTRA_MAX / 3;
	u64 seed = test_seed();
	struct gzidx_header *h;
	struct gzidx_entry *e;
	struct obd_error err;
	struct subject s;
	u32 i;

	(void)state;
	make_subject(&s, false, &seed);
	h = (void *)s.index.data;
	e = (void *)(s.index.data + s.parsed.table_pos);
	buffer_add_zeros(&s.gzip, 7 * some);
	h->gzip_size = cpu_to_le64(s.gzip.len);
	gzip_index_fix(h);
	for (i = 1; i < s.parsed.nr_points; i++)
		e[i].gzip_pos = cpu_to_le64(le64_to_cpu(e[i].gzip_pos) +
					    min(i, 3U) * some);
	obd_gzip_release(&s.parsed);
	assert_int_equal(parse(&s, &err), 0);
	assert_true(s.parsed.gzip_end < s.gzip.len);
	for (i = 3; i < s.parsed.nr_points; i++)
		e[i].gzip_pos = cpu_to_le64(le64_to_cpu(e[i].gzip_pos) + some);
	refused(&s, "point 3: the ");
	release(&s);
}

static void add_copies(struct buffer *to, const struct buffer *what, u32 nr)
{
	for (; nr; nr--)
		buffer_add(to, what->data, what->len);
}

/* Members of a byte each are fine, more of none are not. */
static void points_close_together_are_refused(void **state)
{
	struct buffer byte = {}, one = {}, none = {};
	u64 seed = test_seed();
	struct subject s = {};

	(void)state;
	buffer_add(&byte, "x", 1);
	build_gzip(&none, &s.data, &hows[1]);
	build_gzip(&one, &byte, &hows[1]);
	add_copies(&s.gzip, &none, OBD_GZIP_POINTS_MAX / 2);
	add_copies(&s.gzip, &one, OBD_GZIP_POINTS_MAX / 2);
	add_copies(&s.data, &byte, OBD_GZIP_POINTS_MAX / 2);
	build_gzip_index(&s.index, &s.gzip, 10000, true);
	open_subject(&s);
	assert_int_equal(s.parsed.nr_points, OBD_GZIP_POINTS_MAX);
	check_reads(&s, 10, &seed);
	obd_gzip_release(&s.parsed);
	obd_inflater_exit(&s.inflater);

	s.gzip.len = 0;
	s.index.len = 0;
	add_copies(&s.gzip, &none, OBD_GZIP_POINTS_MAX / 2 + 2);
	add_copies(&s.gzip, &one, OBD_GZIP_POINTS_MAX / 2);
	build_gzip_index(&s.index, &s.gzip, 10000, true);
	assert_int_equal(obd_inflater_init(&s.inflater), 0);
	refused(&s, "in one block of data");
	buffer_release(&byte);
	buffer_release(&one);
	buffer_release(&none);
	release(&s);
}

/* Two bytes of data, and between them what takes room and gives none. */
static void build_hollow(struct buffer *gzip, u64 room)
{
	static const u8 header[] = { 31, 139, 8, 0, 0, 0, 0, 0, 0, 255 };
	static const u8 first[] = { 0, 1, 0, 0xfe, 0xff, 'x' };
	static const u8 empty[] = { 0, 0, 0, 0xff, 0xff };
	static const u8 last[] = { 1, 1, 0, 0xfe, 0xff, 'x' };
	u32 crc = cpu_to_le32(crc32(0, (const u8 *)"xx", 2));
	u32 len = cpu_to_le32(2);

	buffer_add(gzip, header, sizeof(header));
	buffer_add(gzip, first, sizeof(first));
	for (; room > sizeof(empty); room -= sizeof(empty))
		buffer_add(gzip, empty, sizeof(empty));
	buffer_add(gzip, last, sizeof(last));
	buffer_add(gzip, &crc, sizeof(crc));
	buffer_add(gzip, &len, sizeof(len));
}

static void read_hollow(u64 room, int result)
{
	struct obd_gzip_stream stream;
	struct subject s = {};

	build_hollow(&s.gzip, room);
	build_gzip_index(&s.index, &s.gzip, 10000, false);
	buffer_add(&s.data, "xx", 2);
	open_subject(&s);
	assert_int_equal(s.parsed.nr_points, 1);
	assert_int_equal(obd_gzip_stream_init(&stream, &s.parsed, fetch), 0);
	assert_int_equal(read_stream(&stream, &s, 1, 1), result);
	assert_true(stream.in_pos <= s.parsed.points[0].gzip_pos + 4 +
				     OBD_GZIP_EXTRA_MAX);
	obd_gzip_stream_exit(&stream);
	release(&s);
}

static void what_gives_no_data_is_read_so_far(void **state)
{
	(void)state;
	read_hollow(OBD_GZIP_EXTRA_MAX - 20, 0);
	read_hollow(OBD_GZIP_EXTRA_MAX + 20, -EILSEQ);
}

/* With so many entries in the header. */
static void refused_entries(struct subject *s, u64 nr, const char *words)
{
	struct gzidx_header *h = (void *)s->index.data;

	h->nr_entries = cpu_to_le64(nr);
	gzip_index_fix(h);
	refused(s, words);
}

static void packed_tables_that_lie_are_refused(void **state)
{
	u64 seed = test_seed();
	struct gzidx_header *h;
	struct subject s;
	u64 nr;

	(void)state;
	make_subject(&s, true, &seed);
	h = (void *)s.index.data;
	nr = le64_to_cpu(h->nr_entries);
	refused_entries(&s, nr + 1, "does not unpack");
	refused_entries(&s, nr - 1, "does not unpack");
	h->nr_entries = cpu_to_le64(nr);
	gzip_index_fix(h);
	s.index.data[s.index.len - 1] ^= 1;
	refused(&s, "does not unpack");
	release(&s);
}

/* Whatever a header says, memory is had for points that there can be. */
static void more_points_than_there_can_be_are_refused(void **state)
{
	u64 seed = test_seed();
	struct gzidx_header *h;
	struct subject s;

	(void)state;
	make_subject(&s, true, &seed);
	refused_entries(&s, s.parsed.table_size, "does not unpack");
	refused_entries(&s, s.parsed.table_size + 1, "nr_entries");
	release(&s);

	make_subject(&s, false, &seed);
	h = (void *)s.index.data;
	s.gzip.len = s.parsed.nr_points;
	h->gzip_size = cpu_to_le64(s.gzip.len);
	h->data_size = 0;
	gzip_index_fix(h);
	refused(&s, "point 0: gzip position");
	s.gzip.len--;
	h->gzip_size = cpu_to_le64(s.gzip.len);
	gzip_index_fix(h);
	refused(&s, "nr_entries");
	h->nr_entries = cpu_to_le64(2);
	gzip_index_fix(h);
	refused(&s, "table_size");
	release(&s);
}

/* Of many members, packed or not. */
static void large_tables_are_read(void **state)
{
	struct buffer members[100] = {};
	u64 seed = test_seed();
	struct subject s = {};
	u32 i, packed;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(members); i++) {
		struct buffer part = {};

		make_data(&part, 1 + random_below(&seed, 30), &seed);
		build_gzip(&members[i], &part, &hows[1]);
		buffer_release(&part);
	}
	for (i = 0; i < 500000; i++)
		add_copies(&s.gzip, &members[random_below(&seed, 100)], 1);
	for (packed = 0; packed < 2; packed++) {
		s.index.len = 0;
		build_gzip_index(&s.index, &s.gzip, 10000, packed);
		open_subject(&s);
		assert_int_equal(s.parsed.nr_points, 500000);
		assert_true(s.parsed.table_size > INT_MAX / DEFLATE_RATIO_MAX);
		obd_gzip_release(&s.parsed);
		obd_inflater_exit(&s.inflater);
	}
	for (i = 0; i < ARRAY_SIZE(members); i++)
		buffer_release(&members[i]);
	release(&s);
}

/* Nobody would wait for that many. */
static void too_many_points_are_not_written(void **state)
{
	struct obd_dev gzip = { -1, 1ULL << 40 };
	struct output out = { .fd = -1 };
	struct gzip_index index = {
		.gzip = &gzip, .out = &out, .span = 4096,
		.nr_members = 10, .nr_points = 70000000,
	};
	struct obd_error err;

	(void)state;
	assert_true(gzip_index_check(&index, &err) < 0);
	assert_non_null(strstr(err.text, "choose a --span of 8192 or more"));
	index.nr_members = index.nr_points - 10;
	assert_true(gzip_index_check(&index, &err) < 0);
	assert_non_null(strstr(err.text, "69999990 members, expected"));
	index.nr_points = 67000000;
	assert_true(gzip_index_check(&index, &err) < 0);
	assert_non_null(strstr(err.text, "gzip index: length is 0 bytes"));
}

static void give_up(struct subject *s)
{
	struct obd_gzip gzip = {};
	struct obd_error err = {};
	u32 times = 0;
	int r;

	do {
		patience = ++times;
		r = open_index(s, &gzip, &err);
		if (r) {
			assert_int_equal(r, -EINTR);
			assert_string_equal(err.text, "interrupted");
			assert_null(gzip.points);
		}
	} while (r);
	/* It was asked when something was read, and between steps. */
	assert_true(times >= 6);
	assert_int_equal(gzip.nr_points, 5000);
	patience = 0;
	obd_gzip_release(&gzip);
}

static void loading_can_be_interrupted(void **state)
{
	struct buffer byte = {}, member = {};
	struct subject s = {};

	(void)state;
	buffer_add(&byte, "x", 1);
	build_gzip(&member, &byte, &hows[1]);
	add_copies(&s.gzip, &member, 5000);
	build_gzip_index(&s.index, &s.gzip, 10000, false);
	give_up(&s);
	s.index.len = 0;
	build_gzip_index(&s.index, &s.gzip, 10000, true);
	give_up(&s);
	buffer_release(&byte);
	buffer_release(&member);
	release(&s);
}

/* Wrong bytes or an error, nothing else. */
static void garbage_does_no_harm(void **state)
{
	u64 seed = test_seed();
	u8 out[READ_MAX];
	struct subject s;
	u32 i;

	(void)state;
	make_subject(&s, true, &seed);
	for (i = 0; i < 300; i++) {
		struct buffer *b = one_in(&seed, 2) ? &s.gzip : &s.index;
		size_t at = sizeof(struct gzidx_header) +
			    random_below(&seed, s.parsed.table_pos -
						sizeof(struct gzidx_header));
		u8 old;

		at %= b->len;
		old = b->data[at];
		b->data[at] ^= 1 + random_below(&seed, 255);
		read_at(&s, random_below(&seed, s.data.len - READ_MAX), out,
			READ_MAX, &seed);
		b->data[at] = old;
	}
	check_reads(&s, 20, &seed);
	release(&s);
}

static void read_whole(struct buffer *b, const char *folder, const char *name)
{
	char path[4096], buf[65536];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "re");
	assert_non_null(f);
	while ((n = fread(buf, 1, sizeof(buf), f)))
		buffer_add(b, buf, n);
	fclose(f);
}

static void gunzip(struct buffer *out, const struct buffer *gzip)
{
	z_stream s = { .next_in = gzip->data, .avail_in = gzip->len };
	u8 buf[65536];
	int r;

	assert_int_equal(inflateInit2(&s, 15 + 16), Z_OK);
	do {
		s.next_out = buf;
		s.avail_out = sizeof(buf);
		r = inflate(&s, Z_NO_FLUSH);
		assert_true(r == Z_OK || r == Z_STREAM_END);
		buffer_add(out, buf, sizeof(buf) - s.avail_out);
	} while (r != Z_STREAM_END);
	inflateEnd(&s);
}

static void check_fixture(const char *fixtures, const char *name,
			  const char *gzip)
{
	u64 seed = test_seed();
	struct subject s = {};
	char folder[4096];

	snprintf(folder, sizeof(folder), "%s/%s", fixtures, name);
	read_whole(&s.gzip, folder, gzip);
	read_whole(&s.index, folder, "gzip.meta");
	gunzip(&s.data, &s.gzip);
	open_subject(&s);
	assert_int_equal(s.parsed.data_size, s.data.len);
	check_reads(&s, 100, &seed);
	release(&s);
}

static void fixtures_are_read(void **state)
{
	const char *folder = getenv("OVERLAYBD_FIXTURES") ?: FIXTURES_DEFAULT;
	char probe[4096];

	(void)state;
	snprintf(probe, sizeof(probe), "%s/gzip-only", folder);
	if (access(probe, F_OK)) {
		print_message("no fixtures in %s\n", folder);
		skip();
	}
	check_fixture(folder, "gzip-only", "data.gz");
	check_fixture(folder, "gzip-equal-points", "data.gz");
	check_fixture(folder, "turbo-gz", "layer.tgz");
	check_fixture(folder, "turbo-gz-64k", "layer.tgz");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_go_by_points),
		cmocka_unit_test(a_stream_goes_on),
		cmocka_unit_test(small_members_cost_their_size),
		cmocka_unit_test(a_stream_takes_the_shorter_way),
		cmocka_unit_test(the_end_comes_too_early),
		cmocka_unit_test(the_end_comes_too_late),
		cmocka_unit_test(ends_of_members_are_told),
		cmocka_unit_test(points_that_are_off_are_found_out),
		cmocka_unit_test(blocks_are_compared_with_their_checksums),
		cmocka_unit_test(checksums_that_lie_are_refused),
		cmocka_unit_test(every_kind_of_gzip_is_read),
		cmocka_unit_test(the_end_of_the_stream_is_told),
		cmocka_unit_test(all_members_are_read),
		cmocka_unit_test(headers_that_lie_are_refused),
		cmocka_unit_test(points_that_lie_are_refused),
		cmocka_unit_test(points_far_apart_are_refused),
		cmocka_unit_test(ways_that_are_long_are_refused),
		cmocka_unit_test(points_close_together_are_refused),
		cmocka_unit_test(what_gives_no_data_is_read_so_far),
		cmocka_unit_test(packed_tables_that_lie_are_refused),
		cmocka_unit_test(more_points_than_there_can_be_are_refused),
		cmocka_unit_test(large_tables_are_read),
		cmocka_unit_test(too_many_points_are_not_written),
		cmocka_unit_test(loading_can_be_interrupted),
		cmocka_unit_test(garbage_does_no_harm),
		cmocka_unit_test(fixtures_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
