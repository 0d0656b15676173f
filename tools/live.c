// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compare the devices of a table with the files of a configuration.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tools/backing.h"
#include "tools/commands.h"
#include "tools/in-use.h"
#include "tools/live.h"

#define DEV_TEXT_SIZE	32

static bool is_device(const char *dev, dev_t rdev)
{
	char text[DEV_TEXT_SIZE];

	snprintf(text, sizeof(text), "%u:%u", major(rdev), minor(rdev));
	return !strcmp(dev, text);
}

/* Does the only sector of a device hold what is in the file? */
static bool is_copy(const char *device, int fd)
{
	char copy[OBD_SECTOR_SIZE], file[OBD_SECTOR_SIZE] = {};
	bool same = pread(fd, file, sizeof(file), 0) > 0;
	int copied = open(device, O_RDONLY | O_CLOEXEC);

	if (copied < 0)
		return false;
	same = same && pread(copied, copy, sizeof(copy), 0) == sizeof(copy) &&
	       !memcmp(copy, file, sizeof(copy));
	close(copied);
	return same;
}

static bool is_file(const char *dev, int fd)
{
	struct backing b;
	bool same;

	backing_find(&b, dev);
	if (b.loop)
		same = in_use_by_loop(b.loop, fd);
	else
		same = b.file && b.device && is_copy(b.device, fd);
	backing_release(&b);
	return same;
}

/* @st is filled in if it can be. */
static bool is_over(const char *dev, const char *path, struct stat *st)
{
	int fd;
	bool same;

	if (stat(path, st))
		return false;
	if (S_ISBLK(st->st_mode))
		return is_device(dev, st->st_rdev);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	same = is_file(dev, fd);
	close(fd);
	return same;
}

static bool same_file(const char *dev, uint64_t bytes, const char *path,
		      uint64_t size)
{
	struct stat st;

	if (!is_over(dev, path, &st))
		return false;
	if (S_ISBLK(st.st_mode))
		return !size || size == bytes;
	return (uint64_t)st.st_size == bytes;
}

static bool same_lower(const struct table_layer *layer,
		       const struct config_lower *lower)
{
	return layer->kind == lower->kind &&
	       same_file(layer->dev, layer->bytes, lower->file, lower->size) &&
	       (layer->kind != LAYER_GZIP ||
		same_file(layer->index, layer->index_bytes, lower->gzip_index,
			  0));
}

static bool same_upper(const struct table_upper *upper,
		       const struct config *config)
{
	struct stat st;

	if (!upper->data || !config_has_upper(config))
		return !upper->data && !config_has_upper(config);
	return is_over(upper->data, config->upper.data, &st) &&
	       is_over(upper->index, config->upper.index, &st);
}

static bool same_layers(const struct table *table, const struct config *config)
{
	unsigned int i;

	for (i = 0; i < table->nr; i++)
		if (!same_lower(&table->layers[i], &config->lowers[i]))
			return false;
	return same_upper(&table->upper, config);
}

static bool same_options(const struct table *a, const struct table *b)
{
	return a->options == b->options && a->low_water == b->low_water;
}

int live_matches(const struct device *device, const char *uuid,
		 const struct config *config, const struct table *wanted,
		 bool read_only, bool *matches)
{
	bool same_uuid = !strcmp(device->uuid, uuid);
	struct table table = {};
	uint64_t sectors;
	char *params;
	int r;

	r = device_params(device->name, DM_DEVICE_TABLE, DEVICE_TARGET,
			  &params, &sectors);
	if (r)
		return r;
	r = table_parse(&table, params);
	free(params);
	*matches = !r && table.nr == config->nr_lowers &&
		   (same_uuid || (device->read_only == read_only &&
				  same_options(&table, wanted) &&
				  same_layers(&table, config)));
	table_release(&table);
	return r;
}
