// SPDX-License-Identifier: GPL-2.0-only
/*
 * overlaybdsetup seal: make a writable layer a read-only one, in place.
 */
#include <getopt.h>

#include "tools/commands.h"
#include "tools/names.h"
#include "tools/report.h"
#include "tools/seal.h"
#include "tools/upper-files.h"
#include "tools/upper-sparse.h"

enum form { TEXT, JSON, BYTES };

static void print_json_result(const struct upper_files *files, u64 bytes)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "file", json_text(files->data.path));
	json_object_object_add(o, "bytes", json_object_new_uint64(bytes));
	print_json(o);
	json_object_put(o);
}

static void print_text(const struct upper_files *files, u64 bytes)
{
	print_name(stdout, files->data.path);
	printf(": is a sealed layer of %llu bytes\n",
	       (unsigned long long)bytes);
	if (files->data.rdev)
		printf("List the device as a lower, with \"size\": %llu.\n",
		       (unsigned long long)bytes);
	print_name(stdout, files->index.path);
	printf(": is not needed any more%s\n",
	       files->index.rdev ? "" : ", remove it");
}

static void print_result(const struct upper_files *files, u64 bytes,
			 enum form form)
{
	switch (form) {
	case JSON:
		print_json_result(files, bytes);
		break;
	case BYTES:
		printf("%llu\n", (unsigned long long)bytes);
		break;
	default:
		print_text(files, bytes);
	}
}

static int seal_fds(int data, int index, u64 *bytes, struct obd_error *err)
{
	struct progress progress;
	int r;

	progress_begin(&progress, "seal", 0);
	r = seal_upper(data, index, bytes, &progress, err) ?:
	    seal_finish(data, index, *bytes, err);
	progress_end(&progress);
	return r;
}

static int seal_files(const struct upper_files *files, u64 *bytes)
{
	int data = files->data.fd, index = files->index.fd;
	struct obd_error err;
	int r;

	r = upper_convert_sparse(data, index, &err);
	if (r >= 0)
		r = seal_fds(data, index, bytes, &err);
	if (r)
		complain("%s, %s: %s", files->data.path, files->index.path,
			 err.text);
	return exit_code_of(r);
}

static int seal(const char *data, const char *index, enum form form)
{
	struct upper_files files;
	u64 bytes = 0;
	int r;

	r = upper_files_open(&files, data, index, true) ?:
	    upper_files_lock(&files) ?: seal_files(&files, &bytes);
	if (!r)
		print_result(&files, bytes, form);
	upper_files_close(&files);
	return r;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "print-bytes", no_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	enum form form = TEXT;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (c == 'h')
			return print_help(&cmd_seal);
		if (c != 'j' && c != 'b')
			return option_error(&cmd_seal, c, argv);
		if (form != TEXT && form != (c == 'j' ? JSON : BYTES))
			return usage_error(&cmd_seal,
					   "--json and --print-bytes do not go together");
		form = c == 'j' ? JSON : BYTES;
	}
	if (argc - optind != 2)
		return usage_error(&cmd_seal, "expected data and index");
	return seal(argv[optind], argv[optind + 1], form);
}

const struct command cmd_seal = {
	.name = "seal",
	.args = "[--json | --print-bytes] DATA INDEX",
	.summary = "Make a writable layer a read-only one, in place",
	.help =
"DATA becomes a layer that can be listed as a lower: an index and a trailer are\n"
"appended to it, and it is cut to its exact length; INDEX is marked, so that the\n"
"two cannot be opened for writing any more, and not needed from then on. What was\n"
"interrupted is done by sealing again. A block device keeps its size: the length\n"
"of the layer, which is printed, has to be given as \"size\" with it.\n"
"\n"
"Options:\n"
"      --json         print JSON\n"
"      --print-bytes  print nothing but the length of the layer\n"
"  -h, --help         print this\n",
	.run = run,
};
