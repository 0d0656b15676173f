// SPDX-License-Identifier: GPL-2.0-only
/*
 * Merge the indexes of a stack of layers into one map.
 */
#include "dm-overlaybd-lsmt.h"
#include "dm-overlaybd-merge.h"

/*
 * Merging goes over the virtual sectors from low to high, in windows that are
 * small enough for the innermost caches. What begins in the window is
 * collected from all layers and sorted by its first sector; then one entry
 * after the other is laid on what is there, and what can be seen from above
 * makes the extents, which leave for a leaf as soon as they fill one.
 *
 * Layers lie over one another at random: the inner loops avoid branches that
 * depend on the entries, for most of the time would go into mispredicted ones.
 *
 * A window ends where a layer has put its share into it, so that windows never
 * are too large for the buffers. That share is in proportion to the entries
 * that the layer has. Layers that had entries in the window before, which may
 * be the only ones around, divide a second budget among them. So windows mostly
 * hold enough entries to be worth the look at every layer.
 */
#define MERGE_BUDGET	4096		/* of entries in a window */
#define MERGE_BATCH	128		/* laid down between looks at the extents */
#define MERGE_DIGIT_MIN	5		/* bits to sort by in one pass */
#define MERGE_DIGIT_MAX	10
#define MERGE_SOURCES	(LSMT_MAX_LAYERS + 1)
#define MERGE_WORDS	(MERGE_SOURCES / 64)

/* Two budgets; a share is at least one entry. */
#define MERGE_ENTRIES	(2 * MERGE_BUDGET + LSMT_MAX_LAYERS)
/* An entry may end one extent and begin another; so may what it hides. */
#define MERGE_EXTENTS	(OBD_NEAR_EXTENTS + 2 * MERGE_BATCH + MERGE_SOURCES + 2)

/* An entry that begins in the window; @begin is counted from there. */
struct merge_entry {
	u32 begin;
	u16 len;
	u8 source;
	u64 what;
};

struct merge_layer {
	const struct lsmt_entry *next;
	const struct lsmt_entry *last;
	u32 share;
	bool active;		/* had entries in the last window */
};

/* What is seen from above at the sector that the merge has come to. */
struct merge_view {
	unsigned long source;
	u64 end;		/* of its entry */
	u64 what;
	unsigned long nr;	/* extents not in a leaf yet */
};

/*
 * Sources are layers, counted from 1. Source 0 is the hole below all of them.
 * Its end is 0: it never is in the way of an entry, nor comes out from under
 * one but for want of other sources.
 */
struct merge {
	unsigned int nr_sources;
	unsigned int nr_active;
	unsigned int code;	/* of source 0, see struct obd_leaf */
	u64 zeroed;		/* what an entry of zeroes is */
	struct merge_layer layers[MERGE_SOURCES];

	/* The window. */
	u64 begin;
	u64 end;
	unsigned int bits;	/* of offsets within it */
	unsigned int digit;	/* bits that a pass sorts by */
	u32 nr_entries;
	struct merge_entry entries[2][MERGE_ENTRIES];
	u32 counts[2][1 << MERGE_DIGIT_MAX];

	/* What is seen, and what may be seen later. */
	struct merge_view view;
	u64 ends[MERGE_SOURCES];	/* of each source's latest entry */
	u64 whats[MERGE_SOURCES];
	u32 nr_waiting;
	u8 waiting[MERGE_BATCH + 1];	/* sources to be hidden */
	unsigned int words;		/* bit n: hidden[n] is not zero */
	u64 hidden[MERGE_WORDS];	/* a bit for each source */

	/* Extents that are not in a leaf yet. */
	u64 sectors[MERGE_EXTENTS];	/* where they begin */
	u64 extents[MERGE_EXTENTS];	/* what they are */
};

/* Find the next window. It begins with the first entry that is left. */
static bool merge_window(struct merge *m, u64 limit)
{
	u32 share, active_share = MERGE_BUDGET / max(m->nr_active, 1U);
	u64 offset, begin = limit, end = limit;
	unsigned int i;

	for (i = 1; i < m->nr_sources; i++) {
		const struct merge_layer *l = &m->layers[i];

		if (l->next == l->last)
			continue;
		offset = lsmt_entry_offset(l->next);
		begin = min(begin, offset);
		share = l->active ? max(l->share, active_share) : l->share;
		if (l->last - l->next <= share)
			continue;
		offset = lsmt_entry_offset(l->next + share);
		end = min(end, offset);
	}
	m->begin = begin;
	m->end = min(end, begin + (1ULL << 32));
	return begin < limit;
}

/*
 * Find out how to sort the window. A digit has no more bits than pays for as
 * many entries as there were in the window before: dealing with the counts must
 * not take longer than moving the entries.
 */
static void merge_set_digit(struct merge *m)
{
	int most = min(max(fls(m->nr_entries), MERGE_DIGIT_MIN), MERGE_DIGIT_MAX);
	size_t size;

	m->bits = fls64(m->end - m->begin - 1);
	m->digit = most;
	if (m->bits)
		m->digit = DIV_ROUND_UP(m->bits, DIV_ROUND_UP(m->bits, most));
	size = sizeof(m->counts[0][0]) << m->digit;
	memset(m->counts[0], 0, size);
	memset(m->counts[1], 0, size);
}

static u64 merge_what(const struct merge *m, const struct lsmt_entry *e,
		      u64 offset, u64 source)
{
	u64 mapped = lsmt_entry_zeroed(e) - 1ULL;
	u64 what = obd_extent_what(m->code + source,
				   lsmt_entry_moffset(e) - offset);

	return (mapped & what) | (~mapped & m->zeroed);
}

/*
 * Collect what begins in the window, from the highest layer to the lowest,
 * which is the order that equal offsets have to stay in.
 */
static void merge_collect(struct merge *m)
{
	struct merge_entry *to = m->entries[0];
	u32 begin, mask = (1U << m->digit) - 1;
	unsigned int i;
	u64 offset;

	m->nr_active = 0;
	for (i = m->nr_sources - 1; i; i--) {
		struct merge_layer *l = &m->layers[i];
		const struct lsmt_entry *e;

		for (e = l->next; e != l->last; e++, to++) {
			offset = lsmt_entry_offset(e);
			if (offset >= m->end)
				break;
			begin = offset - m->begin;
			to->begin = begin;
			to->len = lsmt_entry_length(e);
			to->source = i;
			to->what = merge_what(m, e, offset, i);
			m->counts[0][begin & mask]++;
			m->counts[1][begin >> m->digit & mask]++;
		}
		l->active = e != l->next;
		m->nr_active += l->active;
		l->next = e;
	}
	m->nr_entries = to - m->entries[0];
}

/* One pass, stable: by the digit from bit @shift on, of which @counts says. */
static void merge_sort_pass(const struct merge *m, u32 *counts,
			    const struct merge_entry *from,
			    struct merge_entry *to, unsigned int shift)
{
	const struct merge_entry *last = from + m->nr_entries;
	u32 mask = (1U << m->digit) - 1;
	u32 i, count, sum = 0;

	for (i = 0; i <= mask; i++) {
		count = counts[i];
		counts[i] = sum;
		sum += count;
	}
	for (; from != last; from++)
		to[counts[from->begin >> shift & mask]++] = *from;
}

static void merge_count(const struct merge *m, u32 *counts,
			const struct merge_entry *entries, unsigned int shift)
{
	u32 i, mask = (1U << m->digit) - 1;

	memset(counts, 0, (mask + 1) * sizeof(*counts));
	for (i = 0; i < m->nr_entries; i++)
		counts[entries[i].begin >> shift & mask]++;
}

/* Sort what was collected, which has counted the lower two digits. */
static const struct merge_entry *merge_sort(struct merge *m)
{
	struct merge_entry *from = m->entries[0];
	struct merge_entry *to = m->entries[1];
	unsigned int i, shift = 0;

	for (i = 0; shift < m->bits; i++, shift += m->digit) {
		if (i > 1)
			merge_count(m, m->counts[i % 2], from, shift);
		merge_sort_pass(m, m->counts[i % 2], from, to, shift);
		swap(from, to);
	}
	return from;
}

/* All ones if @yes: to do without a branch. */
static inline u64 mask_if(bool yes)
{
	return -(u64)yes;
}

/*
 * If @mask is all ones, @what is seen from @sector on: that is a new extent,
 * unless the same was seen before.
 */
static inline void merge_see(struct merge *m, struct merge_view *v, u64 sector,
			     u64 what, u64 mask)
{
	m->sectors[v->nr] = sector;
	m->extents[v->nr] = what;
	v->nr += (what != v->what) & mask;
	v->what ^= (what ^ v->what) & mask;
}

/* Hide what waits for it and goes on behind @sector. */
static void merge_hide(struct merge *m, u64 sector)
{
	u32 i;

	for (i = 0; i < m->nr_waiting; i++) {
		unsigned int source = m->waiting[i];
		bool lives = m->ends[source] > sector;

		m->hidden[source / 64] |= (u64)lives << source % 64;
		m->words |= (unsigned int)lives << source / 64;
	}
	m->nr_waiting = 0;
}

/* The highest hidden source that goes on behind @sector, no longer hidden. */
static unsigned int merge_uncover(struct merge *m, u64 sector)
{
	merge_hide(m, sector);
	while (m->words) {
		unsigned int word = fls(m->words) - 1;
		u64 bits = m->hidden[word];
		unsigned int source;

		do {
			source = fls64(bits) - 1;
			bits ^= 1ULL << source;
			source += word * 64;
		} while (m->ends[source] <= sector && bits);
		m->hidden[word] = bits;
		m->words ^= (unsigned int)!bits << word;
		if (m->ends[source] > sector)
			return source;
	}
	return 0;
}

/* Go on to @sector: whatever ends before it uncovers what is below. */
static inline void merge_advance(struct merge *m, struct merge_view *v,
				 u64 sector)
{
	u64 ended;

	if (m->words | m->nr_waiting) {
		while (v->source && v->end < sector) {
			u64 end = v->end;

			v->source = merge_uncover(m, end);
			v->end = m->ends[v->source];
			merge_see(m, v, end, m->whats[v->source], ~0ULL);
		}
	}
	ended = mask_if(v->end < sector);
	merge_see(m, v, v->end, 0, ended);
	v->source &= ~ended;
}

/* Lay an entry down. One that begins at the same sector must be lower. */
static inline void merge_lay(struct merge *m, struct merge_view *v,
			     const struct merge_entry *e)
{
	unsigned long source = e->source;
	u64 sector = m->begin + e->begin;
	u64 end = sector + e->len;
	u64 what = e->what;
	u64 lower, rest;

	merge_advance(m, v, sector);
	if (unlikely(v->end == sector)) {
		v->source = merge_uncover(m, sector);
		v->end = m->ends[v->source];
		merge_see(m, v, sector, m->whats[v->source],
			  mask_if(v->source > source));
	}
	m->ends[source] = end;
	m->whats[source] = what;
	lower = mask_if(source < v->source);
	merge_see(m, v, sector, what, ~lower);

	/* The lower of the two is to be hidden if it goes on behind the other. */
	rest = (v->end - end) ^ lower;
	m->waiting[m->nr_waiting] = min(source, v->source);
	m->nr_waiting += !(rest >> 63);
	v->source = max(source, v->source);
	v->end = end ^ ((end ^ v->end) & lower);
}

/* Move extents into leaves until no more than @keep are left. */
static int merge_write(struct merge *m, struct obd_map *map, u32 keep)
{
	u32 left = m->view.nr, done = 0;

	while (left > keep) {
		int nr = obd_map_append(map, m->sectors + done,
					m->extents + done, left);

		if (nr < 0)
			return nr;
		done += nr;
		left -= nr;
	}
	memmove(m->sectors, m->sectors + done,
		(left + 1) * sizeof(m->sectors[0]));
	memmove(m->extents, m->extents + done, left * sizeof(m->extents[0]));
	m->view.nr = left;
	return 0;
}

/* A copy of the view can stay in registers. */
static void merge_lay_batch(struct merge *m, const struct merge_entry *e,
			    const struct merge_entry *last)
{
	struct merge_view v = m->view;

	for (; e != last; e++)
		merge_lay(m, &v, e);
	m->view = v;
	merge_hide(m, m->begin + e[-1].begin);
}

static int merge_lay_all(struct merge *m, struct obd_map *map,
			 const struct merge_entry *entries)
{
	u32 i, next;
	int r = 0;

	for (i = 0; i < m->nr_entries && !r; i = next) {
		next = min(i + MERGE_BATCH, m->nr_entries);
		merge_lay_batch(m, entries + i, entries + next);
		r = merge_write(m, map, OBD_NEAR_EXTENTS);
	}
	return r;
}

static int merge_run(struct merge *m, struct obd_map *map)
{
	u64 limit = map->nr_sectors;
	int r;

	while (merge_window(m, limit)) {
		merge_set_digit(m);
		merge_collect(m);
		r = merge_lay_all(m, map, merge_sort(m));
		if (r)
			return r;
		cond_resched();
	}

	merge_advance(m, &m->view, limit);
	m->sectors[m->view.nr] = limit;
	return merge_write(m, map, 0);
}

static void merge_init(struct merge *m, const struct obd_index *indexes,
		       unsigned int nr_layers, u32 nr_entries,
		       unsigned int first_layer)
{
	u32 divisor = nr_entries / MERGE_BUDGET + 1;
	unsigned int i;

	m->nr_sources = nr_layers + 1;
	for (i = 0; i < nr_layers; i++) {
		struct merge_layer *l = &m->layers[i + 1];

		l->next = indexes[i].entries;
		l->last = l->next + indexes[i].nr;
		l->share = indexes[i].nr / divisor + 1;
	}
	if (first_layer) {
		m->code = first_layer + 1;
		m->zeroed = obd_extent_what(1, 0);
	}
	m->view.what = ~0ULL;	/* nothing is seen yet, not even a hole */
}

int obd_map_build(struct obd_map *map, const struct obd_index *indexes,
		  unsigned int nr_layers, unsigned int first_layer,
		  u64 nr_sectors, struct obd_error *err)
{
	struct merge *m;
	unsigned int i;
	u64 nr = 0;
	int r;

	for (i = 0; i < nr_layers; i++)
		nr += indexes[i].nr;
	if (nr > OBD_MAP_MAX_ENTRIES)
		return obd_fail(err, -E2BIG,
				"the stack has %llu index entries, expected at most %u",
				(unsigned long long)nr, OBD_MAP_MAX_ENTRIES);

	r = obd_map_init(map, nr, nr_sectors,
			 first_layer ? OBD_BELOW : OBD_HOLE);
	m = kvzalloc(sizeof(*m), GFP_KERNEL);
	if (!m)
		r = -ENOMEM;
	if (!r) {
		merge_init(m, indexes, nr_layers, nr, first_layer);
		r = merge_run(m, map) ?: obd_map_finish(map);
	}
	kvfree(m);
	if (r) {
		obd_map_release(map);
		return obd_fail(err, r, "no memory to merge %llu index entries",
				(unsigned long long)nr);
	}
	return 0;
}
