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
static int take_record(struct record *record, const struct config_lower *lower,
		       unsigned int i)
{
	struct stat st;
	bool block;

	if (stat(lower->file, &st)) {
		complain("layer %u (%s): %s", i, lower->file, strerror(errno));
		return EXIT_FAILED;
	}
	block = S_ISBLK(st.st_mode);
	*record = (struct record) {
		.dev = st.st_dev,
		.ino = st.st_ino,
		.rdev = block ? st.st_rdev : 0,
		.size = block ? lower->size : st.st_size,
	};
	return EXIT_OK;
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
		  const char *name, unsigned int options)
{
	struct record *records;
	unsigned int i;
	int r = EXIT_OK;

	records = calloc(config->nr_lowers + 1, sizeof(*records));
	if (!records) {
		complain("no memory for %u layers", config->nr_lowers);
		return EXIT_FAILED;
	}
	for (i = 0; !r && i < config->nr_lowers; i++)
		r = take_record(&records[i], &config->lowers[i], i);
	records[config->nr_lowers].dev = options;
	if (!r)
		format_uuid(uuid, size, records, config->nr_lowers + 1, name);
	free(records);
	return r;
}
