/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which blocks of compressed layers were read, in which order: what a start
 * of the same image will want next time.
 */
#ifndef DM_OVERLAYBD_TRACE_H
#define DM_OVERLAYBD_TRACE_H

#include <linux/spinlock.h>
#include <linux/types.h>

#define OBD_TRACE_DEFAULT	65536U		/* entries */
#define OBD_TRACE_MAX		1048576U

/* Blocks of one layer that were read one after the other. */
struct obd_trace_entry {
	u32 layer;
	u32 block;
	u32 count;
};

/**
 * struct obd_trace - reads of a target
 * @lock: protects what follows; not taken in interrupts
 * @recording: reads are added; may be read without the lock, as a hint
 * @max: entries that there is room for
 * @nr: entries
 * @dropped: reads that did not fit
 * @entries: what was read
 */
struct obd_trace {
	spinlock_t lock;	/* protects what follows */
	bool recording;
	u32 max;
	u32 nr;
	u64 dropped;
	struct obd_trace_entry *entries;
};

/**
 * obd_trace_init - set up a trace that records nothing
 * @trace: the trace
 */
void obd_trace_init(struct obd_trace *trace);

/**
 * obd_trace_start - begin to record, from nothing
 * @trace: the trace
 * @max: entries to make room for, 1 to OBD_TRACE_MAX
 *
 * May sleep.
 *
 * Return: 0, -EINVAL, -ENOMEM, or -EBUSY if it is recording already.
 */
int obd_trace_start(struct obd_trace *trace, u32 max);

/**
 * obd_trace_stop - record no more; what was recorded stays
 * @trace: the trace
 */
void obd_trace_stop(struct obd_trace *trace);

/**
 * obd_trace_clear - record no more and drop what was recorded
 * @trace: the trace
 *
 * May sleep.
 */
void obd_trace_clear(struct obd_trace *trace);

/**
 * obd_trace_add - record that blocks are read
 * @trace: the trace
 * @layer: number of the layer
 * @first: the first block
 * @last: the last block
 *
 * Any context but interrupts.
 */
void obd_trace_add(struct obd_trace *trace, u32 layer, u32 first, u32 last);

/**
 * obd_trace_print - write what was recorded as text
 * @trace: the trace
 * @from: the first entry
 * @buf: where to
 * @size: its size
 *
 * A line with the number of entries, of reads dropped, and whether it is
 * recording; then a line with layer, block and count for each entry, as many
 * as fit, or a thousand.
 */
void obd_trace_print(struct obd_trace *trace, u32 from, char *buf,
		     unsigned int size);

#endif
