/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The format files' struct obd_dev over a block device. The functions are
 * declared in dm-overlaybd-blob.h.
 */
#ifndef DM_OVERLAYBD_BDEV_H
#define DM_OVERLAYBD_BDEV_H

#include <linux/blkdev.h>
#include <linux/sizes.h>

#include "dm-overlaybd-blob.h"

/**
 * struct obd_dev - a block device that holds a blob
 * @bdev: the device, which its owner keeps open
 * @cancelled: set by whoever started the present work and gives up; or NULL
 */
struct obd_dev {
	struct block_device *bdev;
	const bool *cancelled;
};

/* What obd_bdev_io() reads or writes at most, and how many pages that may be in. */
#define OBD_BDEV_MAX	SZ_64K
#define OBD_BDEV_PAGES	(OBD_BDEV_MAX / PAGE_SIZE + 1)

/**
 * obd_bio_add - have a bio read into memory, or write what is there
 * @bio: the bio, with room for all pages; for one piece if @data is contiguous
 * @data: memory, by kmalloc() or vmalloc()
 * @len: bytes
 *
 * Any context.
 */
void obd_bio_add(struct bio *bio, void *data, u32 len);

/**
 * obd_bdev_io - read or write metadata
 * @bdev: the device
 * @opf: REQ_OP_READ or REQ_OP_WRITE, and flags
 * @sector: the first sector
 * @buf: where to or from, memory by kmalloc() or vmalloc()
 * @len: bytes, a multiple of the sector size, up to OBD_BDEV_MAX
 *
 * Allocates nothing, may sleep.
 *
 * Return: 0, or a negative errno.
 */
int obd_bdev_io(struct block_device *bdev, blk_opf_t opf, sector_t sector,
		void *buf, u32 len);

/**
 * obd_bdev_zero - write zeros
 * @bdev: the device
 * @sector: the first sector
 * @len: bytes, a multiple of the sector size
 *
 * Allocates nothing, which blkdev_issue_zeroout() does, and from a reserve that
 * file systems on top may have used up for what waits for us. May sleep.
 *
 * Return: 0, or a negative errno.
 */
int obd_bdev_zero(struct block_device *bdev, sector_t sector, u64 len);

#endif
