/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files of benchmarks: block devices, and what is on them in memory.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <linux/fs.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include "dm-overlaybd-bdev.h"

/*
 * Open a block device for reading; close with filp_close(). Unlike the functions
 * that are there for block devices, this one stays. Return: the file, or an
 * ERR_PTR().
 */
static inline struct file *bench_open(const char *path, struct obd_dev *dev)
{
	struct file *file = filp_open(path, O_RDONLY | O_LARGEFILE, 0);

	if (IS_ERR(file))
		return file;
	if (!S_ISBLK(file_inode(file)->i_mode)) {
		filp_close(file, NULL);
		return ERR_PTR(-ENOTBLK);
	}
	dev->bdev = I_BDEV(file->f_mapping->host);
	return file;
}

/* Read from @pos on into memory for vfree(). Return: that, or an ERR_PTR(). */
static inline u8 *bench_load(struct obd_dev *dev, u64 pos, u64 size)
{
	u8 *buf = vmalloc(size);
	u64 done = 0;
	int r = 0;

	if (!buf)
		return ERR_PTR(-ENOMEM);
	while (!r && done < size) {
		u32 n = min_t(u64, size - done, SZ_1M);

		r = obd_dev_read(dev, pos + done, buf + done, n);
		done += n;
	}
	if (!r)
		return buf;
	vfree(buf);
	return ERR_PTR(r);
}

#endif
