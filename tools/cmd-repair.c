// SPDX-License-Identifier: GPL-2.0-only
/*
 * overlaybdsetup repair: after a crash, what close would have done.
 */
#include <getopt.h>

#include "tools/commands.h"
#include "tools/config.h"
#include "tools/names.h"
#include "tools/report.h"
#include "tools/upper-files.h"

struct repair {
	bool json;
	bool help;
	struct upper_files files;
	u64 data_size;	/* before */
	u64 index_size;
	bool grown;	/* one header only had the new virtual size */
};

static bool differ(const struct upper *upper)
{
	return upper->data_header.virtual_size !=
	       upper->index_header.virtual_size;
}

static int mend(struct repair *repair, const char *data, const char *index)
{
	struct upper_files *files = &repair->files;
	int r;

	r = upper_files_open(files, data, index, true);
	repair->data_size = files->data.size;
	repair->index_size = files->index.size;
	r = r ?: upper_files_load(files);
	if (r)
		return r;
	repair->grown = differ(&files->upper);
	return upper_files_cut(files);
}

static void print_size(const struct upper_file *file, u64 before)
{
	print_name(stdout, file->path);
	printf(": %llu bytes, ", (unsigned long long)file->size);
	if (before == file->size)
		puts("as before");
	else
		printf("before that %llu\n", (unsigned long long)before);
}

static void print_words(const struct repair *repair)
{
	const struct upper *upper = &repair->files.upper;

	print_size(&repair->files.data, repair->data_size);
	print_size(&repair->files.index, repair->index_size);
	printf("%llu log entries, %u extents, %llu bytes of data\n",
	       (unsigned long long)upper->log_slots, upper->replay.nr,
	       (unsigned long long)upper->replay.data_sectors <<
	       OBD_SECTOR_SHIFT);
	if (repair->files.converted)
		puts("the layer was sparse, and has got an index");
	if (repair->grown)
		printf("the disk had been growing to %llu bytes\n",
		       (unsigned long long)upper->writable.virtual_sectors <<
		       OBD_SECTOR_SHIFT);
}

static void add_number(struct json_object *o, const char *key, u64 value)
{
	json_object_object_add(o, key, json_object_new_uint64(value));
}

static struct json_object *file_json(const struct upper_file *file, u64 before)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, file->rdev ? "device" : "file",
			       json_text(file->path));
	add_number(o, "bytes", file->size);
	add_number(o, "bytes_before", before);
	return o;
}

static void print_in_json(const struct repair *repair)
{
	const struct upper_files *files = &repair->files;
	const struct upper *upper = &files->upper;
	struct json_object *o = json_object_new_object();
	bool changed = repair->grown || files->converted ||
		       repair->data_size != files->data.size ||
		       repair->index_size != files->index.size;

	json_object_object_add(o, "data",
			       file_json(&files->data, repair->data_size));
	json_object_object_add(o, "index",
			       file_json(&files->index, repair->index_size));
	json_object_object_add(o, "changed", json_object_new_boolean(changed));
	json_object_object_add(o, "converted",
			       json_object_new_boolean(files->converted));
	json_object_object_add(o, "uuid", json_text(upper->writable.uuid));
	add_number(o, "virtual_size",
		   upper->writable.virtual_sectors << OBD_SECTOR_SHIFT);
	add_number(o, "log_entries", upper->log_slots);
	add_number(o, "extents", upper->replay.nr);
	add_number(o, "data_bytes",
		   upper->replay.data_sectors << OBD_SECTOR_SHIFT);
	print_json(o);
	json_object_put(o);
}

static int repair_files(struct repair *repair, const char *data,
			const char *index)
{
	int r = mend(repair, data, index);

	if (!r && repair->json)
		print_in_json(repair);
	else if (!r)
		print_words(repair);
	upper_files_close(&repair->files);
	return r;
}

static int repair_config(struct repair *repair, const char *path)
{
	struct config config;
	int r;

	r = config_load(&config, path) ?: config_check_upper(&config);
	if (!r && !config_has_upper(&config)) {
		complain("%s: has no upper", path);
		r = EXIT_FAILED;
	}
	if (!r)
		r = repair_files(repair, config.upper.data,
				 config.upper.index);
	config_release(&config);
	return r;
}

static int parse_options(int argc, char **argv, struct repair *repair)
{
	static const struct option longopts[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ }
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":h", longopts, NULL)) != -1) {
		if (c == 'h')
			repair->help = true;
		else if (c == 'j')
			repair->json = true;
		else
			return option_error(&cmd_repair, c, argv);
	}
	if (!repair->help && argc - optind != 1 && argc - optind != 2)
		return usage_error(&cmd_repair,
				   "expected a data and an index file, or a configuration");
	return EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct repair repair = {};
	int r = parse_options(argc, argv, &repair);

	if (r)
		return r;
	if (repair.help)
		return print_help(&cmd_repair);
	if (argc - optind == 1)
		return repair_config(&repair, argv[optind]);
	return repair_files(&repair, argv[optind], argv[optind + 1]);
}

const struct command cmd_repair = {
	.name = "repair",
	.args = "[--json] (DATA INDEX | CONFIG.json)",
	.summary = "Check a writable layer, and cut its files to what is in them",
	.help =
"For files that were not closed, as after a crash; open does the same. Files\n"
"that are in use are refused.\n"
"\n"
"Options:\n"
"      --json  print JSON\n"
"  -h, --help  print this\n",
	.run = run,
};
