// SPDX-License-Identifier: GPL-2.0-only
/*
 * overlaybdsetup open: from a configuration to a block device.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <json-c/json.h>
#include <time.h>
#include <unistd.h>

#include "tools/attach.h"
#include "tools/commands.h"
#include "tools/dm.h"
#include "tools/identity.h"
#include "tools/live.h"
#include "tools/message.h"
#include "tools/options.h"
#include "tools/result.h"
#include "tools/signals.h"
#include "tools/stack.h"
#include "tools/table.h"
#include "tools/tail.h"
#include "tools/trace.h"

struct options {
	bool help;
	bool json;
	bool verbose;
	bool no_direct_io;
	bool read_only;
	struct table table;	/* its options only */
	const char *trace;
	uint64_t rate;
};

/* OPEN_LAYERS and MERGE are parts of TABLE, the kernel's. */
enum part { VALIDATE, LOOPS, TABLE, OPEN_LAYERS, MERGE, REST, NR_PARTS };

static const struct part_name {
	const char *key;
	const char *words;
} part_names[NR_PARTS] = {
	[VALIDATE] = { "validate", "validate" },
	[LOOPS] = { "loops", "loops" },
	[TABLE] = { "table", "table" },
	[OPEN_LAYERS] = { "open_layers", "  open layers" },
	[MERGE] = { "merge", "  merge" },
	[REST] = { "rest", "rest" },
};

/**
 * struct opening - the way to a device
 * @name: its name
 * @uuid: its UUID
 * @config: the image
 * @opts: what the user wants
 * @device: the device, once it is there
 * @created: it was not there before
 * @read_only: it cannot be written
 * @trace: what to prefetch
 * @before: for signals_release()
 * @start: when it began
 * @times: the kernel's part
 * @timed: @times are known
 * @ms: how long the parts took
 */
struct opening {
	const char *name;
	char uuid[DM_UUID_LEN];
	struct config config;
	const struct options *opts;
	struct device device;
	bool created;
	bool read_only;
	struct trace trace;
	sigset_t before;
	double start;
	struct load_times times;
	bool timed;
	double ms[NR_PARTS];
};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static int load_table(struct opening *o, const struct stack *stack,
		      const struct table *table)
{
	struct device_line line = {
		.length = stack->nr_sectors,
		.target = DEVICE_TARGET,
	};
	char *params = table_format(table);
	int r;

	if (!params) {
		complain("no memory for a table");
		return EXIT_FAILED;
	}
	line.params = params;
	r = device_create(o->name, o->uuid, &line, 1, o->read_only, &o->device);
	free(params);
	return r;
}

/* Who has given up takes it for granted that nothing is there. */
static int undo_if_interrupted(const struct opening *o)
{
	if (!signals_waiting(&o->before) || device_remove(o->name))
		return EXIT_OK;
	return EXIT_FAILED;
}

/*
 * The loop devices live as long as @attached or the new device holds them;
 * what joins tails is removed here when something fails and nobody else uses
 * it, and files are cut that have been extended.
 */
static int build(struct opening *o, struct stack *stack)
{
	struct table table = { };
	struct attached attached;
	double start = now_ms();
	int r;

	r = attach_stack(&attached, stack, !o->opts->no_direct_io, &table);
	table.options = o->opts->table.options;
	table.low_water = o->opts->table.low_water;
	o->ms[LOOPS] = now_ms() - start;
	start = now_ms();
	if (!r)
		r = load_table(o, stack, &table) ?: undo_if_interrupted(o);
	o->ms[TABLE] = now_ms() - start;
	o->created = !r;
	attach_release(&attached);
	table_release(&table);
	if (r)
		tails_remove();
	if (r && stack->upper.writable)
		upper_files_settle(&stack->upper);
	return r;
}

/* Before anything is made: a trace of another image is a mistake. */
static int match_trace(struct opening *o, const struct stack *stack)
{
	struct trace here;
	int r;

	if (!o->opts->trace)
		return EXIT_OK;
	r = trace_of_stack(&here, stack) ?:
	    trace_match(&o->trace, &here, o->opts->trace, o->name);
	trace_release(&here);
	return r;
}

static int create(struct opening *o)
{
	double start = now_ms();
	struct stack stack;
	int r;

	r = stack_open(&stack, &o->config,
		       o->read_only ? STACK_READ : STACK_WRITE);
	o->ms[VALIDATE] = now_ms() - start;
	if (!r)
		r = match_trace(o, &stack);
	if (!r)
		r = build(o, &stack);
	stack_close(&stack);
	return r;
}

/* Without a table, the UUID is all that there is. */
static int is_same(struct opening *o, bool *same)
{
	*same = !strcmp(o->device.uuid, o->uuid);
	if (!o->device.live || !device_is_ours(&o->device))
		return EXIT_OK;
	return live_matches(&o->device, o->uuid, &o->config, &o->opts->table,
			    o->read_only, same);
}

/* The name is locked: nobody is about to load what we find without a table. */
static int open_locked(struct opening *o)
{
	int r = device_find(&o->device, o->name);
	bool same;

	if (r == EXIT_NO_DEVICE)
		return create(o);
	if (r)
		return r;
	r = is_same(o, &same);
	if (r)
		return r;
	if (!same) {
		complain("%s is in use %s: close it first, or choose another name",
			 o->name, device_is_ours(&o->device) ?
			 "with other layers or options" :
			 "by a device that is not of this program");
		return EXIT_BUSY;
	}
	if (o->device.live && o->device.suspended)
		complain("warning: %s is suspended: dmsetup resume %s lets it go on",
			 o->name, o->name);
	if (o->device.live)
		return EXIT_OK;
	r = device_remove(o->name);
	if (r == EXIT_BUSY)
		complain("%s has no table, and is in use: close it first",
			 o->name);
	return r ? r : create(o);
}

/*
 * Signals wait until everything is there or gone again. The lock is taken
 * before, so that waiting for it can be interrupted.
 */
static int open_uninterrupted(struct opening *o)
{
	int r;

	signals_hold(&o->before);
	r = open_locked(o);
	signals_release(&o->before);
	return r;
}

static int check_low_water(const struct opening *o)
{
	if (!o->opts->table.low_water || config_has_upper(&o->config))
		return EXIT_OK;
	complain("%s: --low-water is for a writable layer, and there is no upper",
		 o->config.path);
	return EXIT_FAILED;
}

static int open_device(struct opening *o)
{
	int lock, r = EXIT_OK;

	if (o->opts->trace)
		r = trace_read(&o->trace, o->opts->trace);
	r = r ?: check_low_water(o) ?: config_resolve(&o->config) ?:
	    identity_uuid(o->uuid, sizeof(o->uuid), &o->config, o->name,
			  &o->opts->table, o->read_only) ?:
	    device_prepare() ?: device_lock(o->name, &lock);
	if (r)
		return r;
	r = open_uninterrupted(o);
	close(lock);
	return r;
}

/* What is there can do without it. */
static void queue_trace(const struct opening *o)
{
	if (o->created && o->opts->trace &&
	    trace_queue(&o->trace, o->name, o->opts->rate))
		complain("warning: %s: not all is prefetched", o->name);
}

static void take_times(struct opening *o)
{
	o->ms[REST] = now_ms() - o->start - o->ms[VALIDATE] - o->ms[LOOPS] -
		      o->ms[TABLE];
	o->timed = o->created && message_times(o->name, &o->times);
	o->ms[OPEN_LAYERS] = o->times.open_us / 1e3;
	o->ms[MERGE] = o->times.merge_us / 1e3;
}

/* A module of another version may not tell its part. */
static bool known(const struct opening *o, enum part part)
{
	return o->timed || (part != OPEN_LAYERS && part != MERGE);
}

static void print_times(const struct opening *o)
{
	int i;

	if (!o->created) {
		fprintf(stderr, "%s was open before\n", o->name);
		return;
	}
	for (i = 0; i < NR_PARTS; i++)
		if (known(o, i))
			fprintf(stderr, "%-14s %9.3f ms\n",
				part_names[i].words, o->ms[i]);
	if (o->timed)
		fprintf(stderr, "%llu of %llu layers were there, the map is %s\n",
			(unsigned long long)o->times.shared,
			(unsigned long long)o->times.layers, o->times.map);
}

static struct json_object *times_json(const struct opening *o)
{
	struct json_object *times = json_object_new_object();
	int i;

	for (i = 0; i < NR_PARTS; i++) {
		struct json_object *ms = json_object_new_double(o->ms[i]);

		if (known(o, i))
			json_object_object_add(times, part_names[i].key, ms);
		else
			json_object_put(ms);
	}
	return times;
}

static void add_sharing(struct json_object *root,
			const struct load_times *times)
{
	json_object_object_add(root, "shared_layers",
			       json_object_new_uint64(times->shared));
	json_object_object_add(root, "map", json_object_new_string(times->map));
}

static void print_json(const struct opening *o, const char *path)
{
	struct json_object *root = json_object_new_object();

	json_object_object_add(root, "name", json_object_new_string(o->name));
	json_object_object_add(root, "path", json_object_new_string(path));
	json_object_object_add(root, "uuid", json_object_new_string(o->uuid));
	json_object_object_add(root, "created",
			       json_object_new_boolean(o->created));
	json_object_object_add(root, "read_only",
			       json_object_new_boolean(o->read_only));
	json_object_object_add(root, "milliseconds", times_json(o));
	if (o->timed)
		add_sharing(root, &o->times);
	puts(json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(root);
}

static void print_device(struct opening *o)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", dm_dir(), o->name);
	if (o->opts->verbose || o->opts->json)
		take_times(o);
	if (o->opts->verbose)
		print_times(o);
	if (o->opts->json)
		print_json(o, path);
	else
		puts(path);
}

static int open_image(const char *path, const char *name,
		      const struct options *opts)
{
	struct opening o = { .name = name, .opts = opts, .start = now_ms() };
	int loaded, checked, r;

	loaded = config_load(&o.config, path);
	o.read_only = opts->read_only || !config_has_upper(&o.config);
	checked = result_check(&o.config, loaded, opts->trace);
	r = loaded ?: checked ?: open_device(&o);
	if (!checked)
		result_write(&o.config, r);
	if (!r) {
		queue_trace(&o);
		print_device(&o);
	}
	trace_release(&o.trace);
	config_release(&o.config);
	return r;
}

static int set_direct_io(struct options *opts, const char *mode)
{
	opts->no_direct_io = !strcmp(mode, "off");
	if (opts->no_direct_io || !strcmp(mode, "auto"))
		return EXIT_OK;
	return usage_error(&cmd_open, "bad value --direct-io=%s, expected auto or off",
			   mode);
}

static int set_rate(struct options *opts, const char *text)
{
	if (parse_u64(text, 1, MESSAGE_RATE_MAX, &opts->rate))
		return EXIT_OK;
	return usage_error(&cmd_open, "bad value --prefetch-rate=%s, expected 1 to %u",
			   text, MESSAGE_RATE_MAX);
}

static int set_low_water(struct options *opts, const char *text)
{
	if (table_low_water(text, &opts->table.low_water))
		return EXIT_OK;
	return usage_error(&cmd_open, TABLE_LOW_WATER_ERROR, text);
}

static int set_option(struct options *opts, int c, char **argv)
{
	switch (c) {
	case 'c':
		opts->table.options |= 1U << TABLE_NO_CACHE;
		return EXIT_OK;
	case 'd':
		return set_direct_io(opts, optarg);
	case 'h':
		opts->help = true;
		return EXIT_OK;
	case 'j':
		opts->json = true;
		return EXIT_OK;
	case 'l':
		return set_low_water(opts, optarg);
	case 'n':
		opts->table.options |= 1U << TABLE_NO_VERIFY;
		return EXIT_OK;
	case 'p':
		return set_rate(opts, optarg);
	case 'r':
		opts->read_only = true;
		return EXIT_OK;
	case 't':
		opts->trace = optarg;
		return EXIT_OK;
	case 'v':
		opts->verbose = true;
		return EXIT_OK;
	default:
		return option_error(&cmd_open, c, argv);
	}
}

static int check_trace(const struct options *opts)
{
	if (opts->rate && !opts->trace)
		return usage_error(&cmd_open, "--prefetch-rate is for --trace");
	if (opts->trace && opts->table.options & 1U << TABLE_NO_CACHE)
		return usage_error(&cmd_open, "--trace needs the cache, which --no-cache forbids");
	return EXIT_OK;
}

static int parse_options(int argc, char **argv, struct options *opts)
{
	static const struct option longopts[] = {
		{ "direct-io", required_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "low-water", required_argument, NULL, 'l' },
		{ "no-cache", no_argument, NULL, 'c' },
		{ "no-verify", no_argument, NULL, 'n' },
		{ "prefetch-rate", required_argument, NULL, 'p' },
		{ "read-only", no_argument, NULL, 'r' },
		{ "trace", required_argument, NULL, 't' },
		{ "verbose", no_argument, NULL, 'v' },
		{ }
	};
	const char *reason;
	int c, r = EXIT_OK;

	opterr = 0;
	while (!r && !opts->help &&
	       (c = getopt_long(argc, argv, ":hv", longopts, NULL)) != -1)
		r = set_option(opts, c, argv);
	if (r || opts->help)
		return r;
	if (argc - optind != 2)
		return usage_error(&cmd_open,
				   "expected a configuration and a name");
	reason = device_check_name(argv[optind + 1]);
	if (reason)
		return usage_error(&cmd_open, "bad name '%s': %s",
				   argv[optind + 1], reason);
	return check_trace(opts);
}

static int run(int argc, char **argv)
{
	struct options opts = { };
	int r = parse_options(argc, argv, &opts);

	if (r)
		return r;
	if (opts.help)
		return print_help(&cmd_open);
	return open_image(argv[optind], argv[optind + 1], &opts);
}

const struct command cmd_open = {
	.name = "open",
	.args = "[OPTION...] CONFIG.json NAME",
	.summary = "Make a block device of an image and print its path",
	.help =
"Success as well if NAME is there already, over the same layers and with the same\n"
"options. The device is read-only unless the image has an upper.\n"
"\n"
"Options:\n"
"      --direct-io=auto|off  let loop devices go past the page cache where the\n"
"                            file system can (auto, the default), or not\n"
"      --json                print JSON\n"
"      --low-water SIZE      an event when less of the upper is free than that;\n"
"                            by default an eighth, if the disk does not fit\n"
"      --no-cache            do not keep decompressed blocks\n"
"      --no-verify           do not check the CRCs of blocks\n"
"      --prefetch-rate MIB   prefetch at most MIB MiB a second, decompressed\n"
"      --read-only           do not write to the upper\n"
"      --trace FILE          have the kernel prefetch what a trace says\n"
"  -v, --verbose             print how long the parts took\n"
"  -h, --help                print this\n",
	.run = run,
};
