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

int obd_lsmt_check_header(const struct lsmt_header *h, const char *which,
			  u32 must, u32 must_not, struct obd_error *err)
{
	return check_magic(h, which, err) ?:
	       check_flags(h, which, must, must_not, err);
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

int obd_lsmt_check_virtual_size(const char *which, u64 size,
				struct obd_error *err)
{
	if (size % OBD_SECTOR_SIZE)
		return obd_fail(err, -EINVAL,
				"LSMT %s: virtual_size is %llu, expected a multiple of %u",
				which, (unsigned long long)size,
				OBD_SECTOR_SIZE);
	if (size >> OBD_SECTOR_SHIFT > LSMT_OFFSET_MASK)
		return obd_fail(err, -EINVAL,
				"LSMT %s: virtual_size is %llu, expected at most %llu",
				which, (unsigned long long)size,
				LSMT_OFFSET_MASK << OBD_SECTOR_SHIFT);
	return 0;
}

/* Blobs are not to be trusted to end their strings. */
void obd_lsmt_copy_uuid(char *to, const char *from)
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

	r = obd_lsmt_check_header(header, "header",
				  LSMT_FLAG_HEADER | LSMT_FLAG_DATA,
				  LSMT_FLAG_SPARSE, err) ?:
	    obd_lsmt_check_header(trailer, "trailer",
				  LSMT_FLAG_DATA | LSMT_FLAG_SEALED,
				  LSMT_FLAG_HEADER | LSMT_FLAG_SPARSE, err) ?:
	    check_extent_of_index(offset, nr, size, err) ?:
	    obd_lsmt_check_virtual_size("trailer", virtual_size, err);
	if (r)
		return r;

	lsmt->virtual_sectors = virtual_size >> OBD_SECTOR_SHIFT;
	lsmt->index_offset = offset;
	lsmt->nr_entries = nr;
	obd_lsmt_copy_uuid(lsmt->uuid, trailer->uuid);
	obd_lsmt_copy_uuid(lsmt->parent_uuid, trailer->parent_uuid);
	return 0;
}

/*
 * Offsets have 50 bits, lengths 14 and moffsets 55: none of the sums below
 * can wrap.
 */
static int check_place(const struct lsmt_entry *e, u32 i, u64 end,
		       struct obd_error *err)
{
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
	return 0;
}

static int check_data(const struct obd_lsmt *lsmt, const struct lsmt_entry *e,
		      u32 i, struct obd_error *err)
{
	u64 data_end = lsmt->index_offset >> OBD_SECTOR_SHIFT;
	u64 moffset = lsmt_entry_moffset(e);
	u32 len = lsmt_entry_length(e);

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
		r = check_place(e, i, end, err) ?: check_data(lsmt, e, i, err);
		if (r)
			return r;
		end = lsmt_entry_offset(e) + lsmt_entry_length(e);
		entries[kept++] = *e;
	}
	lsmt->nr_entries = kept;
	return 0;
}

/* Tags count from the smallest that there is. Zeros are nowhere. */
static u8 lowest_tag(const struct lsmt_entry *entries, u32 nr)
{
	u8 lowest = U8_MAX;
	u32 i;

	for (i = 0; i < nr; i++)
		if (lsmt_entry_offset(&entries[i]) != LSMT_OFFSET_PADDING &&
		    !lsmt_entry_zeroed(&entries[i]))
			lowest = min(lowest, lsmt_entry_tag(&entries[i]));
	return lowest;
}

int obd_lsmt_split_index(struct obd_lsmt *lsmt, struct lsmt_entry *entries,
			 struct lsmt_entry *target, u32 *nr_target,
			 struct obd_error *err)
{
	u8 lowest = lowest_tag(entries, lsmt->nr_entries);
	u32 i, kept = 0, moved = 0;
	u64 end = 0;

	for (i = 0; i < lsmt->nr_entries; i++) {
		const struct lsmt_entry *e = &entries[i];
		u8 tag = lsmt_entry_zeroed(e) ? 0 : lsmt_entry_tag(e) - lowest;
		int r;

		if (lsmt_entry_offset(e) == LSMT_OFFSET_PADDING)
			continue;
		if (tag > LSMT_TAG_TARGET)
			return obd_fail(err, -EINVAL,
					"index entry %u: tag is %u, expected %u or %u",
					i, lsmt_entry_tag(e), lowest,
					lowest + LSMT_TAG_TARGET);
		r = check_place(e, i, end, err);
		if (!r && !tag)
			r = check_data(lsmt, e, i, err);
		if (r)
			return r;
		end = lsmt_entry_offset(e) + lsmt_entry_length(e);
		if (tag)
			target[moved++] = *e;
		else
			entries[kept++] = *e;
	}
	lsmt->nr_entries = kept;
	*nr_target = moved;
	return 0;
}

int obd_lsmt_check_target(const struct lsmt_entry *entries, u32 nr,
			  u64 sectors, struct obd_error *err)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		u64 moffset = lsmt_entry_moffset(&entries[i]);
		u32 len = lsmt_entry_length(&entries[i]);

		if (!lsmt_entry_zeroed(&entries[i]) && moffset + len > sectors)
			return obd_fail(err, -EINVAL,
					"index entry for sector %llu: moffset %llu, length %u, expected within the target's %llu sectors",
					(unsigned long long)
					lsmt_entry_offset(&entries[i]),
					(unsigned long long)moffset, len,
					(unsigned long long)sectors);
	}
	return 0;
}

static u64 extent_what(u64 code, u64 delta)
{
	return code << OBD_EXTENT_SHIFT | (delta & LSMT_MOFFSET_MASK);
}

static u32 map_nr_pieces(const struct obd_map *map)
{
	return DIV_ROUND_UP(map->nr_leaves, OBD_PIECE_LEAVES);
}

/* See @pieces for why this does not take the number within the piece. */
static inline struct obd_leaf *map_leaf(const struct obd_map *map, u32 i)
{
	return (struct obd_leaf *)(map->pieces[i / OBD_PIECE_LEAVES] +
				   i * sizeof(struct obd_leaf));
}

static void *map_piece(const struct obd_map *map, u32 i)
{
	return map_leaf(map, i * OBD_PIECE_LEAVES);
}

static void map_set_piece(struct obd_map *map, u32 i, void *piece)
{
	map->pieces[i] = (unsigned long)piece -
			 i * OBD_PIECE_LEAVES * sizeof(struct obd_leaf);
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
	u64 what = extent_what(m->code + source, lsmt_entry_moffset(e) - offset);

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

/* Of @whats there are as many as a leaf has room for, whatever they are. */
static void near_write(struct obd_leaf *leaf, const u64 *sectors,
		       const u64 *whats, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		leaf->near.ends[i] = sectors[i + 1] - sectors[0];
	for (; i < OBD_NEAR_EXTENTS; i++)
		leaf->near.ends[i] = leaf->near.ends[nr - 1];
	memcpy(leaf->near.whats, whats, sizeof(leaf->near.whats));
}

static void far_write(struct obd_leaf *leaf, const u64 *sectors,
		      const u64 *whats, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		leaf->far.ends[i] = sectors[i + 1] - sectors[0];
	for (; i < OBD_FAR_EXTENTS; i++)
		leaf->far.ends[i] = leaf->far.ends[nr - 1];
	memcpy(leaf->far.whats, whats, sizeof(leaf->far.whats));
}

/* Room for one more leaf, at the end of the last piece or in a new one. */
static struct obd_leaf *map_new_leaf(struct obd_map *map)
{
	u32 i = map->nr_leaves;

	if (i % OBD_PIECE_LEAVES == 0) {
		void *piece = kvmalloc(OBD_PIECE_SIZE,
				       GFP_KERNEL | __GFP_NOWARN);

		if (!piece)
			return NULL;
		map_set_piece(map, i / OBD_PIECE_LEAVES, piece);
	}
	map->nr_leaves++;
	return map_leaf(map, i);
}

/*
 * Move up to @nr extents into a new leaf; where the last of them ends has to
 * be known. Returns how many, or an error.
 */
static int merge_write_leaf(struct obd_map *map, const u64 *sectors,
			    const u64 *whats, u32 nr)
{
	struct obd_leaf *leaf = map_new_leaf(map);
	bool far;

	if (!leaf)
		return -ENOMEM;
	nr = min_t(u32, nr, OBD_NEAR_EXTENTS);
	far = sectors[nr] - sectors[0] >= 1ULL << 32;
	if (far) {
		nr = min_t(u32, nr, OBD_FAR_EXTENTS);
		far_write(leaf, sectors, whats, nr);
	} else {
		near_write(leaf, sectors, whats, nr);
	}
	map->levels[0][map->nr_leaves - 1] = sectors[0] << 1 | far;
	map->nr += nr;
	return nr;
}

/* Move extents into leaves until no more than @keep are left. */
static int merge_write(struct merge *m, struct obd_map *map, u32 keep)
{
	u32 left = m->view.nr, done = 0;

	while (left > keep) {
		int nr = merge_write_leaf(map, m->sectors + done,
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
		m->zeroed = extent_what(1, 0);
	}
	m->view.what = ~0ULL;	/* nothing is seen yet, not even a hole */
}

/*
 * Room to note all the leaves that there may be. An entry begins and ends one
 * extent at the most; all leaves but the last are full.
 */
static int map_alloc(struct obd_map *map, u32 nr_entries)
{
	u32 nr = 2 * nr_entries / OBD_FAR_EXTENTS + 1;

	map->levels[0] = kvmalloc_array(nr, sizeof(*map->levels[0]),
					GFP_KERNEL | __GFP_NOWARN);
	map->pieces = kvmalloc_array(nr / OBD_PIECE_LEAVES + 1,
				     sizeof(*map->pieces),
				     GFP_KERNEL | __GFP_NOWARN);
	return map->levels[0] && map->pieces ? 0 : -ENOMEM;
}

/* All leaves are there: keep just what they take. */
static int map_trim(struct obd_map *map)
{
	u32 nr = map_nr_pieces(map), last = nr - 1;
	u32 nr_leaves = map->nr_leaves - last * OBD_PIECE_LEAVES;
	u32 bytes = nr_leaves * sizeof(struct obd_leaf);
	unsigned long *pieces;
	void *piece;

	pieces = kvmalloc_array(nr, sizeof(*pieces), GFP_KERNEL | __GFP_NOWARN);
	if (!pieces)
		return -ENOMEM;
	memcpy(pieces, map->pieces, nr * sizeof(*pieces));
	kvfree(map->pieces);
	map->pieces = pieces;

	piece = kvmalloc(bytes, GFP_KERNEL | __GFP_NOWARN);
	if (!piece)
		return -ENOMEM;
	memcpy(piece, map_piece(map, last), bytes);
	kvfree(map_piece(map, last));
	map_set_piece(map, last, piece);
	map->bytes += nr * sizeof(*pieces) + last * OBD_PIECE_SIZE + bytes;
	return 0;
}

/* There is room to look OBD_TABLE_REACH behind the last key, which is ~0. */
static u32 level_keys(u32 nr)
{
	return round_up(nr + OBD_TABLE_REACH, OBD_NODE_KEYS);
}

static u32 tree_keys(u32 nr)
{
	u32 keys = level_keys(nr);

	while (nr > OBD_NODE_KEYS) {
		nr = DIV_ROUND_UP(nr, OBD_NODE_KEYS);
		keys += level_keys(nr);
	}
	return keys;
}

/* Build the tree over the keys of the leaves, which it takes the place of. */
static int map_build_tree(struct obd_map *map)
{
	u32 i, nr, keys = tree_keys(map->nr_leaves), step = 1;
	u64 *from = map->levels[0];
	u64 *to = kvmalloc_array(keys, sizeof(*to), GFP_KERNEL | __GFP_NOWARN);
	unsigned int level = 0;

	if (!to)
		return -ENOMEM;
	map->levels[0] = to;
	map->bytes += keys * sizeof(*to);
	for (nr = map->nr_leaves; ; nr = DIV_ROUND_UP(nr, step)) {
		for (i = 0; i < nr; i++)
			to[i] = from[i * step];
		for (; i < level_keys(nr); i++)
			to[i] = ~0ULL;
		if (!level)
			kvfree(from);
		map->levels[level++] = to;
		if (nr <= OBD_NODE_KEYS)
			return 0;
		from = to;
		to += i;
		step = OBD_NODE_KEYS;
	}
}

/*
 * The table has an entry for every 2^@shift sectors: the leaf that the first
 * of them is in. Its last entry also is for all that lies behind, which is in
 * the last leaf. There are not more entries than leaves, and one to end it.
 */
static int map_build_table(struct obd_map *map)
{
	const u64 *keys = map->levels[0];
	u64 last = keys[map->nr_leaves - 1] >> 1;
	u32 i, leaf = 0, nr;

	while (last >> map->shift >= map->nr_leaves)
		map->shift++;
	map->last = last >> map->shift;
	nr = map->last + 1;
	map->table = kvmalloc_array(nr + 1, sizeof(*map->table),
				    GFP_KERNEL | __GFP_NOWARN);
	if (!map->table)
		return -ENOMEM;
	map->bytes += (nr + 1) * sizeof(*map->table);
	for (i = 0; i < nr; i++) {
		while (keys[leaf + 1] >> 1 <= (u64)i << map->shift)
			leaf++;
		map->table[i] = leaf;
	}
	map->table[nr] = map->nr_leaves - 1;
	return 0;
}

/* By how much may the leaf of a sector be behind what its entry says? */
static u32 table_reach(const struct obd_map *map)
{
	unsigned int bits = map->level * OBD_NODE_BITS;
	u32 i, reach = 0;

	for (i = 0; i <= map->last; i++)
		reach = max(reach, (map->table[i + 1] >> bits) -
				   (map->table[i] >> bits));
	return reach;
}

/*
 * Where extents are clustered, an entry may stand for any number of leaves. So
 * let the table lead to a level of the tree where there are few nodes.
 */
static void map_choose_level(struct obd_map *map)
{
	u32 i, reach = table_reach(map);

	while (reach > OBD_TABLE_REACH) {
		map->level++;
		reach = table_reach(map);
	}
	map->half = (1U << fls(reach)) / 2;
	for (i = 0; i <= map->last; i++)
		map->table[i] >>= map->level * OBD_NODE_BITS;
}

static int map_index(struct obd_map *map)
{
	int r = map_build_tree(map) ?: map_build_table(map);

	if (!r)
		map_choose_level(map);
	return r;
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

	memset(map, 0, sizeof(*map));
	map->nr_sectors = nr_sectors;
	map->none = first_layer ? OBD_BELOW : OBD_HOLE;
	m = kvzalloc(sizeof(*m), GFP_KERNEL);
	r = m ? map_alloc(map, nr) : -ENOMEM;
	if (!r) {
		merge_init(m, indexes, nr_layers, nr, first_layer);
		r = merge_run(m, map) ?: map_trim(map) ?: map_index(map);
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

	for (i = 0; i < map_nr_pieces(map); i++)
		kvfree(map_piece(map, i));
	kvfree(map->pieces);
	kvfree(map->levels[0]);
	kvfree(map->table);
	memset(map, 0, sizeof(*map));
}

/*
 * The searches below count how many of a few ascending numbers are not above a
 * key, without a branch: it would be mispredicted every other time. So the next
 * lookup can begin while this one waits for memory.
 */

/* How many of @keys[1] to @keys[15] are not above @key? */
static inline u32 node_search(const u64 *keys, u64 key)
{
	u32 n;

	n = 4 * ((keys[4] <= key) + (keys[8] <= key) + (keys[12] <= key));
	keys += n;
	return n + (keys[1] <= key) + (keys[2] <= key) + (keys[3] <= key);
}

static inline u32 near_search(const u32 *ends, u32 at)
{
	u32 n;

	n = 4 * ((ends[3] <= at) + (ends[7] <= at) + (ends[11] <= at));
	ends += n;
	return n + (ends[0] <= at) + (ends[1] <= at) + (ends[2] <= at);
}

static inline u32 far_search(const u64 *ends, u64 at)
{
	u32 i, n = 0;

	for (i = 0; i < OBD_FAR_EXTENTS - 1; i++)
		n += ends[i] <= at;
	return n;
}

/* A sector's key is not below that of a leaf that begins there. */
static inline u64 sector_key(u64 sector)
{
	return sector << 1 | 1;
}

/* Find a sector's leaf. The loops take as many turns for each of a map. */
static inline u32 map_search(const struct obd_map *map, u64 sector)
{
	u64 key = sector_key(sector), i = sector >> map->shift;
	u32 half, n, level = map->level;
	const u64 *k = map->levels[level];

	k += map->table[min(i, map->last)];
	for (half = map->half; half; half /= 2)
		k = k[half] <= key ? k + half : k;
	n = k - map->levels[level];
	while (level--) {
		n *= OBD_NODE_KEYS;
		n += node_search(map->levels[level] + n, key);
	}
	return n;
}

static inline void leaf_lookup(const struct obd_map *map, u32 i, u64 sector,
			       struct obd_range *range)
{
	const struct obd_leaf *leaf = map_leaf(map, i);
	u64 key = map->levels[0][i];
	u64 at = sector - (key >> 1);
	u64 end, what;
	int layer;
	u32 n;

	/* One of these lines is needed as soon as the ends have been seen. */
	prefetch(&leaf->near.whats[0]);
	prefetch(&leaf->near.whats[8]);

	if (unlikely(key & 1)) {
		n = far_search(leaf->far.ends, at);
		end = leaf->far.ends[n];
		what = leaf->far.whats[n];
	} else {
		n = near_search(leaf->near.ends, at);
		end = leaf->near.ends[n];
		what = leaf->near.whats[n];
	}
	layer = (int)(what >> OBD_EXTENT_SHIFT) + map->none;
	range->layer = layer;
	range->moffset = (what + sector) & LSMT_MOFFSET_MASK &
			 ~mask_if(layer < 0);
	range->len = end - at;
}

void obd_map_lookup(const struct obd_map *map, u64 sector,
		    struct obd_range *range)
{
	leaf_lookup(map, map_search(map, sector), sector, range);
}

/*
 * Is the sector in the leaf, or in the next? That behind the last never is: its
 * key is above that of any sector.
 */
static inline bool map_try_hint(const struct obd_map *map, u32 *leaf, u64 key)
{
	const u64 *keys = map->levels[0];

	if (*leaf >= map->nr_leaves)
		return false;
	*leaf += keys[*leaf + 1] <= key;
	return keys[*leaf] <= key && keys[*leaf + 1] > key;
}

void obd_map_lookup_near(const struct obd_map *map, u64 sector, u32 *hint,
			 struct obd_range *range)
{
	u32 hinted = READ_ONCE(*hint);
	u64 key = sector_key(sector);
	u32 leaf = hinted;

	if (!map_try_hint(map, &leaf, key))
		leaf = map_search(map, sector);
	if (leaf != hinted)
		WRITE_ONCE(*hint, leaf);
	leaf_lookup(map, leaf, sector, range);
}
