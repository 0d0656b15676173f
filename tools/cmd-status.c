// SPDX-License-Identifier: GPL-2.0-only
/*
 * overlaybdsetup status: what the kernel knows of a device.
 */
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>

#include "dm-overlaybd-format.h"
#include "tools/backing.h"
#include "tools/commands.h"
#include "tools/counters.h"
#include "tools/dm.h"
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
};

static int get_status(struct status *s, const struct device *device)
{
	const char *name = device->name;
	char *text = NULL;
	int r;

	*s = (struct status) { .device = device };
	r = device_params(name, DM_DEVICE_TABLE, DEVICE_TARGET, &text,
			  &s->sectors) ?: table_parse(&s->table, text);
	free(text);
	return r ?: counters_get(s->counts, name, &s->sectors);
}

static void print_layer(const struct table_layer *layer, unsigned int i)
{
	struct backing b;

	backing_find(&b, layer->dev);
	printf("  layer %u: %s, %llu bytes, %s\n", i,
	       b.device ? b.device : layer->dev,
	       (unsigned long long)layer->bytes,
	       b.file ? b.file : "a device of its own");
	backing_release(&b);
}

static void print_options(unsigned int options)
{
	int i;

	printf("  options:%s", options ? "" : " none");
	for (i = 0; i < NR_TABLE_OPTIONS; i++)
		if (options & 1U << i)
			printf(" %s", table_option_names[i]);
	puts("");
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
	print_options(s->table.options);
	for (i = 0; i < s->table.nr; i++)
		print_layer(&s->table.layers[i], i);
	for (i = 0; i < NR_COUNTERS; i++)
		printf("  %s: %llu\n", counter_names[i].words,
		       (unsigned long long)s->counts[i]);
	return EXIT_OK;
}

static void add_string(struct json_object *o, const char *key,
		       const char *value)
{
	json_object_object_add(o, key,
			       value ? json_object_new_string(value) : NULL);
}

static void add_number(struct json_object *o, const char *key, uint64_t value)
{
	json_object_object_add(o, key, json_object_new_uint64(value));
}

static struct json_object *layer_json(const struct table_layer *layer)
{
	struct json_object *o = json_object_new_object();
	struct backing b;

	backing_find(&b, layer->dev);
	add_string(o, "number", layer->dev);
	add_string(o, "device", b.device);
	add_string(o, "file", b.file);
	add_number(o, "bytes", layer->bytes);
	backing_release(&b);
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
		json_object_array_add(stack, layer_json(&s->table.layers[i]));
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
	int r = device_find(&device, name);

	if (r == EXIT_NO_DEVICE)
		complain("there is no device %s", name);
	return r ? r : report(&device, list);
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
	while ((c = getopt_long(argc, argv, "h", longopts, NULL)) != -1) {
		switch (c) {
		case 'h':
			opts->help = true;
			return EXIT_OK;
		case 'j':
			opts->json = true;
			break;
		default:
			return usage_error(&cmd_status, "bad option %s",
					   argv[optind - 1]);
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
