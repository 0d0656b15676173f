/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parameters of a table line of the overlaybd target.
 */
#ifndef OVERLAYBD_TABLE_H
#define OVERLAYBD_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/config.h"

/* Options, bit by bit, in the order in which they are written. */
enum table_option {
	TABLE_NO_VERIFY,	/* the CRCs of blocks are not checked */
	TABLE_NO_CACHE,		/* decompressed blocks are not kept */
	NR_TABLE_OPTIONS
};

extern const char *const table_option_names[NR_TABLE_OPTIONS];

/**
 * struct table_layer - a layer
 * @kind: what it is
 * @dev: path, or major:minor
 * @bytes: exact length of what is there
 * @index: path, or major:minor, of the index of a LAYER_GZIP; else NULL
 * @index_bytes: exact length of that
 */
struct table_layer {
	enum layer_kind kind;
	char *dev;
	uint64_t bytes;
	char *index;
	uint64_t index_bytes;
};

/**
 * struct table_upper - the writable layer
 * @data: path, or major:minor, of its data device; NULL if there is none
 * @index: of its index device
 */
struct table_upper {
	char *data;
	char *index;
};

/**
 * struct table - the parameters
 * @layers: read-only layers, lowest first; a target is behind the LAYER_TURBO
 *	that it belongs to
 * @nr: how many
 * @upper: the layer above them
 * @options: a bit for each enum table_option
 * @low_water: sectors of data space below which there is an event; 0 for none
 */
struct table {
	struct table_layer *layers;
	unsigned int nr;
	struct table_upper upper;
	unsigned int options;
	uint64_t low_water;
};

/**
 * table_alloc - begin with layers that have no device yet
 * @table: filled in; release with table_release(), also after a failure
 * @nr: how many, without the upper
 *
 * Complains when it fails.
 *
 * Return: an exit code.
 */
int table_alloc(struct table *table, unsigned int nr);

/**
 * table_format - put the parameters into a string
 * @table: the parameters
 *
 * Blanks in paths are escaped as device-mapper wants it.
 *
 * Return: the string, to be freed, or NULL without memory.
 */
char *table_format(const struct table *table);

/**
 * table_parse - take the parameters from the kernel's string
 * @table: filled in; release with table_release(), also after a failure
 * @params: the string; changed
 *
 * Complains when it fails.
 *
 * Return: an exit code.
 */
int table_parse(struct table *table, char *params);

/**
 * table_release - free what the other functions allocated
 * @table: the parameters; zeroed ones are fine
 */
void table_release(struct table *table);

#define TABLE_LOW_WATER_ERROR	\
	"--low-water is '%s', expected a multiple of 512 bytes"

/**
 * table_low_water - the value of --low-water
 * @text: as typed, a number of bytes
 * @sectors: the same in sectors
 *
 * Return: false if it is none.
 */
bool table_low_water(const char *text, uint64_t *sectors);

struct json_object;

/**
 * table_options_json - the options of a table, by name
 * @options: a bit for each
 *
 * Return: an array of strings; the caller's.
 */
struct json_object *table_options_json(unsigned int options);

#endif
