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

#endif
