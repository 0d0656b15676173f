// SPDX-License-Identifier: GPL-2.0-only
/*
 * Look at all data of layers, in chunks of the disk that hold any.
 */
#include <isa-l/crc64.h>
#include <isa-l/mem_routines.h>

#include "tools/compact.h"
#include "tools/workers.h"

#define CHUNK_SECTORS	2048U
#define CHUNK_BYTES	(CHUNK_SECTORS << OBD_SECTOR_SHIFT)
#define PAGE_SECTORS	8U

enum state { NOTHING, ZEROED, DATA };

struct scan {
	struct changes *changes;
	const struct flat *flat;
	u64 *chunks;		/* numbers of those that hold data */
	u64 nr_chunks;
	u64 done;		/* sectors that have been dealt with */
	struct progress *progress;
};

/* One chunk, and what was found in it. */
struct found {
	struct changes changes;
	struct reader reader;
	u64 sum;
	u64 bytes;		/* of data, zero or not */
	u8 states[CHUNK_SECTORS];
	u8 data[CHUNK_BYTES];
};

static u64 chunk_end(const struct scan *s, u64 chunk)
{
	return min((chunk + 1) * CHUNK_SECTORS, s->flat->map.nr_sectors);
}

u64 compact_bytes(const struct flat *flat)
{
	struct obd_range range;
	u64 sector, sum = 0;

	for (sector = 0; sector < flat->map.nr_sectors; sector += range.len) {
		flat_lookup(flat, sector, &range);
		if (range.layer >= 0)
			sum += range.len << OBD_SECTOR_SHIFT;
	}
	return sum;
}

/* Returns how many there are; notes them down if there is a place for it. */
static u64 walk_chunks(const struct flat *flat, u64 *to)
{
	u64 sector, next = 0, nr = 0;
	struct obd_range range;

	for (sector = 0; sector < flat->map.nr_sectors; sector += range.len) {
		u64 last;

		flat_lookup(flat, sector, &range);
		if (range.layer < 0)
			continue;
		last = (sector + range.len - 1) / CHUNK_SECTORS;
		for (next = max(next, sector / CHUNK_SECTORS); next <= last;
		     next++, nr++)
			if (to)
				to[nr] = next;
	}
	return nr;
}

static int list_chunks(struct scan *s, struct obd_error *err)
{
	s->nr_chunks = walk_chunks(s->flat, NULL);
	s->chunks = calloc(s->nr_chunks ?: 1, sizeof(*s->chunks));
	if (!s->chunks)
		return obd_fail(err, -ENOMEM, "no memory for %llu chunks",
				(unsigned long long)s->nr_chunks);
	walk_chunks(s->flat, s->chunks);
	return 0;
}

/* What reads as zeros needs to be told only where it may hide something. */
static u8 zero_state(const struct flat *flat)
{
	return flat->keeps_zeroed ? ZEROED : NOTHING;
}

/* In pages that may hold data as well; others are not looked at. */
static void clear_edges(struct found *f, u64 at, u64 end)
{
	u64 first = min(round_up(at, PAGE_SECTORS), end);
	u64 last = max(round_down(end, PAGE_SECTORS), first);

	memset(f->data + (at << OBD_SECTOR_SHIFT), 0,
	       (first - at) << OBD_SECTOR_SHIFT);
	memset(f->data + (last << OBD_SECTOR_SHIFT), 0,
	       (end - last) << OBD_SECTOR_SHIFT);
}

static int load_range(const struct flat *flat, struct found *f, u64 at,
		      const struct obd_range *range, struct obd_error *err)
{
	u8 *data = f->data + (at << OBD_SECTOR_SHIFT);
	u8 state = DATA;

	if (range->layer == OBD_BELOW)
		state = NOTHING;
	else if (range->layer == OBD_HOLE)
		state = zero_state(flat);
	memset(f->states + at, state, range->len);
	if (state == DATA) {
		f->bytes += range->len << OBD_SECTOR_SHIFT;
		return flat_read_range(flat, &f->reader, range, data, err);
	}
	clear_edges(f, at, at + range->len);
	return 0;
}

static int load_chunk(const struct flat *flat, struct found *f, u64 begin,
		      u64 end, struct obd_error *err)
{
	struct obd_range range;
	u64 sector;
	int r = 0;

	f->bytes = 0;
	for (sector = begin; !r && sector < end; sector += range.len) {
		flat_lookup(flat, sector, &range);
		range.len = min(range.len, end - sector);
		r = load_range(flat, f, sector - begin, &range, err);
	}
	return r;
}

static void find_zeros(const struct flat *flat, struct found *f, u32 nr)
{
	u32 i, k, n;

	for (i = 0; i < nr; i += n) {
		n = min(PAGE_SECTORS, nr - i);
		if (!memchr(f->states + i, DATA, n) ||
		    isal_zero_detect(f->data + (i << OBD_SECTOR_SHIFT),
				     n << OBD_SECTOR_SHIFT))
			continue;
		for (k = i; k < i + n; k++)
			if (f->states[k] == DATA)
				f->states[k] = zero_state(flat);
	}
}

static int add_states(struct found *f, u64 sector, u32 nr)
{
	u32 i, n;
	int r = 0;

	f->changes.nr = 0;
	f->sum = 0;
	for (i = 0; !r && i < nr; i += n) {
		u8 state = f->states[i];

		for (n = 1; i + n < nr && f->states[i + n] == state; n++)
			;
		if (state == NOTHING)
			continue;
		if (state == DATA)
			f->sum = crc64_ecma_refl(f->sum, f->data +
						 (i << OBD_SECTOR_SHIFT),
						 (u64)n << OBD_SECTOR_SHIFT);
		r = changes_add(&f->changes, sector + i, n, state == ZEROED);
	}
	return r;
}

static int scan_chunk(void *ctx, unsigned int thread, u64 item, void *slot,
		      struct obd_error *err)
{
	const struct scan *s = ctx;
	struct found *f = slot;
	u64 begin = s->chunks[item] * CHUNK_SECTORS;
	u64 end = chunk_end(s, s->chunks[item]);
	int r;

	(void)thread;
	r = load_chunk(s->flat, f, begin, end, err);
	if (r)
		return r;
	find_zeros(s->flat, f, end - begin);
	r = add_states(f, begin, end - begin);
	return r ? obd_fail(err, r, "no memory for the index") : 0;
}

/* Up to @end there is no data, but there may be zeros. */
static int take_gap(struct scan *s, u64 end)
{
	struct obd_range range;
	int r = 0;

	for (; !r && s->done < end; s->done += range.len) {
		flat_lookup(s->flat, s->done, &range);
		range.len = min(range.len, end - s->done);
		if (range.layer == OBD_HOLE && s->flat->keeps_zeroed)
			r = changes_add(s->changes, s->done, range.len, true);
	}
	return r;
}

static int take_chunk(void *ctx, u64 item, void *slot, struct obd_error *err)
{
	struct scan *s = ctx;
	const struct found *f = slot;
	u64 i;
	int r;

	r = take_gap(s, s->chunks[item] * CHUNK_SECTORS);
	for (i = 0; !r && i < f->changes.nr; i++)
		r = changes_add(s->changes, f->changes.list[i].sector,
				f->changes.list[i].len,
				f->changes.list[i].zeroed);
	r = r ?: changes_add_sum(s->changes, f->sum);
	s->done = chunk_end(s, s->chunks[item]);
	progress_add(s->progress, f->bytes);
	return r ? obd_fail(err, r, "no memory for the index") : 0;
}

static void release_chunk(void *slot)
{
	struct found *f = slot;

	changes_release(&f->changes);
	reader_release(&f->reader);
}

static int run_scan(struct scan *s, unsigned int nr_threads,
		    struct obd_error *err)
{
	const struct work work = {
		.nr_items = s->nr_chunks,
		.nr_threads = nr_threads,
		.slot_size = sizeof(struct found),
		.ctx = s,
		.work = scan_chunk,
		.finish = take_chunk,
		.release = release_chunk,
	};

	return work_run(&work, err);
}

int compact_find(struct changes *changes, const struct flat *flat,
		 unsigned int nr_threads, struct progress *progress,
		 struct obd_error *err)
{
	struct scan s = {
		.changes = changes,
		.flat = flat,
		.progress = progress,
	};
	int r;

	*changes = (struct changes) { .gaps_unknown = flat->keeps_zeroed };
	r = list_chunks(&s, err) ?: run_scan(&s, nr_threads, err);
	if (!r && take_gap(&s, flat->map.nr_sectors))
		r = obd_fail(err, -ENOMEM, "no memory for the index");
	free(s.chunks);
	return r;
}
