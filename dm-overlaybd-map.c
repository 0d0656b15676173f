// SPDX-License-Identifier: GPL-2.0-only
/*
 * The merged map of a stack of layers: build it, find a sector in it.
 */
#include "dm-overlaybd-map.h"

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

/* Of all pieces but the first there is no pointer that kmemleak would find. */
static void map_set_piece(struct obd_map *map, u32 i, void *piece)
{
	if (i)
		kmemleak_ignore(piece);
	map->pieces[i] = (unsigned long)piece -
			 i * OBD_PIECE_LEAVES * sizeof(struct obd_leaf);
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
		void *piece = kvmalloc(OBD_PIECE_SIZE, OBD_GFP_BLOB);

		if (!piece)
			return NULL;
		map_set_piece(map, i / OBD_PIECE_LEAVES, piece);
	}
	map->nr_leaves++;
	return map_leaf(map, i);
}

int obd_map_append(struct obd_map *map, const u64 *sectors, const u64 *whats,
		   u32 nr)
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

/*
 * Room to note all the leaves that there may be. An entry begins and ends one
 * extent at the most; all leaves but the last are full.
 */
int obd_map_init(struct obd_map *map, u32 nr_entries, u64 nr_sectors, int none)
{
	u32 nr = 2 * nr_entries / OBD_FAR_EXTENTS + 1;

	memset(map, 0, sizeof(*map));
	map->nr_sectors = nr_sectors;
	map->none = none;
	map->levels[0] = kvmalloc_array(nr, sizeof(*map->levels[0]),
					OBD_GFP_BLOB);
	map->pieces = kvmalloc_array(nr / OBD_PIECE_LEAVES + 1,
				     sizeof(*map->pieces), OBD_GFP_BLOB);
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

	pieces = kvmalloc_array(nr, sizeof(*pieces), OBD_GFP_BLOB);
	if (!pieces)
		return -ENOMEM;
	memcpy(pieces, map->pieces, nr * sizeof(*pieces));
	kvfree(map->pieces);
	map->pieces = pieces;

	piece = kvmalloc(bytes, OBD_GFP_BLOB);
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
	u64 *to = kvmalloc_array(keys, sizeof(*to), OBD_GFP_BLOB);
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
				    OBD_GFP_BLOB);
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

int obd_map_finish(struct obd_map *map)
{
	int r = map_trim(map) ?: map_build_tree(map) ?: map_build_table(map);

	if (!r)
		map_choose_level(map);
	return r;
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

/* All three lines: one of those with the whats will be needed, too. */
static inline void prefetch_leaf(const struct obd_leaf *leaf)
{
	prefetch(&leaf->near.ends[0]);
	prefetch(&leaf->near.whats[0]);
	prefetch(&leaf->near.whats[8]);
}

/*
 * Find a sector's leaf. The loops take as many turns for each of a map. Where
 * the table leads to the leaves themselves, the sector is most often in the one
 * that it names: that comes while the keys are waited for.
 */
static inline u32 map_search(const struct obd_map *map, u64 sector)
{
	u64 key = sector_key(sector), i = sector >> map->shift;
	u32 n = map->table[min(i, map->last)];
	u32 half, level = map->level;
	const u64 *k = map->levels[level] + n;

	if (!level)
		prefetch_leaf(map_leaf(map, n));
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
			 -(u64)(layer >= 0);
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
