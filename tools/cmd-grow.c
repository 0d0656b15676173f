// SPDX-License-Identifier: GPL-2.0-only
/*
 * overlaybdsetup grow: more room for the writes of a device, or a larger disk,
 * while it is in use.
 */
#include <getopt.h>
#include <unistd.h>

#include "tools/commands.h"
#include "tools/layer-options.h"
#include "tools/options.h"
#include "tools/report.h"
#include "tools/resident.h"
#include "tools/signals.h"
#include "tools/upper-device.h"

struct options {
	bool json;
	bool help;
	uint64_t size;		/* bytes; 0: as it is */
	uint64_t capacity;	/* bytes; 0: what the size takes */
};

/**
 * struct growing - a device being changed
 * @name: its name
 * @opts: what the user wants
 * @device: the device
 * @upper: its upper
 * @sectors: size to be
 * @status: what the upper says of itself
 */
struct growing {
	const char *name;
	const struct options *opts;
	struct device device;
	struct upper_device upper;
	u64 sectors;
	struct upper_status status;
};

static int check(struct growing *g)
{
	u64 now = g->upper.sectors << OBD_SECTOR_SHIFT;

	if (g->opts->size && g->opts->size < now) {
		complain("%s: has %llu bytes, and cannot shrink", g->name,
			 (unsigned long long)now);
		return EXIT_FAILED;
	}
	g->sectors = g->opts->size ? g->opts->size >> OBD_SECTOR_SHIFT :
				     g->upper.sectors;
	return EXIT_OK;
}

/* A device below has been made larger by others, or has not. */
static int check_capacity(const struct growing *g)
{
	const struct upper_file *data = &g->upper.files.data;

	if (!data->rdev || g->opts->capacity <= data->size)
		return EXIT_OK;
	complain("%s is a block device of %llu bytes: make it larger first",
		 data->path, (unsigned long long)data->size);
	return EXIT_FAILED;
}

static int extend(struct growing *g)
{
	u64 log_end = g->status.counts[UPPER_LOG_ENTRIES] *
		      sizeof(struct lsmt_entry) + LSMT_HEADER_SPACE;
	u64 bytes = g->sectors << OBD_SECTOR_SHIFT;
	u64 data = g->opts->capacity ? g->opts->capacity :
				       upper_data_capacity(bytes);

	return upper_device_open(&g->upper) ?: check_capacity(g) ?:
	       upper_files_extend(&g->upper.files, data,
				  upper_index_capacity(bytes, log_end)) ?:
	       upper_device_resize(&g->upper);
}

static int load(struct growing *g, u64 sectors)
{
	const struct device_line line = {
		.length = sectors,
		.target = DEVICE_TARGET,
		.params = g->upper.params,
	};

	if (g->sectors == g->upper.sectors)
		return EXIT_OK;
	return device_load(&g->device, &line, 1, false);
}

/* Nobody must wait for ever: back to what there was. */
static void take_back(struct growing *g)
{
	if (!load(g, g->upper.sectors))
		device_resume(g->name);
}

/* Resuming is what has the kernel ask for the sizes of the devices below. */
static int suspend_and_resume(struct growing *g)
{
	int r = device_suspend(g->name);

	if (r) {
		device_clear(g->name);
		return r;
	}
	r = device_resume(g->name);
	if (r)
		take_back(g);
	return r;
}

static int take_over(struct growing *g)
{
	int r = load(g, g->sectors);

	if (r)
		return r;
	resident_begin();
	r = suspend_and_resume(g);
	resident_end();
	return r;
}

static int grow_locked(struct growing *g)
{
	return upper_device_take(&g->upper, &g->device, &g->status, g->name) ?:
	       check(g) ?: extend(g) ?: take_over(g) ?:
	       upper_device_status(&g->status, g->name);
}

/* Interrupted, it might leave the device suspended. */
static int grow_uninterrupted(struct growing *g)
{
	sigset_t before;
	int r;

	signals_hold(&before);
	r = grow_locked(g);
	signals_release(&before);
	return r;
}

static void print_result(const struct growing *g)
{
	const uint64_t *counts = g->status.counts;
	struct json_object *o;

	if (!g->opts->json) {
		printf("%s: %llu bytes, %llu sectors for data, %llu log entries\n",
		       g->name,
		       (unsigned long long)g->sectors << OBD_SECTOR_SHIFT,
		       (unsigned long long)counts[UPPER_DATA_SECTORS],
		       (unsigned long long)counts[UPPER_LOG_SLOTS]);
		return;
	}
	o = json_object_new_object();
	json_object_object_add(o, "name", json_object_new_string(g->name));
	json_object_object_add(o, "size",
			       json_object_new_uint64(g->sectors <<
						      OBD_SECTOR_SHIFT));
	json_object_object_add(o, "data_sectors",
			       json_object_new_uint64(counts[UPPER_DATA_SECTORS]));
	json_object_object_add(o, "log_slots",
			       json_object_new_uint64(counts[UPPER_LOG_SLOTS]));
	print_json(o);
	json_object_put(o);
}

static int grow(const char *name, const struct options *opts)
{
	struct growing g = { .name = name, .opts = opts };
	int lock, r;

	r = device_prepare() ?: device_lock(name, &lock);
	if (r)
		return r;
	r = grow_uninterrupted(&g);
	close(lock);
	if (!r)
		print_result(&g);
	upper_device_release(&g.upper);
	return r;
}

static int set_option(struct options *opts, int c, char **argv)
{
	switch (c) {
	case 'c':
		return option_size(&cmd_grow, "--capacity", optarg,
				   &opts->capacity);
	case 'h':
		opts->help = true;
		return EXIT_OK;
	case 'j':
		opts->json = true;
		return EXIT_OK;
	case 's':
		return option_size(&cmd_grow, "--size", optarg, &opts->size);
	default:
		return option_error(&cmd_grow, c, argv);
	}
}

static int parse_options(int argc, char **argv, struct options *opts)
{
	static const struct option longopts[] = {
		{ "capacity", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "size", required_argument, NULL, 's' },
		{ }
	};
	const char *reason;
	int c, r = EXIT_OK;

	opterr = 0;
	while (!r && !opts->help &&
	       (c = getopt_long(argc, argv, ":h", longopts, NULL)) != -1)
		r = set_option(opts, c, argv);
	if (r || opts->help)
		return r;
	if (argc - optind != 1)
		return usage_error(&cmd_grow, "expected a name");
	reason = device_check_name(argv[optind]);
	if (reason)
		return usage_error(&cmd_grow, "bad name '%s': %s",
				   argv[optind], reason);
	return EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct options opts = { };
	int r = parse_options(argc, argv, &opts);

	if (r)
		return r;
	if (opts.help)
		return print_help(&cmd_grow);
	return grow(argv[optind], &opts);
}

const struct command cmd_grow = {
	.name = "grow",
	.args = "[--size SIZE] [--capacity SIZE] [--json] NAME",
	.summary = "Make the disk of a device larger, or the room for what is written",
	.help =
"Files below the device are extended; block devices below it must have been\n"
"made larger before. The device stays in use. SIZE may end in K, M, G or T,\n"
"powers of 1024.\n"
"\n"
"Options:\n"
"      --size SIZE      of the disk\n"
"      --capacity SIZE  of the data file, be it more or less than the disk may\n"
"                       need; it is never made shorter\n"
"      --json           print JSON\n"
"  -h, --help           print this\n",
	.run = run,
};
