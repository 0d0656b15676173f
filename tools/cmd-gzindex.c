// SPDX-License-Identifier: GPL-2.0-only
/*
 * overlaybdsetup gzindex: make a gzip file one that can be read from the middle.
 */
#define _GNU_SOURCE
#include <getopt.h>

#include "tools/commands.h"
#include "tools/gzip-index.h"
#include "tools/names.h"
#include "tools/options.h"
#include "tools/report.h"

#define SUFFIX		".gzindex"
#define SPAN_MIN	4096
#define LEVEL_DEFAULT	6

struct options {
	const char *gzip;
	char *out;
	uint64_t span;
	int level;
	bool checksums;
	bool json;
	bool help;
};

static void print_text(const struct options *o, const struct gzip_index *index)
{
	print_name(stdout, o->out);
	printf(": %llu access points in %llu bytes, %.2f per cent of the gzip file; %llu bytes of data\n",
	       (unsigned long long)index->nr_points,
	       (unsigned long long)index->index_size,
	       100.0 * index->index_size / index->gzip->size,
	       (unsigned long long)index->data_size);
}

static void print_object(const struct options *o,
			 const struct gzip_index *index)
{
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = {
		{ "gzip_size", index->gzip->size },
		{ "index_size", index->index_size },
		{ "data_size", index->data_size },
		{ "span", index->span },
		{ "points", index->nr_points },
		{ "members", index->nr_members },
	};
	struct json_object *object = json_object_new_object();
	size_t i;

	json_object_object_add(object, "gzip", json_text(o->gzip));
	json_object_object_add(object, "index", json_text(o->out));
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		json_object_object_add(object, numbers[i].key,
				       json_object_new_uint64(numbers[i].value));
	print_json(object);
	json_object_put(object);
}

static int write_index(const struct options *o, struct gzip_index *index,
		       struct obd_error *err)
{
	struct progress progress;
	int r;

	progress_begin(&progress, "reading", index->gzip->size);
	index->progress = &progress;
	r = gzip_index_write(index, err);
	progress_end(&progress);
	if (r) {
		complain("%s: %s", o->gzip, err->text);
		return exit_code_of(r);
	}
	r = gzip_index_check(index, err);
	if (r) {
		complain("%s: nobody could read its index: %s", o->gzip,
			 err->text);
		return exit_code_of(r);
	}
	r = output_commit(index->out, err);
	if (r)
		complain("%s: %s", o->out, err->text);
	return r ? EXIT_FAILED : EXIT_OK;
}

static int begin_output(const struct options *o, struct output *out,
			struct obd_error *err)
{
	int r;

	r = output_refuse_input(o->out, o->gzip, err) ?:
	    output_open(out, o->out, err);
	if (r)
		complain("%s", err->text);
	return exit_code_of(r);
}

static int gzindex(const struct options *o)
{
	struct obd_dev gzip;
	struct obd_error err;
	struct output out = { .fd = -1 };
	struct gzip_index index = {
		.gzip = &gzip, .out = &out, .span = o->span, .level = o->level,
		.checksums = o->checksums,
	};
	int r;

	r = obd_file_open(&gzip, o->gzip);
	if (r) {
		complain("%s: cannot open it: %s", o->gzip, obd_file_error(r));
		obd_file_close(&gzip);
		return EXIT_FAILED;
	}
	r = begin_output(o, &out, &err) ?: write_index(o, &index, &err);
	if (!r)
		o->json ? print_object(o, &index) : print_text(o, &index);
	output_discard(&out);
	obd_file_close(&gzip);
	return r;
}

static int set_span(struct options *o)
{
	if (parse_size(optarg, &o->span) && o->span >= SPAN_MIN &&
	    o->span <= INT32_MAX)
		return EXIT_OK;
	return usage_error(&cmd_gzindex,
			   "--span is '%s', expected bytes from %u to %u",
			   optarg, SPAN_MIN, INT32_MAX);
}

static int set_level(struct options *o)
{
	uint64_t level;

	if (!parse_u64(optarg, 0, 9, &level))
		return usage_error(&cmd_gzindex,
				   "--level is '%s', expected 0 to 9", optarg);
	o->level = level;
	return EXIT_OK;
}

static int set_option(struct options *o, int opt, char **argv)
{
	switch (opt) {
	case 'c':
		o->checksums = true;
		return EXIT_OK;
	case 'h':
		o->help = true;
		return EXIT_OK;
	case 'j':
		o->json = true;
		return EXIT_OK;
	case 'l':
		return set_level(o);
	case 'o':
		free(o->out);
		o->out = strdup(optarg);
		return EXIT_OK;
	case 's':
		return set_span(o);
	default:
		return option_error(&cmd_gzindex, opt, argv);
	}
}

static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longopts[] = {
		{ "checksums", no_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "level", required_argument, NULL, 'l' },
		{ "out", required_argument, NULL, 'o' },
		{ "span", required_argument, NULL, 's' },
		{}
	};
	int opt, r = EXIT_OK;

	opterr = 0;
	while (!r && !o->help &&
	       (opt = getopt_long(argc, argv, ":ho:", longopts, NULL)) != -1)
		r = set_option(o, opt, argv);
	if (r || o->help)
		return r;
	if (argc - optind != 1)
		return usage_error(&cmd_gzindex, "expected one gzip file");
	o->gzip = argv[optind];
	if (!o->out && asprintf(&o->out, "%s" SUFFIX, o->gzip) < 0)
		o->out = NULL;
	if (o->out)
		return EXIT_OK;
	complain("no memory for a name");
	return EXIT_FAILED;
}

static int run(int argc, char **argv)
{
	struct options o = {
		.span = GZIDX_SPAN_DEFAULT, .level = LEVEL_DEFAULT,
	};
	int r;

	r = parse_options(argc, argv, &o);
	if (!r)
		r = o.help ? print_help(&cmd_gzindex) : gzindex(&o);
	free(o.out);
	return r;
}

const struct command cmd_gzindex = {
	.name = "gzindex",
	.args = "[--span SIZE] [--level N] [--checksums] [--out FILE] [--json] FILE.gz",
	.summary = "Make the index with which a gzip file is read from the middle",
	.help =
"The index has access points, at which inflation can begin, with the data before\n"
"each, and is written in the format of the gzipIndex of an image. The gzip file\n"
"is read once, its CRCs are checked, and it stays as it is. All of its members are\n"
"indexed, each beginning with a point of its own.\n"
"\n"
"Options:\n"
"      --span SIZE  data between two points, from 4K to less than 2G, 1M by\n"
"                   default: less means faster reads and a larger index\n"
"      --checksums  add a CRC for every 64 KiB of data, which the module checks;\n"
"                   those who do not know it read the index all the same\n"
"      --level N    how hard zlib compresses the index, 6 by default; 0: not\n"
"  -o, --out FILE   the index; FILE.gz" SUFFIX " by default\n"
"      --json       print the result as JSON\n"
"  -h, --help       print this\n",
	.run = run,
};
