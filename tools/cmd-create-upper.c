// SPDX-License-Identifier: GPL-2.0-only
/*
 * overlaybdsetup create-upper: an empty writable layer.
 */
#include <getopt.h>
#include <uuid/uuid.h>

#include "tools/commands.h"
#include "tools/fresh.h"
#include "tools/options.h"
#include "tools/report.h"
#include "tools/signals.h"

struct create {
	struct fresh fresh;
	uint64_t size;
	bool sized;
	bool json;
	bool help;
};

static void warn_of_size(const struct create *c)
{
	const struct fresh_side *data = &c->fresh.data;
	u64 most = c->size + LSMT_HEADER_SPACE;

	if (data->size && data->size < most)
		complain("warning: %s: has %llu bytes, of %llu that the layer may come to need: writes will fail when it is full",
			 data->path, (unsigned long long)data->size,
			 (unsigned long long)most);
}

static void print_result(const struct create *c)
{
	const struct fresh *f = &c->fresh;
	struct json_object *o;

	if (!c->json) {
		printf("uuid %s\n", f->info.uuid);
		return;
	}
	o = json_object_new_object();
	json_object_object_add(o, "data", json_text(f->data.path));
	json_object_object_add(o, "index", json_text(f->index.path));
	json_object_object_add(o, "uuid", json_object_new_string(f->info.uuid));
	json_object_object_add(o, "parent",
			       *f->info.parent_uuid ?
			       json_object_new_string(f->info.parent_uuid) :
			       NULL);
	json_object_object_add(o, "virtual_size",
			       json_object_new_uint64(f->info.virtual_size));
	print_json(o);
	json_object_put(o);
}

/* It takes no time: signals wait, so that both are there or none. */
static int create_upper(struct create *c)
{
	sigset_t before;
	int r;

	c->fresh.info.virtual_size = c->size;
	signals_hold(&before);
	r = fresh_create(&c->fresh);
	if (!r)
		fresh_keep(&c->fresh);
	signals_release(&before);
	if (r)
		return r;
	warn_of_size(c);
	print_result(c);
	return EXIT_OK;
}

static int set_size(struct create *c, const char *value)
{
	const uint64_t most = LSMT_OFFSET_MASK << OBD_SECTOR_SHIFT;

	c->sized = true;
	if (parse_size(value, &c->size) && c->size <= most &&
	    !(c->size % OBD_SECTOR_SIZE))
		return EXIT_OK;
	return usage_error(&cmd_create_upper,
			   "--size is '%s', expected a multiple of %u bytes up to %llu",
			   value, OBD_SECTOR_SIZE, (unsigned long long)most);
}

static int set_uuid(const char *name, const char *value, char *uuid)
{
	uuid_t parsed;

	if (uuid_parse(value, parsed))
		return usage_error(&cmd_create_upper,
				   "%s is '%s', expected a UUID", name, value);
	memcpy(uuid, value, LSMT_UUID_SIZE);
	return EXIT_OK;
}

static int set_user_tag(struct create *c, const char *value)
{
	c->fresh.info.user_tag = value;
	if (strlen(value) < LSMT_USER_TAG_SIZE)
		return EXIT_OK;
	return usage_error(&cmd_create_upper,
			   "--user-tag has %zu bytes, expected at most %u",
			   strlen(value), LSMT_USER_TAG_SIZE - 1);
}

static int set_option(struct create *c, int opt, char **argv)
{
	switch (opt) {
	case 'f':
		c->fresh.force = true;
		return EXIT_OK;
	case 'h':
		c->help = true;
		return EXIT_OK;
	case 'j':
		c->json = true;
		return EXIT_OK;
	case 'p':
		return set_uuid("--parent", optarg, c->fresh.info.parent_uuid);
	case 's':
		return set_size(c, optarg);
	case 't':
		return set_user_tag(c, optarg);
	case 'u':
		return set_uuid("--uuid", optarg, c->fresh.info.uuid);
	default:
		return option_error(&cmd_create_upper, opt, argv);
	}
}

static int parse_options(int argc, char **argv, struct create *c)
{
	static const struct option longopts[] = {
		{ "force", no_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "parent", required_argument, NULL, 'p' },
		{ "size", required_argument, NULL, 's' },
		{ "user-tag", required_argument, NULL, 't' },
		{ "uuid", required_argument, NULL, 'u' },
		{ }
	};
	int opt, r = EXIT_OK;

	opterr = 0;
	while (!r && !c->help &&
	       (opt = getopt_long(argc, argv, ":h", longopts, NULL)) != -1)
		r = set_option(c, opt, argv);
	if (r || c->help)
		return r;
	if (argc - optind != 2)
		return usage_error(&cmd_create_upper,
				   "expected a data and an index file");
	if (!c->sized)
		return usage_error(&cmd_create_upper, "--size is missing");
	c->fresh.data.path = argv[optind];
	c->fresh.index.path = argv[optind + 1];
	return EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct create c = { };
	int r;

	fresh_init(&c.fresh, NULL, NULL);
	r = parse_options(argc, argv, &c);
	if (r)
		return r;
	if (c.help)
		return print_help(&cmd_create_upper);
	return create_upper(&c);
}

const struct command cmd_create_upper = {
	.name = "create-upper",
	.args = "--size SIZE [OPTION...] DATA INDEX",
	.summary = "Make an empty writable layer of two files or block devices",
	.help =
"What comes of it is on the disk; if it fails, no file is left, and what was to be\n"
"replaced is as it was. The files take space as the layer is written. SIZE may end\n"
"in K, M, G or T, powers of 1024.\n"
"\n"
"Options:\n"
"      --size SIZE      size of the disk; 0: that of the layers below\n"
"      --uuid UUID      of the layer; chosen at random otherwise\n"
"      --parent UUID    of the layer below\n"
"      --user-tag TEXT  up to 255 bytes\n"
"      --force          replace files, overwrite devices that hold something\n"
"      --json           tell the result in JSON\n"
"  -h, --help           print this\n",
	.run = run,
};
