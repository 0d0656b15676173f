// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parameters of a table line, to and from text.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dm-overlaybd-format.h"
#include "tools/commands.h"
#include "tools/options.h"
#include "tools/table.h"

#define KIND_LOWER	"lower"
#define KIND_TURBO	"turbo"
#define KIND_UPPER	"upper"
#define OPT_LOW_WATER	"low_water"
#define NO_DEVICE	"-"

/* What follows "turbo" are three files. */
#define LOWER_ARGS	3
#define TURBO_ARGS	7
#define UPPER_ARGS	3

const char *const table_option_names[NR_TABLE_OPTIONS] = {
	[TABLE_NO_VERIFY] = "no_verify",
	[TABLE_NO_CACHE] = "no_cache",
};

int table_alloc(struct table *table, unsigned int nr)
{
	*table = (struct table) {};
	table->layers = calloc(nr ? nr : 1, sizeof(*table->layers));
	if (!table->layers) {
		complain("no memory for a table of %u layers", nr);
		return EXIT_FAILED;
	}
	table->nr = nr;
	return EXIT_OK;
}

static void put_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (strchr(" \t\n\v\f\r\\", *text))
			putc('\\', out);
		putc(*text, out);
	}
}

static void put_file(FILE *out, const char *dev, uint64_t bytes)
{
	putc(' ', out);
	put_escaped(out, dev);
	fprintf(out, " %llu", (unsigned long long)bytes);
}

static void put_layer(FILE *out, const struct table_layer *layer)
{
	if (layer->kind == LAYER_LOWER)
		fputs(" " KIND_LOWER, out);
	else if (layer->kind == LAYER_TURBO)
		fputs(" " KIND_TURBO, out);
	put_file(out, layer->dev, layer->bytes);
	if (layer->kind == LAYER_GZIP)
		put_file(out, layer->index, layer->index_bytes);
	else if (layer->kind == LAYER_RAW)
		put_file(out, NO_DEVICE, 0);
}

static void put_upper(FILE *out, const struct table_upper *upper)
{
	if (!upper->data)
		return;
	fputs(" " KIND_UPPER " ", out);
	put_escaped(out, upper->data);
	putc(' ', out);
	put_escaped(out, upper->index);
}

static unsigned int count_args(const struct table *table)
{
	unsigned int i, nr = table->upper.data ? UPPER_ARGS : 0;

	for (i = 0; i < table->nr; i++)
		if (table->layers[i].kind == LAYER_LOWER)
			nr += LOWER_ARGS;
		else if (table->layers[i].kind == LAYER_TURBO)
			nr += TURBO_ARGS;
	return nr;
}

static void put_options(FILE *out, const struct table *table)
{
	int i, nr = __builtin_popcount(table->options);

	if (table->low_water)
		nr += 2;
	if (!nr)
		return;
	fprintf(out, " %d", nr);
	for (i = 0; i < NR_TABLE_OPTIONS; i++)
		if (table->options & 1U << i)
			fprintf(out, " %s", table_option_names[i]);
	if (table->low_water)
		fprintf(out, " " OPT_LOW_WATER " %llu",
			(unsigned long long)table->low_water);
}

char *table_format(const struct table *table)
{
	char *text = NULL;
	unsigned int i;
	size_t size;
	FILE *out;

	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	fprintf(out, "%u", count_args(table));
	for (i = 0; i < table->nr; i++)
		put_layer(out, &table->layers[i]);
	put_upper(out, &table->upper);
	put_options(out, table);
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

static int number(char **rest, uint64_t *value)
{
	char *word = strtok_r(NULL, " ", rest);
	char *end;

	if (!word)
		return -EINVAL;
	errno = 0;
	*value = strtoull(word, &end, 10);
	return errno || *end ? -EINVAL : 0;
}

static int device(char **rest, char **dev)
{
	char *word = strtok_r(NULL, " ", rest);

	if (!word)
		return -EINVAL;
	*dev = strdup(word);
	return *dev ? 0 : -ENOMEM;
}

static int parse_upper(struct table_upper *upper, char **rest)
{
	return device(rest, &upper->data) ?: device(rest, &upper->index);
}

static int parse_file(struct table_layer *layer, enum layer_kind kind,
		      char **rest)
{
	layer->kind = kind;
	return device(rest, &layer->dev) ?: number(rest, &layer->bytes);
}

static int parse_target(struct table_layer *layer, char **rest)
{
	int r = parse_file(layer, LAYER_GZIP, rest) ?:
		device(rest, &layer->index) ?:
		number(rest, &layer->index_bytes);

	if (!r && !strcmp(layer->index, NO_DEVICE)) {
		layer->kind = LAYER_RAW;
		free(layer->index);
		layer->index = NULL;
	}
	return r;
}

/* Return: how many words the layer has, or a negative errno. */
static int parse_layer(struct table *table, char **rest)
{
	struct table_layer *layer = &table->layers[table->nr];
	char *kind = strtok_r(NULL, " ", rest);

	if (!kind)
		return -EINVAL;
	if (!strcmp(kind, KIND_UPPER))
		return parse_upper(&table->upper, rest) ?: UPPER_ARGS;
	table->nr++;
	if (!strcmp(kind, KIND_LOWER))
		return parse_file(layer, LAYER_LOWER, rest) ?: LOWER_ARGS;
	table->nr++;
	if (!strcmp(kind, KIND_TURBO))
		return parse_file(layer, LAYER_TURBO, rest) ?:
		       parse_target(layer + 1, rest) ?: TURBO_ARGS;
	return -EINVAL;
}

/* No layer has fewer words than a third, and each may be two. */
static int parse_layers(struct table *table, unsigned long nr_args, char **rest)
{
	int r = table_alloc(table, nr_args / LOWER_ARGS + 2);

	if (r)
		return -ENOMEM;
	table->nr = 0;
	while (nr_args) {
		r = parse_layer(table, rest);
		if (r < 0)
			return r;
		if (r > nr_args || (table->upper.data && r < nr_args))
			return -EINVAL;
		nr_args -= r;
	}
	return table->nr + !!table->upper.data > LSMT_MAX_LAYERS ? -EINVAL : 0;
}

/* Options of later versions are passed over. */
static int parse_options(struct table *table, char **rest)
{
	char *word;
	int i, r = 0;

	while (!r && (word = strtok_r(NULL, " ", rest))) {
		for (i = 0; i < NR_TABLE_OPTIONS; i++)
			if (!strcmp(word, table_option_names[i]))
				table->options |= 1U << i;
		if (!strcmp(word, OPT_LOW_WATER))
			r = number(rest, &table->low_water);
	}
	return r;
}

static int refuse(const char *params)
{
	complain("the kernel's table line '%s' is not of this version: use dmsetup",
		 params);
	return EXIT_FAILED;
}

int table_parse(struct table *table, char *params)
{
	char *rest = params, *end;
	unsigned long nr_args;

	*table = (struct table) {};
	nr_args = strtoul(params, &end, 10);
	if (!nr_args || nr_args > LSMT_MAX_LAYERS * TURBO_ARGS)
		return refuse(params);
	strtok_r(params, " ", &rest);
	if (parse_layers(table, nr_args, &rest) || parse_options(table, &rest))
		return refuse(params);
	return EXIT_OK;
}

void table_release(struct table *table)
{
	unsigned int i;

	for (i = 0; i < table->nr; i++) {
		free(table->layers[i].dev);
		free(table->layers[i].index);
	}
	free(table->layers);
	free(table->upper.data);
	free(table->upper.index);
	*table = (struct table) {};
}

bool table_low_water(const char *text, uint64_t *sectors)
{
	uint64_t bytes;

	if (!parse_size(text, &bytes) || !bytes || bytes % OBD_SECTOR_SIZE)
		return false;
	*sectors = bytes >> OBD_SECTOR_SHIFT;
	return true;
}

struct json_object *table_options_json(unsigned int options)
{
	struct json_object *array = json_object_new_array();
	const char *name;
	int i;

	for (i = 0; i < NR_TABLE_OPTIONS; i++) {
		name = table_option_names[i];
		if (options & 1U << i)
			json_object_array_add(array,
					      json_object_new_string(name));
	}
	return array;
}
