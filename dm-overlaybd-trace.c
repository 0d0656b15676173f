// SPDX-License-Identifier: GPL-2.0-only
/*
 * Record which blocks are read.
 */
#include "dm-overlaybd-compat.h"
#include "dm-overlaybd-trace.h"

#define LINE_SIZE	36	/* three numbers of 32 bits */
#define PRINT_MAX	1024	/* entries, while readers wait for the lock */

void obd_trace_init(struct obd_trace *trace)
{
	spin_lock_init(&trace->lock);
}

int obd_trace_start(struct obd_trace *trace, u32 max)
{
	struct obd_trace_entry *entries;
	int r = 0;

	if (!max || max > OBD_TRACE_MAX)
		return -EINVAL;
	entries = kvmalloc_array(max, sizeof(*entries), OBD_GFP_BLOB);
	if (!entries)
		return -ENOMEM;
	spin_lock(&trace->lock);
	if (trace->recording) {
		r = -EBUSY;
	} else {
		swap(trace->entries, entries);
		trace->max = max;
		trace->nr = 0;
		trace->dropped = 0;
		WRITE_ONCE(trace->recording, true);
	}
	spin_unlock(&trace->lock);
	kvfree(entries);
	return r;
}

void obd_trace_stop(struct obd_trace *trace)
{
	spin_lock(&trace->lock);
	WRITE_ONCE(trace->recording, false);
	spin_unlock(&trace->lock);
}

void obd_trace_clear(struct obd_trace *trace)
{
	struct obd_trace_entry *entries;

	spin_lock(&trace->lock);
	WRITE_ONCE(trace->recording, false);
	entries = trace->entries;
	trace->entries = NULL;
	trace->nr = 0;
	trace->dropped = 0;
	spin_unlock(&trace->lock);
	kvfree(entries);
}

/* Does a read go on where the last entry ends, or repeat its end? */
static bool extend_last(struct obd_trace *trace, u32 layer, u32 first, u32 last)
{
	struct obd_trace_entry *e;

	if (!trace->nr)
		return false;
	e = &trace->entries[trace->nr - 1];
	if (e->layer != layer || first < e->block ||
	    first > e->block + e->count)
		return false;
	e->count = max(e->count, last - e->block + 1);
	return true;
}

void obd_trace_add(struct obd_trace *trace, u32 layer, u32 first, u32 last)
{
	spin_lock(&trace->lock);
	if (!trace->recording || extend_last(trace, layer, first, last))
		goto out;
	if (trace->nr < trace->max)
		trace->entries[trace->nr++] = (struct obd_trace_entry) {
			.layer = layer,
			.block = first,
			.count = last - first + 1,
		};
	else
		trace->dropped++;
out:
	spin_unlock(&trace->lock);
}

void obd_trace_print(struct obd_trace *trace, u32 from, char *buf,
		     unsigned int size)
{
	unsigned int n;
	u32 end;

	spin_lock(&trace->lock);
	n = scnprintf(buf, size, "%u %llu %u", trace->nr, trace->dropped,
		      trace->recording);
	end = trace->nr - min(from, trace->nr) > PRINT_MAX ?
	      from + PRINT_MAX : trace->nr;
	for (; from < end && size - n > LINE_SIZE; from++) {
		const struct obd_trace_entry *e = &trace->entries[from];

		n += scnprintf(buf + n, size - n, "\n%u %u %u", e->layer,
			       e->block, e->count);
	}
	spin_unlock(&trace->lock);
}
