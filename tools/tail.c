// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hidden tails: a copy in memory, joined to the rest by dm-linear.
 *
 * The name of such a device tells the loop device below it and the bytes that
 * are added. As long as it is there, it holds that loop device, so that another
 * file cannot get into its place. One without a table holds nothing: it comes
 * from a call that was killed, because others have the name locked until the
 * table is there and somebody has the device open.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include "tools/commands.h"
#include "tools/dm.h"
#include "tools/in-use.h"
#include "tools/loop.h"
#include "tools/tail.h"

#define DEV_TEXT_SIZE	32
#define REMOVE_TRIES	100
#define REMOVE_PAUSE_NS	10000000L

/**
 * struct joined - a device that joins a tail
 * @path: absolute, of the file
 * @sectors: how many are in front of the tail
 * @key: what makes two of them the same
 * @name: its name
 * @uuid: its UUID
 */
struct joined {
	char *path;
	u64 sectors;
	struct {
		u64 rest;
		char tail[OBD_SECTOR_SIZE];
	} key;
	char name[DM_NAME_LEN];
	char uuid[DM_UUID_LEN];
};

/*
 * Where there is no loop device over the file, nothing but what we say tells
 * its path, so that files by other paths are others.
 */
static void name_it(struct joined *j)
{
	static const uuid_t nothing;
	uuid_t path = {}, hash;
	char text[UUID_STR_LEN];

	if (!j->key.rest)
		uuid_generate_sha1(path, nothing, j->path, strlen(j->path));
	uuid_generate_sha1(hash, path, (const char *)&j->key, sizeof(j->key));
	uuid_unparse_lower(hash, text);
	snprintf(j->name, sizeof(j->name), DEVICE_TAIL_NAME_PREFIX "%s", text);
	snprintf(j->uuid, sizeof(j->uuid), DEVICE_TAIL_UUID_PREFIX "-%s", text);
}

/* The slash keeps it apart from the locks of devices with layers. */
static int lock_name(const char *name, int *lock)
{
	char text[DM_NAME_LEN + 1];

	snprintf(text, sizeof(text), "/%s", name);
	return device_lock(text, lock);
}

/* One sector in memory. Its loop device shows the name, unless it is long. */
static int copy_tail(const struct joined *j)
{
	ssize_t size = sizeof(j->key.tail);
	int fd, r;

	fd = memfd_create(j->path, MFD_CLOEXEC);
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("overlaybd tail", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, j->key.tail, size) == size)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

static int attach_tail(const struct joined *j, unsigned int i, dev_t *dev)
{
	int fd = -1, number, copy = copy_tail(j);

	if (copy >= 0) {
		fd = loop_attach(copy, j->path, 0, &number, dev);
		close(copy);
	}
	if (copy < 0 || fd < 0)
		complain("layer %u (%s): cannot set up a loop device of its last bytes: %s",
			 i, j->path, strerror(copy < 0 ? -copy : -fd));
	return fd;
}

/* Of a file of less than a sector the tail is all there is. */
static int join(const struct joined *j, dev_t tail, struct device *device)
{
	char params[2][DEV_TEXT_SIZE];
	struct device_line lines[] = {
		{ 0, j->sectors, "linear", params[0] },
		{ j->sectors, 1, "linear", params[1] },
	};
	bool short_file = !j->sectors;

	snprintf(params[0], DEV_TEXT_SIZE, "%u:%u 0", major(j->key.rest),
		 minor(j->key.rest));
	snprintf(params[1], DEV_TEXT_SIZE, "%u:%u 0", major(tail), minor(tail));
	return device_create(j->name, j->uuid, lines + short_file,
			     ARRAY_SIZE(lines) - short_file, true, device);
}

static int find_or_make(const struct joined *j, unsigned int i,
			struct device *device)
{
	int fd, r = device_find(device, j->name);
	dev_t tail;

	if (r == EXIT_FAILED)
		return r;
	if (!r && !strcmp(device->uuid, j->uuid)) {
		if (device->live)
			return EXIT_OK;
		device_remove(j->name);
	}
	fd = attach_tail(j, i, &tail);
	if (fd < 0)
		return EXIT_FAILED;
	r = join(j, tail, device);
	close(fd);
	return r;
}

static int find_and_open(const struct joined *j, unsigned int i, int *fd,
			 dev_t *dev)
{
	struct device device;
	int r = find_or_make(j, i, &device);

	if (r)
		return r;
	*fd = device_open(&device);
	*dev = device.dev;
	return *fd < 0 ? EXIT_FAILED : EXIT_OK;
}

static int take(struct joined *j, unsigned int i, int *fd, dev_t *dev)
{
	int lock, r;

	name_it(j);
	r = lock_name(j->name, &lock);
	if (r)
		return r;
	r = find_and_open(j, i, fd, dev);
	close(lock);
	return r;
}

int tail_attach(struct obd_dev *file, const char *path, unsigned int i,
		dev_t rest, int *fd, dev_t *dev)
{
	struct joined j = {
		.path = realpath(path, NULL),
		.sectors = file->size >> OBD_SECTOR_SHIFT,
		.key.rest = rest,
	};
	u32 len = file->size % OBD_SECTOR_SIZE;
	int r = j.path ? 0 : -errno;

	r = r ?: obd_dev_read(file, file->size - len, j.key.tail, len);
	if (r) {
		complain("layer %u (%s): cannot read its last bytes: %s", i,
			 path, strerror(-r));
		r = EXIT_FAILED;
	} else {
		r = take(&j, i, fd, dev);
	}
	free(j.path);
	return r;
}

/*
 * It may be busy because somebody looks into every new device, as udev does,
 * or because it is about to get a user.
 */
static int remove_device(const struct device *device)
{
	const struct timespec pause = { .tv_nsec = REMOVE_PAUSE_NS };
	int r = device_remove_once(device->name);
	unsigned int i;

	for (i = 0; r == EXIT_BUSY && i < REMOVE_TRIES; i++) {
		if (in_use_by_device(device->dev))
			break;
		nanosleep(&pause, NULL);
		r = device_remove_once(device->name);
	}
	return r == EXIT_BUSY ? EXIT_OK : r;
}

/*
 * No need to wait for the lock of one that has a user: when that goes, it will
 * come here, too.
 */
static int remove_unused(const struct device *device, void *data)
{
	int lock, r;

	if (!device_is_tail(device) || in_use_by_device(device->dev))
		return EXIT_OK;
	r = lock_name(device->name, &lock);
	if (r)
		return r;
	r = remove_device(device);
	close(lock);
	return r;
}

int tails_remove(void)
{
	return device_for_each(remove_unused, NULL);
}
