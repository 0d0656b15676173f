/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a layer has to hold to stand for several.
 */
#ifndef OVERLAYBD_COMPACT_H
#define OVERLAYBD_COMPACT_H

#include "tools/changes.h"
#include "tools/flat.h"

/**
 * compact_find - find out what layers hold, seen as one
 * @changes: filled in; release with changes_release(), also after a failure
 * @flat: the layers
 * @nr_threads: threads to use
 * @progress: begun, for compact_bytes()
 * @err: the reason, on failure
 *
 * Data that is zero in all of an aligned page, as far as it is mapped there,
 * becomes zeroes; those are left out unless the layers keep them. What comes
 * out depends on nothing but what the layers map and hold.
 *
 * Return: 0, or a negative errno.
 */
int compact_find(struct changes *changes, const struct flat *flat,
		 unsigned int nr_threads, struct progress *progress,
		 struct obd_error *err);

/**
 * compact_bytes - bytes of data that compact_find() has to look at
 * @flat: the layers
 */
u64 compact_bytes(const struct flat *flat);

#endif
