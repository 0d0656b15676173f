// SPDX-License-Identifier: GPL-2.0-only
/*
 * overlaybdsetup create: make a layer from a raw image or a directory.
 */
#include "tools/layer-options.h"
#include "tools/layer-write.h"
#include "tools/mkfs.h"

struct create {
	/* as typed */
	const char *raw_path;
	const char *base_path;
	const char *dir;
	const char *out_path;
	uint64_t dir_size;
	uint64_t virtual_size;
	struct layer_options layer;
	/* at work */
	struct raw raw;
	struct raw base;
	struct changes changes;
	struct lsmt_image image;
	struct output out;
	struct progress progress;
	struct layer_result result;
};

static int find_changes(struct create *c, struct obd_error *err)
{
	u64 size = c->layer.info.virtual_size;
	int r;

	progress_begin(&c->progress, "compare", size);
	r = changes_find(&c->changes, &c->raw, c->base_path ? &c->base : NULL,
			 size >> OBD_SECTOR_SHIFT, c->layer.nr_threads,
			 &c->progress, err);
	progress_end(&c->progress);
	return r;
}

static int refuse_inputs(const struct create *c, struct obd_error *err)
{
	if (c->dir)
		return output_refuse_folder(c->out_path, c->dir, err);
	return output_refuse_input(c->out_path, c->raw_path, err) ?:
	       output_refuse_input(c->out_path, c->base_path, err);
}

static int open_inputs(struct create *c, struct obd_error *err)
{
	int r;

	if (c->dir)
		r = mkfs_from_dir(&c->raw, c->dir, c->dir_size, c->out.target,
				  err);
	else
		r = raw_open(&c->raw, c->raw_path, err);
	if (!r && c->base_path)
		r = raw_open(&c->base, c->base_path, err);
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
	c->layer.info.virtual_size = size;
	return 0;
}

static int create_run(struct create *c, struct obd_error *err)
{
	return refuse_inputs(c, err) ?:
	       output_open(&c->out, c->out_path, err) ?: open_inputs(c, err) ?:
	       choose_virtual_size(c, err) ?: find_changes(c, err) ?:
	       lsmt_image_init(&c->image, raw_source(&c->raw), &c->changes,
			       &c->layer.info, err) ?:
	       layer_write(&c->out, &c->image, &c->layer, &c->result, err) ?:
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

static int create(struct create *c)
{
	struct obd_error err;
	int r = create_run(c, &err);

	if (r)
		complain("%s", err.text);
	else
		layer_report(c->out_path, &c->image, &c->layer, &c->result);
	create_release(c);
	if (r == -EBUSY)
		return EXIT_BUSY;
	return r ? EXIT_FAILED : EXIT_OK;
}

enum {
	OPT_RAW = OPT_LAYER_END, OPT_BASE, OPT_DIR, OPT_SIZE, OPT_VIRTUAL_SIZE,
};

static const struct option options[] = {
	{ "raw", required_argument, NULL, OPT_RAW },
	{ "base", required_argument, NULL, OPT_BASE },
	{ "dir", required_argument, NULL, OPT_DIR },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "virtual-size", required_argument, NULL, OPT_VIRTUAL_SIZE },
	LAYER_OPTIONS,
	{ "help", no_argument, NULL, 'h' },
	{}
};

static int set_option(struct create *c, int opt, char **argv)
{
	int r = layer_options_set(&c->layer, &cmd_create, opt, optarg);

	if (r >= 0)
		return r;
	switch (opt) {
	case OPT_RAW:
		c->raw_path = optarg;
		return EXIT_OK;
	case OPT_BASE:
		c->base_path = optarg;
		return EXIT_OK;
	case OPT_DIR:
		c->dir = optarg;
		return EXIT_OK;
	case OPT_SIZE:
		return option_size(&cmd_create, "--size", optarg,
				   &c->dir_size);
	case OPT_VIRTUAL_SIZE:
		return option_size(&cmd_create, "--virtual-size", optarg,
				   &c->virtual_size);
	default:
		return option_error(&cmd_create, opt, argv);
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
	return EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct create c = {
		.raw.dev.fd = -1,
		.base.dev.fd = -1,
		.out.fd = -1,
	};
	int opt, r = EXIT_OK;

	layer_options_init(&c.layer);
	opterr = 0;
	while (!r && (opt = getopt_long(argc, argv, ":h", options,
					NULL)) != -1) {
		if (opt == 'h')
			return print_help(&cmd_create);
		r = set_option(&c, opt, argv);
	}
	r = r ?: check_source(&c) ?: layer_options_check(&c.layer, &cmd_create);
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
LAYER_OPTIONS_HELP,
	.run = run,
};
