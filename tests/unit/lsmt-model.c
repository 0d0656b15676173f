// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/lsmt-model.h"
#include "tests/unit/test.h"

struct lsmt_entry model_entry(u64 offset, u32 len, u64 moffset, bool zeroed,
			      u8 tag)
{
	return (struct lsmt_entry) {
		.where = cpu_to_le64((u64)len << LSMT_OFFSET_BITS | offset),
		.what = cpu_to_le64((u64)tag << LSMT_TAG_SHIFT |
				    (zeroed ? LSMT_ZEROED : 0) | moffset),
	};
}

static u32 choose(u64 *seed, const u32 *from, u32 nr)
{
	return from[random_below(seed, nr)];
}

/* One in four stacks reaches up to the last sector that there can be. */
static void make_islands(struct model *m, u64 *seed)
{
	static const u32 sectors[] = { 3, 40, 700 };
	u64 gap, at = 0;
	u32 i;

	m->nr_islands = one_in(seed, 2) ? 1 :
			1 + random_below(seed, MODEL_ISLANDS);
	m->island_sectors = 1 + random_below(seed, choose(seed, sectors, 3));
	for (i = 0; i < m->nr_islands; i++) {
		gap = random_below(seed, 1ULL << random_below(seed, 46));
		m->islands[i] = at + (one_in(seed, 3) ? 0 : gap);
		at = m->islands[i] + m->island_sectors;
	}
	if (one_in(seed, 4))
		for (i = 0; i < m->nr_islands; i++)
			m->islands[i] += LSMT_OFFSET_MASK - at;
	at = m->islands[i - 1] + m->island_sectors;
	m->nr_sectors = at - random_below(seed, m->island_sectors);
	if (one_in(seed, 4) && at < LSMT_OFFSET_MASK)
		m->nr_sectors = at + 1 + random_below(seed, LSMT_OFFSET_MASK -
							    at);
}

struct habits {
	u32 gap;	/* up to that many sectors between entries */
	u32 len;
	u32 jumps;	/* one in so many is elsewhere in the layer */
};

static u32 fill_island(const struct model *m, u64 island,
		       const struct habits *h, struct lsmt_entry *to, u64 *seed)
{
	u64 delta = random_below(seed, 1ULL << 53) + (1ULL << 50);
	u64 at = random_below(seed, h->gap);
	u32 len, nr = 0;

	while (at < m->island_sectors) {
		len = 1 + random_below(seed, h->len);
		len = min(len, m->island_sectors - at);
		if (one_in(seed, h->jumps))
			delta = random_below(seed, 1ULL << 54);
		to[nr++] = model_entry(island + at, len,
				       (delta + at) & LSMT_MOFFSET_MASK,
				       one_in(seed, 8), random_next(seed));
		at += len + (one_in(seed, 2) ? 0 : random_below(seed, h->gap));
	}
	return nr;
}

static void make_layer(struct model *m, unsigned int layer, u64 *seed)
{
	static const u32 gaps[] = { 1, 5, 100 };
	static const u32 lens[] = { 1, 8, 50, 700 };
	struct habits habits = {
		.gap = choose(seed, gaps, 3),
		.len = choose(seed, lens, 4),
		.jumps = 1 + random_below(seed, 4),
	};
	struct lsmt_entry *entries;
	u32 i, nr = 0;

	entries = malloc((u64)m->nr_islands * m->island_sectors *
			 sizeof(*entries));
	for (i = 0; i < m->nr_islands; i++)
		if (!one_in(seed, 4))
			nr += fill_island(m, m->islands[i], &habits,
					  entries + nr, seed);
	m->entries[layer] = entries;
	m->indexes[layer].entries = entries;
	m->indexes[layer].nr = nr;
}

static u64 cell_of(const struct model *m, u64 sector)
{
	u32 i = m->nr_islands - 1;

	while (m->islands[i] > sector)
		i--;
	return (u64)i * m->island_sectors + sector - m->islands[i];
}

static void paint(struct model *m, unsigned int layer)
{
	const struct obd_index *index = &m->indexes[layer];
	u32 i, k;

	for (i = 0; i < index->nr; i++) {
		const struct lsmt_entry *e = &index->entries[i];
		struct cell *cell = m->cells + cell_of(m, lsmt_entry_offset(e));

		for (k = 0; k < lsmt_entry_length(e); k++) {
			cell[k].layer = OBD_HOLE;
			cell[k].moffset = 0;
			if (lsmt_entry_zeroed(e))
				continue;
			cell[k].layer = layer;
			cell[k].moffset = lsmt_entry_moffset(e) + k;
		}
	}
}

void model_init(struct model *m, u64 *seed)
{
	static const u32 layers[] = { 1, 3, 20, LSMT_MAX_LAYERS };
	u32 i, nr;

	memset(m, 0, sizeof(*m));
	make_islands(m, seed);
	nr = m->nr_islands * m->island_sectors;
	m->cells = malloc(nr * sizeof(*m->cells));
	for (i = 0; i < nr; i++)
		m->cells[i] = (struct cell) { .layer = OBD_HOLE };

	m->nr_layers = 1 + random_below(seed, choose(seed, layers, 4));
	for (i = 0; i < m->nr_layers; i++) {
		make_layer(m, i, seed);
		paint(m, i);
	}
}

void model_release(struct model *m)
{
	unsigned int i;

	for (i = 0; i < m->nr_layers; i++)
		free(m->entries[i]);
	free(m->cells);
}
