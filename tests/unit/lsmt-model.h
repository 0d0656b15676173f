/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A stack of LSMT indexes at random, and what each of its sectors maps to,
 * found the slow and obvious way.
 *
 * Entries lie on islands: small runs of sectors, so that the layers overlap a
 * great deal, that may be far from one another. All between them is hole.
 */
#ifndef LSMT_MODEL_H
#define LSMT_MODEL_H

#include "dm-overlaybd-lsmt.h"
#include "dm-overlaybd-merge.h"

#define MODEL_ISLANDS	16

/* What a sector maps to. */
struct cell {
	int layer;
	u64 moffset;
};

struct model {
	u32 nr_islands;
	u32 island_sectors;
	u64 islands[MODEL_ISLANDS];	/* where they begin */
	u64 nr_sectors;

	unsigned int nr_layers;
	struct obd_index indexes[LSMT_MAX_LAYERS];
	struct lsmt_entry *entries[LSMT_MAX_LAYERS];

	struct cell *cells;		/* of one island after the other */
};

struct lsmt_entry model_entry(u64 offset, u32 len, u64 moffset, bool zeroed,
			      u8 tag);

/**
 * model_init - make a stack up and find out what its sectors map to
 * @model: release with model_release()
 * @seed: state of the random numbers
 */
void model_init(struct model *model, u64 *seed);

void model_release(struct model *model);

#endif
