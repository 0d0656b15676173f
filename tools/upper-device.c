// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a device to the files of its upper.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <unistd.h>

#include "tools/commands.h"
#include "tools/dm.h"
#include "tools/in-use.h"
#include "tools/loop.h"
#include "tools/upper-device.h"

#define DEV_PREFIX	"/dev/"

int upper_device_find(struct upper_device *u, const char *name)
{
	char *text;
	int r;

	*u = (struct upper_device) {};
	r = device_params(name, DM_DEVICE_TABLE, DEVICE_TARGET, &u->params,
			  &u->sectors);
	if (r == EXIT_NO_DEVICE)
		return device_missing(name);
	if (r)
		return r;
	text = strdup(u->params);
	if (!text) {
		complain("no memory for a table");
		return EXIT_FAILED;
	}
	r = table_parse(&u->table, text);
	free(text);
	if (r || !u->table.upper.data)
		return r;
	backing_find(&u->data, u->table.upper.data);
	backing_find(&u->index, u->table.upper.index);
	return EXIT_OK;
}

int upper_device_status(struct upper_status *status, const char *name)
{
	uint64_t sectors;
	char *text;
	int r;

	r = device_params(name, DM_DEVICE_STATUS, DEVICE_TARGET, &text,
			  &sectors);
	if (r == EXIT_NO_DEVICE)
		return device_missing(name);
	if (r)
		return r;
	r = upper_status_parse(status, text, name);
	free(text);
	return r;
}

static int find_device(struct device *device, const char *name)
{
	int r = device_find(device, name);

	if (r == EXIT_NO_DEVICE)
		return device_missing(name);
	if (r)
		return r;
	if (device_is_ours(device) && device->live)
		return EXIT_OK;
	complain("%s was not made by overlaybdsetup open", name);
	return EXIT_FAILED;
}

static int check_writable(const struct upper_status *status, const char *name)
{
	if (!strcmp(status->mode, UPPER_MODE_WRITABLE))
		return EXIT_OK;
	complain("%s: its upper cannot be written: it is %s", name,
		 status->mode);
	return EXIT_FAILED;
}

int upper_device_take(struct upper_device *u, struct device *device,
		      struct upper_status *status, const char *name)
{
	int r;

	r = find_device(device, name) ?: upper_device_find(u, name);
	if (r)
		return r;
	if (!u->table.upper.data) {
		complain("%s has no upper, and cannot be changed", name);
		return EXIT_FAILED;
	}
	if (device->suspended) {
		complain("%s is suspended: resume it first, by dmsetup resume",
			 name);
		return EXIT_FAILED;
	}
	return upper_device_status(status, name) ?:
	       check_writable(status, name);
}

/* Another file may have got its name since. */
static int check_file(const struct backing *b, const struct upper_file *file)
{
	if (!b->file ||
	    in_use_by_loop(b->device + strlen(DEV_PREFIX), file->fd))
		return EXIT_OK;
	complain("%s is not the file under %s any more", b->file, b->device);
	return EXIT_FAILED;
}

int upper_device_open(struct upper_device *u)
{
	const char *data = u->data.file ?: u->data.device;
	const char *index = u->index.file ?: u->index.device;

	if (!data || !index) {
		complain("cannot find out what the devices %s and %s are",
			 u->table.upper.data, u->table.upper.index);
		return EXIT_FAILED;
	}
	return upper_files_open(&u->files, data, index, true) ?:
	       check_file(&u->data, &u->files.data) ?:
	       check_file(&u->index, &u->files.index);
}

static int resize(const struct backing *b)
{
	int number, fd, r;

	if (!b->file)
		return EXIT_OK;
	if (sscanf(b->device, DEV_PREFIX "loop%d", &number) != 1)
		return EXIT_OK;
	fd = loop_open(number);
	r = fd < 0 ? fd : loop_resize(fd);
	if (fd >= 0)
		close(fd);
	if (r)
		complain("%s: cannot change its size: %s", b->device,
			 strerror(-r));
	return r ? EXIT_FAILED : EXIT_OK;
}

int upper_device_resize(const struct upper_device *u)
{
	return resize(&u->data) ?: resize(&u->index);
}

void upper_device_release(struct upper_device *u)
{
	upper_files_close(&u->files);
	backing_release(&u->data);
	backing_release(&u->index);
	table_release(&u->table);
	free(u->params);
	*u = (struct upper_device) {};
}
