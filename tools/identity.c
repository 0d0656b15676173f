// SPDX-License-Identifier: GPL-2.0-only
/*
 * What makes two stacks the same: the same files in the same order.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <uuid/uuid.h>

#include "tools/commands.h"
#include "tools/dm.h"
#include "tools/identity.h"

#define HASH_BYTES	8	/* the name in the UUID makes it unique */

#define UPPER_FILES	2

struct record {
	uint64_t dev;
	uint64_t ino;
	uint64_t rdev;
	uint64_t size;
};

/*
 * A device in use keeps its files, and with them their inode numbers: another
 * file cannot have them at that time.
 */
static int take_record(struct record *record, const char *path,
		       unsigned int i, uint64_t size)
{
	struct stat st;
	bool block;

	if (stat(path, &st)) {
		complain("layer %u (%s): %s", i, path, strerror(errno));
		return EXIT_FAILED;
	}
	block = S_ISBLK(st.st_mode);
	*record = (struct record) {
		.dev = st.st_dev,
		.ino = st.st_ino,
		.rdev = block ? st.st_rdev : 0,
		.size = block ? size : st.st_size,
	};
	return EXIT_OK;
}

/* A layer is one record, a gzip file with its index is two. */
static int take_lower(struct record **next, const struct config_lower *lower,
		      unsigned int i)
{
	int r = take_record((*next)++, lower->file, i, lower->size);

	if (r || lower->kind != LAYER_GZIP)
		return r;
	return take_record((*next)++, lower->gzip_index, i, 0);
}

/* Their size changes with every use. */
static int take_upper(struct record *records, const struct config *config)
{
	const struct config_upper *upper = &config->upper;
	int i, r;

	r = take_record(&records[0], upper->data, config->nr_lowers, 0) ?:
	    take_record(&records[1], upper->index, config->nr_lowers, 0);
	for (i = 0; i < UPPER_FILES; i++)
		records[i].size = 0;
	return r;
}

static void format_uuid(char *uuid, size_t size, const struct record *records,
			size_t nr, const char *name)
{
	static const uuid_t namespace;
	char hex[2 * HASH_BYTES + 1];
	uuid_t hash;
	int i;

	uuid_generate_sha1(hash, namespace, (const char *)records,
			   nr * sizeof(*records));
	for (i = 0; i < HASH_BYTES; i++)
		sprintf(hex + 2 * i, "%02x", hash[i]);
	snprintf(uuid, size, DEVICE_UUID_PREFIX "%s-%s", hex, name);
}

int identity_uuid(char *uuid, size_t size, const struct config *config,
		  const char *name, const struct table *table, bool read_only)
{
	struct record *records, *last;
	unsigned int i;
	int r = EXIT_OK;

	records = calloc(2 * config->nr_lowers + UPPER_FILES + 1,
			 sizeof(*records));
	if (!records) {
		complain("no memory for %u layers", config->nr_lowers);
		return EXIT_FAILED;
	}
	last = records;
	for (i = 0; !r && i < config->nr_lowers; i++)
		r = take_lower(&last, &config->lowers[i], i);
	if (!r && config_has_upper(config)) {
		r = take_upper(last, config);
		last += UPPER_FILES;
		last->rdev = read_only;
	}
	last->dev = table->options;
	last->ino = table->low_water;
	if (!r)
		format_uuid(uuid, size, records, last + 1 - records, name);
	free(records);
	return r;
}
