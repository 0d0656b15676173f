// SPDX-License-Identifier: GPL-2.0-only
/*
 * Say what is wrong with a file.
 */
#include "tools/commands.h"
#include "tools/names.h"
#include "tools/report.h"
#include "tools/verify.h"

void verify_begin(struct verify *v, const struct verify_options *options,
		  const char *path)
{
	*v = (struct verify) { .options = options, .path = path };
	if (!options->results)
		return;
	v->result = json_object_new_object();
	v->errors = json_object_new_array();
	json_object_array_add(options->results, v->result);
	verify_add_string(v, "file", path);
}

void verify_error(struct verify *v, int r, const char *text)
{
	if (exit_code_of(r) == EXIT_FAILED)
		v->failed = true;
	if (v->nr_errors++ >= VERIFY_MAX_SHOWN)
		return;
	progress_end(&v->progress);
	if (v->errors)
		json_object_array_add(v->errors, json_text(text));
	else
		complain("%s: %s", v->path, text);
}

static const char *verdict(const struct verify *v)
{
	if (v->failed)
		return "COULD NOT BE CHECKED";
	return v->nr_errors ? "INVALID" : "valid";
}

void verify_verdict(const struct verify *v)
{
	if (v->result)
		return;
	if (v->nr_errors > VERIFY_MAX_SHOWN)
		complain("%s: %llu more errors", v->path,
			 (unsigned long long)(v->nr_errors - VERIFY_MAX_SHOWN));
	print_name(stdout, v->path);
	printf(": %s", verdict(v));
}

void verify_add_u64(struct verify *v, const char *key, u64 value)
{
	if (v->result)
		json_object_object_add(v->result, key,
				       json_object_new_uint64(value));
}

void verify_add_bool(struct verify *v, const char *key, bool value)
{
	if (v->result)
		json_object_object_add(v->result, key,
				       json_object_new_boolean(value));
}

void verify_add_string(struct verify *v, const char *key, const char *value)
{
	if (v->result)
		json_object_object_add(v->result, key, json_text(value));
}

int verify_failed(const struct verify_options *options, const char *path,
		  int r)
{
	struct verify v;

	verify_begin(&v, options, path);
	v.nr_errors = 1;
	v.failed = r != EXIT_INVALID;
	if (v.errors)
		json_object_array_add(v.errors, json_text(last_complaint()));
	verify_verdict(&v);
	verify_end(&v);
	return r;
}

int verify_end(struct verify *v)
{
	verify_add_bool(v, "valid", !v->nr_errors);
	verify_add_u64(v, "nr_errors", v->nr_errors);
	if (v->result)
		json_object_object_add(v->result, "errors", v->errors);
	else
		putchar('\n');
	if (!v->nr_errors)
		return EXIT_OK;
	return v->failed ? EXIT_FAILED : EXIT_INVALID;
}
