// SPDX-License-Identifier: GPL-2.0-only
/*
 * Print structures.
 */
#define _GNU_SOURCE
#include "dm-overlaybd-error.h"
#include "tools/report.h"

#define VALUE_SIZE	1536	/* the longest: 256 characters, all escaped */
#define KEY_WIDTH	16

static u64 get_number(const struct row *row, const void *member)
{
	union {
		u8 v8;
		__le32 v32;
		__le64 v64;
		u64 native;
	} v = {};

	memcpy(&v, member, row->size);
	switch (row->size) {
	case sizeof(v.v8):
		return v.v8;
	case sizeof(v.v32):
		return le32_to_cpu(v.v32);
	default:
		return row->type == ROW_U64 ? v.native : le64_to_cpu(v.v64);
	}
}

/* Blobs are not to be trusted to hold text: terminals and JSON need it. */
static void put_text(char *to, const u8 *from, size_t size)
{
	size_t i;

	for (i = 0; i < size && from[i]; i++) {
		if (from[i] >= ' ' && from[i] < 0x7f && from[i] != '\\')
			*to++ = from[i];
		else
			to += sprintf(to, "\\x%02x", from[i]);
	}
	*to = '\0';
}

static void put_flags(char *to, const struct row *row, u64 flags)
{
	const char *before = " (";
	int i;

	to += sprintf(to, "%#llx", (unsigned long long)flags);
	for (i = 0; row->bits[i]; i++) {
		if (!(flags >> i & 1))
			continue;
		to += sprintf(to, "%s%s", before, row->bits[i]);
		before = " ";
	}
	if (*before == ' ' && !before[1])
		strcpy(to, ")");
}

static void format_value(char *to, const struct row *row, const void *member)
{
	double d;

	switch (row->type) {
	case ROW_TEXT:
		put_text(to, member, row->size);
		break;
	case ROW_STRING:
		snprintf(to, VALUE_SIZE, "%s", *(const char *const *)member);
		break;
	case ROW_DOUBLE:
		memcpy(&d, member, sizeof(d));
		sprintf(to, "%.4g", d);
		break;
	case ROW_FLAGS32:
	case ROW_FLAGS64:
		put_flags(to, row, get_number(row, member));
		break;
	case ROW_HEX32:
		sprintf(to, "%#llx",
			(unsigned long long)get_number(row, member));
		break;
	case ROW_S8:
		sprintf(to, "%d", *(const signed char *)member);
		break;
	default:
		sprintf(to, "%llu",
			(unsigned long long)get_number(row, member));
	}
}

static struct json_object *json_value(const struct row *row,
				      const void *member)
{
	char text[VALUE_SIZE];
	double d;

	switch (row->type) {
	case ROW_TEXT:
	case ROW_STRING:
		format_value(text, row, member);
		return json_object_new_string(text);
	case ROW_DOUBLE:
		memcpy(&d, member, sizeof(d));
		return json_object_new_double(d);
	case ROW_S8:
		return json_object_new_int(*(const signed char *)member);
	default:
		return json_object_new_uint64(get_number(row, member));
	}
}

static void print_rows(const char *title, const struct row *rows, size_t nr,
		       const char *data)
{
	char text[VALUE_SIZE];
	size_t i;

	printf("%s:\n", title);
	for (i = 0; i < nr; i++) {
		format_value(text, &rows[i], data + rows[i].offset);
		printf("  %-*s %s\n", KEY_WIDTH, rows[i].key, text);
	}
}

static struct json_object *to_json(const struct row *rows, size_t nr,
				   const char *data)
{
	struct json_object *o = json_object_new_object();
	size_t i;

	for (i = 0; i < nr; i++)
		json_object_object_add(o, rows[i].key,
				       json_value(&rows[i],
						  data + rows[i].offset));
	return o;
}

/* How many bytes a character takes, 0 if it is none: no UTF-8. */
static unsigned int utf8_length(const u8 *text)
{
	static const u32 least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned int i, len;
	u32 c;

	if (*text < 0x80)
		return 1;
	if (*text < 0xc0 || *text >= 0xf8)
		return 0;
	len = 2 + (*text >= 0xe0) + (*text >= 0xf0);
	c = *text & 0x7f >> len;
	for (i = 1; i < len; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (text[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return len;
}

struct json_object *json_text(const char *text)
{
	const u8 *from = (const u8 *)text;
	char *copy = malloc(4 * strlen(text) + 1), *to = copy;
	struct json_object *o;

	if (!copy)
		return NULL;
	while (*from) {
		unsigned int len = utf8_length(from);

		if (len)
			to = mempcpy(to, from, len);
		else
			to += sprintf(to, "\\x%02x", *from);
		from += len ?: 1;
	}
	*to = '\0';
	o = json_object_new_string(copy);
	free(copy);
	return o;
}

void report_begin(struct report *report, bool json)
{
	report->json = json ? json_object_new_object() : NULL;
}

void report_section(struct report *report, const char *key, const char *title,
		    const struct row *rows, size_t nr, const void *data)
{
	if (!report->json)
		print_rows(title, rows, nr, data);
	else
		json_object_object_add(report->json, key,
				       to_json(rows, nr, data));
}

void report_item(struct report *report, const char *key, const char *title,
		 const struct row *rows, size_t nr, const void *data)
{
	struct json_object *array;

	if (!report->json) {
		print_rows(title, rows, nr, data);
		return;
	}
	if (!json_object_object_get_ex(report->json, key, &array)) {
		array = json_object_new_array();
		json_object_object_add(report->json, key, array);
	}
	json_object_array_add(array, to_json(rows, nr, data));
}

struct list {
	report_put put;
	u32 nr;
};

/* What was copied lies behind it. */
static const void *ctx_of(const struct list *list)
{
	return list + 1;
}

/* A million of objects would take a gigabyte: the text is made at once. */
static int list_to_json(struct json_object *o, struct printbuf *pb, int level,
			int flags)
{
	const struct list *list = json_object_get_userdata(o);
	const char *before = "[\n    ";
	bool empty = true;
	u32 i;

	(void)level;
	(void)flags;
	for (i = 0; i < list->nr; i++) {
		int start = pb->bpos;

		sprintbuf(pb, "%s", before);
		if (!list->put(pb, ctx_of(list), i, true)) {
			pb->bpos = start;
			continue;
		}
		before = ",\n    ";
		empty = false;
	}
	return sprintbuf(pb, "%s", empty ? "[]" : "\n  ]");
}

static void print_list(const struct list *list, const char *title)
{
	struct printbuf *pb = printbuf_new();
	u32 i;

	printf("%s:\n", title);
	for (i = 0; pb && i < list->nr; i++) {
		printbuf_reset(pb);
		if (list->put(pb, ctx_of(list), i, false))
			printf("  %s\n", pb->buf);
	}
	printbuf_free(pb);
}

static void free_list(struct json_object *o, void *list)
{
	(void)o;
	free(list);
}

void report_list(struct report *report, const char *key, const char *title,
		 uint32_t nr, report_put put, const void *ctx, size_t ctx_size)
{
	struct list *list = malloc(sizeof(*list) + ctx_size);
	struct json_object *o;

	if (!list)
		return;
	*list = (struct list) { .put = put, .nr = nr };
	memcpy(list + 1, ctx, ctx_size);
	if (!report->json) {
		print_list(list, title);
		free(list);
		return;
	}
	o = json_object_new_array();
	json_object_set_serializer(o, list_to_json, list, free_list);
	json_object_object_add(report->json, key, o);
}

void print_json(struct json_object *o)
{
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
					    JSON_C_TO_STRING_SPACED |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
}

void report_end(struct report *report)
{
	if (report->json)
		print_json(report->json);
	json_object_put(report->json);
	report->json = NULL;
}
