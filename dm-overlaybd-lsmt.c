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
 * depend on the data, for most of the time would go into mispredicted ones.
 *
 * A window ends where a layer has put its share into it, which is in
 * proportion to the entries it has. So windows are never too large for the
 * buffers, and always worth the look at every layer.
 */
#define MERGE_ENTRIES	4096		/* in a window, about */
#define MERGE_BATCH	128		/* laid down between looks at the leaf */
#define MERGE_DIGIT	10		/* bits to sort by in one pass, at most */
#define MERGE_SOURCES	(LSMT_MAX_LAYERS + 1)
#define MERGE_WORDS	(MERGE_SOURCES / 64)
/* An entry may end one extent and begin another; so may what it hides. */
#define MERGE_EXTENTS	(OBD_LEAF_EXTENTS + 2 * MERGE_BATCH + MERGE_SOURCES + 2)

/* Sort keys: first sector from the window's on, then length, then source. */
#define KEY_LENGTH_SHIFT	8
#define KEY_SECTOR_SHIFT	22
#define KEY_SPAN		(1ULL << (64 - KEY_SECTOR_SHIFT))

struct merge_entry {
	u64 key;
	u64 what;
};

struct merge_layer {
	const struct lsmt_entry *next;
	const struct lsmt_entry *last;
	u32 share;
};

/* What is seen from above at the sector that the merge has come to. */
struct merge_view {
	unsigned int source;
	u64 end;		/* of its entry */
	u64 what;
	u32 nr;			/* extents not in a leaf yet */
};

/*
 * Sources are layers, counted from 1. Source 0 is the hole below all of them.
 * Its end is 0: it never is in the way of an entry, nor comes out from under
 * one but for want of other sources.
 */
struct merge {
	unsigned int nr_sources;
	struct merge_layer layers[MERGE_SOURCES];

	u64 begin;		/* of the window */
	u32 nr_entries;
	struct merge_entry entries[2][MERGE_ENTRIES + MERGE_SOURCES];
	u32 counts[1 << MERGE_DIGIT];

	struct merge_view view;
	u64 ends[MERGE_SOURCES];	/* of each source's latest entry */
	u64 whats[MERGE_SOURCES];
	unsigned int words;		/* bit n: hidden[n] is not zero */
	u64 hidden[MERGE_WORDS];	/* sources that may be seen later */

	u64 sectors[MERGE_EXTENTS];	/* where extents begin */
	u64 extents[MERGE_EXTENTS];	/* and what they are */
};

/* Begin a window with the first entry that is left; say where it ends. */
static u64 merge_window(struct merge *m, u64 limit)
{
	u64 offset, end = limit;
	unsigned int i;

	m->begin = limit;
	for (i = 1; i < m->nr_sources; i++) {
		const struct merge_layer *l = &m->layers[i];

		if (l->next == l->last)
			continue;
		offset = lsmt_entry_offset(l->next);
		m->begin = min(m->begin, offset);
		if (l->last - l->next <= l->share)
			continue;
		offset = lsmt_entry_offset(l->next + l->share);
		end = min(end, offset);
	}
	return min(end, m->begin + KEY_SPAN);
}

static u64 merge_what(const struct lsmt_entry *e, u64 offset, u64 source)
{
	u64 mapped = lsmt_entry_zeroed(e) - 1ULL;

	return mapped & extent_what(source, lsmt_entry_moffset(e) - offset);
}

/*
 * Collect what begins before @end, from the highest layer to the lowest, which
 * is the order that equal offsets have to stay in. Return the highest offset.
 */
static u64 merge_collect(struct merge *m, u64 end)
{
	struct merge_entry *to = m->entries[0];
	u64 offset, key = 0, highest = 0;
	unsigned int i;

	for (i = m->nr_sources - 1; i; i--) {
		struct merge_layer *l = &m->layers[i];
		const struct lsmt_entry *e;

		for (e = l->next; e != l->last; e++, to++) {
			offset = lsmt_entry_offset(e);
			if (offset >= end)
				break;
			key = (offset - m->begin) << KEY_SECTOR_SHIFT |
			      (u64)lsmt_entry_length(e) << KEY_LENGTH_SHIFT | i;
			to->key = key;
			to->what = merge_what(e, offset, i);
		}
		l->next = e;
		highest = max(highest, key);
	}
	m->nr_entries = to - m->entries[0];
	return highest >> KEY_SECTOR_SHIFT;
}

/* One pass: by the bits of the keys from @shift on that @mask says; stable. */
static void merge_sort_pass(struct merge *m, const struct merge_entry *from,
			    struct merge_entry *to, unsigned int shift,
			    u32 mask)
{
	u32 i, count, sum = 0;

	memset(m->counts, 0, (mask + 1) * sizeof(m->counts[0]));
	for (i = 0; i < m->nr_entries; i++)
		m->counts[from[i].key >> shift & mask]++;
	for (i = 0; i <= mask; i++) {
		count = m->counts[i];
		m->counts[i] = sum;
		sum += count;
	}
	for (i = 0; i < m->nr_entries; i++)
		to[m->counts[from[i].key >> shift & mask]++] = from[i];
}

/*
 * Sort by offset, @highest being the highest. The fewer entries, the fewer
 * bits a pass sorts by: counting must not cost more than moving.
 */
static const struct merge_entry *merge_sort(struct merge *m, u64 highest)
{
	unsigned int shift, bits = fls64(highest);
	unsigned int digit = min(fls(m->nr_entries), MERGE_DIGIT);
	struct merge_entry *from = m->entries[0];
	struct merge_entry *to = m->entries[1];

	if (bits)
		digit = DIV_ROUND_UP(bits, DIV_ROUND_UP(bits, digit));
	for (shift = 0; shift < bits; shift += digit) {
		merge_sort_pass(m, from, to, KEY_SECTOR_SHIFT + shift,
				(1U << digit) - 1);
		swap(from, to);
	}
	return from;
}

/* If @seen, @what is seen from @sector on: a new extent, unless it was before. */
static inline void merge_see(struct merge *m, struct merge_view *v, u64 sector,
			     u64 what, bool seen)
{
	m->sectors[v->nr] = sector;
	m->extents[v->nr] = what;
	v->nr += seen & (what != v->what);
	v->what ^= (what ^ v->what) & -(u64)seen;
}

static inline void merge_hide(struct merge *m, unsigned int source, bool hide)
{
	m->hidden[source / 64] |= (u64)hide << source % 64;
	m->words |= (unsigned int)hide << source / 64;
}

/* The highest hidden source that goes on behind @sector, no longer hidden. */
static unsigned int merge_uncover(struct merge *m, u64 sector)
{
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
	bool ended;

	if (m->words) {
		while (v->source && v->end < sector) {
			u64 end = v->end;

			v->source = merge_uncover(m, end);
			v->end = m->ends[v->source];
			merge_see(m, v, end, m->whats[v->source], true);
		}
	}
	ended = v->end < sector;
	merge_see(m, v, v->end, 0, ended);
	v->source &= ended - 1U;
}

/* Lay an entry down. One that begins at the same sector must be lower. */
static inline void merge_lay(struct merge *m, struct merge_view *v,
			     const struct merge_entry *e)
{
	unsigned int source = e->key & ((1U << KEY_LENGTH_SHIFT) - 1);
	u64 sector = m->begin + (e->key >> KEY_SECTOR_SHIFT);
	u64 end = sector + (e->key >> KEY_LENGTH_SHIFT & LSMT_LENGTH_MAX);
	u64 what = e->what;
	bool lower;

	merge_advance(m, v, sector);
	if (unlikely(v->end == sector)) {
		v->source = merge_uncover(m, sector);
		v->end = m->ends[v->source];
		merge_see(m, v, sector, m->whats[v->source],
			  v->source > source);
	}
	m->ends[source] = end;
	m->whats[source] = what;
	lower = source < v->source;
	merge_see(m, v, sector, what, !lower);
	merge_hide(m, min(source, v->source), lower == (end > v->end));
	v->source = max(source, v->source);
	v->end = end ^ ((end ^ v->end) & -(u64)lower);
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
	u64 highest, end, limit = map->nr_sectors;
	int r = 0;

	for (;;) {
		end = merge_window(m, limit);
		if (m->begin == limit)
			break;
		highest = merge_collect(m, end);
		r = merge_lay_all(m, map, merge_sort(m, highest));
		if (r)
			return r;
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
	u32 divisor = nr_entries / MERGE_ENTRIES + 1;
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
