/* SPDX-License-Identifier: GPL-2.0-only */
/* Random operations of several threads on a disk, checked by its model. */
#ifndef RUN_H
#define RUN_H

#include "disk.h"
#include "model.h"

struct run_options {
	uint64_t seed;
	uint64_t threads;
	uint64_t operations;		/* of all threads; 0: until told to stop */
	uint64_t seconds;		/* at most; 0: without limit */
	uint64_t max_sectors;		/* of an operation */
	uint64_t buffered;		/* percent through the page cache */
	uint64_t race;		/* percent that race with each other */
	unsigned int mix[OP_KINDS];	/* weights */
	bool errors;			/* may occur: go on */
	uint64_t from;			/* sectors that are worked on */
	uint64_t length;
};

/**
 * run - do what the options say
 * @options: what to do
 * @disk: the disk
 * @model: what it holds
 *
 * Prints what has been done. Exits at once when something differs: then the
 * disk is of use to find out why, and the model is not.
 */
void run(const struct run_options *options, struct disk *disk,
	 struct model *model);

/* Read a part of the disk. Exits if it differs. */
void run_verify(const struct disk *disk, const struct model *model,
		uint64_t from, uint64_t length);

/* For a signal handler. */
void run_stop(int signal);

#endif
