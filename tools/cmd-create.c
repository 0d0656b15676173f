// SPDX-License-Identifier: GPL-2.0-only
/*
 * overlaybdsetup create: make a layer from a raw image or a directory.
 */
#include <getopt.h>
#include <uuid/uuid.h>

#include "tools/commands.h"
#include "tools/mkfs.h"
#include "tools/options.h"
#include "tools/report.h"
#include "tools/workers.h"
#include "tools/writer-lsmt.h"
#include "tools/writer-plain.h"
#include "tools/writer-tar.h"
#include "tools/writer-zfile.h"

#define DEFAULT_BLOCK_SIZE	4096U

/* What other implementations are known to read. */
#define COMMON_BLOCK_MIN	4096U
#define COMMON_BLOCK_MAX	65536U

struct create {
	/* as typed */
	const char *raw_path;
	const char *base_path;
	const char *dir;
	const char *out_path;
	uint64_t dir_size;
	uint64_t virtual_size;
	uint64_t nr_threads;
	struct zfile_options zfile;	/* no compressor: a plain layer */
	struct lsmt_info info;
	bool tar;
	bool json;
	/* at work */
	struct raw raw;
	struct raw base;
	struct changes changes;
	struct lsmt_image image;
	struct output out;
	struct progress progress;
	struct zfile_result result;
	uint64_t total;
};

static int find_changes(struct create *c, struct obd_error *err)
{
	int r;

	progress_begin(&c->progress, "compare", c->info.virtual_size);
	r = changes_find(&c->changes, &c->raw, c->base_path ? &c->base : NULL,
			 c->info.virtual_size >> OBD_SECTOR_SHIFT,
			 c->nr_threads, &c->progress, err);
	progress_end(&c->progress);
	return r;
}

static int write_blob(struct create *c, u64 start, struct obd_error *err)
{
	struct source source = lsmt_image_source(&c->image);
	int r;

	progress_begin(&c->progress, "write", source.size);
	if (c->zfile.compressor) {
		r = zfile_write(&c->out, start, &source, &c->zfile,
				c->nr_threads, &c->progress, &c->result, err);
	} else {
		r = plain_write(&c->out, start, &source, c->nr_threads,
				&c->progress, err);
		c->result.size = source.size;
	}
	progress_end(&c->progress);
	c->total = c->result.size;
	return r;
}

static int write_layer(struct create *c, struct obd_error *err)
{
	u64 bound = c->zfile.compressor ?
		    zfile_bound(&c->zfile, c->image.size) : c->image.size;
	u32 prefix = c->tar ? tar_prefix(bound) : 0;
	int r;

	r = write_blob(c, prefix, err);
	if (!r && c->tar)
		r = tar_write(&c->out, prefix, c->result.size, &c->total, err);
	return r;
}

static int open_inputs(struct create *c, struct obd_error *err)
{
	int r;

	if (c->dir)
		r = mkfs_from_dir(&c->raw, c->dir, c->dir_size, c->out_path,
				  err);
	else
		r = output_refuse_input(&c->out, c->raw_path, err) ?:
		    raw_open(&c->raw, c->raw_path, err);
	if (!r && c->base_path)
		r = output_refuse_input(&c->out, c->base_path, err) ?:
		    raw_open(&c->base, c->base_path, err);
	return r;
}

static int choose_virtual_size(struct create *c, struct obd_error *err)
{
	u64 size = c->virtual_size ? c->virtual_size :
		   round_up(c->raw.dev.size, OBD_SECTOR_SIZE);

	if (!size)
		return obd_fail(err, -EINVAL, "%s: is empty: give a --virtual-size",
				c->raw.path);
	if (size < c->raw.dev.size)
		return obd_fail(err, -EINVAL,
				"--virtual-size is %llu, but %s has %llu bytes: expected no less",
				(unsigned long long)size, c->raw.path,
				(unsigned long long)c->raw.dev.size);
	c->info.virtual_size = size;
	return 0;
}

static int create_run(struct create *c, struct obd_error *err)
{
	return output_open(&c->out, c->out_path, err) ?: open_inputs(c, err) ?:
	       choose_virtual_size(c, err) ?: find_changes(c, err) ?:
	       lsmt_image_init(&c->image, raw_source(&c->raw), &c->changes,
			       &c->info, err) ?:
	       write_layer(c, err) ?: output_sync(&c->out, err) ?:
	       output_commit(&c->out, err);
}

static void create_release(struct create *c)
{
	output_discard(&c->out);
	lsmt_image_release(&c->image);
	changes_release(&c->changes);
	raw_close(&c->raw);
	raw_close(&c->base);
}

static const char *algorithm_name(const struct create *c)
{
	return c->zfile.compressor ? c->zfile.compressor->name : "none";
}

static void print_json_result(const struct create *c)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "file", json_object_new_string(c->out_path));
	json_object_object_add(o, "uuid", json_object_new_string(c->info.uuid));
	json_object_object_add(o, "virtual_size",
			       json_object_new_uint64(c->info.virtual_size));
	json_object_object_add(o, "entries",
			       json_object_new_uint64(c->image.nr_used));
	json_object_object_add(o, "layer_bytes",
			       json_object_new_uint64(c->image.size));
	json_object_object_add(o, "algorithm",
			       json_object_new_string(algorithm_name(c)));
	json_object_object_add(o, "blob_bytes",
			       json_object_new_uint64(c->result.size));
	json_object_object_add(o, "file_bytes",
			       json_object_new_uint64(c->total));
	json_object_object_add(o, "ratio",
			       json_object_new_double((double)c->result.size /
						      c->image.size));
	print_json(o);
	json_object_put(o);
}

static void print_result(const struct create *c)
{
	if (c->json) {
		print_json_result(c);
		return;
	}
	printf("%s: %llu bytes, %.1f %% of a layer of %llu bytes with %u entries\n"
	       "uuid %s\n", c->out_path, (unsigned long long)c->total,
	       100.0 * c->result.size / c->image.size,
	       (unsigned long long)c->image.size, c->image.nr_used,
	       c->info.uuid);
}

/* Nothing is wrong with such layers but that others may not read them. */
static void warn(const struct create *c)
{
	u32 block_size = c->zfile.block_size;

	if (!c->zfile.compressor)
		return;
	if (block_size < COMMON_BLOCK_MIN || block_size > COMMON_BLOCK_MAX)
		complain("warning: the block size is %u: other implementations read %u to %u",
			 block_size, COMMON_BLOCK_MIN, COMMON_BLOCK_MAX);
	else if (c->result.largest > COMMON_BLOCK_MAX)
		complain("warning: a block that does not compress takes %u bytes: other implementations read at most %u; a smaller --block-size avoids it",
			 c->result.largest, COMMON_BLOCK_MAX);
}

static int create(struct create *c)
{
	struct obd_error err;
	int r = create_run(c, &err);

	if (r)
		complain("%s", err.text);
	else
		warn(c);
	if (!r)
		print_result(c);
	create_release(c);
	return r ? EXIT_FAILED : EXIT_OK;
}

enum {
	OPT_RAW = 256, OPT_BASE, OPT_DIR, OPT_SIZE, OPT_COMPRESS,
	OPT_BLOCK_SIZE, OPT_LEVEL, OPT_TAR, OPT_UUID, OPT_PARENT, OPT_USER_TAG,
	OPT_NO_CRC, OPT_VIRTUAL_SIZE, OPT_THREADS, OPT_JSON,
};

static const struct option options[] = {
	{ "raw", required_argument, NULL, OPT_RAW },
	{ "base", required_argument, NULL, OPT_BASE },
	{ "dir", required_argument, NULL, OPT_DIR },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "compress", required_argument, NULL, OPT_COMPRESS },
	{ "block-size", required_argument, NULL, OPT_BLOCK_SIZE },
	{ "level", required_argument, NULL, OPT_LEVEL },
	{ "tar", no_argument, NULL, OPT_TAR },
	{ "uuid", required_argument, NULL, OPT_UUID },
	{ "parent", required_argument, NULL, OPT_PARENT },
	{ "user-tag", required_argument, NULL, OPT_USER_TAG },
	{ "no-crc", no_argument, NULL, OPT_NO_CRC },
	{ "virtual-size", required_argument, NULL, OPT_VIRTUAL_SIZE },
	{ "threads", required_argument, NULL, OPT_THREADS },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, 'h' },
	{}
};

static int set_size(const char *name, const char *value, uint64_t *size)
{
	const uint64_t most = LSMT_OFFSET_MASK << OBD_SECTOR_SHIFT;

	if (parse_size(value, size) && *size && *size <= most &&
	    !(*size % OBD_SECTOR_SIZE))
		return EXIT_OK;
	return usage_error(&cmd_create,
			   "%s is '%s', expected a multiple of %u bytes up to %llu",
			   name, value, OBD_SECTOR_SIZE,
			   (unsigned long long)most);
}

static int set_uuid(const char *name, const char *value, char *uuid)
{
	uuid_t parsed;

	if (uuid_parse(value, parsed))
		return usage_error(&cmd_create, "%s is '%s', expected a UUID",
				   name, value);
	memcpy(uuid, value, LSMT_UUID_SIZE);
	return EXIT_OK;
}

static int set_compressor(struct create *c, const char *value)
{
	c->zfile.compressor = compressor_find(value);
	if (c->zfile.compressor)
		return EXIT_OK;
	return usage_error(&cmd_create,
			   "--compress is '%s', expected lz4 or zstd", value);
}

static int set_block_size(struct create *c, const char *value)
{
	uint64_t size;

	if (!parse_size(value, &size) || size < ZFILE_BLOCK_SIZE_MIN ||
	    size > ZFILE_BLOCK_SIZE_MAX || !is_power_of_2(size))
		return usage_error(&cmd_create,
				   "--block-size is '%s', expected a power of two from %u to %u",
				   value, ZFILE_BLOCK_SIZE_MIN,
				   ZFILE_BLOCK_SIZE_MAX);
	c->zfile.block_size = size;
	return EXIT_OK;
}

static int set_number(const char *name, const char *value, uint64_t most,
		      uint64_t *number)
{
	if (parse_u64(value, 1, most, number))
		return EXIT_OK;
	return usage_error(&cmd_create, "%s is '%s', expected 1 to %llu", name,
			   value, (unsigned long long)most);
}

static int set_level(struct create *c, const char *value)
{
	uint64_t level;
	int r = set_number("--level", value, UINT8_MAX, &level);

	if (!r)
		c->zfile.level = level;
	return r;
}

/* Options that take a word or nothing, and need no check. */
static bool set_simple(struct create *c, int opt)
{
	switch (opt) {
	case OPT_RAW:
		c->raw_path = optarg;
		return true;
	case OPT_BASE:
		c->base_path = optarg;
		return true;
	case OPT_DIR:
		c->dir = optarg;
		return true;
	case OPT_USER_TAG:
		c->info.user_tag = optarg;
		return true;
	case OPT_TAR:
		c->tar = true;
		return true;
	case OPT_NO_CRC:
		c->zfile.verify = false;
		return true;
	case OPT_JSON:
		c->json = true;
		return true;
	default:
		return false;
	}
}

static int set_option(struct create *c, int opt, char **argv)
{
	if (set_simple(c, opt))
		return EXIT_OK;
	switch (opt) {
	case OPT_SIZE:
		return set_size("--size", optarg, &c->dir_size);
	case OPT_VIRTUAL_SIZE:
		return set_size("--virtual-size", optarg, &c->virtual_size);
	case OPT_COMPRESS:
		return set_compressor(c, optarg);
	case OPT_BLOCK_SIZE:
		return set_block_size(c, optarg);
	case OPT_LEVEL:
		return set_level(c, optarg);
	case OPT_UUID:
		return set_uuid("--uuid", optarg, c->info.uuid);
	case OPT_PARENT:
		return set_uuid("--parent", optarg, c->info.parent_uuid);
	case OPT_THREADS:
		return set_number("--threads", optarg, THREADS_MAX,
				  &c->nr_threads);
	default:
		return usage_error(&cmd_create, "wrong option '%s'",
				   argv[optind - 1]);
	}
}

static int check_source(const struct create *c)
{
	if (!c->raw_path == !c->dir)
		return usage_error(&cmd_create,
				   "expected one of --raw and --dir");
	if (!c->dir != !c->dir_size)
		return usage_error(&cmd_create,
				   "--dir and --size go together");
	if (c->dir && c->base_path)
		return usage_error(&cmd_create,
				   "--base goes with --raw, not with --dir");
	if (c->info.user_tag &&
	    strlen(c->info.user_tag) >= LSMT_USER_TAG_SIZE)
		return usage_error(&cmd_create,
				   "--user-tag has %zu bytes, expected at most %u",
				   strlen(c->info.user_tag),
				   LSMT_USER_TAG_SIZE - 1);
	return EXIT_OK;
}

static int check_compression(struct create *c)
{
	const struct compressor *compressor = c->zfile.compressor;

	if (!compressor) {
		if (c->zfile.block_size || c->zfile.level || !c->zfile.verify)
			return usage_error(&cmd_create,
					   "--block-size, --level and --no-crc go with --compress");
		return EXIT_OK;
	}
	if (!c->zfile.block_size)
		c->zfile.block_size = DEFAULT_BLOCK_SIZE;
	if (!c->zfile.level)
		c->zfile.level = compressor->default_level;
	if (c->zfile.level > compressor->max_level)
		return usage_error(&cmd_create,
				   "--level is %u, expected 1 to %u for %s",
				   c->zfile.level, compressor->max_level,
				   compressor->name);
	return EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct create c = {
		.nr_threads = work_default_threads(),
		.zfile.verify = true,
		.raw.dev.fd = -1,
		.base.dev.fd = -1,
		.out.fd = -1,
	};
	int opt, r = EXIT_OK;

	opterr = 0;
	while (!r && (opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == 'h')
			return print_help(&cmd_create);
		r = set_option(&c, opt, argv);
	}
	r = r ?: check_source(&c) ?: check_compression(&c);
	if (r)
		return r;
	if (argc - optind != 1)
		return usage_error(&cmd_create, "expected one file to write");
	c.out_path = argv[optind];
	return create(&c);
}

const struct command cmd_create = {
	.name = "create",
	.args = "(--raw FILE [--base FILE] | --dir DIR --size SIZE) [OPTION...] OUT",
	.summary = "Make a layer from a raw image, a difference of two, or a directory",
	.help =
"The same input makes the same layer, byte for byte, whatever the number of\n"
"threads. OUT appears under its name when it is complete and on the disk.\n"
"Sizes may end in K, M, G or T, powers of 1024.\n"
"\n"
"What the layer holds:\n"
"      --raw FILE           this disk image; pages of zeros are left out\n"
"      --base FILE          only the sectors in which it differs from this one,\n"
"                           which is what the layers below make up\n"
"      --dir DIR            an ext4 file system with the files of DIR, made by\n"
"                           mke2fs; without a journal. SOURCE_DATE_EPOCH sets the\n"
"                           time of its making\n"
"      --size SIZE          size of that file system\n"
"      --virtual-size SIZE  size of the disk, if larger than the image\n"
"      --uuid UUID          of the layer; derived from its content otherwise\n"
"      --parent UUID        of the layer below\n"
"      --user-tag TEXT      up to 255 bytes\n"
"\n"
"How it is written:\n"
"      --compress ALGO      lz4 or zstd; not compressed otherwise\n"
"      --block-size SIZE    512 to 1M, a power of two; 4096 otherwise\n"
"      --level N            1 to 12 for lz4 (1 otherwise), 1 to 22 for zstd (3)\n"
"      --no-crc             no checksum behind every block\n"
"      --tar                inside a tar archive, as registries have it\n"
"      --threads N          use N threads, not all CPUs\n"
"      --json               tell the result in JSON\n"
"  -h, --help               print this\n",
	.run = run,
};
