// SPDX-License-Identifier: GPL-2.0-only
/*
 * Find loop devices over a file, and what lies over a block device, in sysfs.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "tools/busy.h"
#include "tools/commands.h"
#include "tools/dm.h"
#include "tools/in-use.h"
#include "tools/loop.h"

#define FILE_NAME_SIZE	320
#define HOLDER_SIZE	256
#define LINE_SIZE	4096
#define WAIT_TRIES	1000
#define WAIT_NS		10000000L

/* The first line of an attribute of a block device, false if there is none. */
static bool attribute(const char *device, const char *name, char *line,
		      size_t size)
{
	char path[FILE_NAME_SIZE];
	bool found;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/block/%s/%s", device, name);
	f = fopen(path, "re");
	if (!f)
		return false;
	found = fgets(line, size, f);
	fclose(f);
	if (found)
		line[strcspn(line, "\n")] = '\0';
	return found;
}

static bool same(const struct stat *a, const struct stat *b)
{
	if (S_ISBLK(a->st_mode))
		return S_ISBLK(b->st_mode) && a->st_rdev == b->st_rdev;
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* What the loop device itself says counts; its path may lead elsewhere. */
static bool ask_loop(const char *loop, struct stat *st)
{
	struct loop_info64 info;
	int number, fd;
	bool told;

	if (sscanf(loop, "loop%d", &number) != 1)
		return false;
	fd = loop_open(number);
	if (fd < 0)
		return false;
	told = !ioctl(fd, LOOP_GET_STATUS64, &info);
	close(fd);
	if (!told)
		return false;
	*st = (struct stat) {
		.st_mode = info.lo_rdevice ? S_IFBLK : S_IFREG,
		.st_dev = info.lo_device,
		.st_ino = info.lo_inode,
		.st_rdev = info.lo_rdevice,
	};
	return true;
}

static bool is_over(const char *loop, const struct stat *st)
{
	char file[LINE_SIZE];
	struct stat below;

	if (!attribute(loop, "loop/backing_file", file, sizeof(file)))
		return false;
	return (ask_loop(loop, &below) || !stat(file, &below)) &&
	       same(st, &below);
}

static bool only_reads(const char *device)
{
	char line[LINE_SIZE];

	return attribute(device, "ro", line, sizeof(line)) && *line == '1';
}

/* The name of a loop device over a file, or an empty one. */
static void find_loop(const struct stat *st, bool readers, char *loop)
{
	struct dirent *entry;
	DIR *dir = opendir("/sys/block");

	*loop = '\0';
	if (!dir)
		return;
	while (!*loop && (entry = readdir(dir)))
		if (!strncmp(entry->d_name, "loop", 4) &&
		    (readers || !only_reads(entry->d_name)) &&
		    is_over(entry->d_name, st))
			snprintf(loop, HOLDER_SIZE, "%s", entry->d_name);
	closedir(dir);
}

/* The kernel's name of what lies over a block device. */
static bool first_holder(const char *device, char *holder)
{
	char path[FILE_NAME_SIZE];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/class/block/%s/holders", device);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (entry = readdir(dir))) {
		found = *entry->d_name != '.';
		if (found)
			snprintf(holder, HOLDER_SIZE, "%s", entry->d_name);
	}
	closedir(dir);
	return found;
}

static bool is_tail(const char *device)
{
	char uuid[LINE_SIZE];

	return attribute(device, "dm/uuid", uuid, sizeof(uuid)) &&
	       !strncmp(uuid, DEVICE_TAIL_UUID_PREFIX,
			strlen(DEVICE_TAIL_UUID_PREFIX));
}

/*
 * What lies over a block device, by the name that users know; empty if nothing.
 * They do not know what joins a tail.
 */
static void find_holder(const char *device, char *holder)
{
	char name[HOLDER_SIZE], tail[HOLDER_SIZE];

	*holder = '\0';
	if (!first_holder(device, name))
		return;
	if (is_tail(name)) {
		memcpy(tail, name, HOLDER_SIZE);
		first_holder(tail, name);
	}
	if (!attribute(name, "dm/name", holder, HOLDER_SIZE))
		memcpy(holder, name, HOLDER_SIZE);
}

static int refuse_loop(const char *path, const char *loop)
{
	char holder[HOLDER_SIZE];

	find_holder(loop, holder);
	if (*holder)
		complain("%s is in use by the device %s, over /dev/%s", path,
			 holder, loop);
	else
		complain("%s is in use by the loop device /dev/%s", path, loop);
	return EXIT_BUSY;
}

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
	find_holder(name, holder);
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
	char loop[HOLDER_SIZE];
	struct stat st;

	if (fstat(fd, &st)) {
		complain("%s: %s", path, strerror(errno));
		return EXIT_FAILED;
	}
	find_loop(&st, readers, loop);
	if (*loop)
		return refuse_loop(path, loop);
	return S_ISBLK(st.st_mode) ? check_block(path, fd, st.st_rdev) :
				     EXIT_OK;
}

bool in_use_by_loop(const char *loop, int fd)
{
	struct stat st;

	return !fstat(fd, &st) && is_over(loop, &st);
}

bool in_use_by_device(dev_t dev)
{
	char name[HOLDER_SIZE], holder[HOLDER_SIZE];

	kernel_name(dev, name);
	return *name && first_holder(name, holder);
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
		find_loop(&st, true, loop);
		if (!*loop)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}
