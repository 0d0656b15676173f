/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tar archive around a blob.
 */
#ifndef OVERLAYBD_WRITER_TAR_H
#define OVERLAYBD_WRITER_TAR_H

#include "tools/output.h"

/**
 * tar_prefix - bytes in front of the blob
 * @bound: the most that the blob may take
 *
 * A size that a ustar header cannot hold goes into a PAX header.
 */
u32 tar_prefix(u64 bound);

/**
 * tar_write - write what is around a blob
 * @out: the file
 * @prefix: what tar_prefix() returned, where the blob begins
 * @size: bytes of the blob
 * @total: bytes of the archive
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno.
 */
int tar_write(const struct output *out, u32 prefix, u64 size, u64 *total,
	      struct obd_error *err);

#endif
