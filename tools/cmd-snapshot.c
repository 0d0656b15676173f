// SPDX-License-Identifier: GPL-2.0-only
/*
 * overlaybdsetup snapshot: seal the upper of a device in use, go on with a new
 * one.
 */
#include <getopt.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include "tools/commands.h"
#include "tools/config-write.h"
#include "tools/dm.h"
#include "tools/names.h"
#include "tools/options.h"
#include "tools/output.h"
#include "tools/report.h"
#include "tools/signals.h"
#include "tools/snapshot.h"

struct options {
	const char *data;
	const char *index;
	const char *config;
	char uuid[LSMT_UUID_SIZE];
	bool force;
	bool freeze;
	bool no_direct_io;
	bool remove_index;
	bool json;
	bool help;
};

/**
 * struct work - a snapshot, and the configuration to be written of it
 * @opts: what the user wants
 * @s: the snapshot
 * @root: the configuration
 * @out: its file
 */
struct work {
	const struct options *opts;
	struct snapshot s;
	struct json_object *root;
	struct output out;
};

static int output_failed(const struct obd_error *err)
{
	complain("%s", err->text);
	return EXIT_FAILED;
}

/* Before anything is made: the folder is there, and all layers have names. */
static int begin_config(struct work *w)
{
	struct obd_error err;
	int r;

	if (!w->opts->config)
		return EXIT_OK;
	r = config_of_table(&w->s.old.table, &w->root);
	if (!r && output_open(&w->out, w->opts->config, &err))
		r = output_failed(&err);
	return r;
}

static int write_config(struct work *w)
{
	const char *text = json_object_to_json_string_ext(w->root,
				JSON_C_TO_STRING_PRETTY |
				JSON_C_TO_STRING_NOSLASHESCAPE);
	struct obd_error err;

	if (output_write(&w->out, 0, text, strlen(text), &err) ||
	    output_write(&w->out, strlen(text), "\n", 1, &err) ||
	    output_sync(&w->out, &err))
		return output_failed(&err);
	return EXIT_OK;
}

/* As it will be in the end, but for the length of a layer on a device. */
static int fill_config(struct work *w)
{
	if (!w->opts->config)
		return EXIT_OK;
	config_add_lower(w->root, w->s.old.files.data.path);
	return config_set_upper(w->root, w->opts->data, w->opts->index) ?:
	       config_refuse_input(w->opts->config,
				   w->s.old.files.index.path) ?:
	       config_refuse_files(w->opts->config, w->root) ?:
	       write_config(w);
}

static int finish_config(struct work *w)
{
	struct obd_error err;
	int r = EXIT_OK;

	if (w->s.old.files.data.rdev) {
		config_set_size(w->root, w->s.bytes);
		r = write_config(w);
	}
	if (!r && output_commit(&w->out, &err))
		r = output_failed(&err);
	return r;
}

static int end_config(struct work *w)
{
	int r;

	if (!w->opts->config)
		return EXIT_OK;
	r = finish_config(w);
	if (r)
		complain("the snapshot of %s is made, but not its configuration: its layers are in dmsetup table",
			 w->s.name);
	return r;
}

/* The kernel holds it no more when the old table is gone. */
static int remove_index(const struct work *w)
{
	const struct upper_file *index = &w->s.old.files.index;

	if (!w->opts->remove_index || index->rdev || !unlink(index->path))
		return EXIT_OK;
	complain("%s: cannot remove it: %s", index->path, strerror(errno));
	return EXIT_FAILED;
}

static int make(struct work *w)
{
	int r, r2;

	r = begin_config(w) ?: snapshot_prepare(&w->s) ?: fill_config(w) ?:
	    snapshot_make(&w->s);
	if (r) {
		snapshot_take_back(&w->s);
		/* Once it is resumed, the device is what that describes. */
		if (w->s.stuck)
			end_config(w);
		output_discard(&w->out);
		return r;
	}
	r = end_config(w);
	r2 = remove_index(w);
	output_discard(&w->out);
	return r ? r : r2;
}

static int make_uninterrupted(struct work *w)
{
	sigset_t before;
	int r;

	signals_hold(&before);
	r = make(w);
	signals_release(&before);
	return r;
}

static bool index_stays(const struct work *w)
{
	return w->s.old.files.index.rdev || !w->opts->remove_index;
}

static void print_text(const struct work *w)
{
	const struct snapshot *s = &w->s;
	const struct upper_file *sealed = &s->old.files.data;
	unsigned long long bytes = s->bytes;

	print_name(stdout, sealed->path);
	printf(": is a sealed layer of %llu bytes\n", bytes);
	if (sealed->rdev)
		printf("List the device as a lower, with \"size\": %llu.\n",
		       bytes);
	if (index_stays(w)) {
		print_name(stdout, s->old.files.index.path);
		printf(": is not needed any more%s\n",
		       s->old.files.index.rdev ? "" : ", remove it");
	}
	printf("%s: is written to ", s->name);
	print_name(stdout, w->opts->data);
	printf(", uuid %s; I/O waited %.1f ms\n", s->fresh.info.uuid,
	       s->wait_ms);
}

static void add_string(struct json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, json_text(text));
}

static struct json_object *sealed_json(const struct work *w)
{
	const struct upper_files *old = &w->s.old.files;
	struct json_object *o = json_object_new_object();

	add_string(o, "file", old->data.path);
	json_object_object_add(o, "bytes",
			       json_object_new_uint64(w->s.bytes));
	add_string(o, "uuid", w->s.loaded.writable.uuid);
	add_string(o, "index", old->index.path);
	json_object_object_add(o, "index_removed",
			       json_object_new_boolean(!index_stays(w)));
	return o;
}

static struct json_object *upper_json(const struct work *w)
{
	struct json_object *o = json_object_new_object();

	add_string(o, "data", w->opts->data);
	add_string(o, "index", w->opts->index);
	add_string(o, "uuid", w->s.fresh.info.uuid);
	return o;
}

static void print_json_result(const struct work *w)
{
	struct json_object *o = json_object_new_object();

	add_string(o, "name", w->s.name);
	json_object_object_add(o, "sealed", sealed_json(w));
	json_object_object_add(o, "upper", upper_json(w));
	json_object_object_add(o, "wait_milliseconds",
			       json_object_new_double(w->s.wait_ms));
	print_json(o);
	json_object_put(o);
}

static int work(struct work *w)
{
	int r = snapshot_find(&w->s) ?: make_uninterrupted(w);

	if (r)
		return r;
	if (w->opts->json)
		print_json_result(w);
	else
		print_text(w);
	return EXIT_OK;
}

static int snapshot(const char *name, const struct options *opts)
{
	struct work w = { .opts = opts, .out.fd = -1 };
	int lock, r;

	snapshot_init(&w.s, name, opts->data, opts->index);
	w.s.freeze = opts->freeze;
	w.s.direct_io = !opts->no_direct_io;
	w.s.fresh.force = opts->force;
	memcpy(w.s.fresh.info.uuid, opts->uuid, sizeof(opts->uuid));
	r = device_prepare() ?: device_lock(name, &lock);
	if (r)
		return r;
	r = work(&w);
	snapshot_release(&w.s);
	json_object_put(w.root);
	close(lock);
	return r;
}

static int set_uuid(struct options *opts, const char *text)
{
	uuid_t parsed;

	if (uuid_parse(text, parsed))
		return usage_error(&cmd_snapshot,
				   "--uuid is '%s', expected a UUID", text);
	memcpy(opts->uuid, text, LSMT_UUID_SIZE);
	return EXIT_OK;
}

static int set_direct_io(struct options *opts, const char *mode)
{
	opts->no_direct_io = !strcmp(mode, "off");
	if (opts->no_direct_io || !strcmp(mode, "auto"))
		return EXIT_OK;
	return usage_error(&cmd_snapshot,
			   "bad value --direct-io=%s, expected auto or off",
			   mode);
}

/* Data and index, of which getopt only knows the first. */
static int set_upper(struct options *opts, int argc, char **argv)
{
	const char *index = optind < argc ? argv[optind] : NULL;

	if (!index)
		return usage_error(&cmd_snapshot,
				   "--upper needs a data and an index file");
	if (*index == '-')
		return usage_error(&cmd_snapshot,
				   "--upper needs an index file behind %s, '%s' is an option: write ./%s if it is a name",
				   optarg, index, index);
	opts->data = optarg;
	opts->index = index;
	optind++;
	return EXIT_OK;
}

static int set_option(struct options *opts, int c, int argc, char **argv)
{
	switch (c) {
	case 'c':
		opts->config = optarg;
		return EXIT_OK;
	case 'd':
		return set_direct_io(opts, optarg);
	case 'f':
		opts->force = true;
		return EXIT_OK;
	case 'h':
		opts->help = true;
		return EXIT_OK;
	case 'i':
		opts->remove_index = true;
		return EXIT_OK;
	case 'j':
		opts->json = true;
		return EXIT_OK;
	case 'u':
		return set_upper(opts, argc, argv);
	case 'U':
		return set_uuid(opts, optarg);
	case 'z':
		opts->freeze = true;
		return EXIT_OK;
	default:
		return option_error(&cmd_snapshot, c, argv);
	}
}

static int set_name(const char **name, const char *word)
{
	if (*name)
		return usage_error(&cmd_snapshot, "expected one name");
	*name = word;
	return EXIT_OK;
}

/* '-': words that are no options come one by one, as 1, but those behind "--". */
static int parse_options(int argc, char **argv, struct options *opts,
			 const char **name)
{
	static const struct option longopts[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "direct-io", required_argument, NULL, 'd' },
		{ "force", no_argument, NULL, 'f' },
		{ "freeze", no_argument, NULL, 'z' },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "remove-index", no_argument, NULL, 'i' },
		{ "upper", required_argument, NULL, 'u' },
		{ "uuid", required_argument, NULL, 'U' },
		{ }
	};
	int c, r = EXIT_OK;

	opterr = 0;
	while (!r && !opts->help &&
	       (c = getopt_long(argc, argv, "-:h", longopts, NULL)) != -1)
		r = c == 1 ? set_name(name, optarg) :
			     set_option(opts, c, argc, argv);
	while (!r && !opts->help && optind < argc)
		r = set_name(name, argv[optind++]);
	return r;
}

static int check_options(const struct options *opts, const char *name)
{
	const char *reason;

	if (!name)
		return usage_error(&cmd_snapshot, "expected a name");
	reason = device_check_name(name);
	if (reason)
		return usage_error(&cmd_snapshot, "bad name '%s': %s", name,
				   reason);
	if (!opts->data)
		return usage_error(&cmd_snapshot, "--upper is missing");
	return EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct options opts = { };
	const char *name = NULL;
	int r = parse_options(argc, argv, &opts, &name);

	if (r)
		return r;
	if (opts.help)
		return print_help(&cmd_snapshot);
	return check_options(&opts, name) ?: snapshot(name, &opts);
}

const struct command cmd_snapshot = {
	.name = "snapshot",
	.args = "NAME --upper DATA INDEX [OPTION...]",
	.summary = "Seal the upper of a device in use, go on with a new one",
	.help =
"The upper becomes a read-only layer, in place, and DATA and INDEX are made as by\n"
"create-upper, to be written from then on. I/O waits meanwhile; how long is told.\n"
"If it fails, the device goes on as it was, or, where that is not possible, stays\n"
"suspended, and that is said.\n"
"\n"
"Options:\n"
"      --upper DATA INDEX    the new upper: two files that are not there yet, or\n"
"                            block devices\n"
"      --config OUT.json     write the configuration that opens what it is then\n"
"      --direct-io=auto|off  let loop devices go past the page cache where the\n"
"                            file system can (auto, the default), or not\n"
"      --force               replace files, overwrite devices that hold something\n"
"      --freeze              have a file system on it write all it has before\n"
"      --remove-index        remove the index file of the old upper\n"
"      --uuid UUID           of the new upper; chosen at random otherwise\n"
"      --json                print JSON\n"
"  -h, --help                print this\n",
	.run = run,
};
