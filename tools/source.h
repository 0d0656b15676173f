/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes that are about to be written somewhere.
 */
#ifndef OVERLAYBD_SOURCE_H
#define OVERLAYBD_SOURCE_H

#include "dm-overlaybd-error.h"

/**
 * struct source - bytes that can be read at any place
 * @size: how many
 * @ctx: for @read
 * @read: read @len bytes from @pos on into @buf, any number of threads at a
 *	time; returns 0 or a negative errno
 */
struct source {
	u64 size;
	const void *ctx;
	int (*read)(const void *ctx, u64 pos, void *buf, u64 len,
		    struct obd_error *err);
};

#endif
