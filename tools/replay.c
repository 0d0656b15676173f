// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replay a log.
 *
 * The sectors at which entries begin or end cut the disk into strips, each of
 * which belongs to one entry as a whole. Going through the log from its end,
 * every entry takes the strips that it covers and that are still free; links
 * from each strip that is taken to a later one skip over runs of them.
 */
#include "tools/replay.h"

#define NOBODY		UINT32_MAX

struct strips {
	u64 *begins;		/* of each strip, and where the last one ends */
	u32 *owners;		/* slot of the log, or NOBODY */
	u32 *links;		/* itself if it is free, else a later one */
	u32 nr;
};

static bool is_padding(const struct lsmt_entry *e)
{
	return lsmt_entry_offset(e) == LSMT_OFFSET_PADDING;
}

static u64 entry_end(const struct lsmt_entry *e)
{
	return lsmt_entry_offset(e) + lsmt_entry_length(e);
}

static int compare_u64(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return (x > y) - (x < y);
}

/* Sort, drop duplicates; returns how many are left. */
static u64 sort_unique(u64 *list, u64 nr)
{
	u64 i, kept = 0;

	qsort(list, nr, sizeof(*list), compare_u64);
	for (i = 0; i < nr; i++)
		if (!kept || list[kept - 1] != list[i])
			list[kept++] = list[i];
	return kept;
}

static int cut_strips(struct strips *s, const struct lsmt_entry *log, u64 nr)
{
	u64 i, n = 0;

	s->begins = malloc((2 * nr + 1) * sizeof(*s->begins));
	if (!s->begins)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		if (is_padding(&log[i]))
			continue;
		s->begins[n++] = lsmt_entry_offset(&log[i]);
		s->begins[n++] = entry_end(&log[i]);
	}
	n = sort_unique(s->begins, n);
	s->nr = n ? n - 1 : 0;
	s->owners = malloc((s->nr + 1) * sizeof(*s->owners));
	s->links = malloc((s->nr + 1) * sizeof(*s->links));
	if (!s->owners || !s->links)
		return -ENOMEM;
	for (i = 0; i <= s->nr; i++) {
		s->owners[i] = NOBODY;
		s->links[i] = i;
	}
	return 0;
}

static void free_strips(struct strips *s)
{
	free(s->begins);
	free(s->owners);
	free(s->links);
}

/* The strip that begins at @sector, where some strip does. */
static u32 find_strip(const struct strips *s, u64 sector)
{
	u32 low = 0, high = s->nr;

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (s->begins[middle] < sector)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The first free strip from this one on; halves the way for the next time. */
static u32 next_free(struct strips *s, u32 i)
{
	while (s->links[i] != i) {
		s->links[i] = s->links[s->links[i]];
		i = s->links[i];
	}
	return i;
}

static void give_strips(struct strips *s, const struct lsmt_entry *log, u64 nr)
{
	while (nr--) {
		const struct lsmt_entry *e = &log[nr];
		u64 end = entry_end(e);
		u32 i;

		if (is_padding(e))
			continue;
		i = next_free(s, find_strip(s, lsmt_entry_offset(e)));
		while (s->begins[i] < end) {
			s->owners[i] = nr;
			s->links[i] = i + 1;
			i = next_free(s, i);
		}
	}
}

static bool continues(const struct lsmt_entry *e, u64 sector, u64 moffset,
		      bool zeroed)
{
	if (entry_end(e) != sector || lsmt_entry_zeroed(e) != zeroed)
		return false;
	return zeroed ||
	       lsmt_entry_moffset(e) + lsmt_entry_length(e) == moffset;
}

/* Lay sectors behind what there is, in one more entry at the most. */
static void add_sectors(struct replay *replay, u64 sector, u32 len,
			u64 moffset, bool zeroed)
{
	struct lsmt_entry *last = replay->entries + replay->nr - 1;
	u32 n;

	if (replay->nr && continues(last, sector, moffset, zeroed)) {
		n = min(len, LSMT_LENGTH_MAX - lsmt_entry_length(last));
		obd_log_entry(last, lsmt_entry_offset(last),
			      lsmt_entry_length(last) + n,
			      zeroed ? 0 : lsmt_entry_moffset(last), 0);
		sector += n;
		moffset += zeroed ? 0 : n;
		len -= n;
	}
	if (len)
		obd_log_entry(&replay->entries[replay->nr++], sector, len,
			      zeroed ? 0 : moffset, 0);
}

static void add_entry(struct replay *replay, const struct lsmt_entry *e)
{
	bool zeroed = lsmt_entry_zeroed(e);
	u64 moffset = lsmt_entry_moffset(e);
	u32 len = lsmt_entry_length(e);

	add_sectors(replay, lsmt_entry_offset(e), len, moffset, zeroed);
	if (!zeroed) {
		replay->data_end = max(replay->data_end, moffset + len);
		replay->data_sectors += len;
	}
}

/* What an entry says of the sectors from @first to @end, not included. */
static struct lsmt_entry part_of(const struct lsmt_entry *e, u64 first, u64 end)
{
	u64 moffset = lsmt_entry_moffset(e) + first - lsmt_entry_offset(e);
	struct lsmt_entry part;

	obd_log_entry(&part, first, end - first,
		      lsmt_entry_zeroed(e) ? 0 : moffset, 0);
	return part;
}

static int take_strip(struct replay *replay, const struct strips *s, u32 i,
		      const struct lsmt_entry *log, u64 data_sectors,
		      struct obd_error *err)
{
	struct lsmt_entry part = part_of(&log[s->owners[i]], s->begins[i],
					 s->begins[i + 1]);
	int r;

	r = obd_log_check(&part, s->owners[i], data_sectors, err);
	if (r < 0)
		return r;
	add_entry(replay, &part);
	return 0;
}

/* For none as well. */
static int alloc_entries(struct replay *replay, u64 nr, struct obd_error *err)
{
	replay->entries = malloc((nr + 1) * sizeof(*replay->entries));
	return replay->entries ? 0 :
	       obd_fail(err, -ENOMEM, "no memory for %llu extents",
			(unsigned long long)nr);
}

static int take_strips(struct replay *replay, const struct strips *s,
		       const struct lsmt_entry *log, u64 data_sectors,
		       struct obd_error *err)
{
	u32 i;
	int r = alloc_entries(replay, s->nr, err);

	for (i = 0; !r && i < s->nr; i++)
		if (s->owners[i] != NOBODY)
			r = take_strip(replay, s, i, log, data_sectors, err);
	return r;
}

struct place {
	u64 moffset;
	const struct lsmt_entry *entry;
};

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return (x->moffset > y->moffset) - (x->moffset < y->moffset);
}

static int check_neighbours(const struct place *a, const struct place *b,
			    struct obd_error *err)
{
	if (a->moffset + lsmt_entry_length(a->entry) <= b->moffset)
		return 0;
	return obd_fail(err, -EINVAL,
			"log: sectors %llu and %llu share the data at sector %llu",
			(unsigned long long)(lsmt_entry_offset(a->entry) +
					     b->moffset - a->moffset),
			(unsigned long long)lsmt_entry_offset(b->entry),
			(unsigned long long)b->moffset);
}

static int check_shared(const struct replay *replay, struct obd_error *err)
{
	struct place *places = malloc((replay->nr + 1ULL) * sizeof(*places));
	u32 i, nr = 0;
	int r = 0;

	if (!places)
		return obd_fail(err, -ENOMEM, "no memory for %u extents",
				replay->nr);
	for (i = 0; i < replay->nr; i++) {
		const struct lsmt_entry *e = &replay->entries[i];

		if (!lsmt_entry_zeroed(e))
			places[nr++] = (struct place) {
				lsmt_entry_moffset(e), e,
			};
	}
	qsort(places, nr, sizeof(*places), compare_places);
	for (i = 1; !r && i < nr; i++)
		r = check_neighbours(&places[i - 1], &places[i], err);
	free(places);
	return r;
}

int replay_log(struct replay *replay, const struct lsmt_entry *log, u64 nr,
	       u64 data_sectors, struct obd_error *err)
{
	struct strips s = {};
	int r;

	*replay = (struct replay) { .data_end = OBD_DATA_START };
	r = cut_strips(&s, log, nr);
	if (r) {
		r = obd_fail(err, r, "no memory for %llu log entries",
			     (unsigned long long)nr);
	} else {
		give_strips(&s, log, nr);
		r = take_strips(replay, &s, log, data_sectors, err) ?:
		    check_shared(replay, err);
	}
	free_strips(&s);
	return r;
}

/*
 * Take what the entries from the @i-th on say of sectors, not those from @end
 * on. Return: the entry that goes on there, or the next.
 */
static u32 take_between(struct replay *to, const struct replay *from, u32 i,
			u64 first, u64 end)
{
	for (; i < from->nr; i++) {
		const struct lsmt_entry *e = &from->entries[i];
		u64 a = max(first, lsmt_entry_offset(e));
		u64 b = min(end, entry_end(e));

		if (a < b) {
			struct lsmt_entry part = part_of(e, a, b);

			add_entry(to, &part);
		}
		if (entry_end(e) > end)
			break;
	}
	return i;
}

/* Every entry above adds itself, and may cut one below in two. */
static int lay_over(struct replay *to, const struct replay *above,
		    const struct replay *below, struct obd_error *err)
{
	u64 nr = below->nr + 2ULL * above->nr;
	u64 at = 0;
	u32 i, next = 0;
	int r;

	*to = (struct replay) { .data_end = OBD_DATA_START };
	r = alloc_entries(to, nr, err);
	if (r)
		return r;
	for (i = 0; i < above->nr; i++) {
		const struct lsmt_entry *e = &above->entries[i];

		next = take_between(to, below, next, at, lsmt_entry_offset(e));
		add_entry(to, e);
		at = entry_end(e);
	}
	take_between(to, below, next, at, UINT64_MAX);
	return 0;
}

int replay_more(struct replay *replay, const struct lsmt_entry *log, u64 nr,
		u64 data_sectors, struct obd_error *err)
{
	struct replay newer = {}, sum = {};
	int r;

	if (!nr)
		return 0;
	r = replay_log(&newer, log, nr, data_sectors, err) ?:
	    lay_over(&sum, &newer, replay, err);
	replay_release(&newer);
	if (r)
		return r;
	replay_release(replay);
	*replay = sum;
	return 0;
}

void replay_release(struct replay *replay)
{
	free(replay->entries);
	*replay = (struct replay) {};
}
