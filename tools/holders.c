// SPDX-License-Identifier: GPL-2.0-only
/*
 * Find loop devices over a file, and what lies over a block device, in sysfs.
 * Hold a file that is to be replaced, if nobody else does.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <linux/loop.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tools/dm.h"
#include "tools/file.h"
#include "tools/holders.h"
#include "tools/loop.h"

#define FILE_NAME_SIZE	320
#define LINE_SIZE	4096

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

bool holders_loop_is_over(const char *loop, const struct stat *st)
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

void holders_find_loop(const struct stat *st, bool readers, char *loop)
{
	struct dirent *entry;
	DIR *dir = opendir("/sys/block");

	*loop = '\0';
	if (!dir)
		return;
	while (!*loop && (entry = readdir(dir)))
		if (!strncmp(entry->d_name, "loop", 4) &&
		    (readers || !only_reads(entry->d_name)) &&
		    holders_loop_is_over(entry->d_name, st))
			snprintf(loop, HOLDER_SIZE, "%s", entry->d_name);
	closedir(dir);
}

bool holders_first(const char *device, char *holder)
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

/* They do not know what joins a tail. */
void holders_find(const char *device, char *holder)
{
	char name[HOLDER_SIZE], tail[HOLDER_SIZE];

	*holder = '\0';
	if (!holders_first(device, name))
		return;
	if (is_tail(name)) {
		memcpy(tail, name, HOLDER_SIZE);
		holders_first(tail, name);
	}
	if (!attribute(name, "dm/name", holder, HOLDER_SIZE))
		memcpy(holder, name, HOLDER_SIZE);
}

int holders_refuse_loop(const char *path, const struct stat *st, bool readers,
			struct obd_error *err)
{
	char loop[HOLDER_SIZE], holder[HOLDER_SIZE];

	holders_find_loop(st, readers, loop);
	if (!*loop)
		return 0;
	holders_find(loop, holder);
	if (*holder)
		return obd_fail(err, -EBUSY,
				"%s is in use by the device %s, over /dev/%s",
				path, holder, loop);
	return obd_fail(err, -EBUSY, "%s is in use by the loop device /dev/%s",
			path, loop);
}

/* Where files cannot be locked, looking for their users has to do. */
int holders_lock(const char *path, int fd, struct obd_error *err)
{
	struct stat here, there;

	if (flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
		return obd_fail(err, -EBUSY, "%s: is locked by another program",
				path);
	if (fstat(fd, &here) || stat(path, &there) ||
	    !same_file(&here, &there))
		return obd_fail(err, -EBUSY,
				"%s: another program has just replaced it",
				path);
	return 0;
}
