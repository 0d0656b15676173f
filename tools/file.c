// SPDX-License-Identifier: GPL-2.0-only
/*
 * Read blobs from files and block devices.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <unistd.h>

#include "tools/file.h"

/* Not by opening it: opening a FIFO would wait for a writer. */
static int check_kind(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return S_ISREG(st.st_mode) || S_ISBLK(st.st_mode) ? 0 : -ENOTBLK;
}

int obd_file_open(struct obd_dev *dev, const char *path)
{
	off_t size;
	int r;

	dev->size = 0;
	dev->fd = -1;
	r = check_kind(path);
	if (r)
		return r;
	dev->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (dev->fd < 0)
		return -errno;
	size = lseek(dev->fd, 0, SEEK_END);
	if (size < 0)
		return -errno;
	dev->size = size;
	return 0;
}

const char *obd_file_error(int r)
{
	return r == -ENOTBLK ? "neither a file nor a block device" :
			       strerror(-r);
}

bool obd_file_is_device(const struct obd_dev *dev)
{
	struct stat st;

	return !fstat(dev->fd, &st) && S_ISBLK(st.st_mode);
}

bool same_file(const struct stat *a, const struct stat *b)
{
	if (S_ISBLK(a->st_mode) && S_ISBLK(b->st_mode))
		return a->st_rdev == b->st_rdev;
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

void obd_file_close(struct obd_dev *dev)
{
	if (dev->fd >= 0)
		close(dev->fd);
	dev->fd = -1;
}

bool obd_dev_interrupted(const struct obd_dev *dev)
{
	(void)dev;
	return false;
}

u64 obd_dev_size(const struct obd_dev *dev)
{
	return dev->size;
}

int obd_dev_read(struct obd_dev *dev, u64 pos, void *buf, u32 len)
{
	char *to = buf;

	while (len) {
		ssize_t n = pread(dev->fd, to, len, pos);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -ENODATA;
		to += n;
		pos += n;
		len -= n;
	}
	return 0;
}
