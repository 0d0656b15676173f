// SPDX-License-Identifier: GPL-2.0-only
/*
 * overlaybdsetup turbo: make the metadata of an OCI layer, whose data stays
 * where it is.
 */
#define _GNU_SOURCE
#include <sys/stat.h>

#include "tools/flat.h"
#include "tools/layer-write.h"
#include "tools/mkfs.h"
#include "tools/options.h"
#include "tools/turbo-apply.h"

#define SIZE_DEFAULT	(64ULL << 30)

struct job {
	/* as typed */
	const char *tar_path;
	const char *out_path;
	const char *base_path;
	uint64_t size;
	struct layer_options layer;
	/* at work */
	struct config config;
	struct stack stack;
	struct flat flat;
	struct source base;
	struct turbo turbo;
	struct turbo_tar tar;
	struct changes changes;
	struct lsmt_image image;
	struct output out;
	struct layer_result result;
};

static int open_base(struct job *job)
{
	struct obd_error err;
	int r;

	r = config_load(&job->config, job->base_path) ?:
	    config_refuse_output(&job->config, job->out_path);
	if (r)
		return r;
	if (config_has_upper(&job->config)) {
		complain("%s: has a writable layer, whose content may change: commit it first",
			 job->base_path);
		return EXIT_FAILED;
	}
	r = config_resolve(&job->config) ?:
	    stack_open(&job->stack, &job->config, STACK_LOOK);
	if (r)
		return r;
	r = flat_init(&job->flat, &job->stack, 0, job->stack.nr, false,
		      job->stack.nr_sectors, &err);
	if (r)
		complain("%s", err.text);
	job->base = flat_source(&job->flat);
	job->size = job->stack.nr_sectors << OBD_SECTOR_SHIFT;
	return exit_code_of(r);
}

static void take_parent(struct job *job)
{
	const struct stack *stack = &job->stack;
	char *parent = job->layer.info.parent_uuid;

	if (!*parent)
		memcpy(parent,
		       stack->layers[stack_named(stack, stack->nr - 1)]->lsmt.uuid,
		       LSMT_UUID_SIZE);
}

static int open_disk(struct job *job, struct obd_error *err)
{
	struct turbo_disk *disk = &job->turbo.disk;
	u64 seconds;
	int r;

	if (job->base_path) {
		take_parent(job);
		disk->base = &job->base;
		r = mkfs_file(&disk->raw, job->size, job->out.target, err);
	} else {
		r = mkfs_from_dir(&disk->raw, NULL, job->size, job->out.target,
				  err);
	}
	return r ?: mkfs_time(&seconds, err) ?:
	       turbo_init(&job->turbo, seconds, err);
}

static int apply(struct job *job, struct obd_error *err)
{
	struct progress progress;
	struct stat st;
	int r;

	if (stat(job->tar_path, &st))
		return obd_fail(err, -errno, "%s: %s", job->tar_path,
				strerror(errno));
	progress_begin(&progress, "read", st.st_size);
	r = turbo_tar_open(&job->tar, job->tar_path, &progress, err) ?:
	    turbo_apply(&job->turbo, &job->tar, err);
	progress_end(&progress);
	return r;
}

static int find_changes(struct job *job, struct obd_error *err)
{
	int r = turbo_finish(&job->turbo, &job->changes, err);

	job->layer.info.virtual_size = job->size;
	if (!r && changes_add_sum(&job->changes, job->tar.sum))
		r = obd_fail(err, -ENOMEM, "no memory for a checksum");
	return r;
}

static int turbo_run(struct job *job, struct obd_error *err)
{
	return output_refuse_input(job->out_path, job->tar_path, err) ?:
	       output_open(&job->out, job->out_path, err) ?:
	       open_disk(job, err) ?: apply(job, err) ?:
	       find_changes(job, err) ?:
	       lsmt_image_init(&job->image, raw_source(&job->turbo.disk.raw),
			       &job->changes, &job->layer.info, err) ?:
	       layer_write(&job->out, &job->image, &job->layer, &job->result,
			   err) ?:
	       output_commit(&job->out, err);
}

static void release(struct job *job)
{
	output_discard(&job->out);
	lsmt_image_release(&job->image);
	changes_release(&job->changes);
	turbo_tar_close(&job->tar);
	turbo_release(&job->turbo);
	raw_close(&job->turbo.disk.raw);
	flat_release(&job->flat);
	stack_close(&job->stack);
	config_release(&job->config);
}

static int turbo(struct job *job)
{
	struct obd_error err;
	int r = job->base_path ? open_base(job) : EXIT_OK;

	if (!r) {
		r = turbo_run(job, &err);
		if (r)
			complain("%s", err.text);
		r = exit_code_of(r);
	}
	if (!r && job->turbo.no_acls)
		complain("warning: %s: %llu access control lists were left out",
			 job->tar_path,
			 (unsigned long long)job->turbo.no_acls);
	if (!r)
		layer_report(job->out_path, &job->image, &job->layer,
			     &job->result);
	release(job);
	return r;
}

enum { OPT_OUT = OPT_LAYER_END, OPT_BASE, OPT_SIZE, OPT_FS };

static const struct option options[] = {
	{ "out", required_argument, NULL, OPT_OUT },
	{ "base", required_argument, NULL, OPT_BASE },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "fs", required_argument, NULL, OPT_FS },
	LAYER_OPTIONS,
	{ "help", no_argument, NULL, 'h' },
	{}
};

static int set_option(struct job *job, int opt, char **argv)
{
	int r = layer_options_set(&job->layer, &cmd_turbo, opt, optarg);

	if (r >= 0)
		return r;
	switch (opt) {
	case 'o':
	case OPT_OUT:
		job->out_path = optarg;
		return EXIT_OK;
	case OPT_BASE:
		job->base_path = optarg;
		return EXIT_OK;
	case OPT_SIZE:
		return option_size(&cmd_turbo, "--size", optarg, &job->size);
	case OPT_FS:
		if (!strcmp(optarg, "ext4"))
			return EXIT_OK;
		return usage_error(&cmd_turbo, "--fs is '%s', expected ext4",
				   optarg);
	default:
		return option_error(&cmd_turbo, opt, argv);
	}
}

static int check_options(struct job *job)
{
	if (!job->out_path)
		return usage_error(&cmd_turbo, "expected --out FILE");
	if (job->base_path && job->size)
		return usage_error(&cmd_turbo,
				   "--size goes without --base, which has a size");
	if (!job->size)
		job->size = SIZE_DEFAULT;
	return layer_options_check(&job->layer, &cmd_turbo);
}

static int run(int argc, char **argv)
{
	struct job job = { .turbo.disk.raw.dev.fd = -1, .out.fd = -1 };
	int opt, r = EXIT_OK;

	layer_options_init(&job.layer);
	opterr = 0;
	while (!r && (opt = getopt_long(argc, argv, ":ho:", options,
					NULL)) != -1) {
		if (opt == 'h')
			return print_help(&cmd_turbo);
		r = set_option(&job, opt, argv);
	}
	r = r ?: check_options(&job);
	if (r)
		return r;
	if (argc - optind != 1)
		return usage_error(&cmd_turbo, "expected one layer");
	job.tar_path = argv[optind];
	return turbo(&job);
}

const struct command cmd_turbo = {
	.name = "turbo",
	.args = "--out META [--base CONFIG] [OPTION...] LAYER.tar[.gz]",
	.summary = "Make the metadata with which an OCI layer is mounted as it is",
	.help =
"META is a layer with an ext4 file system, in which everything is that LAYER has\n"
"in it; but the content of its regular files stays in LAYER, from where the module\n"
"reads it. In a configuration, META is the \"file\" of a layer and LAYER its\n"
"\"targetFile\"; if that is gzip'ed, its \"gzipIndex\" is made by gzindex.\n"
"Whiteouts and opaque directories are applied. The same input makes the same META,\n"
"byte for byte; SOURCE_DATE_EPOCH sets the time of its making.\n"
"\n"
"Options:\n"
"  -o, --out META       the metadata\n"
"      --base CONFIG    the image below, without a writable layer: LAYER is applied\n"
"                       to its file system, META goes on top of its layers\n"
"      --size SIZE      of the disk, without --base; 64G otherwise\n"
"      --fs ext4        the file system, which is always that\n"
"      --uuid UUID      of META; derived from its content otherwise\n"
"      --parent UUID    of the layer below; the base's otherwise\n"
"      --user-tag TEXT  up to 255 bytes\n"
"\n"
"How it is written:\n"
LAYER_OPTIONS_HELP,
	.run = run,
};
