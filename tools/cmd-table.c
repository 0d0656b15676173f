// SPDX-License-Identifier: GPL-2.0-only
/*
 * overlaybdsetup table: what would be loaded.
 */
#include <getopt.h>

#include "tools/commands.h"
#include "tools/dm.h"
#include "tools/report.h"
#include "tools/stack.h"
#include "tools/table.h"

struct options {
	bool json;
	bool help;
	unsigned int table;	/* bits of enum table_option */
	uint64_t low_water;	/* sectors */
};

static int copy(char **to, const char *path)
{
	*to = strdup(path);
	if (*to)
		return EXIT_OK;
	complain("no memory for a table");
	return EXIT_FAILED;
}

static int fill(struct table *table, const struct stack *stack)
{
	unsigned int i;
	int r = table_alloc(table, stack->nr);

	for (i = 0; !r && i < stack->nr; i++) {
		const struct stack_lower *lower = &stack->lowers[i];
		struct table_layer *layer = &table->layers[i];

		layer->kind = lower->kind;
		layer->bytes = lower->file.bytes;
		r = copy(&layer->dev, lower->file.path);
		if (r || lower->kind != LAYER_GZIP)
			continue;
		layer->index_bytes = lower->index.bytes;
		r = copy(&layer->index, lower->index.path);
	}
	if (!r && stack->has_upper)
		r = copy(&table->upper.data, stack->upper.data.path) ?:
		    copy(&table->upper.index, stack->upper.index.path);
	return r;
}

static void note_tail(const struct stack_file *file, unsigned int i)
{
	if (file->needs_tail)
		complain("note: layer %u (%s): a loop device would hide its last %llu bytes, which are needed: use open",
			 i, file->path,
			 (unsigned long long)file->bytes % OBD_SECTOR_SIZE);
}

static int print_line(const struct stack *stack, const struct table *table)
{
	char *params = table_format(table);
	unsigned int i;

	if (!params) {
		complain("no memory for a table");
		return EXIT_FAILED;
	}
	/* dmsetup would take what is behind for another line of the table. */
	if (strchr(params, '\n')) {
		complain("a path has a newline in it, a table line cannot: use --json, or rename the file: %s",
			 params);
		free(params);
		return EXIT_FAILED;
	}
	printf("0 %llu " DEVICE_TARGET " %s\n",
	       (unsigned long long)stack->nr_sectors, params);
	free(params);
	for (i = 0; i < stack->nr; i++) {
		note_tail(&stack->lowers[i].file, i);
		note_tail(&stack->lowers[i].index, i);
	}
	return EXIT_OK;
}

static struct json_object *file_json(const struct stack_file *file)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, file->rdev ? "device" : "file",
			       json_text(file->path));
	json_object_object_add(o, "bytes", json_object_new_uint64(file->bytes));
	json_object_object_add(o, "needs_tail",
			       json_object_new_boolean(file->needs_tail));
	return o;
}

static struct json_object *layer_json(const struct stack_lower *lower)
{
	struct json_object *o = file_json(&lower->file);
	const char *kind = layer_kind_name(lower->kind);

	json_object_object_add(o, "type", json_object_new_string(kind));
	if (lower->kind == LAYER_GZIP)
		json_object_object_add(o, "index", file_json(&lower->index));
	return o;
}

static struct json_object *upper_json(const struct upper_files *upper)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "type", json_object_new_string("upper"));
	json_object_object_add(o, "data", json_text(upper->data.path));
	json_object_object_add(o, "index", json_text(upper->index.path));
	return o;
}

static void print_in_json(const struct stack *stack,
			  const struct table *table)
{
	struct json_object *o = json_object_new_object();
	struct json_object *layers = json_object_new_array();
	unsigned int i;

	for (i = 0; i < stack->nr; i++)
		json_object_array_add(layers, layer_json(&stack->lowers[i]));
	if (stack->has_upper)
		json_object_array_add(layers, upper_json(&stack->upper));
	json_object_object_add(o, "start", json_object_new_int(0));
	json_object_object_add(o, "length",
			       json_object_new_uint64(stack->nr_sectors));
	json_object_object_add(o, "target",
			       json_object_new_string(DEVICE_TARGET));
	json_object_object_add(o, "layers", layers);
	json_object_object_add(o, "options", table_options_json(table->options));
	if (table->low_water)
		json_object_object_add(o, "low_water",
				       json_object_new_uint64(table->low_water));
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}

static int print_table(const char *path, const struct options *opts)
{
	struct config config = { };
	struct stack stack = { };
	struct table table = { };
	int r;

	r = config_load(&config, path);
	if (!r && opts->low_water && !config_has_upper(&config)) {
		complain("%s: --low-water is for a writable layer, and there is no upper",
			 path);
		r = EXIT_FAILED;
	}
	r = r ?:
	    stack_open(&stack, &config, STACK_LOOK) ?: fill(&table, &stack);
	table.options = opts->table;
	table.low_water = opts->low_water;
	if (!r && opts->json)
		print_in_json(&stack, &table);
	else if (!r)
		r = print_line(&stack, &table);
	table_release(&table);
	stack_close(&stack);
	config_release(&config);
	return r;
}

static int set_low_water(struct options *opts, const char *text)
{
	if (table_low_water(text, &opts->low_water))
		return EXIT_OK;
	return usage_error(&cmd_table, TABLE_LOW_WATER_ERROR, text);
}

static int parse_options(int argc, char **argv, struct options *opts)
{
	static const struct option longopts[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "low-water", required_argument, NULL, 'l' },
		{ "no-cache", no_argument, NULL, 'c' },
		{ "no-verify", no_argument, NULL, 'n' },
		{ }
	};
	int c, r = EXIT_OK;

	opterr = 0;
	while (!r &&
	       (c = getopt_long(argc, argv, ":h", longopts, NULL)) != -1) {
		switch (c) {
		case 'h':
			opts->help = true;
			return EXIT_OK;
		case 'j':
			opts->json = true;
			break;
		case 'l':
			r = set_low_water(opts, optarg);
			break;
		case 'c':
			opts->table |= 1U << TABLE_NO_CACHE;
			break;
		case 'n':
			opts->table |= 1U << TABLE_NO_VERIFY;
			break;
		default:
			return option_error(&cmd_table, c, argv);
		}
	}
	if (!r && argc - optind != 1)
		return usage_error(&cmd_table, "expected a configuration");
	return r;
}

static int run(int argc, char **argv)
{
	struct options opts = { };
	int r = parse_options(argc, argv, &opts);

	if (r)
		return r;
	if (opts.help)
		return print_help(&cmd_table);
	return print_table(argv[optind], &opts);
}

const struct command cmd_table = {
	.name = "table",
	.args = "[OPTION...] CONFIG.json",
	.summary = "Print the table line of an image, and change nothing",
	.help =
"Files stand in the line by their paths, in place of the loop devices that open\n"
"would make of them.\n"
"\n"
"Options:\n"
"      --json            print JSON\n"
"      --low-water SIZE  add the option of an event when less is free\n"
"      --no-cache        add the option not to keep decompressed blocks\n"
"      --no-verify       add the option not to check the CRCs of blocks\n"
"  -h, --help            print this\n",
	.run = run,
};
