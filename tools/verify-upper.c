// SPDX-License-Identifier: GPL-2.0-only
/*
 * Check the two files of a writable layer.
 */
#include "tools/commands.h"
#include "tools/upper-files.h"
#include "tools/verify-upper.h"

static void check(struct verify *v, const struct upper_files *files)
{
	struct upper upper;
	struct obd_error err;
	int r = upper_load(&upper, files->data.fd, files->index.fd, &err);

	if (r)
		verify_error(v, r, err.text);
	verify_verdict(v);
	if (!r && !v->result)
		printf(", writable, %llu log entries, %u live: holds no checksums, only its structure was checked",
		       (unsigned long long)upper.log_slots, upper.replay.nr);
	verify_add_string(v, "index", files->index.path);
	verify_add_u64(v, "log_entries", upper.log_slots);
	verify_add_u64(v, "entries", upper.replay.nr);
	upper_close(&upper);
}

int verify_upper(const char *data, const char *index,
		 const struct verify_options *options)
{
	struct upper_files files;
	struct verify v;
	int r;

	r = upper_files_open(&files, data, index, false) ?:
	    upper_files_lock(&files);
	if (r) {
		verify_failed(options, data, r);
	} else {
		verify_begin(&v, options, data);
		check(&v, &files);
		r = verify_end(&v);
	}
	upper_files_close(&files);
	return r;
}
