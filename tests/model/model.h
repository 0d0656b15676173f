/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a disk has to hold: for every sector the number of the write that it is
 * from. A write's sectors can all be told apart, and tell where they belong.
 */
#ifndef MODEL_H
#define MODEL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECTOR_SIZE	512U

enum {
	ID_ZERO,	/* reads as zeros */
	ID_BASE,	/* as in the base file */
	ID_FIRST,	/* of the writes */
	ID_NONE = UINT32_MAX,
};

struct model {
	uint64_t sectors;
	uint64_t seed;		/* of the contents */
	uint32_t next_id;
	uint32_t *ids;		/* of every sector */
	const char *base;	/* mapped; NULL without a base file */
	uint64_t base_sectors;
};

/**
 * model_open - a model of a disk
 * @model: to fill in
 * @sectors: size of the disk, at least that of the saved model
 * @base: file that holds what was on the disk before, or NULL for zeros
 * @saved: file of an earlier model, or NULL for a new one
 * @seed: of a new model
 *
 * Exits if one of the files cannot be read.
 */
void model_open(struct model *model, uint64_t sectors, const char *base,
		const char *saved, uint64_t seed);

/* Leave only what differs from an earlier, saved model; zeros elsewhere. */
void model_subtract(struct model *model, const char *earlier);

/* Size of the disk of a saved model. */
uint64_t model_saved_sectors(const char *saved);

/* Write the model into a file, which then is either the old or the new one. */
void model_save(const struct model *model, const char *path);

/* A number for a new write. Any thread. */
uint32_t model_new_id(struct model *model);

/* Make the contents of a write. */
void model_fill(const struct model *model, void *data, uint64_t sector,
		uint32_t count, uint32_t id);

/* Whether a sector has the content of that write (or ID_ZERO, ID_BASE). */
bool model_is(const struct model *model, const void *data, uint64_t sector,
	      uint32_t id);

/* The write that a sector is from; ID_NONE if it is from none to there. */
uint32_t model_identify(const struct model *model, const void *data,
			uint64_t sector);

/* The caller holds the range against others. */
void model_set(struct model *model, uint64_t sector, uint32_t count,
	       uint32_t id);

/**
 * model_check - compare what was read with what should be there
 * @model: the model
 * @data: what was read
 * @sector: from where
 * @count: how many sectors
 *
 * The caller holds the range against writes. Prints the first sectors that
 * differ.
 *
 * Return: whether all are right.
 */
bool model_check(const struct model *model, const void *data, uint64_t sector,
		 uint32_t count);

/* Print what a sector has in place of what was expected. */
void model_complain(const struct model *model, const void *data,
		    uint64_t sector, const char *expected);

#endif
