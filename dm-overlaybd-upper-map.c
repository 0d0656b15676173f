// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a writable layer maps.
 *
 * An entry: none where nothing is mapped; the value 0 for zeroes; for data an
 * odd value, twice the distance from virtual sector to sector of the data
 * device, modulo 2^SHIFT_BITS, plus 1; or a node, whose slots have an entry
 * each for an equal part of the sectors. Parts of a chunk are of 128, 8 and 1
 * sectors. The slots of a node never have the same value all: it is the node's
 * then, so that a run of sectors takes few steps.
 *
 * Blocks of 8 sectors that are written at random make many nodes of them, and a
 * lookup waits for memory that no cache has. So the parts of 128 sectors, if they
 * can be said in 32 bits each, are in a leaf: a cache line of them, not three.
 * A leaf that is to say more becomes a node; that never becomes a leaf again.
 *
 * Whoever looks something up holds the RCU lock: a node or leaf that is replaced
 * still says what it did.
 */
#include "dm-overlaybd-upper-map.h"

#define SHIFT_BITS	(LSMT_MOFFSET_BITS + 1)
#define SHIFT_MASK	((1UL << SHIFT_BITS) - 1)

#define CHUNK_SHIFT	11	/* a chunk has that many sectors: 1 MiB */
#define CHUNK_LAST	((1UL << CHUNK_SHIFT) - 1)
#define NODE_SHIFT	4	/* slots of a node; the smallest has fewer */
#define NODE_BYTES	192	/* that the allocator takes for one */
#define PART_SHIFT	3	/* a part of a leaf has that many sectors */
#define LEAF_SHIFT	(PART_SHIFT + NODE_SHIFT)
#define LEAF_BYTES	128
#define LEAF_TAG	2UL	/* of a pointer to one; values are odd */
#define XA_NODE_BYTES	576	/* the same for those above the chunks */
#define XA_NODE_SHIFT	6	/* where they have most slots */

/**
 * struct node - the parts of a range of sectors
 * @rcu: for freeing it
 * @slots: their entries
 */
struct node {
	struct rcu_head rcu;
	void __rcu *slots[];
};

/**
 * struct leaf - the parts of a range of 2^LEAF_SHIFT sectors
 * @parts: their values, packed
 * @rcu: for freeing it; in another line than what is looked up
 */
struct leaf {
	u32 parts[1 << NODE_SHIFT];
	struct rcu_head rcu;
} __aligned(64);

static_assert(sizeof(struct leaf) == LEAF_BYTES);

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

static bool is_value(const void *entry)
{
	return !entry || xa_is_value(entry);
}

static bool is_leaf(const void *entry)
{
	return !is_value(entry) && (unsigned long)entry & LEAF_TAG;
}

static bool is_node(const void *entry)
{
	return !is_value(entry) && !((unsigned long)entry & LEAF_TAG);
}

static struct leaf *leaf_of(void *entry)
{
	return entry - LEAF_TAG;
}

/*
 * Packed is 0 where nothing is mapped; 2 for zeroes; for data an odd value, twice
 * the distance in parts, of which there may be PACKED_PARTS either way, plus 1.
 */
#define PACKED_PARTS	0x40000000UL

static bool pack(const void *value, u32 *packed)
{
	unsigned long distance;

	*packed = value ? 2 : 0;
	if (!value || !(xa_to_value(value) & 1))
		return true;
	distance = ((xa_to_value(value) >> 1) + (PACKED_PARTS << PART_SHIFT)) &
		   SHIFT_MASK;
	*packed = (u32)(distance >> PART_SHIFT) << 1 | 1;
	return !(distance & ((1UL << PART_SHIFT) - 1)) &&
	       distance >> PART_SHIFT < 2 * PACKED_PARTS;
}

static void *unpack(u32 packed)
{
	unsigned long distance;

	if (!(packed & 1))
		return packed ? xa_mk_value(0) : NULL;
	distance = ((packed >> 1) - PACKED_PARTS) << PART_SHIFT & SHIFT_MASK;
	return xa_mk_value(distance << 1 | 1);
}

/* Ranges have 2^@shift sectors; what is the shift of their parts? */
static unsigned int shift_below(unsigned int shift)
{
	return shift > NODE_SHIFT ? shift - NODE_SHIFT : 0;
}

static unsigned int nr_slots(unsigned int shift)
{
	return 1U << (shift - shift_below(shift));
}

static bool begins_range(u64 sector, unsigned int shift)
{
	return !(sector & ((1UL << shift) - 1));
}

/* The slot, of a range's node, that a sector belongs to. */
static void __rcu **slot_of(struct node *node, u64 sector, unsigned int shift)
{
	return &node->slots[(sector >> shift_below(shift)) &
			    (nr_slots(shift) - 1)];
}

/* The same for a leaf. */
static u32 *part_of(struct leaf *leaf, u64 sector)
{
	return &leaf->parts[(sector >> PART_SHIFT) & ((1 << NODE_SHIFT) - 1)];
}

static void *new_leaf(struct obd_upper_map *map, u32 packed, gfp_t gfp)
{
	struct leaf *leaf = kmalloc(sizeof(*leaf), gfp);
	unsigned int i;

	if (!leaf)
		return NULL;
	for (i = 0; i < ARRAY_SIZE(leaf->parts); i++)
		leaf->parts[i] = packed;
	map->nr_leaves++;
	return (void *)leaf + LEAF_TAG;
}

static struct node *new_node(struct obd_upper_map *map, void *entry,
			     unsigned int shift, gfp_t gfp)
{
	unsigned int i, nr = nr_slots(shift);
	struct node *node = kmalloc(struct_size(node, slots, nr), gfp);

	if (!node)
		return NULL;
	for (i = 0; i < nr; i++)
		RCU_INIT_POINTER(node->slots[i], entry);
	map->nr_nodes++;
	return node;
}

/* A node that says the same as a leaf. */
static struct node *widen(struct obd_upper_map *map, struct leaf *leaf,
			  gfp_t gfp)
{
	struct node *node = new_node(map, NULL, LEAF_SHIFT, gfp);
	unsigned int i;

	for (i = 0; node && i < ARRAY_SIZE(leaf->parts); i++)
		RCU_INIT_POINTER(node->slots[i], unpack(leaf->parts[i]));
	return node;
}

static void free_leaf(struct obd_upper_map *map, struct leaf *leaf)
{
	map->nr_leaves--;
	kfree_rcu(leaf, rcu);
}

static void free_node(struct obd_upper_map *map, struct node *node)
{
	map->nr_nodes--;
	kfree_rcu(node, rcu);
}

/* What has been replaced, with all below it: at most three nodes deep. */
static void free_entry(struct obd_upper_map *map, void *entry,
		       unsigned int shift)
{
	struct node *node = entry;
	unsigned int i;

	if (is_leaf(entry))
		free_leaf(map, leaf_of(entry));
	if (!is_node(entry))
		return;
	for (i = 0; i < nr_slots(shift); i++)
		free_entry(map, rcu_dereference(node->slots[i]),
			   shift_below(shift));
	free_node(map, node);
}

void obd_upper_map_init(struct obd_upper_map *map)
{
	xa_init(&map->chunks);
}

void obd_upper_map_exit(struct obd_upper_map *map)
{
	unsigned long index;
	void *entry;

	xa_for_each(&map->chunks, index, entry) {
		rcu_read_lock();
		free_entry(map, entry, CHUNK_SHIFT);
		rcu_read_unlock();
		cond_resched();
	}
	xa_destroy(&map->chunks);
}

/**
 * struct place - where something is looked up
 * @map: the map
 * @index: number of a chunk
 * @chunk: its entry
 */
struct place {
	struct obd_upper_map *map;
	u64 index;
	void *chunk;
};

static void go_to(struct place *p, u64 sector)
{
	p->index = sector >> CHUNK_SHIFT;
	p->chunk = xa_load(&p->map->chunks, p->index);
}

/* The value that a sector has, with all others of its range up to @last. */
static void *find(struct place *p, u64 sector, u64 *last)
{
	unsigned int shift = CHUNK_SHIFT;
	void *entry;

	if (sector >> CHUNK_SHIFT != p->index)
		go_to(p, sector);
	entry = p->chunk;
	while (is_node(entry)) {
		entry = rcu_dereference(*slot_of(entry, sector, shift));
		shift = shift_below(shift);
	}
	if (is_leaf(entry)) {
		entry = unpack(READ_ONCE(*part_of(leaf_of(entry), sector)));
		shift = PART_SHIFT;
	}
	*last = sector | ((1UL << shift) - 1);
	return entry;
}

/* The same for a run of ranges, or what there is of it up to @end. */
static void *find_run(struct place *p, u64 sector, u64 end, u64 *last)
{
	void *entry = find(p, sector, last);
	u64 next;

	while (*last < end && find(p, *last + 1, &next) == entry)
		*last = next;
	*last = min(*last, end);
	return entry;
}

void obd_upper_map_lookup(struct obd_upper_map *map, u64 sector, u64 max,
			  struct obd_piece *piece)
{
	struct place p = { .map = map };
	void *entry;
	u64 last;

	rcu_read_lock();
	go_to(&p, sector);
	entry = find_run(&p, sector, sector + max - 1, &last);
	rcu_read_unlock();
	piece_of(entry, sector, piece);
	piece->len = last - sector + 1;
}

bool obd_upper_map_next(struct obd_upper_map *map, u64 *sector,
			struct obd_piece *piece, u64 *first)
{
	unsigned long index;

	for (;;) {
		index = *sector >> CHUNK_SHIFT;
		if (!xa_find(&map->chunks, &index, ULONG_MAX, XA_PRESENT))
			return false;
		*first = max_t(u64, *sector, index << CHUNK_SHIFT);
		obd_upper_map_lookup(map, *first, OBD_PIECE_MAX, piece);
		*sector = *first + piece->len;
		if (piece->what != OBD_UNMAPPED)
			return true;
	}
}

/**
 * struct store - an extent that is being stored
 * @first: its first sector
 * @last: its last sector, in the same chunk
 * @value: its value
 * @packed: the same, packed
 * @packs: it can be
 * @old: what the chunk's entry was, which readers may use until it is replaced
 * @chunk: what it becomes
 * @continues: there is more with its value, so that nodes may become uniform
 * @nr: extents that it replaces or continues, less those that are left of them
 * @sectors: sectors that were mapped
 */
struct store {
	u64 first;
	u64 last;
	void *value;
	u32 packed;
	bool packs;
	void *old;
	void __rcu *chunk;
	bool continues;
	long nr;
	u64 sectors;
};

static void note_freed(struct store *s, struct obd_freed *freed,
		       const void *old, u64 first, u64 last)
{
	struct obd_piece piece;

	s->sectors += last - first + 1;
	piece_of(old, first, &piece);
	if (piece.what != OBD_DATA || old == s->value)
		return;
	freed->ranges[freed->nr].moffset = piece.moffset;
	freed->ranges[freed->nr].len = last - first + 1;
	freed->nr++;
}

/* An old extent, as far as it overlaps the new one or touches it. */
static void note_old(struct store *s, struct obd_freed *freed, const void *old,
		     u64 first, u64 last)
{
	bool before = first < s->first;
	bool behind = last > s->last;

	if (old == s->value) {
		s->continues = true;
		s->nr++;
	} else {
		s->nr += 1 - before - behind;
	}
	first = max(first, s->first);
	last = min(last, s->last);
	if (first <= last)
		note_freed(s, freed, old, first, last);
}

/*
 * Look at the old extents, as many as can be handled at a time; the new one
 * ends with the last of them.
 */
static void look_at_old(struct place p, struct store *s,
			struct obd_freed *freed)
{
	u64 at = s->first ? s->first - 1 : 0;
	unsigned int n = 0;
	const void *old;
	u64 last;

	for (; at <= s->last + 1; at = last + 1) {
		old = find_run(&p, at, s->last + 1, &last);
		if (!old)
			continue;
		if (n++ == OBD_STORE_MAX)
			s->last = at - 1;
		note_old(s, freed, old, at, last);
	}
}

/* Readers begin with the chunk's old entry until it has been replaced. */
static void replace(struct obd_upper_map *map, const struct store *s,
		    void __rcu **slot, void *value, unsigned int shift)
{
	void *entry = rcu_dereference(*slot);

	rcu_assign_pointer(*slot, value);
	if (entry != s->old)
		free_entry(map, entry, shift);
}

/* Can a leaf have parts that begin with a sector, and the new value? */
static bool suits_leaf(const struct store *s, u64 sector)
{
	return s->packs && begins_range(sector, PART_SHIFT);
}

/* Entries for the parts of a range in place of one for all, or of a leaf. */
static void *split(struct obd_upper_map *map, const struct store *s,
		   void *entry, u64 sector, unsigned int shift, gfp_t gfp)
{
	u32 packed;

	if (is_leaf(entry))
		return widen(map, leaf_of(entry), gfp);
	if (shift == LEAF_SHIFT && suits_leaf(s, sector) &&
	    pack(entry, &packed))
		return new_leaf(map, packed, gfp);
	return new_node(map, entry, shift, gfp);
}

/* Have a range begin with a sector. Return: 0 or -ENOMEM; all means the same. */
static int cut(struct obd_upper_map *map, struct store *s, u64 sector,
	       gfp_t gfp)
{
	unsigned int shift = CHUNK_SHIFT;
	void __rcu **slot = &s->chunk;
	void *entry;

	while (!begins_range(sector, shift)) {
		entry = rcu_dereference(*slot);
		if (is_value(entry) ||
		    (is_leaf(entry) && !suits_leaf(s, sector))) {
			entry = split(map, s, entry, sector, shift, gfp);
			if (!entry)
				return -ENOMEM;
			replace(map, s, slot, entry, shift);
		}
		if (is_leaf(entry))
			return 0;
		slot = slot_of(entry, sector, shift);
		shift = shift_below(shift);
	}
	return 0;
}

/* Set the largest range that begins with a sector. Return: where it ends. */
static u64 assign_range(struct obd_upper_map *map, struct store *s, u64 sector)
{
	unsigned int shift = CHUNK_SHIFT;
	void __rcu **slot = &s->chunk;
	void *entry;

	while (!begins_range(sector, shift) ||
	       sector + (1UL << shift) - 1 > s->last) {
		entry = rcu_dereference(*slot);
		if (is_leaf(entry)) {
			WRITE_ONCE(*part_of(leaf_of(entry), sector), s->packed);
			return sector + (1UL << PART_SHIFT);
		}
		slot = slot_of(entry, sector, shift);
		shift = shift_below(shift);
	}
	replace(map, s, slot, s->value, shift);
	return sector + (1UL << shift);
}

static bool is_uniform_leaf(const struct leaf *leaf)
{
	unsigned int i;

	for (i = 1; i < ARRAY_SIZE(leaf->parts); i++)
		if (leaf->parts[i] != leaf->parts[0])
			return false;
	return true;
}

static bool is_uniform(const struct node *node, const void *entry,
		       unsigned int shift)
{
	unsigned int i;

	for (i = 0; i < nr_slots(shift); i++)
		if (rcu_access_pointer(node->slots[i]) != entry)
			return false;
	return true;
}

/* The value that all below an entry has. Return: false if there are several. */
static bool value_of_all(void *entry, u64 sector, unsigned int shift,
			 void **value)
{
	struct node *node = entry;

	if (is_leaf(entry)) {
		*value = unpack(leaf_of(entry)->parts[0]);
		return is_uniform_leaf(leaf_of(entry));
	}
	*value = rcu_dereference(*slot_of(node, sector, shift));
	return is_uniform(node, *value, shift);
}

/* Replace nodes on the way to a sector by values. At most three nodes deep. */
static void fold(struct obd_upper_map *map, const struct store *s,
		 void __rcu **slot, u64 sector, unsigned int shift)
{
	void *value, *entry = rcu_dereference(*slot);

	if (is_value(entry))
		return;
	if (is_node(entry))
		fold(map, s, slot_of(entry, sector, shift), sector,
		     shift_below(shift));
	if (value_of_all(entry, sector, shift, &value))
		replace(map, s, slot, value, shift);
}

static int assign(struct obd_upper_map *map, struct store *s, gfp_t gfp)
{
	u64 sector = s->first;
	int r;

	r = cut(map, s, s->first, gfp) ?: cut(map, s, s->last + 1, gfp);
	while (!r && sector <= s->last)
		sector = assign_range(map, s, sector);
	if (r || s->continues) {
		fold(map, s, &s->chunk, s->first, CHUNK_SHIFT);
		fold(map, s, &s->chunk, s->last, CHUNK_SHIFT);
	}
	return r;
}

/* A new chunk takes memory of the array's as well. */
static int publish(struct obd_upper_map *map, struct store *s, u64 index,
		   gfp_t gfp)
{
	void *entry = rcu_dereference(s->chunk);
	int r;

	if (entry == s->old)
		return 0;
	r = xa_err(xa_store(&map->chunks, index, entry, gfp));
	if (r) {
		free_entry(map, entry, CHUNK_SHIFT);
		return r;
	}
	free_entry(map, s->old, CHUNK_SHIFT);
	if (!s->old) {
		map->nr_chunks++;
		map->last_chunk = max(map->last_chunk, index);
	}
	return 0;
}

static int store(struct obd_upper_map *map, struct store *s,
		 struct obd_freed *freed, gfp_t gfp)
{
	struct place p = { .map = map };

	go_to(&p, s->first);
	s->old = p.chunk;
	RCU_INIT_POINTER(s->chunk, s->old);
	look_at_old(p, s, freed);
	return assign(map, s, gfp) ?: publish(map, s, p.index, gfp);
}

int obd_upper_map_store(struct obd_upper_map *map, u64 sector,
			struct obd_piece *piece, struct obd_freed *freed,
			gfp_t gfp)
{
	struct store s = {
		.first = sector,
		.last = min(sector + piece->len - 1, sector | CHUNK_LAST),
		.value = value_of(sector, piece),
	};
	int r;

	freed->nr = 0;
	s.packs = pack(s.value, &s.packed);
	rcu_read_lock();
	r = store(map, &s, freed, gfp);
	rcu_read_unlock();
	if (r)
		return r;
	piece->len = s.last - s.first + 1;
	map->nr += 1 - s.nr;
	map->sectors += piece->len - s.sectors;
	return 0;
}

u64 obd_upper_map_pieces(const struct obd_upper_map *map)
{
	return map->nr + div_u64(map->sectors, OBD_PIECE_MAX);
}

u64 obd_upper_map_bytes(const struct obd_upper_map *map)
{
	u64 last = map->last_chunk;
	u64 nodes = 0;

	if (!map->nr_chunks)
		return 0;
	do {
		last >>= XA_NODE_SHIFT;
		nodes += min(map->nr_chunks, last + 1);
	} while (last);
	return nodes * XA_NODE_BYTES + map->nr_nodes * NODE_BYTES +
	       map->nr_leaves * LEAF_BYTES;
}
