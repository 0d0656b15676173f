// SPDX-License-Identifier: GPL-2.0-only
/*
 * overlaybdsetup status: what the kernel knows of a device.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "dm-overlaybd-format.h"
#include "tools/backing.h"
#include "tools/commands.h"
#include "tools/counters.h"
#include "tools/dm.h"
#include "tools/names.h"
#include "tools/report.h"
#include "tools/table.h"

struct options {
	bool json;
	bool help;
};

struct status {
	const struct device *device;
	struct table table;
	uint64_t sectors;
	uint64_t counts[NR_COUNTERS];
	bool has_upper;
	struct upper_status upper;
};

static int get_counts(struct status *s, const char *name)
{
	char *text;
	int r;

	r = device_params(name, DM_DEVICE_STATUS, DEVICE_TARGET, &text,
			  &s->sectors);
	if (r)
		return r;
	r = counters_parse(s->counts, text, name);
	if (!r && s->has_upper)
		r = upper_status_parse(&s->upper, text, name);
	free(text);
	return r;
}

static int get_status(struct status *s, const struct device *device)
{
	const char *name = device->name;
	char *text = NULL;
	int r;

	*s = (struct status) { .device = device };
	r = device_params(name, DM_DEVICE_TABLE, DEVICE_TARGET, &text,
			  &s->sectors) ?: table_parse(&s->table, text);
	free(text);
	s->has_upper = s->table.upper.data;
	return r ?: get_counts(s, name);
}

static double percent(uint64_t part, uint64_t all)
{
	return all ? 100.0 * part / all : 0;
}

static const char *mode_words(const char *mode)
{
	if (!strcmp(mode, UPPER_MODE_WRITABLE))
		return "read-write";
	if (!strcmp(mode, "ro"))
		return "read-only";
	if (!strcmp(mode, "failed"))
		return "failed: a write of its index or a flush failed, and so do all writes since";
	return mode;
}

/* Does the kernel compare what it inflates with checksums? */
static bool is_verified(const struct table *table,
			const struct table_layer *layer)
{
	struct obd_error err;
	struct obd_gzip gzip;

	return !(table->options & 1U << TABLE_NO_VERIFY) &&
	       !backing_open_gzip(&gzip, layer, &err) && gzip.nr_sums;
}

static void print_backing(const struct backing *b)
{
	print_name(stdout, b->file ? b->file : "a device of its own");
	puts("");
}

static void print_file(unsigned int i, const char *what, const char *dev,
		       uint64_t bytes)
{
	struct backing b;

	backing_find(&b, dev);
	printf("  layer %u: %s%s, %llu bytes, ", i, what,
	       b.device ? b.device : dev, (unsigned long long)bytes);
	print_backing(&b);
	backing_release(&b);
}

static void print_layer(const struct table *table, unsigned int i)
{
	const struct table_layer *layer = &table->layers[i];
	static const char *const what[] = {
		[LAYER_LOWER] = "",
		[LAYER_TURBO] = "metadata: ",
		[LAYER_RAW] = "data: ",
		[LAYER_GZIP] = "gzip'ed data: ",
	};

	print_file(i, what[layer->kind], layer->dev, layer->bytes);
	if (layer->kind != LAYER_GZIP)
		return;
	print_file(i, "its index: ", layer->index, layer->index_bytes);
	printf("  layer %u: %s\n", i, is_verified(table, layer) ?
	       "verified" : "not verified");
}

static void print_options(const struct table *table)
{
	int i;

	printf("  options:%s", table->options || table->low_water ? "" : " none");
	for (i = 0; i < NR_TABLE_OPTIONS; i++)
		if (table->options & 1U << i)
			printf(" %s", table_option_names[i]);
	if (table->low_water)
		printf(" low_water %llu",
		       (unsigned long long)table->low_water);
	puts("");
}

static void print_upper_file(const char *what, const char *dev)
{
	struct backing b;

	backing_find(&b, dev);
	printf("  upper %s: %s, ", what, b.device ? b.device : dev);
	print_backing(&b);
	backing_release(&b);
}

static void print_share(const char *what, uint64_t part, uint64_t all)
{
	printf("  upper: %s: %llu of %llu, %.1f %%\n", what,
	       (unsigned long long)part, (unsigned long long)all,
	       percent(part, all));
}

/* What fills up comes first, and with its share. */
static void print_upper(const struct status *s)
{
	const uint64_t *counts = s->upper.counts;
	int i;

	if (!s->has_upper)
		return;
	print_upper_file("data", s->table.upper.data);
	print_upper_file("index", s->table.upper.index);
	printf("  upper: %s\n", mode_words(s->upper.mode));
	print_share("sectors in use", counts[UPPER_USED_SECTORS],
		    counts[UPPER_DATA_SECTORS]);
	print_share("log entries", counts[UPPER_LOG_ENTRIES],
		    counts[UPPER_LOG_SLOTS]);
	for (i = 0; i < NR_UPPER_COUNTERS; i++)
		if (i < UPPER_USED_SECTORS || i > UPPER_LOG_SLOTS)
			printf("  upper: %s: %llu\n",
			       upper_counter_names[i].words,
			       (unsigned long long)counts[i]);
}

static int print_words(const struct status *s)
{
	const struct device *d = s->device;
	unsigned int i;

	printf("%s/%s\n", dm_dir(), d->name);
	printf("  size: %llu sectors, %llu bytes\n",
	       (unsigned long long)s->sectors,
	       (unsigned long long)s->sectors << OBD_SECTOR_SHIFT);
	printf("  number: %u:%u\n", major(d->dev), minor(d->dev));
	printf("  uuid: %s\n", d->uuid);
	printf("  access: %s%s\n", d->read_only ? "read-only" : "read-write",
	       d->suspended ? ", suspended" : "");
	printf("  open: %d\n", d->open_count);
	print_options(&s->table);
	for (i = 0; i < s->table.nr; i++)
		print_layer(&s->table, i);
	print_upper(s);
	for (i = 0; i < NR_COUNTERS; i++)
		printf("  %s: %llu\n", counter_names[i].words,
		       (unsigned long long)s->counts[i]);
	return EXIT_OK;
}

static void add_string(struct json_object *o, const char *key,
		       const char *value)
{
	json_object_object_add(o, key, value ? json_text(value) : NULL);
}

static void add_number(struct json_object *o, const char *key, uint64_t value)
{
	json_object_object_add(o, key, json_object_new_uint64(value));
}

static struct json_object *file_json(const char *dev)
{
	struct json_object *o = json_object_new_object();
	struct backing b;

	backing_find(&b, dev);
	add_string(o, "number", dev);
	add_string(o, "device", b.device);
	add_string(o, "file", b.file);
	backing_release(&b);
	return o;
}

static struct json_object *layer_json(const struct table *table,
				      const struct table_layer *layer)
{
	struct json_object *o = file_json(layer->dev), *index;
	bool verified;

	add_number(o, "bytes", layer->bytes);
	add_string(o, "type", layer_kind_name(layer->kind));
	if (layer->kind != LAYER_GZIP)
		return o;
	index = file_json(layer->index);
	add_number(index, "bytes", layer->index_bytes);
	json_object_object_add(o, "index", index);
	verified = is_verified(table, layer);
	json_object_object_add(o, "verified",
			       json_object_new_boolean(verified));
	return o;
}

static struct json_object *upper_json(const struct status *s)
{
	struct json_object *o = json_object_new_object();
	int i;

	json_object_object_add(o, "data", file_json(s->table.upper.data));
	json_object_object_add(o, "index",
			       file_json(s->table.upper.index));
	add_string(o, "mode", s->upper.mode);
	for (i = 0; i < NR_UPPER_COUNTERS; i++)
		add_number(o, upper_counter_names[i].key, s->upper.counts[i]);
	return o;
}

static struct json_object *status_json(const struct status *s)
{
	const struct device *d = s->device;
	struct json_object *o = json_object_new_object();
	struct json_object *stack = json_object_new_array();
	struct json_object *counts = json_object_new_object();
	char number[32];
	unsigned int i;

	snprintf(number, sizeof(number), "%u:%u", major(d->dev), minor(d->dev));
	for (i = 0; i < s->table.nr; i++)
		json_object_array_add(stack, layer_json(&s->table,
							&s->table.layers[i]));
	for (i = 0; i < NR_COUNTERS; i++)
		add_number(counts, counter_names[i].key, s->counts[i]);
	add_string(o, "name", d->name);
	add_string(o, "number", number);
	add_string(o, "uuid", d->uuid);
	add_number(o, "size", s->sectors << OBD_SECTOR_SHIFT);
	json_object_object_add(o, "read_only",
			       json_object_new_boolean(d->read_only));
	json_object_object_add(o, "suspended",
			       json_object_new_boolean(d->suspended));
	add_number(o, "open_count", d->open_count);
	json_object_object_add(o, "options", table_options_json(s->table.options));
	if (s->table.low_water)
		add_number(o, "low_water", s->table.low_water);
	if (s->has_upper)
		json_object_object_add(o, "upper", upper_json(s));
	json_object_object_add(o, "layers", stack);
	json_object_object_add(o, "counters", counts);
	return o;
}

/* Words are printed at once; JSON is collected in @list if there is one. */
static int report(const struct device *device, struct json_object *list)
{
	struct status s;
	int r;

	r = get_status(&s, device);
	if (!r && list)
		json_object_array_add(list, status_json(&s));
	else if (!r)
		r = print_words(&s);
	table_release(&s.table);
	return r;
}

/* A device that open is still building has no table yet. */
static int report_ours(const struct device *device, void *list)
{
	int r;

	if (!device_is_ours(device) || !device->live)
		return EXIT_OK;
	r = report(device, list);
	/* Closed since the list was made. */
	return r == EXIT_NO_DEVICE ? EXIT_OK : r;
}

static int report_one(const char *name, struct json_object *list)
{
	struct device device;
	int r = device_find(&device, name) ?: report(&device, list);

	return r == EXIT_NO_DEVICE ? device_missing(name) : r;
}

static int print_status(const char *name, const struct options *opts)
{
	struct json_object *list = NULL;
	int r;

	if (opts->json)
		list = json_object_new_array();
	r = device_prepare();
	if (!r)
		r = name ? report_one(name, list) :
			   device_for_each(report_ours, list);
	if (!r && list)
		puts(json_object_to_json_string_ext(name ?
			json_object_array_get_idx(list, 0) : list,
			JSON_C_TO_STRING_PRETTY |
			JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(list);
	return r;
}

static int parse_options(int argc, char **argv, struct options *opts)
{
	static const struct option longopts[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ }
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":h", longopts, NULL)) != -1) {
		switch (c) {
		case 'h':
			opts->help = true;
			return EXIT_OK;
		case 'j':
			opts->json = true;
			break;
		default:
			return option_error(&cmd_status, c, argv);
		}
	}
	if (argc - optind > 1)
		return usage_error(&cmd_status, "expected one name at most");
	return EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct options opts = { };
	int r = parse_options(argc, argv, &opts);

	if (r)
		return r;
	if (opts.help)
		return print_help(&cmd_status);
	return print_status(optind < argc ? argv[optind] : NULL, &opts);
}

const struct command cmd_status = {
	.name = "status",
	.args = "[--json] [NAME]",
	.summary = "Print size, layers and counters of a device, or of all",
	.help =
"Options:\n"
"      --json  print JSON: an object, or an array without NAME\n"
"  -h, --help  print this\n",
	.run = run,
};
