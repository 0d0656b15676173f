// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parse the options of commands that write a layer.
 */
#include <uuid/uuid.h>

#include "tools/layer-options.h"
#include "tools/options.h"
#include "tools/workers.h"

#define DEFAULT_BLOCK_SIZE	4096U

void layer_options_init(struct layer_options *o)
{
	*o = (struct layer_options) {
		.nr_threads = work_default_threads(),
		.zfile.verify = true,
	};
}

int option_size(const struct command *cmd, const char *name,
		const char *value, uint64_t *size)
{
	const uint64_t most = LSMT_OFFSET_MASK << OBD_SECTOR_SHIFT;

	if (parse_size(value, size) && *size && *size <= most &&
	    !(*size % OBD_SECTOR_SIZE))
		return EXIT_OK;
	return usage_error(cmd,
			   "%s is '%s', expected a multiple of %u bytes, up to %llu and not 0",
			   name, value, OBD_SECTOR_SIZE,
			   (unsigned long long)most);
}

static int set_uuid(const struct command *cmd, const char *name,
		    const char *value, char *uuid)
{
	uuid_t parsed;

	if (uuid_parse(value, parsed))
		return usage_error(cmd, "%s is '%s', expected a UUID", name,
				   value);
	memcpy(uuid, value, LSMT_UUID_SIZE);
	return EXIT_OK;
}

static int set_compressor(struct layer_options *o, const struct command *cmd,
			  const char *value)
{
	o->zfile.compressor = compressor_find(value);
	if (o->zfile.compressor)
		return EXIT_OK;
	return usage_error(cmd, "--compress is '%s', expected lz4 or zstd",
			   value);
}

static int set_block_size(struct layer_options *o, const struct command *cmd,
			  const char *value)
{
	uint64_t size;

	if (!parse_size(value, &size) || size < ZFILE_BLOCK_SIZE_MIN ||
	    size > ZFILE_BLOCK_SIZE_MAX || !is_power_of_2(size))
		return usage_error(cmd,
				   "--block-size is '%s', expected a power of two from %u to %u",
				   value, ZFILE_BLOCK_SIZE_MIN,
				   ZFILE_BLOCK_SIZE_MAX);
	o->zfile.block_size = size;
	return EXIT_OK;
}

int option_number(const struct command *cmd, const char *name,
		  const char *value, uint64_t most, uint64_t *number)
{
	if (parse_u64(value, 1, most, number))
		return EXIT_OK;
	return usage_error(cmd, "%s is '%s', expected 1 to %llu", name, value,
			   (unsigned long long)most);
}

static int set_level(struct layer_options *o, const struct command *cmd,
		     const char *value)
{
	uint64_t level;
	int r = option_number(cmd, "--level", value, COMPRESSOR_LEVEL_MAX,
			      &level);

	if (!r)
		o->zfile.level = level;
	return r;
}

static int set_user_tag(struct layer_options *o, const struct command *cmd,
			const char *value)
{
	o->info.user_tag = value;
	if (strlen(value) < LSMT_USER_TAG_SIZE)
		return EXIT_OK;
	return usage_error(cmd,
			   "--user-tag has %zu bytes, expected at most %u",
			   strlen(value), LSMT_USER_TAG_SIZE - 1);
}

/* Options without an argument. */
static bool set_flag(struct layer_options *o, int opt)
{
	switch (opt) {
	case OPT_LAYER_TAR:
		return o->tar = true;
	case OPT_LAYER_NO_CRC:
		o->zfile.verify = false;
		return true;
	case OPT_LAYER_JSON:
		return o->json = true;
	default:
		return false;
	}
}

int layer_options_set(struct layer_options *o, const struct command *cmd,
		      int opt, const char *value)
{
	if (set_flag(o, opt))
		return EXIT_OK;
	switch (opt) {
	case OPT_LAYER_COMPRESS:
		return set_compressor(o, cmd, value);
	case OPT_LAYER_BLOCK_SIZE:
		return set_block_size(o, cmd, value);
	case OPT_LAYER_LEVEL:
		return set_level(o, cmd, value);
	case OPT_LAYER_UUID:
		return set_uuid(cmd, "--uuid", value, o->info.uuid);
	case OPT_LAYER_PARENT:
		return set_uuid(cmd, "--parent", value, o->info.parent_uuid);
	case OPT_LAYER_USER_TAG:
		return set_user_tag(o, cmd, value);
	case OPT_LAYER_THREADS:
		return option_number(cmd, "--threads", value, THREADS_MAX,
				     &o->nr_threads);
	default:
		return -1;
	}
}

int layer_options_check(struct layer_options *o, const struct command *cmd)
{
	const struct compressor *compressor = o->zfile.compressor;

	if (!compressor) {
		if (o->zfile.block_size || o->zfile.level || !o->zfile.verify)
			return usage_error(cmd,
					   "--block-size, --level and --no-crc go with --compress");
		return EXIT_OK;
	}
	if (!o->zfile.block_size)
		o->zfile.block_size = DEFAULT_BLOCK_SIZE;
	if (!o->zfile.level)
		o->zfile.level = compressor->default_level;
	if (o->zfile.level > compressor->max_level)
		return usage_error(cmd, "--level is %u, expected 1 to %u for %s",
				   o->zfile.level, compressor->max_level,
				   compressor->name);
	return EXIT_OK;
}
