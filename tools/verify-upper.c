// SPDX-License-Identifier: GPL-2.0-only
/*
 * Check the two files of a writable layer.
 */
#include "tools/commands.h"
#include "tools/report.h"
#include "tools/upper-files.h"
#include "tools/verify-upper.h"

static void add_u64(struct json_object *o, const char *key, u64 value)
{
	json_object_object_add(o, key, json_object_new_uint64(value));
}

/* The form of the result is the same as for blobs: an array. */
static void print_json_result(const struct upper_files *files,
			      const struct upper *upper, int r,
			      const struct obd_error *err)
{
	struct json_object *results = json_object_new_array();
	struct json_object *errors = json_object_new_array();
	struct json_object *o = json_object_new_object();

	if (r)
		json_object_array_add(errors, json_object_new_string(err->text));
	json_object_object_add(o, "file",
			       json_object_new_string(files->data.path));
	json_object_object_add(o, "index",
			       json_object_new_string(files->index.path));
	json_object_object_add(o, "valid", json_object_new_boolean(!r));
	add_u64(o, "log_entries", upper->log_slots);
	add_u64(o, "entries", upper->replay.nr);
	add_u64(o, "nr_errors", !!r);
	json_object_object_add(o, "errors", errors);
	json_object_array_add(results, o);
	print_json(results);
	json_object_put(results);
}

static void print_text(const struct upper_files *files,
		       const struct upper *upper, int r,
		       const struct obd_error *err)
{
	if (r)
		complain("%s: %s", files->data.path, err->text);
	printf("%s: ", files->data.path);
	if (!r)
		printf("valid, writable, %llu log entries, %u live: holds no checksums, only its structure was checked\n",
		       (unsigned long long)upper->log_slots,
		       upper->replay.nr);
	else
		puts(exit_code_of(r) == EXIT_INVALID ?
		     "INVALID" : "COULD NOT BE CHECKED");
}

static int check(const struct upper_files *files, bool json)
{
	struct upper upper;
	struct obd_error err;
	int r = upper_load(&upper, files->data.fd, files->index.fd, &err);

	if (json)
		print_json_result(files, &upper, r, &err);
	else
		print_text(files, &upper, r, &err);
	upper_close(&upper);
	return exit_code_of(r);
}

int verify_upper(const char *data, const char *index, bool json)
{
	struct upper_files files;
	int r;

	r = upper_files_open(&files, data, index, false) ?:
	    upper_files_lock(&files) ?: check(&files, json);
	upper_files_close(&files);
	return r;
}
