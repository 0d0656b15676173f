/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The format files' struct obd_dev over a block device. The functions are
 * declared in dm-overlaybd-blob.h.
 */
#ifndef DM_OVERLAYBD_BDEV_H
#define DM_OVERLAYBD_BDEV_H

#include <linux/blkdev.h>

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

/**
 * obd_bdev_io - read or write metadata
 * @bdev: the device
 * @opf: REQ_OP_READ or REQ_OP_WRITE, and flags
 * @sector: the first sector
 * @buf: where to or from; contiguous in physical memory
 * @len: bytes, a multiple of the sector size
 *
 * Allocates nothing, may sleep.
 *
 * Return: 0, or a negative errno.
 */
int obd_bdev_io(struct block_device *bdev, blk_opf_t opf, sector_t sector,
		void *buf, u32 len);

#endif
