/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Work that consists of numbered items, done on several threads, with results
 * taken in order: what comes out does not depend on the number of threads.
 */
#ifndef OVERLAYBD_WORKERS_H
#define OVERLAYBD_WORKERS_H

#include "dm-overlaybd-error.h"

/**
 * struct work - what is to be done
 * @nr_items: items, numbered from 0
 * @nr_threads: threads that call @work, at least 1; the caller of work_run()
 *	is one of them
 * @slot_size: bytes of a slot, which holds the result of one item
 * @ctx: for the functions below
 * @work: do one item on thread number @thread; called in parallel, and an
 *	item at a time on each thread
 * @finish: take the result of an item; called in the order of the items, one
 *	at a time, on any of the threads. May be NULL
 * @release: free what a slot owns. May be NULL
 *
 * Slots begin zeroed and are used again, so that they can keep their buffers.
 * @work and @finish return 0 or a negative errno, which ends the work.
 */
struct work {
	u64 nr_items;
	unsigned int nr_threads;
	size_t slot_size;
	void *ctx;
	int (*work)(void *ctx, unsigned int thread, u64 item, void *slot,
		    struct obd_error *err);
	int (*finish)(void *ctx, u64 item, void *slot, struct obd_error *err);
	void (*release)(void *slot);
};

/**
 * work_run - do all items
 * @work: what is to be done
 * @err: the reason, on failure
 *
 * Return: 0, or what the first item that failed returned.
 */
int work_run(const struct work *work, struct obd_error *err);

/**
 * work_default_threads - the number of CPUs that this process may use
 */
unsigned int work_default_threads(void);

#endif
