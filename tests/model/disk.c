// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations on a block device.
 */
#define _GNU_SOURCE
#include "disk.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "model.h"

#define MEMORY_ALIGN	4096

const char * const op_names[OP_KINDS] = {
	"reads", "writes", "discards", "zeroings", "flushes"
};

void disk_open(struct disk *disk, const char *path, bool writable)
{
	int mode = (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC;
	off_t size;

	disk->buffered = open(path, mode);
	if (disk->buffered < 0)
		err(2, "%s", path);
	/* Files of some file systems have no direct I/O. */
	disk->direct = open(path, mode | O_DIRECT);
	if (disk->direct < 0)
		disk->direct = disk->buffered;
	size = lseek(disk->buffered, 0, SEEK_END);
	if (size < 0)
		err(2, "%s", path);
	disk->sectors = size / SECTOR_SIZE;
}

void *disk_memory(uint32_t count)
{
	void *data = aligned_alloc(MEMORY_ALIGN,
				   ((size_t)count * SECTOR_SIZE + MEMORY_ALIGN -
				    1) / MEMORY_ALIGN * MEMORY_ALIGN);

	if (!data)
		err(2, "no memory for %u sectors", count);
	return data;
}

static int transfer(const struct disk *disk, const struct op *op, void *data)
{
	struct iovec iov = { data, (size_t)op->count * SECTOR_SIZE };
	int file = op->buffered ? disk->buffered : disk->direct;
	off_t offset = op->sector * SECTOR_SIZE;
	ssize_t done;

	if (op->kind == OP_READ)
		done = preadv2(file, &iov, 1, offset, 0);
	else
		done = pwritev2(file, &iov, 1, offset,
				op->sync ? RWF_DSYNC : 0);
	if (done < 0)
		return -errno;
	return (size_t)done == iov.iov_len ? 0 : -EIO;
}

static int change(const struct disk *disk, const struct op *op, int request)
{
	uint64_t range[2] = {
		op->sector * SECTOR_SIZE, (uint64_t)op->count * SECTOR_SIZE
	};

	return ioctl(disk->direct, request, range) ? -errno : 0;
}

int disk_do(const struct disk *disk, const struct op *op, void *data)
{
	switch (op->kind) {
	case OP_DISCARD:
		return change(disk, op, BLKDISCARD);
	case OP_ZERO:
		return change(disk, op, BLKZEROOUT);
	case OP_FLUSH:
		return fdatasync(disk->direct) ? -errno : 0;
	default:
		return transfer(disk, op, data);
	}
}
