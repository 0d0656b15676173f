// SPDX-License-Identifier: GPL-2.0-only
/*
 * Builds what is on a disk after a crash.
 */
#include "tests/crash/rewrite.h"

#include "tests/unit/test.h"

#define COMPARE_SIZE	4096
#define NEAR_ENTRIES	12

/* Of the writes since the last flush, which are on the disk? */
enum lottery {
	LOTTERY_FEW,		/* each with a chance of 1 in 8 */
	LOTTERY_HALF,
	LOTTERY_MOST,		/* 7 in 8 */
	LOTTERY_ALL_BUT_ONE,
	LOTTERY_ONE,
	LOTTERY_KINDS
};

void rewrite_init(struct rewrite *r, const struct writelog *log, const u8 *start,
		  u64 sectors)
{
	memset(r, 0, sizeof(*r));
	r->log = log;
	r->sectors = sectors;
	r->whole = 1;
	r->base = xcalloc(sectors, SECTOR);
	memcpy(r->base, start, sectors * SECTOR);
}

void rewrite_release(struct rewrite *r)
{
	free(r->base);
}

static bool is_boundary(const struct writelog_entry *e)
{
	return e->flags & (WRITELOG_FLUSH | WRITELOG_MARK);
}

static int by_cut(const void *a, const void *b)
{
	const struct crash_point *p = a, *q = b;

	return p->cut < q->cut ? -1 : p->cut > q->cut;
}

static size_t count_boundaries(const struct writelog *log)
{
	size_t i, n = 0;

	for (i = 0; i < log->nr; i++)
		n += is_boundary(&log->entries[i]);
	return n;
}

/* Those after @wanted of all @boundaries, evenly distributed. */
static void exact_points(const struct writelog *log, struct crash_point *points,
			 size_t wanted, size_t boundaries)
{
	size_t seen = 0, n = 0, i;

	for (i = 0; i < log->nr; i++) {
		if (!is_boundary(&log->entries[i]))
			continue;
		if (n * boundaries <= seen++ * wanted && n < wanted)
			points[n++] = (struct crash_point){
				.cut = i + 1, .exact = true };
	}
}

static bool covers(const struct writelog_entry *e, u64 sector)
{
	return sector - e->sector < e->nr_sectors;
}

/* After some entry; one near the n-th write to that sector, if there is one. */
static size_t random_cut(const struct writelog *log, u64 near, u64 *seed)
{
	size_t writes = 0, i, n, cut;

	for (i = 0; i < log->nr; i++)
		writes += covers(&log->entries[i], near);
	if (!writes || one_in(seed, 2))
		return random_below(seed, log->nr + 1);
	n = random_below(seed, writes);
	for (i = 0; n || !covers(&log->entries[i], near); i++)
		n -= covers(&log->entries[i], near);
	cut = i + random_below(seed, 2 * NEAR_ENTRIES);
	return min(max(cut, (size_t)NEAR_ENTRIES) - NEAR_ENTRIES, log->nr);
}

struct crash_point *rewrite_points(const struct writelog *log, size_t *nr,
				   bool every_flush, u64 near, u64 seed)
{
	size_t boundaries = count_boundaries(log);
	size_t n = every_flush ? boundaries : min(*nr / 2, boundaries);
	struct crash_point *points;

	if (every_flush)
		*nr += boundaries;
	points = xcalloc(*nr, sizeof(*points));
	exact_points(log, points, n, boundaries);
	for (; n < *nr; n++)
		points[n] = (struct crash_point){
			.cut = random_cut(log, near, &seed),
			.seed = random_next(&seed) };
	qsort(points, *nr, sizeof(*points), by_cut);
	return points;
}

static void apply_sectors(u8 *disk, const struct writelog_entry *e, u64 first,
			  u64 nr)
{
	u8 *to = disk + (e->sector + first) * SECTOR;

	if (e->flags & WRITELOG_MARK)
		return;
	if (e->flags & WRITELOG_DISCARD)
		memset(to, 0, nr * SECTOR);
	else
		memcpy(to, e->data + first * SECTOR, nr * SECTOR);
}

static void apply(u8 *disk, const struct writelog_entry *e)
{
	apply_sectors(disk, e, 0, e->nr_sectors);
}

/* Sectors are whole, or so many of them, but a write need not be. */
static void apply_torn(u8 *disk, const struct writelog_entry *e, u64 whole,
		       u64 *seed)
{
	u64 s, n;

	for (s = 0; s < e->nr_sectors; s += n) {
		n = min(whole - (e->sector + s) % whole, e->nr_sectors - s);
		if (one_in(seed, 2))
			apply_sectors(disk, e, s, n);
	}
}

/* The first entry that a crash after @cut of them may have lost. */
static size_t first_lost(const struct rewrite *r, size_t cut)
{
	unsigned int flushes = r->forget_flushes;
	size_t i;

	for (i = cut; i > 0; i--)
		if (r->log->entries[i - 1].flags & WRITELOG_FLUSH &&
		    !flushes--)
			break;
	return i;
}

static bool drawn(enum lottery lottery, size_t i, size_t chosen, u64 *seed)
{
	switch (lottery) {
	case LOTTERY_FEW:
		return one_in(seed, 8);
	case LOTTERY_HALF:
		return one_in(seed, 2);
	case LOTTERY_MOST:
		return !one_in(seed, 8);
	case LOTTERY_ALL_BUT_ONE:
		return i != chosen;
	default:
		return i == chosen;
	}
}

static void apply_lottery(const struct rewrite *r, size_t from, size_t cut,
			  u64 seed, u8 *disk)
{
	enum lottery lottery = random_below(&seed, LOTTERY_KINDS);
	size_t chosen = from + random_below(&seed, cut - from);
	size_t i;

	for (i = from; i < cut; i++) {
		const struct writelog_entry *e = &r->log->entries[i];

		if (e->flags & WRITELOG_FUA && i + 1 < cut)
			apply(disk, e);
		else if (!drawn(lottery, i, chosen, &seed))
			continue;
		else if (e->data && one_in(&seed, 4))
			apply_torn(disk, e, r->whole, &seed);
		else
			apply(disk, e);
	}
}

/* Few pages differ from one point to the next. */
static void restore(const struct rewrite *r, u8 *disk)
{
	u64 size = r->sectors * SECTOR, at;

	for (at = 0; at < size; at += COMPARE_SIZE) {
		u64 n = min_t(u64, COMPARE_SIZE, size - at);

		if (memcmp(disk + at, r->base + at, n))
			memcpy(disk + at, r->base + at, n);
	}
}

void rewrite_build(struct rewrite *r, const struct crash_point *point, u8 *disk)
{
	size_t from = first_lost(r, point->cut);
	size_t i;

	for (; r->done < from; r->done++)
		apply(r->base, &r->log->entries[r->done]);
	restore(r, disk);
	for (i = from; point->exact && i < point->cut; i++)
		apply(disk, &r->log->entries[i]);
	if (!point->exact && from < point->cut)
		apply_lottery(r, from, point->cut, point->seed, disk);
}
