// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a writable layer maps, and sets of ranges of sectors.
 *
 * The value of an extent: 0 for zeroes; for data an odd number, twice the
 * distance from virtual sector to sector of the data device, modulo
 * 2^SHIFT_BITS, plus 1.
 */
#include "dm-overlaybd-format.h"
#include "dm-overlaybd-upper-map.h"

#define SHIFT_BITS	(LSMT_MOFFSET_BITS + 1)
#define SHIFT_MASK	((1UL << SHIFT_BITS) - 1)
#define NODE_BYTES	256
#define NODE_SLOTS_MIN	7	/* but for the root */

static void tree_init(struct maple_tree *tree, unsigned int flags,
		      spinlock_t *lock)
{
	mt_init_flags(tree, MT_FLAGS_LOCK_EXTERN | flags);
	mt_set_external_lock(tree, lock);
}

static void *value_of(u64 sector, const struct obd_piece *piece)
{
	unsigned long distance = (piece->moffset - sector) & SHIFT_MASK;

	if (piece->what == OBD_ZEROES)
		return xa_mk_value(0);
	return xa_mk_value(distance << 1 | 1);
}

static void piece_of(const void *entry, u64 sector, struct obd_piece *piece)
{
	unsigned long value;

	piece->moffset = 0;
	if (!entry) {
		piece->what = OBD_UNMAPPED;
		return;
	}
	value = xa_to_value(entry);
	piece->what = value & 1 ? OBD_DATA : OBD_ZEROES;
	if (value & 1)
		piece->moffset = (sector + (value >> 1)) & SHIFT_MASK;
}

void obd_upper_map_init(struct obd_upper_map *map, spinlock_t *lock)
{
	tree_init(&map->tree, MT_FLAGS_USE_RCU, lock);
	seqcount_spinlock_init(&map->changes, lock);
}

/*
 * Nobody else has the tree any more: its nodes need not be left to RCU, and the
 * lock, which a large one holds for long, is there for its own checks only.
 */
static void tree_exit(struct maple_tree *tree)
{
	static DEFINE_SPINLOCK(lock);

	spin_lock(&lock);
	mt_set_external_lock(tree, &lock);
	mt_clear_in_rcu(tree);
	__mt_destroy(tree);
	spin_unlock(&lock);
}

void obd_upper_map_exit(struct obd_upper_map *map)
{
	tree_exit(&map->tree);
}

void obd_upper_map_lookup(struct obd_upper_map *map, u64 sector,
			  struct obd_piece *piece)
{
	MA_STATE(mas, &map->tree, sector, sector);
	unsigned int seq;
	void *entry;

	rcu_read_lock();
	do {
		seq = read_seqcount_begin(&map->changes);
		mas_set(&mas, sector);
		entry = mas_walk(&mas);
	} while (read_seqcount_retry(&map->changes, seq));
	rcu_read_unlock();
	piece_of(entry, sector, piece);
	piece->len = min_t(u64, mas.last, LSMT_OFFSET_MASK) - sector + 1;
}

bool obd_upper_map_next(struct obd_upper_map *map, u64 *sector,
			struct obd_piece *piece, u64 *first)
{
	MA_STATE(mas, &map->tree, *sector, *sector);
	void *entry = mas_find(&mas, LSMT_OFFSET_MASK);

	if (!entry)
		return false;
	*first = max_t(u64, mas.index, *sector);
	piece_of(entry, *first, piece);
	piece->len = mas.last - *first + 1;
	*sector = mas.last + 1;
	return true;
}

/**
 * struct store - an extent that is being stored
 * @first: its first sector
 * @last: its last sector
 * @value: its value
 * @from: its first sector, together with what it continues
 * @to: its last sector, together with what continues it
 * @nr: extents that it replaces, less those that are left of them
 * @sectors: sectors that were mapped
 */
struct store {
	unsigned long first;
	unsigned long last;
	void *value;
	unsigned long from;
	unsigned long to;
	long nr;
	u64 sectors;
};

static void note_freed(struct store *s, struct obd_freed *freed,
		       const void *old, unsigned long from, unsigned long to)
{
	struct obd_piece piece;

	s->sectors += to - from + 1;
	piece_of(old, from, &piece);
	if (piece.what != OBD_DATA)
		return;
	freed->ranges[freed->nr].moffset = piece.moffset;
	freed->ranges[freed->nr].len = to - from + 1;
	freed->nr++;
}

/* An old extent that overlaps the new one, or touches it. */
static void note_old(struct store *s, struct obd_freed *freed, void *old,
		     unsigned long index, unsigned long last)
{
	if (old == s->value) {
		s->from = min(s->from, index);
		s->to = max(s->to, last);
		s->nr++;
		if (last >= s->first && index <= s->last)
			s->sectors += min(last, s->last) -
				      max(index, s->first) + 1;
		return;
	}
	if (last < s->first || index > s->last)
		return;
	s->nr += 1 - (index < s->first) - (last > s->last);
	note_freed(s, freed, old, max(index, s->first), min(last, s->last));
}

/*
 * Look at the old extents, as many as can be handled at a time; the new one
 * ends with the last of them.
 */
static void look_at_old(struct obd_upper_map *map, struct store *s,
			struct obd_freed *freed)
{
	MA_STATE(mas, &map->tree, s->first, s->first);
	unsigned int n = 0;
	void *old;

	if (s->first)
		mas_set(&mas, s->first - 1);
	mas_for_each(&mas, old, s->last + 1) {
		if (n++ == OBD_STORE_MAX) {
			s->last = min(s->last, mas.index - 1);
			break;
		}
		note_old(s, freed, old, mas.index, mas.last);
	}
	s->to = max(s->to, s->last);
}

int obd_upper_map_store(struct obd_upper_map *map, u64 sector,
			struct obd_piece *piece, struct obd_freed *freed,
			gfp_t gfp)
{
	struct store s = {
		.first = sector,
		.last = sector + piece->len - 1,
		.value = value_of(sector, piece),
		.from = sector,
	};
	MA_STATE(mas, &map->tree, 0, 0);
	int r;

	freed->nr = 0;
	look_at_old(map, &s, freed);
	mas_set_range(&mas, s.from, s.to);
	write_seqcount_begin(&map->changes);
	r = obd_mas_store(&mas, s.value, gfp);
	write_seqcount_end(&map->changes);
	if (r)
		return r;
	piece->len = s.last - s.first + 1;
	map->nr += 1 - s.nr;
	map->sectors += piece->len - s.sectors;
	return 0;
}

u64 obd_upper_map_bytes(const struct obd_upper_map *map)
{
	u64 slots = 2 * map->nr + 1;	/* what is unmapped takes some, too */
	u64 nodes = 0;

	if (!map->nr)
		return 0;
	while (slots > 1) {
		slots = DIV_ROUND_UP_ULL(slots, NODE_SLOTS_MIN);
		nodes += slots;
	}
	return nodes * NODE_BYTES;
}

void obd_ranges_init(struct obd_ranges *ranges, spinlock_t *lock)
{
	tree_init(&ranges->tree, 0, lock);
}

void obd_ranges_exit(struct obd_ranges *ranges)
{
	tree_exit(&ranges->tree);
}

int obd_ranges_add(struct obd_ranges *ranges, u64 first, u64 len)
{
	MA_STATE(mas, &ranges->tree, first, first);
	unsigned long from = first;
	unsigned long to = first + len - 1;
	int r;

	if (first)
		mas_set(&mas, first - 1);
	while (mas_find(&mas, first + len)) {
		from = min(from, mas.index);
		to = max(to, mas.last);
	}
	mas_set_range(&mas, from, to);
	r = obd_mas_store(&mas, xa_mk_value(0), OBD_GFP_TRY);
	if (r) {
		mas_set_range(&mas, from, to);
		r = obd_mas_store(&mas, xa_mk_value(0), OBD_GFP_RESERVES);
	}
	if (!r)
		ranges->sectors += len;
	return r;
}

bool obd_ranges_take(struct obd_ranges *ranges, u64 *first, u64 *len)
{
	MA_STATE(mas, &ranges->tree, 0, 0);

	if (!mas_find(&mas, ULONG_MAX))
		return false;
	*first = mas.index;
	*len = mas.last - mas.index + 1;
	mas_set_range(&mas, *first, *first + *len - 1);
	if (obd_mas_store(&mas, NULL, OBD_GFP_TRY))
		return false;
	ranges->sectors -= *len;
	return true;
}
