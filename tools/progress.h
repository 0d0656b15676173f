/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A line on the terminal that tells how far long work has come. Where standard
 * error is no terminal it says nothing.
 */
#ifndef OVERLAYBD_PROGRESS_H
#define OVERLAYBD_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct progress - how far it has come
 * @what: what is being done, the beginning of the line
 * @total: bytes to do
 * @done: bytes done
 * @start: when it began, nanoseconds
 * @shown: when the line was last written
 * @visible: whether there is a line to erase
 * @terminal: whether anybody watches
 */
struct progress {
	const char *what;
	uint64_t total;
	uint64_t done;
	uint64_t start;
	uint64_t shown;
	bool visible;
	bool terminal;
};

/**
 * progress_begin - begin
 * @p: filled in
 * @what: what is being done; not copied
 * @total: bytes to do
 */
void progress_begin(struct progress *p, const char *what, uint64_t total);

/**
 * progress_add - more is done; not for several threads at a time
 * @p: the progress
 * @bytes: how much more
 */
void progress_add(struct progress *p, uint64_t bytes);

/**
 * progress_say - say how far it is where bytes are not what counts
 * @p: the progress
 * @fmt: printf format, for one line
 */
__attribute__((format(printf, 2, 3)))
void progress_say(struct progress *p, const char *fmt, ...);

/**
 * progress_show - the same at once, for work that is known to be long
 * @p: the progress
 * @fmt: printf format, for one line
 */
__attribute__((format(printf, 2, 3)))
void progress_show(struct progress *p, const char *fmt, ...);

/**
 * progress_end - erase the line
 * @p: the progress
 */
void progress_end(struct progress *p);

#endif
