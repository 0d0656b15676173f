/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tar archive that registries wrap a blob in: one regular member, perhaps
 * behind a PAX header that tells its size. No I/O; any context.
 */
#ifndef DM_OVERLAYBD_TAR_H
#define DM_OVERLAYBD_TAR_H

#include "dm-overlaybd-error.h"
#include "dm-overlaybd-format.h"

/* A PAX header holds a record or two; what is larger is not ours. */
#define OBD_TAR_PAX_MAX		4096U

/**
 * obd_tar_recognised - is this a ustar header?
 * @header: TAR_BLOCK_SIZE bytes
 *
 * Return: true if the magic is that of POSIX and the checksum is right. Names
 * do not matter.
 */
bool obd_tar_recognised(const struct tar_header *header);

/**
 * obd_tar_size - size of the member behind a header
 * @header: a recognised header
 * @size: bytes
 * @err: the reason, on failure
 *
 * Return: 0 or -EINVAL.
 */
int obd_tar_size(const struct tar_header *header, u64 *size,
		 struct obd_error *err);

/**
 * obd_tar_pax_size - look for a size in the records of a PAX header
 * @records: the records
 * @len: bytes of them
 * @size: bytes; left alone if no record tells it
 * @err: the reason, on failure
 *
 * Return: 0 or -EINVAL.
 */
int obd_tar_pax_size(const char *records, u32 len, u64 *size,
		     struct obd_error *err);

#endif
