/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Structures as text or JSON. One table of rows describes a structure for
 * both.
 */
#ifndef OVERLAYBD_REPORT_H
#define OVERLAYBD_REPORT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a member is stored, and printed. */
enum row_type {
	ROW_U8,
	ROW_S8,
	ROW_LE32,
	ROW_LE64,
	ROW_HEX32,	/* __le32, hexadecimal in text */
	ROW_FLAGS32,	/* __le32, with names of its bits */
	ROW_FLAGS64,
	ROW_U64,	/* of the processor */
	ROW_DOUBLE,
	ROW_TEXT,	/* characters, not always with a NUL */
	ROW_STRING,	/* const char * */
};

/**
 * struct row - a member of a structure
 * @key: its name
 * @type: how it is stored
 * @offset: where it is in the structure
 * @size: its bytes
 * @bits: for flags, names from bit 0 on, NULL behind the last
 */
struct row {
	const char *key;
	enum row_type type;
	size_t offset;
	size_t size;
	const char *const *bits;
};

#define ROW(structure, member, type)					\
	{ #member, type, offsetof(structure, member),			\
	  sizeof(((structure *)NULL)->member), NULL }
#define ROW_BITS(structure, member, type, names)			\
	{ #member, type, offsetof(structure, member),			\
	  sizeof(((structure *)NULL)->member), names }

/**
 * struct report - what is printed
 * @json: the whole of it, printed by report_end(); NULL for text, which is
 *	printed at once
 */
struct report {
	struct json_object *json;
};

/**
 * report_begin - begin a report
 * @report: filled in; end with report_end()
 * @json: whether it is to be JSON
 */
void report_begin(struct report *report, bool json);

/**
 * report_section - report a structure
 * @report: the report
 * @key: its name in JSON
 * @title: its name in text
 * @rows: description of the structure
 * @nr: how many rows
 * @data: the structure
 */
void report_section(struct report *report, const char *key, const char *title,
		    const struct row *rows, size_t nr, const void *data);

/**
 * report_item - report one of several structures
 * @report: the report
 * @key: name in JSON of the array of them all
 * @title: the name of this one in text
 * @rows: description of the structure
 * @nr: how many rows
 * @data: the structure
 */
void report_item(struct report *report, const char *key, const char *title,
		 const struct row *rows, size_t nr, const void *data);

/**
 * typedef report_put - write one of many structures
 * @pb: gets it
 * @ctx: what they are in
 * @nr: its number
 * @json: as JSON, not a line without its end
 *
 * Return: false if it is to be left out.
 */
typedef bool (*report_put)(struct printbuf *pb, const void *ctx, uint32_t nr,
			   bool json);

/**
 * report_list - report very many small structures
 * @report: the report
 * @key: name in JSON of the array of them all
 * @title: their name in text
 * @nr: how many
 * @put: writes one
 * @ctx: for @put; copied. What it points to must stay until the report has ended
 * @ctx_size: its bytes
 */
void report_list(struct report *report, const char *key, const char *title,
		 uint32_t nr, report_put put, const void *ctx, size_t ctx_size);

/**
 * report_end - print what has not been printed
 * @report: the report
 */
void report_end(struct report *report);

/**
 * json_text - a JSON string of a name, or of what is in a file
 * @text: any bytes; JSON has no way to say those that are not UTF-8, which
 *	become \xNN
 */
struct json_object *json_text(const char *text);

/**
 * print_json - print a JSON value on standard output
 * @o: the value
 */
void print_json(struct json_object *o);

#endif
