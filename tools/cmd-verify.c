// SPDX-License-Identifier: GPL-2.0-only
/*
 * overlaybdsetup verify: check everything in blobs that can be checked.
 */
#include <getopt.h>

#include "tools/commands.h"
#include "tools/layer-options.h"
#include "tools/options.h"
#include "tools/report.h"
#include "tools/verify-blob.h"
#include "tools/verify-image.h"
#include "tools/verify-upper.h"
#include "tools/workers.h"

struct options {
	struct verify_options verify;
	const char *index;	/* of a writable layer */
	const char *gzip_index;
	bool json;
	bool help;
};

static int verify_file(const char *path, const struct verify_options *options)
{
	return verify_image_recognised(path) ?
	       verify_image(path, options) : verify_blob(path, options);
}

static int verify_gzip_pair(const char *path, const struct options *o)
{
	struct verify_target target;
	int r;

	verify_target_open(&target, path, o->gzip_index);
	r = verify_target(&target, &o->verify);
	verify_target_close(&target);
	return r;
}

static int verify_all(char **paths, int nr, const struct options *o)
{
	int i, r = EXIT_OK;

	if (o->index)
		return verify_upper(paths[0], o->index, &o->verify);
	if (o->gzip_index)
		return verify_gzip_pair(paths[0], o);
	for (i = 0; i < nr; i++) {
		int one = verify_file(paths[i], &o->verify);

		r = exit_code_of_both(r, one);
	}
	return r;
}

static int verify(char **paths, int nr, struct options *o)
{
	int r;

	if (o->json)
		o->verify.results = json_object_new_array();
	r = verify_all(paths, nr, o);
	if (o->json)
		print_json(o->verify.results);
	json_object_put(o->verify.results);
	return r;
}

static int set_threads(struct options *o)
{
	uint64_t threads;
	int r = option_number(&cmd_verify, "--threads", optarg, THREADS_MAX,
			      &threads);

	if (!r)
		o->verify.nr_threads = threads;
	return r;
}

static int set_option(struct options *o, int opt, char **argv)
{
	switch (opt) {
	case 'g':
		o->gzip_index = optarg;
		return EXIT_OK;
	case 'h':
		o->help = true;
		return EXIT_OK;
	case 'i':
		o->index = optarg;
		return EXIT_OK;
	case 'j':
		o->json = true;
		return EXIT_OK;
	case 't':
		return set_threads(o);
	case 'z':
		o->verify.zfile = true;
		return EXIT_OK;
	default:
		return option_error(&cmd_verify, opt, argv);
	}
}

/* How many names there are must suit the options. */
static int check_names(const struct options *o, int nr)
{
	if (!nr)
		return usage_error(&cmd_verify, "expected a blob");
	if (o->index && (nr > 1 || o->gzip_index))
		return usage_error(&cmd_verify,
				   "--index goes with the data of one writable layer");
	if (o->gzip_index && nr > 1)
		return usage_error(&cmd_verify,
				   "--gzip-index goes with one gzip file");
	if (o->verify.zfile && (o->index || o->gzip_index))
		return usage_error(&cmd_verify, "--zfile goes with blobs");
	return EXIT_OK;
}

static int run(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "gzip-index", required_argument, NULL, 'g' },
		{ "help", no_argument, NULL, 'h' },
		{ "index", required_argument, NULL, 'i' },
		{ "json", no_argument, NULL, 'j' },
		{ "threads", required_argument, NULL, 't' },
		{ "zfile", no_argument, NULL, 'z' },
		{}
	};
	struct options o = { .verify.nr_threads = work_default_threads() };
	int opt, r = EXIT_OK;

	opterr = 0;
	while (!r && !o.help &&
	       (opt = getopt_long(argc, argv, ":h", longopts, NULL)) != -1)
		r = set_option(&o, opt, argv);
	if (!r && o.help)
		return print_help(&cmd_verify);
	return r ?: check_names(&o, argc - optind) ?:
	       verify(argv + optind, argc - optind, &o);
}

const struct command cmd_verify = {
	.name = "verify",
	.args = "[--json] [--threads N] ([--zfile] (BLOB | CONFIG.json)... | --gzip-index INDEX FILE.gz | --index INDEX DATA)",
	.summary = "Check everything in blobs that can be checked",
	.help =
"Checks bounds and order of the index, all checksums, and that every block\n"
"decompresses. Goes on after an error; shows the first 16 of a blob, and counts\n"
"all. Of an image, CONFIG.json, all files are checked. Layers that are not\n"
"compressed hold no checksums: only their structure can be checked. So it is of a\n"
"writable layer, DATA with its INDEX, which must not be in use.\n"
"\n"
"A gzip file is inflated from every access point that its index has; where that\n"
"begins, its 32 KiB window, the CRCs of the gzip file, and those of the index, if\n"
"it has some, are checked. Where TurboOCI metadata is checked without its image, it\n"
"is not known whether the data that it says is in another file is there.\n"
"\n"
"Options:\n"
"      --gzip-index INDEX  check a gzip file with its index\n"
"      --index INDEX       the blob is the data of a writable layer, and this its\n"
"                          index\n"
"      --json              print JSON\n"
"      --threads N         use N threads, not all CPUs\n"
"      --zfile             check only the compressed blocks, whether or not there is\n"
"                          a layer in them; without it, a ZFile that holds no layer\n"
"                          is invalid\n"
"  -h, --help              print this\n",
	.run = run,
};
