/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every difference between the environments that the sources compile in:
 * kernel versions, and user space (the tool, unit tests, fuzzers), which
 * builds the very same format files over tools/shim.h.
 */
#ifndef DM_OVERLAYBD_COMPAT_H
#define DM_OVERLAYBD_COMPAT_H

#ifdef __KERNEL__

#include <linux/bitops.h>
#include <linux/blkdev.h>
#include <linux/crc32c.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/kmemleak.h>
#include <linux/log2.h>
#include <linux/lz4.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/prefetch.h>
#include <linux/rbtree.h>
#include <linux/sched/signal.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/xarray.h>
#include <linux/zlib.h>
#include <linux/zstd.h>

/* fmode_t became blk_mode_t, with names of its own, in 6.5. */
#ifndef BLK_OPEN_READ
#define blk_mode_t	fmode_t
#define BLK_OPEN_READ	FMODE_READ
#define BLK_OPEN_WRITE	FMODE_WRITE
#endif

/* Queues that are neither unbound nor said to be of a CPU draw a warning. */
#ifdef OBD_HAVE_WQ_PERCPU
#define OBD_WQ_PERCPU	WQ_PERCPU
#else
#define OBD_WQ_PERCPU	0
#endif

/* For memory: since 6.2, call_rcu() may take its time, ten seconds or so. */
#ifndef OBD_HAVE_CALL_RCU_HURRY
#define call_rcu_hurry	call_rcu
#endif

/* Large, or as a blob says: give up rather than have others killed for it. */
#define OBD_GFP_BLOB	(GFP_KERNEL | __GFP_NOWARN | __GFP_RETRY_MAYFAIL)

/* In the I/O path: now or not at all, and nothing from the reserves. */
#define OBD_GFP_TRY	(GFP_NOWAIT | __GFP_NOWARN | __GFP_NORETRY | \
			 __GFP_NOMEMALLOC)

typedef unsigned long (*obd_shrinker_fn)(struct shrinker *shrinker,
					 struct shrink_control *sc);

/* Shrinkers are allocated by the kernel since 6.7. */
#ifdef SHRINKER_ALLOCATED
/**
 * obd_shrinker_register - have the kernel ask for memory
 * @count: how much there is
 * @scan: give some of it back
 *
 * May sleep. Both are called from then on.
 *
 * Return: the shrinker, or NULL without memory.
 */
static inline struct shrinker *obd_shrinker_register(obd_shrinker_fn count,
						     obd_shrinker_fn scan)
{
	struct shrinker *s = shrinker_alloc(0, "dm-overlaybd");

	if (!s)
		return NULL;
	s->count_objects = count;
	s->scan_objects = scan;
	shrinker_register(s);
	return s;
}

/**
 * obd_shrinker_unregister - have it ask no more
 * @s: the shrinker, or NULL
 *
 * May sleep, until nobody is asking.
 */
static inline void obd_shrinker_unregister(struct shrinker *s)
{
	shrinker_free(s);
}
#else
static inline struct shrinker *obd_shrinker_register(obd_shrinker_fn count,
						     obd_shrinker_fn scan)
{
	struct shrinker *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return NULL;
	s->count_objects = count;
	s->scan_objects = scan;
	s->seeks = DEFAULT_SEEKS;
	if (register_shrinker(s, "dm-overlaybd")) {
		kfree(s);
		return NULL;
	}
	return s;
}

static inline void obd_shrinker_unregister(struct shrinker *s)
{
	if (s)
		unregister_shrinker(s);
	kfree(s);
}
#endif

/*
 * In the I/O path of one bio at a time, which may be what cleans memory:
 * whatever is there.
 */
#define OBD_GFP_RESERVES	(GFP_ATOMIC | __GFP_MEMALLOC | __GFP_NOWARN)

/* Readers that end elsewhere than where they began have names since 6.3. */
#ifndef OBD_HAVE_SRCU_DOWN_READ
#define srcu_down_read	__srcu_read_lock
#define srcu_up_read	__srcu_read_unlock
#endif

/*
 * For sparse they hold nothing in between. With one CPU, the kernel's count of
 * readers must not be changed by an interrupt in the middle, and whoever waits for
 * it to be 0 is only told by readers that end in a task.
 */
#ifdef CONFIG_TINY_SRCU
/**
 * obd_srcu_down_read - begin to read what SRCU protects
 * @srcu: the domain
 *
 * Any context.
 *
 * Return: what obd_srcu_up_read() wants, which may be called elsewhere.
 */
static inline int obd_srcu_down_read(struct srcu_struct *srcu)
{
	unsigned long flags;
	int idx;

	local_irq_save(flags);
	idx = srcu_down_read(srcu);
	local_irq_restore(flags);
	__release(srcu);
	return idx;
}

/**
 * obd_srcu_up_read - end what obd_srcu_down_read() began
 * @srcu: the domain
 * @idx: what it returned
 *
 * Any context.
 */
static inline void obd_srcu_up_read(struct srcu_struct *srcu, int idx)
{
	unsigned long flags;

	__acquire(srcu);
	local_irq_save(flags);
	srcu_up_read(srcu, idx);
	local_irq_restore(flags);
	if (swait_active(&srcu->srcu_wq))
		swake_up_one(&srcu->srcu_wq);
}
#else
static inline int obd_srcu_down_read(struct srcu_struct *srcu)
{
	int idx = srcu_down_read(srcu);

	__release(srcu);
	return idx;
}

static inline void obd_srcu_up_read(struct srcu_struct *srcu, int idx)
{
	__acquire(srcu);
	srcu_up_read(srcu, idx);
}
#endif

/**
 * obd_limit_write_zeroes - set how much is zeroed at once
 * @limits: of a device
 * @sectors: how much
 *
 * Since 6.17 there is a limit of its own for zeroing that frees space; a table
 * is refused unless it is 0 or the same as that of all zeroing.
 */
static inline void obd_limit_write_zeroes(struct queue_limits *limits,
					  unsigned int sectors)
{
	limits->max_write_zeroes_sectors = sectors;
#ifdef OBD_HAVE_WZEROES_UNMAP
	if (limits->max_hw_wzeroes_unmap_sectors)
		limits->max_hw_wzeroes_unmap_sectors = sectors;
#endif
}

/**
 * obd_zlib_workspace - give a stream the memory that it works in
 * @stream: a stream of zlib's
 * @workspace: as much as zlib_inflate_workspacesize() says
 *
 * Any context.
 */
static inline void obd_zlib_workspace(z_stream *stream, void *workspace)
{
	stream->workspace = workspace;
}

/**
 * obd_interrupted - let others run between the steps of long work
 *
 * May sleep.
 *
 * Return: true if the user has given up.
 */
static inline bool obd_interrupted(void)
{
	cond_resched();
	return fatal_signal_pending(current);
}

#else /* !__KERNEL__ */

#include "tools/shim.h"

#endif

#endif
