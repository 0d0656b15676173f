/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is a file compressed that is taken for what is in it?
 */
#ifndef OVERLAYBD_PACKED_H
#define OVERLAYBD_PACKED_H

#include "dm-overlaybd-error.h"
#include "tools/file.h"

#define PACKED_MAGIC_SIZE	4

/**
 * packed_by_zstd - does a file that begins so hold what zstd has compressed?
 * @first: its first PACKED_MAGIC_SIZE bytes
 */
bool packed_by_zstd(const void *first);

/**
 * packed_refuse - refuse a compressed archive where nothing says that it is one
 * @dev: the file that the data of a layer is said to lie in as it is
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno; -EINVAL if it is compressed.
 */
int packed_refuse(struct obd_dev *dev, struct obd_error *err);

#endif
