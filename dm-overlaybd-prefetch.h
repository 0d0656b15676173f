/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bringing blocks into the cache that the user asks for, in the background and
 * at a bounded rate. But for the work itself, one caller at a time.
 */
#ifndef DM_OVERLAYBD_PREFETCH_H
#define DM_OVERLAYBD_PREFETCH_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "dm-overlaybd-read.h"

#define OBD_PREFETCH_RANGES	65536U		/* queued, at the most */
#define OBD_PREFETCH_RATE	64U		/* MiB a second, by default */
#define OBD_PREFETCH_RATE_MAX	65536U

/**
 * struct obd_prefetch - what a target is to bring
 * @lock: protects @ranges and @nr; taken in process context only
 * @ranges: blocks to bring, in order
 * @nr: how many ranges
 * @rate: decompressed MiB a second
 * @suspended: nothing is to be brought now
 * @stopping: the work is to end soon
 * @last: when the budget was last added to
 * @budget: decompressed bytes that may be brought now; of the work alone
 * @work: brings the next blocks
 */
struct obd_prefetch {
	spinlock_t lock;	/* see above */
	struct list_head ranges;
	u32 nr;
	u32 rate;
	bool suspended;
	bool stopping;
	ktime_t last;
	s64 budget;
	struct delayed_work work;
};

/**
 * obd_prefetch_module_init - set up what all targets share
 *
 * Return: 0 or -ENOMEM.
 */
int obd_prefetch_module_init(void);

/**
 * obd_prefetch_module_exit - undo obd_prefetch_module_init()
 */
void obd_prefetch_module_exit(void);

/**
 * obd_prefetch_init - set up a prefetch with nothing to do
 * @prefetch: zeroed
 */
void obd_prefetch_init(struct obd_prefetch *prefetch);

/**
 * obd_prefetch_check - can one ask for blocks?
 * @reader: whose blocks
 * @block: the first
 * @count: how many
 *
 * Return: 0; -EINVAL if there are no such blocks; -EOPNOTSUPP if they would not
 * be kept.
 */
int obd_prefetch_check(const struct obd_reader *reader, u32 block, u32 count);

/**
 * obd_prefetch_room - how many more ranges can be asked for?
 * @prefetch: the target's
 *
 * Return: ranges.
 */
static inline u32 obd_prefetch_room(const struct obd_prefetch *prefetch)
{
	return OBD_PREFETCH_RANGES - READ_ONCE(prefetch->nr);
}

/**
 * obd_prefetch_add - ask for blocks
 * @prefetch: the target's; there is room
 * @reader: whose blocks
 * @block: the first
 * @count: how many; they have been checked
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int obd_prefetch_add(struct obd_prefetch *prefetch, struct obd_reader *reader,
		     u32 block, u32 count);

/**
 * obd_prefetch_cancel - forget what is queued
 * @prefetch: the target's
 */
void obd_prefetch_cancel(struct obd_prefetch *prefetch);

/**
 * obd_prefetch_suspend - bring nothing until obd_prefetch_resume()
 * @prefetch: the target's
 *
 * May sleep; waits until nothing more is submitted.
 */
void obd_prefetch_suspend(struct obd_prefetch *prefetch);

/**
 * obd_prefetch_resume - go on
 * @prefetch: the target's
 */
void obd_prefetch_resume(struct obd_prefetch *prefetch);

#endif
