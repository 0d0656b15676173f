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

/*
 * Merging sweeps over the virtual sectors from low to high. A tournament tree
 * says which layer's next entry begins first: a node holds the loser of the
 * match below it, so that one pass from a leaf to the root replaces an entry
 * by its successor. The layers that have an entry at the current sector are
 * bits of a map, and the highest of them serves the sector.
 */
#define MERGE_WORDS	(256 / 64)
#define MERGE_END	(~0ULL)		/* key of a layer without more entries */
#define MERGE_SHIFT	8
#define MERGE_PREFETCH	8		/* entries ahead */

struct merge_layer {
	const struct lsmt_entry *next;
	const struct lsmt_entry *last;
	u64 end;		/* of the entry that is active */
	u64 delta;		/* its moffset less its offset, may wrap */
	bool zeroed;
};

struct merge {
	struct obd_map *map;
	unsigned int nr_leaves;		/* a power of two */
	u64 first;			/* key that won: offset << 8 | layer */
	u64 losers[256];
	unsigned int words;		/* bit n: active[n] is not zero */
	u64 active[MERGE_WORDS];
	struct merge_layer layers[256];
};

static u64 merge_key(const struct merge *m, unsigned int layer)
{
	const struct merge_layer *l = &m->layers[layer];

	if (l->next == l->last)
		return MERGE_END;
	return lsmt_entry_offset(l->next) << MERGE_SHIFT | layer;
}

/*
 * Let @key play its way up from the leaf of @layer; the loser stays behind.
 * The tree begins with zeros, which lose to nothing: once every leaf has
 * played, they have all gone up and out.
 */
static void merge_replay(struct merge *m, unsigned int layer, u64 key)
{
	unsigned int node;

	for (node = (m->nr_leaves + layer) / 2; node; node /= 2) {
		u64 other = m->losers[node];
		bool lost = other < key;

		m->losers[node] = lost ? key : other;
		key = lost ? other : key;
	}
	m->first = key;
}

static void merge_set_active(struct merge *m, unsigned int layer)
{
	m->active[layer / 64] |= 1ULL << layer % 64;
	m->words |= 1U << layer / 64;
}

static void merge_clear_active(struct merge *m, unsigned int layer)
{
	m->active[layer / 64] &= ~(1ULL << layer % 64);
	if (!m->active[layer / 64])
		m->words &= ~(1U << layer / 64);
}

/* The highest layer with an entry at @sector; forget those that ended. */
static int merge_serving(struct merge *m, u64 sector)
{
	while (m->words) {
		int word = fls(m->words) - 1;
		int layer = word * 64 + fls64(m->active[word]) - 1;

		if (m->layers[layer].end > sector)
			return layer;
		merge_clear_active(m, layer);
	}
	return OBD_HOLE;
}

/* Begin all entries that start at @sector. */
static void merge_activate(struct merge *m, u64 sector)
{
	while (m->first >> MERGE_SHIFT == sector) {
		unsigned int layer = m->first & ((1 << MERGE_SHIFT) - 1);
		struct merge_layer *l = &m->layers[layer];
		const struct lsmt_entry *e = l->next++;

		l->end = sector + lsmt_entry_length(e);
		l->delta = lsmt_entry_moffset(e) - sector;
		l->zeroed = lsmt_entry_zeroed(e);
		prefetch(e + MERGE_PREFETCH);
		merge_set_active(m, layer);
		merge_replay(m, layer, merge_key(m, layer));
	}
}

/* From @sector on @layer serves; add an extent unless the last one goes on. */
static void merge_emit(struct merge *m, u64 sector, int layer)
{
	struct obd_map *map = m->map;
	struct obd_extent *last = &map->extents[map->nr];
	bool hole = layer == OBD_HOLE || m->layers[layer].zeroed;
	u64 moffset = hole ? 0 : m->layers[layer].delta + sector;
	u64 source = hole ? 0 : layer + 1;

	if (map->nr) {
		u64 before = sector - (last[-1].key >> OBD_EXTENT_SHIFT);

		if ((last[-1].key & ((1 << OBD_EXTENT_SHIFT) - 1)) == source &&
		    (hole || last[-1].moffset + before == moffset))
			return;
	}
	last->key = sector << OBD_EXTENT_SHIFT | source;
	last->moffset = moffset;
	map->nr++;
}

static void merge_run(struct merge *m)
{
	u64 limit = m->map->nr_sectors;
	u64 sector = 0;

	while (sector < limit) {
		u64 next;
		int top;

		merge_activate(m, sector);
		top = merge_serving(m, sector);
		merge_emit(m, sector, top);
		next = min(m->first >> MERGE_SHIFT, limit);
		if (top != OBD_HOLE)
			next = min(next, m->layers[top].end);
		sector = next;
	}
	m->map->extents[m->map->nr].key = limit << OBD_EXTENT_SHIFT;
	m->map->extents[m->map->nr].moffset = 0;
}

static void merge_init(struct merge *m, struct obd_map *map,
		       const struct obd_index *indexes, unsigned int nr_layers)
{
	unsigned int i;

	m->map = map;
	m->nr_leaves = roundup_pow_of_two(max(nr_layers, 2U));
	for (i = 0; i < nr_layers; i++) {
		m->layers[i].next = indexes[i].entries;
		m->layers[i].last = indexes[i].entries + indexes[i].nr;
	}
	for (i = 0; i < m->nr_leaves; i++)
		merge_replay(m, i, merge_key(m, i));
}

/* The bound was generous: keep just what is used. */
static int map_trim(struct obd_map *map)
{
	struct obd_extent *extents;

	extents = kvmalloc_array(map->nr + 1, sizeof(*extents),
				 GFP_KERNEL | __GFP_NOWARN);
	if (!extents)
		return -ENOMEM;
	memcpy(extents, map->extents, (map->nr + 1) * sizeof(*extents));
	kvfree(map->extents);
	map->extents = extents;
	return 0;
}

/* Every entry begins and ends one extent at the most. */
static int map_alloc(struct obd_map *map, u32 nr_entries)
{
	u32 bound = 2 * nr_entries + 2;

	map->nr = 0;
	map->extents = kvmalloc_array(bound, sizeof(*map->extents),
				      GFP_KERNEL | __GFP_NOWARN);
	return map->extents ? 0 : -ENOMEM;
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

	map->nr_sectors = nr_sectors;
	m = kvzalloc(sizeof(*m), GFP_KERNEL);
	r = m ? map_alloc(map, nr) : -ENOMEM;
	if (!r) {
		merge_init(m, map, indexes, nr_layers);
		merge_run(m);
		r = map_trim(map);
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
	kvfree(map->extents);
	map->extents = NULL;
	map->nr = 0;
}

void obd_map_lookup(const struct obd_map *map, u64 sector,
		    struct obd_range *range)
{
	u64 key = sector << OBD_EXTENT_SHIFT | ((1 << OBD_EXTENT_SHIFT) - 1);
	const struct obd_extent *e = map->extents;
	u64 begin;
	u32 nr;

	/* The last extent whose key does not pass @key is among @nr from @e. */
	for (nr = map->nr; nr > 1; nr -= nr / 2)
		e = e[nr / 2].key <= key ? e + nr / 2 : e;

	begin = e->key >> OBD_EXTENT_SHIFT;
	range->layer = (int)(e->key & ((1 << OBD_EXTENT_SHIFT) - 1)) - 1;
	range->moffset = e->moffset + (sector - begin);
	range->len = (e[1].key >> OBD_EXTENT_SHIFT) - sector;
}
