// SPDX-License-Identifier: GPL-2.0-only
/*
 * Follow loop devices, and the joined ones on them, in sysfs.
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/backing.h"
#include "tools/dm.h"
#include "tools/file.h"

#define FILE_NAME_SIZE	256

/* The first line of an attribute of a device, NULL if there is none. */
static char *attribute(const char *dev, const char *name)
{
	char path[FILE_NAME_SIZE];
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/dev/block/%s/%s", dev, name);
	f = fopen(path, "re");
	if (!f)
		return NULL;
	len = getline(&line, &size, f);
	fclose(f);
	if (len <= 0) {
		free(line);
		return NULL;
	}
	line[strcspn(line, "\n")] = '\0';
	return line;
}

static char *node(const char *prefix, const char *name)
{
	char *path;

	if (asprintf(&path, "%s%s", prefix, name) < 0)
		return NULL;
	return path;
}

/* By realpath() the last component is the kernel's name of the device. */
static char *kernel_name(const char *dev)
{
	char path[FILE_NAME_SIZE];
	char *real, *text = NULL;

	snprintf(path, sizeof(path), "/sys/dev/block/%s", dev);
	real = realpath(path, NULL);
	if (real)
		text = node("", strrchr(real, '/') + 1);
	free(real);
	return text;
}

/* A loop device that stays when nobody uses it is somebody else's device. */
static char *loop_file(const char *dev)
{
	char *autoclear = attribute(dev, "loop/autoclear");
	bool own = autoclear && !strcmp(autoclear, "1");

	free(autoclear);
	return own ? attribute(dev, "loop/backing_file") : NULL;
}

/* Of a file of less than a sector there is a copy only, which has its name. */
static bool is_copy(char *file)
{
	static const char before[] = "/memfd:", after[] = " (deleted)";
	char *name = file + strlen(before);
	size_t len;

	if (strncmp(file, before, strlen(before)))
		return false;
	len = strlen(name);
	if (*name == '/' && len > strlen(after) &&
	    !strcmp(name + len - strlen(after), after)) {
		len -= strlen(after);
		memmove(file, name, len);
		file[len] = '\0';
	}
	return true;
}

/* The file's loop device comes first in the table of a joined device. */
static void find_joined(struct backing *backing, const char *name)
{
	uint64_t length;
	char *params;

	if (device_params(name, DM_DEVICE_TABLE, "linear", &params, &length))
		return;
	params[strcspn(params, " ")] = '\0';
	backing->file = attribute(params, "loop/backing_file");
	if (backing->file && !is_copy(backing->file))
		backing->loop = kernel_name(params);
	free(params);
}

static void find_unmapped(struct backing *backing, const char *dev)
{
	char *name = kernel_name(dev);

	if (!name)
		return;
	backing->device = node("/dev/", name);
	backing->file = loop_file(dev);
	if (!strncmp(name, "loop", 4))
		backing->loop = name;
	else
		free(name);
}

void backing_find(struct backing *backing, const char *dev)
{
	char *name = attribute(dev, "dm/name");
	char *uuid = attribute(dev, "dm/uuid");

	*backing = (struct backing) {};
	if (name) {
		backing->device = node("/dev/mapper/", name);
		if (uuid && !strncmp(uuid, DEVICE_TAIL_UUID_PREFIX,
				     strlen(DEVICE_TAIL_UUID_PREFIX)))
			find_joined(backing, name);
	} else {
		find_unmapped(backing, dev);
	}
	free(name);
	free(uuid);
}

void backing_release(struct backing *backing)
{
	free(backing->device);
	free(backing->file);
	free(backing->loop);
	*backing = (struct backing) {};
}

/* The device is opened, and if the table does not tell its length, measured. */
static int open_device(struct obd_dev *dev, const char *number, u64 *bytes,
		       struct obd_error *err)
{
	struct backing b;
	int r;

	backing_find(&b, number);
	r = obd_file_open(dev, b.device ?: number);
	if (r)
		r = obd_fail(err, r, "%s: %s", b.device ?: number,
			     strerror(-r));
	else if (!*bytes)
		*bytes = dev->size;
	backing_release(&b);
	return r;
}

int backing_open_gzip(struct obd_gzip *gzip, const struct table_layer *layer,
		      struct obd_error *err)
{
	u64 bytes = layer->bytes, index_bytes = layer->index_bytes;
	struct obd_dev data = { .fd = -1 }, index = { .fd = -1 };
	int r;

	r = open_device(&data, layer->dev, &bytes, err) ?:
	    open_device(&index, layer->index, &index_bytes, err) ?:
	    obd_gzip_open_header(gzip, &index, index_bytes, bytes, err);
	obd_file_close(&data);
	obd_file_close(&index);
	return r;
}
