/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The disk under a file system that is being changed: libext2fs reads what is
 * below and what it has written itself, and only that is kept.
 */
#ifndef OVERLAYBD_TURBO_DISK_H
#define OVERLAYBD_TURBO_DISK_H

#include <ext2fs/ext2fs.h>

#include "tools/changes.h"
#include "tools/source.h"

/**
 * struct turbo_disk - a disk
 * @raw: what was written, a sparse file as large as the disk
 * @base: what is below; NULL: nothing, and @raw is all there is
 * @touched: one bit for each TURBO_PAGE bytes: they are in @raw
 * @failed: something could not be read or written
 * @err: why, the first time
 */
struct turbo_disk {
	struct raw raw;
	const struct source *base;
	u8 *touched;
	bool failed;
	struct obd_error err;
};

#define TURBO_PAGE	4096U

/**
 * turbo_disk_init - begin with what is below
 * @disk: the disk, its @raw and @base filled in; release with
 *	turbo_disk_release(), also after a failure
 * @err: the reason, on failure
 *
 * Without a @base, what @raw holds already counts as written.
 *
 * Return: 0, or a negative errno.
 */
int turbo_disk_init(struct turbo_disk *disk, struct obd_error *err);

/**
 * turbo_disk_open_fs - open the file system on a disk
 * @disk: the disk
 * @fs: the file system, to be changed; its bitmaps have been read
 *
 * Return: 0, or an error of libext2fs.
 */
errcode_t turbo_disk_open_fs(struct turbo_disk *disk, ext2_filsys *fs);

/**
 * turbo_disk_write - write, beside the file system
 * @disk: the disk
 * @pos: first byte
 * @buf: what
 * @len: bytes
 *
 * Return: 0, or an error of libext2fs.
 */
errcode_t turbo_disk_write(struct turbo_disk *disk, u64 pos, const void *buf,
			   u64 len);

/**
 * turbo_disk_changes - find what a layer has to hold
 * @disk: the disk, nothing of it in a cache any more
 * @changes: gets what was written and differs from what is below; its targets
 *	are there already, and what was written under them is not taken
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno.
 */
int turbo_disk_changes(struct turbo_disk *disk, struct changes *changes,
		       struct obd_error *err);

/**
 * turbo_disk_release - free what turbo_disk_init() allocated
 * @disk: the disk; a zeroed one is fine. Its @raw is the caller's
 */
void turbo_disk_release(struct turbo_disk *disk);

#endif
