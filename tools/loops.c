// SPDX-License-Identifier: GPL-2.0-only
/*
 * Share loop devices.
 *
 * Whoever has opened a loop device that goes by itself keeps it: what it is
 * bound to can be looked at before it is opened, but only counts afterwards.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/dm.h"
#include "tools/loop.h"
#include "tools/loops.h"

#define ROOM_MIN	64

/* Those that we, or another open, have made are so; nobody else's are used. */
#define FLAGS_NEEDED	(LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR)

static int add(struct loops *loops, dev_t dev, ino_t ino, int number)
{
	struct loop_file *files = loops->files;
	unsigned int room = loops->room ? 2 * loops->room : ROOM_MIN;

	if (loops->nr == loops->room) {
		files = reallocarray(files, room, sizeof(*files));
		if (!files)
			return -ENOMEM;
		loops->files = files;
		loops->room = room;
	}
	files[loops->nr++] = (struct loop_file) { dev, ino, number };
	return 0;
}

static bool may_be_shared(const struct loop_info64 *info)
{
	return !info->lo_offset && !info->lo_sizelimit &&
	       (info->lo_flags & ~LO_FLAGS_DIRECT_IO) == FLAGS_NEEDED;
}

/* Without opening it: what others have set up is none of our business. */
static bool goes_by_itself(const char *loop)
{
	char path[sizeof("/sys/block//loop/autoclear") + 256];
	bool yes;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/block/%s/loop/autoclear", loop);
	f = fopen(path, "re");
	if (!f)
		return false;
	yes = getc(f) == '1';
	fclose(f);
	return yes;
}

static void look_at(struct loops *loops, const char *loop)
{
	struct loop_info64 info;
	int number, fd;

	if (sscanf(loop, "loop%d", &number) != 1 || !goes_by_itself(loop))
		return;
	fd = loop_open(number);
	if (fd < 0)
		return;
	if (!ioctl(fd, LOOP_GET_STATUS64, &info) && may_be_shared(&info))
		add(loops, info.lo_device, info.lo_inode, number);
	close(fd);
}

void loops_begin(struct loops *loops)
{
	struct dirent *entry;
	DIR *dir;

	*loops = (struct loops) { .lock = device_lock_loops() };
	dir = opendir("/sys/block");
	if (!dir)
		return;
	while ((entry = readdir(dir)))
		look_at(loops, entry->d_name);
	closedir(dir);
}

/* A loop device ends where its file did when it was set up. */
static bool is_over(int fd, const struct stat *st, bool *direct_io)
{
	struct loop_info64 info;
	uint64_t bytes;
	int block_size;

	if (ioctl(fd, LOOP_GET_STATUS64, &info))
		return false;
	*direct_io = info.lo_flags & LO_FLAGS_DIRECT_IO;
	return may_be_shared(&info) &&
	       info.lo_device == st->st_dev && info.lo_inode == st->st_ino &&
	       !ioctl(fd, BLKSSZGET, &block_size) &&
	       block_size == LOOP_BLOCK_SIZE &&
	       !ioctl(fd, BLKGETSIZE64, &bytes) &&
	       bytes == st->st_size / LOOP_BLOCK_SIZE * LOOP_BLOCK_SIZE;
}

/* Where it makes no difference, the file is not asked: that would read it. */
static bool suits(bool has_direct_io, bool wants_direct_io, int file)
{
	if (has_direct_io || !wants_direct_io)
		return has_direct_io == wants_direct_io;
	return !loop_can_direct_io(file);
}

static int take(int number, int file, const struct stat *st, bool direct_io,
		dev_t *dev)
{
	struct stat node;
	int fd = loop_open(number);
	bool has;

	if (fd < 0)
		return fd;
	if (is_over(fd, st, &has) && suits(has, direct_io, file) &&
	    !fstat(fd, &node)) {
		*dev = node.st_rdev;
		return fd;
	}
	close(fd);
	return -ENOENT;
}

int loops_attach(struct loops *loops, int file, const char *name,
		 bool direct_io, dev_t *dev)
{
	unsigned int flags = 0;
	struct stat st;
	unsigned int i;
	int fd, number;

	if (fstat(file, &st))
		return -errno;
	for (i = 0; i < loops->nr; i++) {
		if (loops->files[i].dev != st.st_dev ||
		    loops->files[i].ino != st.st_ino)
			continue;
		fd = take(loops->files[i].number, file, &st, direct_io, dev);
		if (fd >= 0)
			return fd;
	}
	if (direct_io && loop_can_direct_io(file))
		flags |= LOOP_DIRECT_IO;
	fd = loop_attach(file, name, flags, &number, dev);
	/* One stack may hold a file twice. */
	if (fd >= 0)
		add(loops, st.st_dev, st.st_ino, number);
	return fd;
}

void loops_end(struct loops *loops)
{
	if (loops->lock >= 0)
		close(loops->lock);
	free(loops->files);
	*loops = (struct loops) { .lock = -1 };
}
