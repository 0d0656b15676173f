// SPDX-License-Identifier: GPL-2.0-only
/*
 * The crash tests' own parts: the reader of logs of writes, the replayer and
 * the judge, on logs and histories made by hand. Whatever the judge has to
 * find is done wrong once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/crash/judge.h"
#include "tests/crash/rewrite.h"
#include "tests/unit/test.h"

#define DISK	64	/* sectors */
#define LOG_MAX	256
#define POINTS	400

/* A log that is being made. */
struct maker {
	u8 log[LOG_MAX * SECTOR];
	u64 at;		/* sector */
};

static void begin(struct maker *m)
{
	const struct writelog_super super = {
		.magic = cpu_to_le64(WRITELOG_MAGIC),
		.version = cpu_to_le64(WRITELOG_VERSION),
		.sector_size = cpu_to_le32(SECTOR),
	};

	memset(m, 0, sizeof(*m));
	memcpy(m->log, &super, sizeof(super));
	m->at = 1;
}

static struct writelog_record *add(struct maker *m, u64 sector, u64 nr,
				   u32 flags)
{
	struct writelog_super *super = (void *)m->log;
	struct writelog_record *record = (void *)(m->log + m->at++ * SECTOR);

	record->sector = cpu_to_le64(sector);
	record->nr_sectors = cpu_to_le64(nr);
	record->flags = cpu_to_le64(flags);
	super->nr_entries = cpu_to_le64(le64_to_cpu(super->nr_entries) + 1);
	return record;
}

/* Its sectors are stamped as those of write @content. */
static void add_write(struct maker *m, u64 sector, u64 nr, u32 flags,
		      u64 content)
{
	u64 s;

	add(m, sector, nr, flags);
	for (s = 0; s < nr; s++)
		stamp_make(m->log + m->at++ * SECTOR, sector + s, content);
}

static void add_flush(struct maker *m)
{
	add(m, 0, 0, WRITELOG_FLUSH);
}

static void add_mark(struct maker *m, const char *text)
{
	struct writelog_record *record = add(m, 0, 0, WRITELOG_MARK);

	record->data_len = cpu_to_le64(strlen(text));
	memcpy(record + 1, text, strlen(text));
}

static void parse(struct writelog *log, const struct maker *m)
{
	assert_null(writelog_parse(log, m->log, m->at * SECTOR, DISK));
}

/* What a sector of a disk holds; it must be its own. */
static u64 content_at(const u8 *disk, u64 sector)
{
	u64 at = sector;
	u64 content = stamp_read(disk + sector * SECTOR, &at);

	assert_int_equal(at, sector);
	return content;
}

static void stamps_are_told_apart(void **state)
{
	u8 buf[SECTOR] __attribute__((aligned(8))) = {};
	u64 at = 4711;
	size_t i;

	(void)state;
	assert_int_equal(stamp_read(buf, &at), CONTENT_ZERO);
	assert_int_equal(at, 4711);
	stamp_make(buf, 7, content_of(3, 5));
	assert_int_equal(stamp_read(buf, &at), content_of(3, 5));
	assert_int_equal(at, 7);
	for (i = 0; i < SECTOR; i++) {
		buf[i] ^= 1;
		assert_true(stamp_read(buf, &at) == CONTENT_BROKEN);
		buf[i] ^= 1;
	}
}

/* Two writes to a sector, half of each. */
static void torn_stamps_are_broken(void **state)
{
	u8 a[SECTOR] __attribute__((aligned(8))), b[SECTOR];
	u64 at;

	(void)state;
	stamp_make(a, 7, content_of(1, 1));
	stamp_make(b, 7, content_of(1, 2));
	memcpy(a + SECTOR / 2, b + SECTOR / 2, SECTOR / 2);
	assert_true(stamp_read(a, &at) == CONTENT_BROKEN);
}

static void logs_are_read(void **state)
{
	struct writelog log;
	static struct maker m;
	u32 nr;

	(void)state;
	begin(&m);
	add_write(&m, 3, 2, 0, content_of(1, 0));
	add(&m, 8, 50, WRITELOG_DISCARD);
	add_flush(&m);
	add_mark(&m, "op=17");
	add_write(&m, DISK - 1, 1, WRITELOG_FUA, content_of(1, 1));
	parse(&log, &m);
	assert_int_equal(log.nr, 5);
	assert_int_equal(log.entries[0].sector, 3);
	assert_int_equal(log.entries[0].nr_sectors, 2);
	assert_ptr_equal(log.entries[0].data, m.log + 2 * SECTOR);
	assert_null(log.entries[1].data);
	assert_int_equal(log.entries[2].flags, WRITELOG_FLUSH);
	assert_true(writelog_mark(&log.entries[3], "op", &nr));
	assert_int_equal(nr, 17);
	assert_false(writelog_mark(&log.entries[3], "file", &nr));
	assert_false(writelog_mark(&log.entries[2], "op", &nr));
	assert_ptr_equal(log.entries[4].data, m.log + 8 * SECTOR);
	writelog_release(&log);
}

static void damaged_logs_are_refused(void **state)
{
	struct writelog_record *record;
	struct writelog_super *super;
	struct writelog log;
	static struct maker m;

	(void)state;
	begin(&m);
	record = add(&m, 0, 4, 0);
	super = (void *)m.log;
	/* Ends within the write, within its record, within the super. */
	assert_non_null(writelog_parse(&log, m.log, 5 * SECTOR, DISK));
	assert_null(writelog_parse(&log, m.log, 6 * SECTOR, DISK));
	writelog_release(&log);
	assert_non_null(writelog_parse(&log, m.log, SECTOR, DISK));
	assert_non_null(writelog_parse(&log, m.log, SECTOR - 1, DISK));
	record->nr_sectors = cpu_to_le64(~0ULL);
	assert_non_null(writelog_parse(&log, m.log, 6 * SECTOR, DISK));
	record->nr_sectors = cpu_to_le64(4);
	record->sector = cpu_to_le64(DISK - 3);
	assert_non_null(writelog_parse(&log, m.log, 6 * SECTOR, DISK));
	record->flags = cpu_to_le64(WRITELOG_MARK);
	record->data_len = cpu_to_le64(SECTOR);
	assert_non_null(writelog_parse(&log, m.log, 6 * SECTOR, DISK));
	super->nr_entries = cpu_to_le64(~0ULL);
	assert_non_null(writelog_parse(&log, m.log, 6 * SECTOR, DISK));
	super->version = cpu_to_le64(2);
	assert_non_null(writelog_parse(&log, m.log, 6 * SECTOR, DISK));
	super->magic = 0;
	assert_non_null(writelog_parse(&log, m.log, 6 * SECTOR, DISK));
}

/* An FUA write is logged before others that may have been made before it. */
static void unknown_order_is_noticed(void **state)
{
	struct writelog log;
	static struct maker m;

	(void)state;
	begin(&m);
	add_write(&m, 4, 4, WRITELOG_FUA, content_of(1, 0));
	add_write(&m, 8, 1, 0, content_of(1, 1));
	add_flush(&m);
	add_write(&m, 4, 4, 0, content_of(1, 2));
	parse(&log, &m);
	assert_int_equal(writelog_unordered(&log), 0);
	writelog_release(&log);
	begin(&m);
	add_write(&m, 4, 4, WRITELOG_FUA, content_of(1, 0));
	add_write(&m, 7, 2, 0, content_of(1, 1));
	parse(&log, &m);
	assert_int_equal(writelog_unordered(&log), 1);
	writelog_release(&log);
}

/* Three groups: A; B and C, which overlap, and FUA; D, a discard, and a mark. */
static void make_groups(struct maker *m)
{
	begin(m);
	add_write(m, 0, 8, 0, content_of(1, 10));		/* A */
	add_flush(m);
	add_write(m, 20, 2, WRITELOG_FUA, content_of(1, 20));
	add_write(m, 0, 4, 0, content_of(1, 11));		/* B */
	add_write(m, 2, 4, 0, content_of(1, 12));		/* C */
	add_flush(m);
	add_mark(m, "op=1");
	add_write(m, 30, 8, 0, content_of(1, 13));		/* D */
	add(m, 0, 2, WRITELOG_DISCARD);
}

static void exact_points_have_all(void **state)
{
	struct crash_point point = { .exact = true };
	static u8 start[DISK * SECTOR], disk[DISK * SECTOR];
	struct writelog log;
	struct rewrite r;
	static struct maker m;

	(void)state;
	make_groups(&m);
	parse(&log, &m);
	rewrite_init(&r, &log, start, DISK);
	memset(disk, 0xff, sizeof(disk));
	rewrite_build(&r, &point, disk);
	assert_memory_equal(disk, start, sizeof(disk));
	point.cut = 5;
	rewrite_build(&r, &point, disk);
	assert_int_equal(content_at(disk, 1), content_of(1, 11));
	assert_int_equal(content_at(disk, 2), content_of(1, 12));
	assert_int_equal(content_at(disk, 5), content_of(1, 12));
	assert_int_equal(content_at(disk, 6), content_of(1, 10));
	assert_int_equal(content_at(disk, 20), content_of(1, 20));
	assert_int_equal(content_at(disk, 30), CONTENT_ZERO);
	point.cut = log.nr;
	rewrite_build(&r, &point, disk);
	assert_int_equal(content_at(disk, 0), CONTENT_ZERO);
	assert_int_equal(content_at(disk, 37), content_of(1, 13));
	rewrite_release(&r);
	writelog_release(&log);
}

/* Which contents were seen in a sector, over many random crashes at @cut. */
static u32 contents_seen(const struct writelog *log, size_t cut, u64 sector,
			 unsigned int forget_flushes)
{
	static u8 start[DISK * SECTOR], disk[DISK * SECTOR];
	struct crash_point point = { .cut = cut };
	struct rewrite r;
	u32 seen = 0;
	u64 content;

	rewrite_init(&r, log, start, DISK);
	r.forget_flushes = forget_flushes;
	for (point.seed = 1; point.seed <= POINTS; point.seed++) {
		rewrite_build(&r, &point, disk);
		content = content_at(disk, sector) & 31;
		seen |= 1U << content;
	}
	rewrite_release(&r);
	return seen;
}

/* What was flushed stays, what was not may be there or not, FUA stays. */
static void random_points_lose_what_they_may(void **state)
{
	struct writelog log;
	static struct maker m;

	(void)state;
	make_groups(&m);
	parse(&log, &m);
	assert_int_equal(contents_seen(&log, 5, 0, 0), 1 << 10 | 1 << 11);
	assert_int_equal(contents_seen(&log, 5, 3, 0),
			 1 << 10 | 1 << 11 | 1 << 12);
	assert_int_equal(contents_seen(&log, 5, 7, 0), 1 << 10);
	assert_int_equal(contents_seen(&log, 5, 20, 0), 1 << 20);
	assert_int_equal(contents_seen(&log, 2, 20, 0), 1 << 0);
	assert_int_equal(contents_seen(&log, 3, 20, 0), 1 << 20 | 1 << 0);
	assert_int_equal(contents_seen(&log, 4, 20, 0), 1 << 20);
	assert_int_equal(contents_seen(&log, 6, 3, 0), 1 << 12);
	assert_int_equal(contents_seen(&log, 9, 3, 0), 1 << 12);
	assert_int_equal(contents_seen(&log, 9, 0, 0), 1 << 11 | 1 << 0);
	assert_int_equal(contents_seen(&log, 6, 3, 1),
			 1 << 10 | 1 << 11 | 1 << 12);
	assert_int_equal(contents_seen(&log, 6, 7, 2), 1 << 10 | 1 << 0);
	writelog_release(&log);
}

static void writes_are_torn_between_sectors(void **state)
{
	static u8 start[DISK * SECTOR], disk[DISK * SECTOR];
	struct crash_point point = { .cut = 1 };
	struct writelog log;
	struct rewrite r;
	bool torn = false;
	static struct maker m;

	(void)state;
	begin(&m);
	add_write(&m, 0, 2, 0, content_of(1, 1));
	parse(&log, &m);
	rewrite_init(&r, &log, start, DISK);
	for (point.seed = 1; point.seed <= POINTS; point.seed++) {
		rewrite_build(&r, &point, disk);
		torn |= content_at(disk, 0) != content_at(disk, 1);
	}
	assert_true(torn);
	r.whole = 2;
	for (point.seed = 1; point.seed <= POINTS; point.seed++) {
		rewrite_build(&r, &point, disk);
		assert_int_equal(content_at(disk, 0), content_at(disk, 1));
	}
	rewrite_release(&r);
	writelog_release(&log);
}

static void points_are_in_order_and_complete(void **state)
{
	struct crash_point *points;
	struct writelog log;
	static struct maker m;
	bool seen[16] = {};
	size_t nr = 200, i;

	(void)state;
	make_groups(&m);
	parse(&log, &m);
	points = rewrite_points(&log, &nr, false, NEAR_NOTHING, 1);
	assert_int_equal(nr, 200);
	for (i = 0; i < 200; i++) {
		assert_true(!i || points[i - 1].cut <= points[i].cut);
		assert_true(points[i].cut <= log.nr);
		seen[points[i].cut] |= points[i].exact;
	}
	/* After both flushes and the mark. */
	assert_true(seen[2] && seen[6] && seen[7]);
	free(points);
	nr = 2;
	points = rewrite_points(&log, &nr, false, NEAR_NOTHING, 1);
	assert_int_equal(points[0].exact + points[1].exact, 1);
	free(points);
	writelog_release(&log);
}

static void every_flush_is_a_point(void **state)
{
	struct crash_point *points;
	size_t nr = 1, exact = 0, i;
	struct writelog log;
	static struct maker m;
	bool seen[16] = {};

	(void)state;
	make_groups(&m);
	parse(&log, &m);
	points = rewrite_points(&log, &nr, true, NEAR_NOTHING, 1);
	assert_int_equal(nr, 4);
	for (i = 0; i < nr; i++) {
		seen[points[i].cut] |= points[i].exact;
		exact += points[i].exact;
	}
	assert_int_equal(exact, 3);
	assert_true(seen[2] && seen[6] && seen[7]);
	free(points);
	writelog_release(&log);
}

static void points_can_be_near_a_sector(void **state)
{
	struct crash_point *points;
	struct writelog log;
	static struct maker m;
	size_t nr = POINTS, i, near = 0;

	(void)state;
	begin(&m);
	for (i = 0; i < 100; i++)
		add_write(&m, i == 60 ? 7 : 1, 1, 0, content_of(1, i));
	parse(&log, &m);
	points = rewrite_points(&log, &nr, false, 7, 1);
	for (i = 0; i < POINTS; i++)
		near += points[i].cut >= 48 && points[i].cut <= 72;
	assert_true(near > POINTS / 2);
	assert_true(near < POINTS);
	free(points);
	writelog_release(&log);
}

/* A history that is being made; all of it happens to sectors 0 to 7. */
struct scene {
	struct history h;
	struct judge j;
	u64 clock;
	u32 nr;
};

#define SCENE_OPS	16

static void scene_begin(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	history_init(&s->h, 8, SCENE_OPS, 1);
	for (u64 i = 0; i < 8; i++)
		s->h.initial[i] = i % 2 ? CONTENT_LOWER : CONTENT_ZERO;
}

static void scene_end(struct scene *s)
{
	judge_release(&s->j);
	history_release(&s->h);
}

/* After all before it. Return: its number. */
static u32 scene_op(struct scene *s, u16 type, u64 sector, u32 len, u16 flags)
{
	s->h.ops[s->nr] = (struct op){
		.begin = s->clock + 1, .end = s->clock + 2, .sector = sector,
		.len = len, .type = type, .flags = flags };
	s->clock += 2;
	return s->nr++;
}

/* At the same time as the last one. */
static u32 scene_also(struct scene *s, u16 type, u64 sector, u32 len)
{
	u32 nr = scene_op(s, type, sector, len, 0);

	s->h.ops[nr].begin = s->h.ops[nr - 1].end - 1;
	s->h.ops[nr - 1].end = s->h.ops[nr].end;
	return nr;
}

/* The rest are flushes that nobody knows to have ended. */
static void scene_judge(struct scene *s)
{
	while (s->nr < SCENE_OPS)
		scene_op(s, OP_FLUSH, 0, 0, OP_FAILED);
	judge_init(&s->j, &s->h);
}

static void expect(struct scene *s, u64 sector, u64 content,
		   enum verdict verdict)
{
	u8 buf[SECTOR] __attribute__((aligned(8))) = {};

	if (content != CONTENT_ZERO)
		stamp_make(buf, sector, content);
	assert_int_equal(judge_sector(&s->j, sector, buf), verdict);
}

static void nothing_was_promised(void **state)
{
	struct scene s;
	u32 a, b;

	(void)state;
	scene_begin(&s);
	a = scene_op(&s, OP_WRITE, 0, 4, 0);
	b = scene_op(&s, OP_WRITE, 2, 4, 0);
	scene_judge(&s);
	expect(&s, 0, CONTENT_ZERO, VERDICT_RIGHT);
	expect(&s, 1, CONTENT_LOWER, VERDICT_RIGHT);
	expect(&s, 1, content_of(1, a), VERDICT_RIGHT);
	expect(&s, 3, content_of(1, a), VERDICT_RIGHT);
	expect(&s, 3, content_of(1, b), VERDICT_RIGHT);
	expect(&s, 1, content_of(1, b), VERDICT_UNKNOWN);
	expect(&s, 1, CONTENT_ZERO, VERDICT_UNKNOWN);
	expect(&s, 0, CONTENT_LOWER, VERDICT_UNKNOWN);
	expect(&s, 7, CONTENT_LOWER, VERDICT_RIGHT);
	expect(&s, 7, CONTENT_ZERO, VERDICT_UNKNOWN);
	scene_end(&s);
}

static void what_was_flushed_stays(void **state)
{
	u32 a, b, flush, later;
	struct scene s;

	(void)state;
	scene_begin(&s);
	a = scene_op(&s, OP_WRITE, 0, 4, 0);
	b = scene_op(&s, OP_WRITE, 0, 2, 0);
	flush = scene_op(&s, OP_FLUSH, 0, 0, 0);
	later = scene_op(&s, OP_WRITE, 0, 1, 0);
	scene_judge(&s);
	expect(&s, 1, CONTENT_LOWER, VERDICT_RIGHT);
	judge_promise(&s.j, flush);
	expect(&s, 0, content_of(1, b), VERDICT_RIGHT);
	expect(&s, 0, content_of(1, later), VERDICT_RIGHT);
	expect(&s, 0, content_of(1, a), VERDICT_STALE);
	expect(&s, 0, CONTENT_ZERO, VERDICT_LOWER);
	expect(&s, 1, CONTENT_LOWER, VERDICT_LOWER);
	expect(&s, 1, content_of(1, later), VERDICT_UNKNOWN);
	expect(&s, 3, content_of(1, a), VERDICT_RIGHT);
	judge_forget(&s.j);
	expect(&s, 0, content_of(1, a), VERDICT_RIGHT);
	scene_end(&s);
}

static void flushed_discards_stay(void **state)
{
	u32 a, flush;
	struct scene s;

	(void)state;
	scene_begin(&s);
	a = scene_op(&s, OP_WRITE, 2, 2, 0);
	scene_op(&s, OP_DISCARD, 0, 4, 0);
	flush = scene_op(&s, OP_FLUSH, 0, 0, 0);
	scene_judge(&s);
	judge_promise(&s.j, flush);
	expect(&s, 1, CONTENT_ZERO, VERDICT_RIGHT);
	expect(&s, 1, CONTENT_LOWER, VERDICT_LOWER);
	expect(&s, 2, content_of(1, a), VERDICT_STALE);
	expect(&s, 3, CONTENT_ZERO, VERDICT_RIGHT);
	scene_end(&s);
}

/* What overlaps in time may have been made in any order. */
static void concurrent_ones_have_no_order(void **state)
{
	u32 a, b, c, flush;
	struct scene s;

	(void)state;
	scene_begin(&s);
	a = scene_op(&s, OP_WRITE, 0, 4, 0);
	b = scene_op(&s, OP_WRITE, 0, 4, 0);
	c = scene_also(&s, OP_WRITE, 0, 4);
	flush = scene_op(&s, OP_FLUSH, 0, 0, 0);
	scene_judge(&s);
	judge_promise(&s.j, flush);
	expect(&s, 1, content_of(1, b), VERDICT_RIGHT);
	expect(&s, 1, content_of(1, c), VERDICT_RIGHT);
	expect(&s, 1, content_of(1, a), VERDICT_STALE);
	scene_end(&s);
}

/* A flush promises what had ended before it began, no more. */
static void flushes_promise_what_had_ended(void **state)
{
	struct scene s;
	u32 flush;

	(void)state;
	scene_begin(&s);
	scene_op(&s, OP_WRITE, 1, 1, 0);
	flush = scene_also(&s, OP_FLUSH, 0, 0);
	scene_judge(&s);
	judge_promise(&s.j, flush);
	expect(&s, 1, CONTENT_LOWER, VERDICT_RIGHT);
	scene_end(&s);
}

static void fua_promises_itself_and_all_before(void **state)
{
	u32 fua, before;
	struct scene s;

	(void)state;
	scene_begin(&s);
	before = scene_op(&s, OP_WRITE, 0, 2, 0);
	fua = scene_op(&s, OP_WRITE, 1, 2, OP_FUA);
	scene_judge(&s);
	judge_promise(&s.j, fua);
	expect(&s, 0, CONTENT_ZERO, VERDICT_LOWER);
	expect(&s, 0, content_of(1, before), VERDICT_RIGHT);
	expect(&s, 1, content_of(1, before), VERDICT_STALE);
	expect(&s, 1, content_of(1, fua), VERDICT_RIGHT);
	scene_end(&s);
}

static void failures_promise_nothing(void **state)
{
	struct scene s;
	u32 failed;

	(void)state;
	scene_begin(&s);
	failed = scene_op(&s, OP_WRITE, 1, 1, OP_FAILED);
	scene_judge(&s);
	judge_promise_all(&s.j);
	expect(&s, 1, CONTENT_LOWER, VERDICT_RIGHT);
	expect(&s, 1, content_of(1, failed), VERDICT_RIGHT);
	scene_end(&s);
}

static void after_a_cut_flushes_lie(void **state)
{
	struct scene s;
	u32 a, b;

	(void)state;
	scene_begin(&s);
	a = scene_op(&s, OP_WRITE, 1, 1, 0);
	scene_op(&s, OP_FLUSH, 0, 0, 0);
	scene_op(&s, OP_CUT, 0, 0, 0);
	b = scene_op(&s, OP_WRITE, 1, 1, 0);
	scene_op(&s, OP_FLUSH, 0, 0, 0);
	scene_judge(&s);
	judge_promise_flushed(&s.j, false);
	expect(&s, 1, CONTENT_LOWER, VERDICT_LOWER);
	expect(&s, 1, content_of(1, a), VERDICT_RIGHT);
	expect(&s, 1, content_of(1, b), VERDICT_RIGHT);
	judge_promise_flushed(&s.j, true);
	expect(&s, 1, content_of(1, a), VERDICT_STALE);
	expect(&s, 1, content_of(1, b), VERDICT_RIGHT);
	scene_end(&s);
}

static void other_sectors_and_broken_ones(void **state)
{
	u8 buf[SECTOR] __attribute__((aligned(8)));
	struct scene s;
	u32 a;

	(void)state;
	scene_begin(&s);
	a = scene_op(&s, OP_WRITE, 0, 4, 0);
	scene_judge(&s);
	stamp_make(buf, 2, content_of(1, a));
	assert_int_equal(judge_sector(&s.j, 2, buf), VERDICT_RIGHT);
	assert_int_equal(judge_sector(&s.j, 1, buf), VERDICT_ELSEWHERE);
	buf[300]++;
	assert_int_equal(judge_sector(&s.j, 2, buf), VERDICT_BROKEN);
	scene_end(&s);
}

/* All together: the one torn write of a log makes the one sector broken. */
static void a_torn_sector_is_found(void **state)
{
	static u8 start[DISK * SECTOR], disk[DISK * SECTOR];
	struct crash_point point = { .cut = 2, .exact = true };
	struct writelog log;
	struct rewrite r;
	struct scene s;
	static struct maker m;
	u32 a;

	(void)state;
	scene_begin(&s);
	a = scene_op(&s, OP_WRITE, 0, 4, 0);
	scene_judge(&s);
	begin(&m);
	add_write(&m, 0, 4, 0, content_of(1, a));
	memset(m.log + 4 * SECTOR + 256, 0, 256);
	add_flush(&m);
	parse(&log, &m);
	rewrite_init(&r, &log, start, DISK);
	rewrite_build(&r, &point, disk);
	for (u64 i = 0; i < 4; i++)
		assert_int_equal(judge_sector(&s.j, i, disk + i * SECTOR),
				 i == 2 ? VERDICT_BROKEN : VERDICT_RIGHT);
	rewrite_release(&r);
	writelog_release(&log);
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stamps_are_told_apart),
		cmocka_unit_test(torn_stamps_are_broken),
		cmocka_unit_test(logs_are_read),
		cmocka_unit_test(damaged_logs_are_refused),
		cmocka_unit_test(unknown_order_is_noticed),
		cmocka_unit_test(exact_points_have_all),
		cmocka_unit_test(random_points_lose_what_they_may),
		cmocka_unit_test(writes_are_torn_between_sectors),
		cmocka_unit_test(points_are_in_order_and_complete),
		cmocka_unit_test(every_flush_is_a_point),
		cmocka_unit_test(points_can_be_near_a_sector),
		cmocka_unit_test(nothing_was_promised),
		cmocka_unit_test(what_was_flushed_stays),
		cmocka_unit_test(flushed_discards_stay),
		cmocka_unit_test(concurrent_ones_have_no_order),
		cmocka_unit_test(flushes_promise_what_had_ended),
		cmocka_unit_test(fua_promises_itself_and_all_before),
		cmocka_unit_test(failures_promise_nothing),
		cmocka_unit_test(after_a_cut_flushes_lie),
		cmocka_unit_test(other_sectors_and_broken_ones),
		cmocka_unit_test(a_torn_sector_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
