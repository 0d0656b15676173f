// SPDX-License-Identifier: GPL-2.0-only
/*
 * LSMT layers: parse, check, merge, look up.
 */
#include "dm-overlaybd-lsmt.h"

static int check_magic(const struct lsmt_header *h, const char *which,
		       struct obd_error *err)
{
	if (memcmp(h->magic0, LSMT_MAGIC0, LSMT_MAGIC0_SIZE) ||
	    memcmp(h->magic1, LSMT_MAGIC1, LSMT_MAGIC1_SIZE))
		return obd_fail(err, -EINVAL, "LSMT %s: bad magic", which);
	if (le32_to_cpu(h->size) != sizeof(*h))
		return obd_fail(err, -EINVAL,
				"LSMT %s: size is %u, expected %zu", which,
				le32_to_cpu(h->size), sizeof(*h));
	if (h->version != LSMT_VERSION)
		return obd_fail(err, -EINVAL,
				"LSMT %s: version is %u, expected %u", which,
				h->version, LSMT_VERSION);
	return 0;
}

static int check_flags(const struct lsmt_header *h, const char *which,
		       u32 must, u32 must_not, struct obd_error *err)
{
	u32 flags = le32_to_cpu(h->flags);

	if ((flags & must) != must || flags & must_not)
		return obd_fail(err, -EINVAL,
				"LSMT %s: flags are %#x, expected %#x set and %#x clear",
				which, flags, must, must_not);
	return 0;
}

static int check_extent_of_index(u64 offset, u64 nr, u64 size,
				 struct obd_error *err)
{
	u64 limit = size - LSMT_HEADER_SPACE;

	if (offset < LSMT_HEADER_SPACE || offset > limit)
		return obd_fail(err, -EINVAL,
				"LSMT trailer: index_offset is %llu, expected %u to %llu",
				(unsigned long long)offset, LSMT_HEADER_SPACE,
				(unsigned long long)limit);
	limit = min_t(u64, (limit - offset) / sizeof(struct lsmt_entry),
		      LSMT_MAX_ENTRIES);
	if (nr > limit)
		return obd_fail(err, -EINVAL,
				"LSMT trailer: index_size is %llu, expected at most %llu",
				(unsigned long long)nr,
				(unsigned long long)limit);
	return 0;
}

static int check_virtual_size(u64 size, struct obd_error *err)
{
	if (size % OBD_SECTOR_SIZE)
		return obd_fail(err, -EINVAL,
				"LSMT trailer: virtual_size is %llu, expected a multiple of %u",
				(unsigned long long)size, OBD_SECTOR_SIZE);
	if (size >> OBD_SECTOR_SHIFT > LSMT_OFFSET_MASK)
		return obd_fail(err, -EINVAL,
				"LSMT trailer: virtual_size is %llu, expected at most %llu",
				(unsigned long long)size,
				LSMT_OFFSET_MASK << OBD_SECTOR_SHIFT);
	return 0;
}

/* Blobs are not to be trusted to end their strings. */
static void copy_uuid(char *to, const char *from)
{
	memcpy(to, from, LSMT_UUID_SIZE);
	to[LSMT_UUID_SIZE - 1] = '\0';
}

int obd_lsmt_parse(const struct lsmt_header *header,
		   const struct lsmt_header *trailer, u64 size,
		   struct obd_lsmt *lsmt, struct obd_error *err)
{
	u64 offset = le64_to_cpu(trailer->index_offset);
	u64 nr = le64_to_cpu(trailer->index_size);
	u64 virtual_size = le64_to_cpu(trailer->virtual_size);
	int r;

	r = check_magic(header, "header", err) ?:
	    check_flags(header, "header", LSMT_FLAG_HEADER | LSMT_FLAG_DATA,
			LSMT_FLAG_SPARSE, err) ?:
	    check_magic(trailer, "trailer", err) ?:
	    check_flags(trailer, "trailer", LSMT_FLAG_DATA | LSMT_FLAG_SEALED,
			LSMT_FLAG_HEADER | LSMT_FLAG_SPARSE, err) ?:
	    check_extent_of_index(offset, nr, size, err) ?:
	    check_virtual_size(virtual_size, err);
	if (r)
		return r;

	lsmt->virtual_sectors = virtual_size >> OBD_SECTOR_SHIFT;
	lsmt->index_offset = offset;
	lsmt->nr_entries = nr;
	copy_uuid(lsmt->uuid, trailer->uuid);
	copy_uuid(lsmt->parent_uuid, trailer->parent_uuid);
	return 0;
}

/*
 * Offsets have 50 bits, lengths 14 and moffsets 55: none of the sums below
 * can wrap.
 */
static int check_entry(const struct obd_lsmt *lsmt, const struct lsmt_entry *e,
		       u32 i, u64 end, struct obd_error *err)
{
	u64 data_end = lsmt->index_offset >> OBD_SECTOR_SHIFT;
	u64 moffset = lsmt_entry_moffset(e);
	u64 offset = lsmt_entry_offset(e);
	u32 len = lsmt_entry_length(e);

	if (!len)
		return obd_fail(err, -EINVAL,
				"index entry %u: length is 0", i);
	if (offset < end)
		return obd_fail(err, -EINVAL,
				"index entry %u overlaps its predecessor: offset is %llu, expected %llu or more",
				i, (unsigned long long)offset,
				(unsigned long long)end);
	if (offset + len > LSMT_OFFSET_MASK)
		return obd_fail(err, -EINVAL,
				"index entry %u: offset %llu, length %u pass the last sector",
				i, (unsigned long long)offset, len);
	if (lsmt_entry_zeroed(e))
		return 0;
	if (moffset < LSMT_HEADER_SPACE / OBD_SECTOR_SIZE ||
	    moffset + len > data_end)
		return obd_fail(err, -EINVAL,
				"index entry %u: moffset %llu, length %u, expected within %u to %llu",
				i, (unsigned long long)moffset, len,
				LSMT_HEADER_SPACE / OBD_SECTOR_SIZE,
				(unsigned long long)data_end);
	return 0;
}

int obd_lsmt_check_index(struct obd_lsmt *lsmt, struct lsmt_entry *entries,
			 struct obd_error *err)
{
	u32 i, kept = 0;
	u64 end = 0;
	int r;

	for (i = 0; i < lsmt->nr_entries; i++) {
		const struct lsmt_entry *e = &entries[i];

		if (lsmt_entry_offset(e) == LSMT_OFFSET_PADDING)
			continue;
		r = check_entry(lsmt, e, i, end, err);
		if (r)
			return r;
		end = lsmt_entry_offset(e) + lsmt_entry_length(e);
		entries[kept++] = *e;
	}
	lsmt->nr_entries = kept;
	return 0;
}

/* A leaf's extents begin less than this behind its first sector. */
#define LEAF_SPAN	0xffffffffULL

/* 0 for a hole, see struct obd_leaf. */
static u64 extent_what(u64 source, u64 delta)
{
	return source << OBD_EXTENT_SHIFT | (delta & LSMT_MOFFSET_MASK);
}

static u32 leaf_bytes(u32 nr)
{
	return sizeof(struct obd_leaf) +
	       round_up(nr, OBD_LEAF_LINE) * sizeof(u32) + nr * sizeof(u64);
}

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
#define MERGE_BATCH	128		/* laid down between looks at the leaf */
#define MERGE_DIGIT_MIN	5		/* bits to sort by in one pass */
#define MERGE_DIGIT_MAX	10
#define MERGE_SOURCES	(LSMT_MAX_LAYERS + 1)
#define MERGE_WORDS	(MERGE_SOURCES / 64)

/* Two budgets; a share is at least one entry. */
#define MERGE_ENTRIES	(2 * MERGE_BUDGET + LSMT_MAX_LAYERS)
/* An entry may end one extent and begin another; so may what it hides. */
#define MERGE_EXTENTS	(OBD_LEAF_EXTENTS + 2 * MERGE_BATCH + MERGE_SOURCES + 2)

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

static u64 merge_what(const struct lsmt_entry *e, u64 offset, u64 source)
{
	u64 mapped = lsmt_entry_zeroed(e) - 1ULL;

	return mapped & extent_what(source, lsmt_entry_moffset(e) - offset);
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
			to->what = merge_what(e, offset, i);
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

static struct obd_leaf *merge_leaf(const struct merge *m, u32 nr)
{
	u32 i, slots = round_up(nr, OBD_LEAF_LINE);
	struct obd_leaf *leaf;

	leaf = kvmalloc(leaf_bytes(nr), GFP_KERNEL | __GFP_NOWARN);
	if (!leaf)
		return NULL;
	leaf->begin = m->sectors[0];
	leaf->end = m->sectors[nr];
	leaf->nr = nr;
	for (i = 0; i < nr; i++)
		leaf->begins[i] = m->sectors[i] - leaf->begin;
	for (; i < slots; i++)
		leaf->begins[i] = ~0U;
	for (i = 0; i < OBD_LEAF_LINES; i++)
		leaf->lines[i] = i < slots / OBD_LEAF_LINE ?
				 leaf->begins[i * OBD_LEAF_LINE] : ~0U;
	memcpy(leaf->begins + slots, m->extents, nr * sizeof(m->extents[0]));
	return leaf;
}

/* Move extents into a new leaf; at least one more has to follow. */
static int merge_write_leaf(struct merge *m, struct obd_map *map)
{
	u32 nr = min_t(u32, m->view.nr, OBD_LEAF_EXTENTS);
	struct obd_leaf *leaf;
	u32 left;

	while (m->sectors[nr - 1] - m->sectors[0] >= LEAF_SPAN)
		nr--;
	leaf = merge_leaf(m, nr);
	if (!leaf)
		return -ENOMEM;
	map->extents[map->nr_leaves++] = leaf;
	map->nr += nr;
	map->bytes += leaf_bytes(nr);

	left = m->view.nr - nr;
	memmove(m->sectors, m->sectors + nr,
		(left + 1) * sizeof(m->sectors[0]));
	memmove(m->extents, m->extents + nr, left * sizeof(m->extents[0]));
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
		while (m->view.nr > OBD_LEAF_EXTENTS && !r)
			r = merge_write_leaf(m, map);
	}
	return r;
}

static int merge_run(struct merge *m, struct obd_map *map)
{
	u64 limit = map->nr_sectors;
	int r = 0;

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
	while (m->view.nr && !r)
		r = merge_write_leaf(m, map);
	return r;
}

static void merge_init(struct merge *m, const struct obd_index *indexes,
		       unsigned int nr_layers, u32 nr_entries)
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
	m->view.what = ~0ULL;	/* nothing is seen yet, not even a hole */
}

/*
 * Room to note all the leaves that there may be. An entry begins and ends one
 * extent at the most; leaves are full but for the last, and those whose
 * extents are too far apart.
 */
static int map_alloc(struct obd_map *map, u32 nr_entries)
{
	u32 nr = 2 * nr_entries + 1;

	nr = min_t(u64, nr,
		   nr / OBD_LEAF_EXTENTS + (map->nr_sectors >> 31) + 1);
	map->extents = kvmalloc_array(nr, sizeof(*map->extents),
				      GFP_KERNEL | __GFP_NOWARN);
	return map->extents ? 0 : -ENOMEM;
}

/* All leaves are there: keep just what their number takes. */
static int map_index(struct obd_map *map)
{
	struct obd_leaf **leaves;
	u32 i;

	leaves = kvmalloc_array(map->nr_leaves, sizeof(*leaves),
				GFP_KERNEL | __GFP_NOWARN);
	map->begins = kvmalloc_array(map->nr_leaves, sizeof(*map->begins),
				     GFP_KERNEL | __GFP_NOWARN);
	if (!leaves || !map->begins) {
		kvfree(leaves);
		return -ENOMEM;
	}
	for (i = 0; i < map->nr_leaves; i++) {
		leaves[i] = map->extents[i];
		map->begins[i] = leaves[i]->begin;
	}
	kvfree(map->extents);
	map->extents = leaves;
	map->bytes += map->nr_leaves * (sizeof(*leaves) + sizeof(*map->begins));
	return 0;
}

int obd_map_build(struct obd_map *map, const struct obd_index *indexes,
		  unsigned int nr_layers, u64 nr_sectors,
		  struct obd_error *err)
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

	memset(map, 0, sizeof(*map));
	map->nr_sectors = nr_sectors;
	m = kvzalloc(sizeof(*m), GFP_KERNEL);
	r = m ? map_alloc(map, nr) : -ENOMEM;
	if (!r) {
		merge_init(m, indexes, nr_layers, nr);
		r = merge_run(m, map) ?: map_index(map);
	}
	kvfree(m);
	if (r) {
		obd_map_release(map);
		return obd_fail(err, r, "no memory to merge %llu index entries",
				(unsigned long long)nr);
	}
	return 0;
}

void obd_map_release(struct obd_map *map)
{
	u32 i;

	for (i = 0; i < map->nr_leaves; i++)
		kvfree(map->extents[i]);
	kvfree(map->extents);
	kvfree(map->begins);
	memset(map, 0, sizeof(*map));
}

/* The last of @nr ascending numbers that is not above @key; the first is not. */
static inline u32 leaf_search(const u32 *numbers, u32 nr, u32 key)
{
	const u32 *n = numbers;

	for (; nr > 1; nr -= nr / 2)
		n = n[nr / 2] <= key ? n + nr / 2 : n;
	return n - numbers;
}

static const struct obd_leaf *map_leaf(const struct obd_map *map, u64 sector)
{
	const u64 *b = map->begins;
	u32 nr;

	for (nr = map->nr_leaves; nr > 1; nr -= nr / 2)
		b = b[nr / 2] <= sector ? b + nr / 2 : b;
	return map->extents[b - map->begins];
}

void obd_map_lookup(const struct obd_map *map, u64 sector,
		    struct obd_range *range)
{
	const struct obd_leaf *leaf = map_leaf(map, sector);
	u32 key = min(sector - leaf->begin, LEAF_SPAN - 1);
	u32 slot = OBD_LEAF_LINE * leaf_search(leaf->lines, OBD_LEAF_LINES, key);
	const u64 *whats;
	u64 end, what;

	slot += leaf_search(leaf->begins + slot, OBD_LEAF_LINE, key);
	whats = (u64 *)(leaf->begins + round_up(leaf->nr, OBD_LEAF_LINE));
	what = whats[slot];
	end = slot + 1 < leaf->nr ? leaf->begin + leaf->begins[slot + 1] :
				    leaf->end;

	range->layer = (int)(what >> OBD_EXTENT_SHIFT) - 1;
	range->moffset = what ? (what + sector) & LSMT_MOFFSET_MASK : 0;
	range->len = end - sector;
}
