/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Write a blob as it is.
 */
#ifndef OVERLAYBD_WRITER_PLAIN_H
#define OVERLAYBD_WRITER_PLAIN_H

#include "tools/output.h"
#include "tools/progress.h"
#include "tools/source.h"

/**
 * plain_write - copy a source into a file
 * @out: the file
 * @start: byte of the file where the blob begins
 * @source: the blob
 * @nr_threads: threads to use
 * @progress: begun, for the bytes of @source
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno.
 */
int plain_write(const struct output *out, u64 start,
		const struct source *source, unsigned int nr_threads,
		struct progress *progress, struct obd_error *err);

#endif
