/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a load has done to a device, and in what order. One clock ticks at the
 * begin and at the end of every operation: of two operations of which one
 * ended before the other began, the order is certain; of all others it is not.
 */
#ifndef CRASH_HISTORY_H
#define CRASH_HISTORY_H

#include "tests/crash/stamp.h"

enum op_type {
	OP_WRITE,
	OP_DISCARD,
	OP_ZERO,
	OP_FLUSH,
	OP_CUT,		/* from its begin on the devices below lied */
};

#define OP_FUA		1	/* a write: durable as soon as it ended */
#define OP_FAILED	2	/* reported an error: may have happened or not */

struct op {
	u64 begin;
	u64 end;
	u64 sector;
	u32 len;
	u16 type;
	u16 flags;
};

/**
 * struct history - what a load has done
 * @sectors: size of the device
 * @nr_ops: number of operations
 * @generation: which load of the disk this was; the first is 1
 * @initial: what each sector held before
 * @ops: the operations; the place is the number
 */
struct history {
	u64 sectors;
	u32 nr_ops;
	u32 generation;
	u64 *initial;
	struct op *ops;
};

void history_init(struct history *h, u64 sectors, u32 nr_ops, u32 generation);
void history_release(struct history *h);

/* Fatal if that fails. */
void history_save(const struct history *h, const char *path);
void history_load(struct history *h, const char *path);

/* What an operation leaves in each of its sectors. */
u64 history_content(const struct history *h, u32 nr);

/* Does it change what sectors hold? */
bool op_changes(const struct op *op);

#endif
