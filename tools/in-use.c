// SPDX-License-Identifier: GPL-2.0-only
/*
 * Refuse what the kernel uses, and wait until it does not any more.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "tools/busy.h"
#include "tools/commands.h"
#include "tools/holders.h"
#include "tools/in-use.h"

#define FILE_NAME_SIZE	320
#define WAIT_TRIES	1000
#define WAIT_NS		10000000L

/* The kernel's name of a block device is the last component of its folder. */
static void kernel_name(dev_t dev, char *name)
{
	char path[FILE_NAME_SIZE];
	char *real;

	*name = '\0';
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major(dev),
		 minor(dev));
	real = realpath(path, NULL);
	if (real)
		snprintf(name, HOLDER_SIZE, "%s", strrchr(real, '/') + 1);
	free(real);
}

static int check_block(const char *path, int fd, dev_t dev)
{
	char name[HOLDER_SIZE], holder[HOLDER_SIZE];
	char self[FILE_NAME_SIZE];
	int excl;

	kernel_name(dev, name);
	holders_find(name, holder);
	if (*holder) {
		complain("%s is in use by the device %s", path, holder);
		return EXIT_BUSY;
	}
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	excl = open(self, O_RDONLY | O_EXCL | O_CLOEXEC);
	if (excl < 0 && errno == EBUSY) {
		busy_complain(path, dev);
		return EXIT_BUSY;
	}
	if (excl >= 0)
		close(excl);
	return EXIT_OK;
}

int in_use_complain(const char *path, int fd, bool readers)
{
	struct obd_error err;
	struct stat st;

	if (fstat(fd, &st)) {
		complain("%s: %s", path, strerror(errno));
		return EXIT_FAILED;
	}
	if (holders_refuse_loop(path, &st, readers, &err)) {
		complain("%s", err.text);
		return EXIT_BUSY;
	}
	return S_ISBLK(st.st_mode) ? check_block(path, fd, st.st_rdev) :
				     EXIT_OK;
}

bool in_use_by_loop(const char *loop, int fd)
{
	struct stat st;

	return !fstat(fd, &st) && holders_loop_is_over(loop, &st);
}

bool in_use_by_device(dev_t dev)
{
	char name[HOLDER_SIZE], holder[HOLDER_SIZE];

	kernel_name(dev, name);
	return *name && holders_first(name, holder);
}

bool in_use_wait(int fd)
{
	const struct timespec pause = { .tv_nsec = WAIT_NS };
	char loop[HOLDER_SIZE];
	struct stat st;
	int i;

	if (fstat(fd, &st))
		return false;
	for (i = 0; i < WAIT_TRIES; i++) {
		holders_find_loop(&st, true, loop);
		if (!*loop)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}
