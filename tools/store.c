// SPDX-License-Identifier: GPL-2.0-only
/*
 * Write, sync, cut.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <libgen.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/store.h"

int store_write(int fd, const char *what, u64 pos, const void *buf, u64 len,
		struct obd_error *err)
{
	while (len) {
		ssize_t n = pwrite(fd, buf, len, pos);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return obd_fail(err, -errno,
					"%s: cannot write %llu bytes at byte %llu: %s",
					what, (unsigned long long)len,
					(unsigned long long)pos,
					strerror(errno));
		buf = (const char *)buf + n;
		pos += n;
		len -= n;
	}
	return 0;
}

int store_sync(int fd, const char *what, struct obd_error *err)
{
	if (fsync(fd))
		return obd_fail(err, -errno, "%s: cannot write it out: %s",
				what, strerror(errno));
	return 0;
}

int store_cut(int fd, const char *what, u64 size, struct obd_error *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return obd_fail(err, -errno, "%s: %s", what, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return 0;
	if (ftruncate(fd, size))
		return obd_fail(err, -errno,
				"%s: cannot set its size to %llu bytes: %s",
				what, (unsigned long long)size,
				strerror(errno));
	return 0;
}

int store_sync_folder(const char *path, struct obd_error *err)
{
	char *real = realpath(path, NULL);
	int fd = -1, r = 0;

	if (real)
		fd = open(dirname(real), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		r = obd_fail(err, -errno, "%s: cannot sync its folder: %s",
			     path, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(real);
	return r;
}
