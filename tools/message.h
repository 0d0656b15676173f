/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the overlaybd target of a device can be asked and told by messages.
 * Functions that return an exit code have complained when it is not EXIT_OK.
 */
#ifndef OVERLAYBD_MESSAGE_H
#define OVERLAYBD_MESSAGE_H

#include "tools/trace-file.h"

#define MESSAGE_RATE_MAX	65536	/* MiB a second */
#define MESSAGE_ENTRIES_MAX	1048576

/**
 * struct load_times - how the kernel's part of loading a table went
 * @layers: layers of the device
 * @shared: those that were there already
 * @open_us: to open the layers, microseconds
 * @merge_us: to merge their indexes
 * @map: private, shared, partial or none
 */
struct load_times {
	u64 layers;
	u64 shared;
	u64 open_us;
	u64 merge_us;
	char map[24];
};

/**
 * times_parse - take apart what a target answers
 * @times: the times
 * @text: the answer; unknown pairs are passed over
 *
 * Return: false if something is missing.
 */
bool times_parse(struct load_times *times, const char *text);

/**
 * message_times - ask how loading the table went
 * @name: the device's name
 * @times: the times
 *
 * Complains about nothing.
 *
 * Return: false if the module does not say.
 */
bool message_times(const char *name, struct load_times *times);

/**
 * struct recording - what a target has recorded of its reads
 * @nr: entries; the last of them may still grow
 * @dropped: reads that did not fit
 * @running: it goes on
 */
struct recording {
	u64 nr;
	u64 dropped;
	bool running;
};

/**
 * recording_parse - take apart what a target answers
 * @recording: the first line of it
 * @ranges: the other lines are added there
 * @text: the answer
 *
 * Return: 0, -EINVAL if it is no such answer, or what trace_add() returns.
 */
int recording_parse(struct recording *recording, struct trace *ranges,
		    const char *text);

/**
 * message_trace_start - begin to record
 * @name: the device's name
 * @entries: how many reads to make room for, 0 for as many as it likes
 *
 * Return: an exit code; EXIT_BUSY if it records already.
 */
int message_trace_start(const char *name, unsigned int entries);

/**
 * message_trace_stop - record no further, keep what there is
 * @name: the device's name
 *
 * Return: an exit code.
 */
int message_trace_stop(const char *name);

/**
 * message_trace_clear - forget what has been recorded
 * @name: the device's name
 *
 * If that fails, the memory is gone with the device. Complains about nothing.
 */
void message_trace_clear(const char *name);

/**
 * message_trace_read - fetch some of what has been recorded
 * @name: the device's name
 * @recording: how it stands
 * @ranges: entries from the @ranges->nr_ranges-th on are added there
 *
 * Return: an exit code; EXIT_NO_DEVICE, without a complaint, if there is none.
 */
int message_trace_read(const char *name, struct recording *recording,
		       struct trace *ranges);

/**
 * message_prefetch_rate - say how fast to prefetch
 * @name: the device's name
 * @mib: MiB a second, decompressed; 1 to MESSAGE_RATE_MAX
 *
 * Return: an exit code.
 */
int message_prefetch_rate(const char *name, unsigned int mib);

/**
 * message_prefetch_add - have blocks prefetched
 * @name: the device's name
 * @ranges: in this order
 * @nr: how many
 *
 * Waits for room in the queue.
 *
 * Return: an exit code.
 */
int message_prefetch_add(const char *name, const struct trace_range *ranges,
			 u32 nr);

#endif
