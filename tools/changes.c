// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compare raw images.
 */
#include <isa-l/crc64.h>
#include <isa-l/mem_routines.h>

#include "tools/array.h"
#include "tools/changes.h"
#include "tools/workers.h"

#define CHUNK_BYTES	(1U << 20)
#define PAGE_BYTES	4096U

enum data_state { SAME, ZEROED, CHANGED };

struct scan {
	struct changes *changes;
	const struct raw *raw;
	const struct raw *base;
	u64 nr_sectors;
	u64 base_sectors;
	u64 *chunks;		/* numbers of those that may hold data */
	u64 nr_chunks;
	u64 max_chunks;
	u64 done;		/* sectors that have been dealt with */
	u8 **raw_buf;		/* one a thread */
	u8 **base_buf;
	unsigned int nr_threads;
	struct progress *progress;
};

/* One chunk's changes. */
struct found {
	struct changes changes;
	u64 sum;
	bool has_data;
};

int changes_add(struct changes *c, u64 sector, u64 len, bool zeroed)
{
	struct change *last = c->nr ? &c->list[c->nr - 1] : NULL;

	if (last && last->sector + last->len == sector &&
	    last->zeroed == zeroed) {
		last->len += len;
		return 0;
	}
	if (array_room((void **)&c->list, &c->max, c->nr, sizeof(*c->list)))
		return -ENOMEM;
	c->list[c->nr++] = (struct change) {
		.sector = sector,
		.zeroed = zeroed,
		.len = len,
	};
	return 0;
}

int changes_add_target(struct changes *c, const struct target_extent *extent)
{
	struct target_extent *last = c->nr_targets ?
				     &c->targets[c->nr_targets - 1] : NULL;

	if (last && last->sector + last->len == extent->sector &&
	    last->at + last->len == extent->at) {
		last->len += extent->len;
		return 0;
	}
	if (array_room((void **)&c->targets, &c->max_targets, c->nr_targets,
		       sizeof(*c->targets)))
		return -ENOMEM;
	c->targets[c->nr_targets++] = *extent;
	return 0;
}

int changes_add_sum(struct changes *c, u64 sum)
{
	if (array_room((void **)&c->sums, &c->max_sums, c->nr_sums,
		       sizeof(*c->sums)))
		return -ENOMEM;
	c->sums[c->nr_sums++] = sum;
	return 0;
}

static bool is_zero(const u8 *data, u64 len)
{
	return !isal_zero_detect((void *)data, len);
}

/* What became of some bytes, as a whole; the base ends at a sector. */
static enum data_state state_of(const struct scan *s, u64 sector,
				const u8 *raw, const u8 *base, u64 len)
{
	if (!s->base)
		return is_zero(raw, len) ? SAME : CHANGED;
	if (sector < s->base_sectors && !memcmp(raw, base, len))
		return SAME;
	return is_zero(raw, len) ? ZEROED : CHANGED;
}

static int add_state(struct found *f, enum data_state state, u64 sector,
		     const u8 *raw, u64 len)
{
	if (state == SAME)
		return 0;
	if (state == CHANGED) {
		f->sum = crc64_ecma_refl(f->sum, raw, len);
		f->has_data = true;
	}
	return changes_add(&f->changes, sector, len >> OBD_SECTOR_SHIFT,
			   state == ZEROED);
}

/*
 * Over a base a page may be changed in part: then every sector is looked at.
 * So it is where the base ends within the page.
 */
static int scan_page(const struct scan *s, struct found *f, u64 sector,
		     const u8 *raw, const u8 *base, u64 len)
{
	u64 end = sector + (len >> OBD_SECTOR_SHIFT);
	bool edge = sector < s->base_sectors && s->base_sectors < end;
	enum data_state state = state_of(s, sector, raw, base, len);
	u64 i;
	int r = 0;

	if (!s->base || (!edge && state == SAME))
		return add_state(f, state, sector, raw, len);
	for (i = 0; !r && i < len; i += OBD_SECTOR_SIZE) {
		state = state_of(s, sector, raw + i, base + i,
				 OBD_SECTOR_SIZE);
		r = add_state(f, state, sector++, raw + i, OBD_SECTOR_SIZE);
	}
	return r;
}

static int scan_pages(const struct scan *s, struct found *f, u64 pos,
		      const u8 *raw, const u8 *base, u64 len)
{
	u64 i, n;
	int r = 0;

	for (i = 0; !r && i < len; i += n) {
		n = min((u64)PAGE_BYTES, len - i);
		r = scan_page(s, f, (pos + i) >> OBD_SECTOR_SHIFT, raw + i,
			      base ? base + i : NULL, n);
	}
	return r;
}

static int scan_chunk(void *ctx, unsigned int thread, u64 item, void *slot,
		      struct obd_error *err)
{
	const struct scan *s = ctx;
	struct found *f = slot;
	u64 pos = s->chunks[item] * CHUNK_BYTES;
	u64 len = min_t(u64, CHUNK_BYTES,
			(s->nr_sectors << OBD_SECTOR_SHIFT) - pos);
	u8 *raw = s->raw_buf[thread];
	u8 *base = s->base ? s->base_buf[thread] : NULL;
	int r;

	f->changes.nr = 0;
	f->sum = 0;
	f->has_data = false;
	r = raw_read(s->raw, pos, raw, len, err);
	if (!r && s->base)
		r = raw_read(s->base, pos, base, len, err);
	if (r)
		return r;
	r = scan_pages(s, f, pos, raw, base, len);
	return r ? obd_fail(err, r, "no memory for the index") : 0;
}

/* Up to @sector there are holes only: they hide what passes the base's end. */
static int take_hole(struct scan *s, u64 sector)
{
	u64 from = max(s->done, s->base_sectors);

	progress_add(s->progress, (sector - s->done) << OBD_SECTOR_SHIFT);
	s->done = sector;
	if (!s->base || from >= sector)
		return 0;
	return changes_add(s->changes, from, sector - from, true);
}

static int take_chunk(void *ctx, u64 item, void *slot, struct obd_error *err)
{
	struct scan *s = ctx;
	const struct found *f = slot;
	u64 i, sector = s->chunks[item] * (CHUNK_BYTES >> OBD_SECTOR_SHIFT);
	int r;

	r = take_hole(s, sector);
	for (i = 0; !r && i < f->changes.nr; i++)
		r = changes_add(s->changes, f->changes.list[i].sector,
				f->changes.list[i].len,
				f->changes.list[i].zeroed);
	if (!r && f->has_data)
		r = changes_add_sum(s->changes, f->sum);
	s->done = min(sector + (CHUNK_BYTES >> OBD_SECTOR_SHIFT),
		      s->nr_sectors);
	progress_add(s->progress, CHUNK_BYTES);
	return r ? obd_fail(err, r, "no memory for the index") : 0;
}

static void release_chunk(void *slot)
{
	struct found *f = slot;

	changes_release(&f->changes);
}

static u8 **alloc_buffers(unsigned int nr)
{
	u8 **buffers = calloc(nr, sizeof(*buffers));
	unsigned int i;

	for (i = 0; buffers && i < nr; i++)
		buffers[i] = malloc(CHUNK_BYTES);
	return buffers;
}

static void free_buffers(u8 **buffers, unsigned int nr)
{
	unsigned int i;

	for (i = 0; buffers && i < nr; i++)
		free(buffers[i]);
	free(buffers);
}

static bool have_buffers(u8 **buffers, unsigned int nr)
{
	unsigned int i;

	for (i = 0; buffers && i < nr; i++)
		if (!buffers[i])
			return false;
	return buffers;
}

/* Hop from data to data: a disk of terabytes may hold a few megabytes. */
static int list_chunks(struct scan *s, struct obd_error *err)
{
	u64 data, pos = 0, end = s->nr_sectors << OBD_SECTOR_SHIFT;

	for (;;) {
		data = raw_next_data(s->raw, pos, end);
		if (s->base)
			data = min(data, raw_next_data(s->base, pos, end));
		if (data >= end)
			return 0;
		if (array_room((void **)&s->chunks, &s->max_chunks,
			       s->nr_chunks, sizeof(*s->chunks)))
			return obd_fail(err, -ENOMEM, "no memory for %llu chunks",
					(unsigned long long)s->nr_chunks);
		s->chunks[s->nr_chunks++] = data / CHUNK_BYTES;
		pos = min(round_up(data + 1, CHUNK_BYTES), end);
	}
}

static int run_scan(struct scan *s, struct obd_error *err)
{
	const struct work work = {
		.nr_items = s->nr_chunks,
		.nr_threads = s->nr_threads,
		.slot_size = sizeof(struct found),
		.ctx = s,
		.work = scan_chunk,
		.finish = take_chunk,
		.release = release_chunk,
	};
	int r;

	s->raw_buf = alloc_buffers(s->nr_threads);
	s->base_buf = alloc_buffers(s->nr_threads);
	if (have_buffers(s->raw_buf, s->nr_threads) &&
	    have_buffers(s->base_buf, s->nr_threads))
		r = work_run(&work, err);
	else
		r = obd_fail(err, -ENOMEM, "no memory for %u threads",
			     s->nr_threads);
	free_buffers(s->raw_buf, s->nr_threads);
	free_buffers(s->base_buf, s->nr_threads);
	return r;
}

int changes_find(struct changes *changes, const struct raw *raw,
		 const struct raw *base, u64 nr_sectors,
		 unsigned int nr_threads, struct progress *progress,
		 struct obd_error *err)
{
	struct scan scan = {
		.changes = changes,
		.raw = raw,
		.base = base,
		.nr_sectors = nr_sectors,
		.nr_threads = nr_threads,
		.progress = progress,
	};
	int r;

	*changes = (struct changes) {};
	if (base)
		scan.base_sectors = DIV_ROUND_UP(base->dev.size,
						 OBD_SECTOR_SIZE);
	r = list_chunks(&scan, err) ?: run_scan(&scan, err);
	if (!r && take_hole(&scan, nr_sectors))
		r = obd_fail(err, -ENOMEM, "no memory for the index");
	free(scan.chunks);
	return r;
}

u64 changes_entries(const struct changes *changes, u32 max_len)
{
	u64 i, sum = 0;

	for (i = 0; i < changes->nr; i++)
		sum += DIV_ROUND_UP(changes->list[i].len, max_len);
	for (i = 0; i < changes->nr_targets; i++)
		sum += DIV_ROUND_UP(changes->targets[i].len, max_len);
	return sum;
}

static u64 change_end(const struct change *c)
{
	return c->sector + c->len;
}

/*
 * Are these zeros better stored? Where nothing but zeros can be filled in, only
 * next to data: the number of changes would stay the same otherwise.
 */
static bool fills(const struct changes *c, u64 i, const struct change *last,
		  u64 gap)
{
	const struct change *zeros = &c->list[i], *next = zeros + 1;

	if (!zeros->zeroed || zeros->len > gap)
		return false;
	if (!c->gaps_unknown)
		return true;
	if (last && !last->zeroed && change_end(last) == zeros->sector)
		return true;
	return i + 1 < c->nr && !next->zeroed &&
	       change_end(zeros) == next->sector;
}

/* Fill gaps of up to @gap sectors, in place. */
static void fill_gaps(struct changes *c, u64 gap)
{
	u64 most = c->gaps_unknown ? 0 : gap;
	u64 i, kept = 0;

	for (i = 0; i < c->nr; i++) {
		struct change *last = kept ? &c->list[kept - 1] : NULL;
		struct change next = c->list[i];

		if (fills(c, i, last, gap))
			next.zeroed = 0;
		if (last && !last->zeroed && !next.zeroed &&
		    next.sector - change_end(last) <= most)
			last->len = change_end(&next) - last->sector;
		else
			c->list[kept++] = next;
	}
	c->nr = kept;
}

void changes_coarsen(struct changes *changes, u32 max_len, u64 max_entries)
{
	u64 gap;

	/* A target's extents may lie in the gaps. */
	if (changes->nr_targets)
		return;
	for (gap = PAGE_BYTES >> OBD_SECTOR_SHIFT;
	     gap <= LSMT_OFFSET_MASK && changes->nr > 1 &&
	     changes_entries(changes, max_len) > max_entries; gap *= 2)
		fill_gaps(changes, gap);
}

void changes_release(struct changes *changes)
{
	free(changes->list);
	free(changes->sums);
	free(changes->targets);
	*changes = (struct changes) {};
}
