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
#include <linux/log2.h>
#include <linux/lz4.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/prefetch.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/zstd.h>

/* fmode_t became blk_mode_t, with names of its own, in 6.5. */
#ifndef BLK_OPEN_READ
#define BLK_OPEN_READ	FMODE_READ
#define BLK_OPEN_WRITE	FMODE_WRITE
#endif

/* Sizes that a blob names: give up rather than have others killed for it. */
#define OBD_GFP_BLOB	(GFP_KERNEL | __GFP_NOWARN | __GFP_RETRY_MAYFAIL)

/* Between the steps of long work: let others run; has the user given up? */
static inline bool obd_interrupted(void)
{
	cond_resched();
	return fatal_signal_pending(current);
}

#else /* !__KERNEL__ */

#include "tools/shim.h"

#endif

#endif
