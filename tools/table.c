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
#include "tools/table.h"

#define ARGS_PER_LAYER	3	/* "lower", device, bytes */

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

static void put_options(FILE *out, unsigned int options)
{
	int i;

	if (!options)
		return;
	fprintf(out, " %d", __builtin_popcount(options));
	for (i = 0; i < NR_TABLE_OPTIONS; i++)
		if (options & 1U << i)
			fprintf(out, " %s", table_option_names[i]);
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
	fprintf(out, "%u", table->nr * ARGS_PER_LAYER);
	for (i = 0; i < table->nr; i++) {
		fputs(" lower ", out);
		put_escaped(out, table->layers[i].dev);
		fprintf(out, " %llu",
			(unsigned long long)table->layers[i].bytes);
	}
	put_options(out, table->options);
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

static int parse_layer(struct table_layer *layer, char **rest)
{
	char *kind = strtok_r(NULL, " ", rest);
	char *dev = strtok_r(NULL, " ", rest);

	if (!kind || strcmp(kind, "lower") || !dev)
		return -EINVAL;
	layer->dev = strdup(dev);
	return layer->dev ? number(rest, &layer->bytes) : -ENOMEM;
}

/* Options of later versions are passed over. */
static void parse_options(struct table *table, char **rest)
{
	char *word;
	int i;

	while ((word = strtok_r(NULL, " ", rest)))
		for (i = 0; i < NR_TABLE_OPTIONS; i++)
			if (!strcmp(word, table_option_names[i]))
				table->options |= 1U << i;
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
	unsigned int i;
	int r;

	*table = (struct table) {};
	nr_args = strtoul(params, &end, 10);
	if (!nr_args || nr_args % ARGS_PER_LAYER ||
	    nr_args > LSMT_MAX_LAYERS * ARGS_PER_LAYER)
		return refuse(params);
	r = table_alloc(table, nr_args / ARGS_PER_LAYER);
	if (r)
		return r;
	strtok_r(params, " ", &rest);
	for (i = 0; !r && i < table->nr; i++)
		r = parse_layer(&table->layers[i], &rest);
	if (r)
		return refuse(params);
	parse_options(table, &rest);
	return EXIT_OK;
}

void table_release(struct table *table)
{
	unsigned int i;

	for (i = 0; i < table->nr; i++)
		free(table->layers[i].dev);
	free(table->layers);
	*table = (struct table) {};
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
