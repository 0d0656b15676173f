/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file system with the content of a directory.
 */
#ifndef OVERLAYBD_MKFS_H
#define OVERLAYBD_MKFS_H

#include "tools/raw.h"

/**
 * mkfs_from_dir - make an ext4 file system, the same for the same files
 * @raw: the file system, a file without a name; close with raw_close(), also
 *	after a failure
 * @dir: the directory; NULL: nothing but lost+found is in it
 * @size: bytes of the file system
 * @beside: a path in the folder that has the room for it
 * @err: the reason, on failure
 *
 * Runs mke2fs, whose messages go to standard error. Contents, owners, modes,
 * times of modification and extended attributes are those of the files; all
 * other times are what SOURCE_DATE_EPOCH says, or the beginning of 1970.
 *
 * Return: 0, or a negative errno.
 */
int mkfs_from_dir(struct raw *raw, const char *dir, u64 size,
		  const char *beside, struct obd_error *err);

/**
 * mkfs_file - make a file of holes, which goes away by itself
 * @raw: the file, without a name; close with raw_close(), also after a failure
 * @size: bytes
 * @beside: a path in the folder that has the room for it
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno.
 */
int mkfs_file(struct raw *raw, u64 size, const char *beside,
	      struct obd_error *err);

/**
 * mkfs_time - the time at which reproducible file systems are made
 * @seconds: what SOURCE_DATE_EPOCH says, 1 or more
 * @err: the reason, on failure
 *
 * Return: 0, or -ERANGE.
 */
int mkfs_time(u64 *seconds, struct obd_error *err);

#endif
