// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loop devices.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "tools/loop.h"

#define CONTROL		"/dev/loop-control"
#define MISC_MAJOR	10
#define LOOP_CTRL_MINOR	237
#define PATH_SIZE	64

/*
 * Between being told of a free device and taking it somebody else may: whoever
 * loses tries again. Fifty at once with ten layers each need a few dozen tries
 * at the worst.
 */
#define TRIES		1000
#define PAUSE_MAX_NS	4000000L

/* In a container /dev may lack what the kernel added since it was filled. */
static int make_node(int number, const char *node)
{
	unsigned int major_nr, minor_nr;
	char path[PATH_SIZE];
	FILE *f;
	int n;

	snprintf(path, sizeof(path), "/sys/block/loop%d/dev", number);
	f = fopen(path, "re");
	if (!f)
		return -ENXIO;
	n = fscanf(f, "%u:%u", &major_nr, &minor_nr);
	fclose(f);
	if (n != 2)
		return -ENXIO;
	if (mknod(node, S_IFBLK | 0660, makedev(major_nr, minor_nr)) &&
	    errno != EEXIST)
		return -errno;
	return 0;
}

static int open_node(int number, int mode)
{
	char node[PATH_SIZE];
	int fd, r;

	snprintf(node, sizeof(node), "/dev/loop%d", number);
	fd = open(node, mode | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		r = make_node(number, node);
		if (r)
			return r;
		fd = open(node, mode | O_CLOEXEC);
	}
	return fd < 0 ? -errno : fd;
}

int loop_open(int number)
{
	return open_node(number, O_RDONLY);
}

/* A loop device that was opened for reading only is read-only, too. */
static int try_attach(int control, const struct loop_config *config,
		      int *number)
{
	bool read_only = config->info.lo_flags & LO_FLAGS_READ_ONLY;
	int fd, r;

	*number = ioctl(control, LOOP_CTL_GET_FREE);
	if (*number < 0)
		return -errno;
	fd = open_node(*number, read_only ? O_RDONLY : O_RDWR);
	if (fd < 0)
		return fd;
	if (!ioctl(fd, LOOP_CONFIGURE, config))
		return fd;
	r = -errno;
	close(fd);
	return r;
}

static bool lost_race(int r)
{
	return r == -EBUSY || r == -ENXIO || r == -EAGAIN || r == -EINTR;
}

/*
 * Without udev nobody makes the node of a module that is not loaded yet, by
 * whose number the kernel would find and load it.
 */
static int open_control(void)
{
	dev_t dev = makedev(MISC_MAJOR, LOOP_CTRL_MINOR);
	int fd = open(CONTROL, O_RDWR | O_CLOEXEC);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (mknod(CONTROL, S_IFCHR | 0660, dev) && errno != EEXIST)
		return -1;
	fd = open(CONTROL, O_RDWR | O_CLOEXEC);
	if (fd < 0 && (errno == ENODEV || errno == ENXIO)) {
		unlink(CONTROL);
		errno = ENOENT;
	}
	return fd;
}

static int attach(const struct loop_config *config, int *number)
{
	int control = open_control();
	struct timespec pause = { };
	unsigned int i;
	int r;

	if (control < 0)
		return -errno;
	/* By default all processes pause alike. */
	srandom(getpid());
	r = try_attach(control, config, number);
	for (i = 0; lost_race(r) && i < TRIES; i++) {
		/* Not in step with those we lost to. */
		pause.tv_nsec = random() % PAUSE_MAX_NS;
		nanosleep(&pause, NULL);
		r = try_attach(control, config, number);
	}
	close(control);
	return r;
}

/*
 * Try it before the loop device does: many kernels believe what a file system
 * says about itself, and an overlay says yes whatever it lies on. The memory is
 * aligned no better than what the loop device will have to read into.
 */
bool loop_can_direct_io(int file)
{
	char buf[3 * LOOP_BLOCK_SIZE];
	char path[PATH_SIZE];
	uintptr_t at = ((uintptr_t)buf + LOOP_BLOCK_SIZE - 1) & -LOOP_BLOCK_SIZE;
	bool can;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (fd < 0)
		return false;
	can = pread(fd, (char *)at, LOOP_BLOCK_SIZE, 0) == LOOP_BLOCK_SIZE &&
	      pread(fd, (char *)at, LOOP_BLOCK_SIZE, LOOP_BLOCK_SIZE) >= 0;
	close(fd);
	return can;
}

int loop_attach(int file, const char *name, unsigned int flags, int *number,
		dev_t *dev)
{
	struct loop_config config = {
		.fd = file,
		.block_size = LOOP_BLOCK_SIZE,
		.info.lo_flags = LO_FLAGS_AUTOCLEAR,
	};
	struct stat st;
	int fd;

	snprintf((char *)config.info.lo_file_name, LO_NAME_SIZE, "%s", name);
	if (flags & LOOP_DIRECT_IO)
		config.info.lo_flags |= LO_FLAGS_DIRECT_IO;
	if (!(flags & LOOP_WRITABLE))
		config.info.lo_flags |= LO_FLAGS_READ_ONLY;
	fd = attach(&config, number);
	if (fd >= 0 && fstat(fd, &st)) {
		close(fd);
		fd = -EIO;
	}
	if (fd >= 0)
		*dev = st.st_rdev;
	return fd;
}

int loop_resize(int fd)
{
	return ioctl(fd, LOOP_SET_CAPACITY) ? -errno : 0;
}
