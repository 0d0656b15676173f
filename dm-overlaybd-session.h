/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the readers of a target have in common: where they count, where bios go on
 * that had to wait, and what is under way that no bio waits for.
 */
#ifndef DM_OVERLAYBD_SESSION_H
#define DM_OVERLAYBD_SESSION_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/wait_bit.h>
#include <linux/workqueue.h>

#include "dm-overlaybd-cache.h"
#include "dm-overlaybd-trace.h"

/* Chunks or runs for the cache that a target may have under way. */
#define OBD_BACKGROUND_MAX	8

/* Counters of a target; the sum over all CPUs counts. */
struct obd_counters {
	u64 stored_bytes;	/* compressed bytes read */
	u64 blocks;		/* blocks decompressed */
	u64 deferred;		/* waits for the reserve */
	u64 read_errors;	/* failed device reads */
	u64 crc_errors;
	u64 decompress_errors;
	u64 cache_hits;		/* blocks served from the cache */
	u64 ahead_blocks;	/* blocks read ahead of a sequential reader */
	u64 ahead_used;		/* those of them that were read */
	u64 prefetch_blocks;	/* blocks that the user had brought */
	u64 prefetch_used;	/* those of them that were read */
};

/**
 * struct obd_session - what the readers of a target have in common
 * @wq: the target's own workqueue, on which bios go on that had to wait
 * @counters: the target's
 * @trace: which blocks are read, if the user wants to know
 * @device: name of the mapped device, for messages
 * @verify: whether CRCs are checked
 * @quiet: nothing is to be begun in the background; the target is suspended
 * @background: what is under way there; whoever waits for none waits for the
 *	variable
 * @lock: protects @left, and changes of @quiet; not taken in interrupts
 * @left: struct obd_io: what was to be prefetched of gzip files, and was not when
 *	the target became quiet
 */
struct obd_session {
	struct workqueue_struct *wq;
	struct obd_counters __percpu *counters;
	struct obd_trace trace;
	const char *device;
	bool verify;
	bool quiet;
	atomic_t background;
	spinlock_t lock;	/* see above */
	struct list_head left;
};

/**
 * obd_session_init - set up
 * @session: zeroed; release with obd_session_exit() whatever comes of it
 * @device: name of the mapped device, which stays
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int obd_session_init(struct obd_session *session, const char *device);

/**
 * obd_session_exit - free what a session has
 * @session: the session, in which nothing is under way
 *
 * May sleep.
 */
void obd_session_exit(struct obd_session *session);

/**
 * obd_session_set_quiet - let nothing begin in the background, or let it
 * @session: the session
 * @quiet: which of them
 *
 * Process context.
 */
void obd_session_set_quiet(struct obd_session *session, bool quiet);

/**
 * obd_session_leave - leave something for when the target is in use again
 * @session: the session
 * @link: where to put it
 *
 * Process context.
 *
 * Return: false if it is in use; then @link is in no list.
 */
bool obd_session_leave(struct obd_session *session, struct list_head *link);

/**
 * obd_session_take_left - take what was left
 * @session: the session
 * @left: gets it, in the order in which it was left
 *
 * Process context.
 */
void obd_session_take_left(struct obd_session *session, struct list_head *left);

/**
 * obd_session_quiesce - wait for all that is under way in the background
 * @session: the session, in which nothing of the kind begins any more
 *
 * May sleep.
 */
void obd_session_quiesce(struct obd_session *session);

/**
 * obd_session_is_busy - is as much under way in the background as may be?
 * @session: the session
 *
 * Any context.
 *
 * Return: true if nothing should be begun now.
 */
static inline bool obd_session_is_busy(const struct obd_session *session)
{
	return atomic_read(&session->background) >= OBD_BACKGROUND_MAX;
}

/**
 * obd_session_begin - something begins in the background
 * @session: the session
 *
 * Any context. To be undone with obd_session_end().
 */
static inline void obd_session_begin(struct obd_session *session)
{
	atomic_inc(&session->background);
}

/**
 * obd_session_end - something has ended in the background
 * @session: the session; from then on it may be gone, and the readers with it
 *
 * Any context.
 */
static inline void obd_session_end(struct obd_session *session)
{
	if (atomic_dec_and_test(&session->background))
		wake_up_var(&session->background);
}

/**
 * obd_session_count_brought - count a block that came before it was asked for
 * @session: the session
 * @origin: why
 *
 * Any context.
 */
void obd_session_count_brought(struct obd_session *session,
			       enum obd_cache_origin origin);

/**
 * obd_session_count_used - a reader has had a block from the cache
 * @session: the session
 * @origin: why it was there
 *
 * Any context.
 */
void obd_session_count_used(struct obd_session *session,
			    enum obd_cache_origin origin);

/**
 * obd_session_sum - add up what all CPUs have counted
 * @session: the session
 * @sum: the answer
 *
 * Any context.
 */
void obd_session_sum(const struct obd_session *session,
		     struct obd_counters *sum);

#endif
