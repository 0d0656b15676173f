/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writable layers in memory files, and what each of their sectors is, found
 * the slow and obvious way.
 */
#ifndef UPPER_MODEL_H
#define UPPER_MODEL_H

#include "dm-overlaybd-log.h"

#define UPPER_MODEL_SECTORS	600	/* of the disk, and of the data */

/* What a sector is: nothing, zeros, or a sector of the data. */
#define UPPER_NOTHING		0
#define UPPER_ZEROS		1

/**
 * struct upper_model - a writable layer
 * @data_header: of the data
 * @index_header: of the index
 * @log: its log
 * @nr: slots of the log
 * @room: slots that there is room for
 * @sectors: what each sector of the disk is: UPPER_NOTHING, UPPER_ZEROS, or
 *	the sector of the data
 * @users: how many sectors of the disk are in each sector of the data
 */
struct upper_model {
	struct lsmt_header data_header;
	struct lsmt_header index_header;
	struct lsmt_entry *log;
	u64 nr;
	u64 room;
	u64 sectors[UPPER_MODEL_SECTORS];
	u32 users[UPPER_MODEL_SECTORS];
};

/**
 * upper_model_init - an empty writable layer with good headers
 * @m: release with upper_model_release()
 */
void upper_model_init(struct upper_model *m);

/**
 * upper_model_log - append an entry, which overrides what it overlaps
 * @m: the layer
 * @sector: first sector
 * @len: sectors
 * @moffset: sector of the data, 0 for zeros
 */
void upper_model_log(struct upper_model *m, u64 sector, u32 len, u64 moffset);

/**
 * upper_model_slot - append a slot as it is, of which the model knows nothing
 * @m: the layer
 * @e: the slot
 */
void upper_model_slot(struct upper_model *m, struct lsmt_entry e);

/**
 * upper_model_fill - append entries at random, with padding between them
 * @m: the layer
 * @seed: state of the random numbers
 * @nr: how many
 *
 * Data that is no longer used is used again.
 */
void upper_model_fill(struct upper_model *m, u64 *seed, u32 nr);

/**
 * upper_model_files - put the layer into memory files
 * @m: the layer
 * @data: descriptor of the data file, of UPPER_MODEL_SECTORS sectors, all of
 *	them different
 * @index: descriptor of the index file, which ends with the log
 */
void upper_model_files(const struct upper_model *m, int *data, int *index);

void upper_model_release(struct upper_model *m);

#endif
