// SPDX-License-Identifier: GPL-2.0-only
/*
 * overlaybdsetup commit: make a compact layer of a writable one.
 */
#include "tools/flatten.h"

static const struct option options[] = {
	LAYER_OPTIONS,
	{ "help", no_argument, NULL, 'h' },
	{}
};

/* The tag of a header need not be ended. */
static const char *upper_tag(const struct stack *stack, char *buf)
{
	const struct lsmt_header *h = &stack->upper.upper.data_header;

	memcpy(buf, h->user_tag, LSMT_USER_TAG_SIZE);
	buf[LSMT_USER_TAG_SIZE - 1] = '\0';
	return buf;
}

/*
 * The layers below are not looked at: they need not be there, even where they
 * give the disk its size.
 */
static int commit_upper(const struct config_upper *upper,
			struct layer_options *layer, const char *out_path)
{
	struct stack stack = { .has_upper = true };
	char tag[LSMT_USER_TAG_SIZE];
	const struct flatten f = {
		.stack = &stack,
		.end = 1,
		.keep_zeroed = true,
		.options = layer,
		.out_path = out_path,
	};
	int r;

	r = upper_files_open(&stack.upper, upper->data, upper->index, false) ?:
	    upper_files_load(&stack.upper);
	if (!r) {
		if (!layer->info.user_tag)
			layer->info.user_tag = upper_tag(&stack, tag);
		r = flatten(&f);
	}
	stack_close(&stack);
	return r;
}

static int commit_config(const char *path, struct layer_options *layer,
			 const char *out_path)
{
	struct config config;
	int r = config_load(&config, path);

	if (!r && !config_has_upper(&config)) {
		complain("%s: has no upper that could be committed", path);
		r = EXIT_FAILED;
	}
	r = r ?: config_check_upper(&config) ?:
	    config_refuse_output(&config, out_path) ?:
	    commit_upper(&config.upper, layer, out_path);
	config_release(&config);
	return r;
}

static int commit_files(char *data, char *index, struct layer_options *layer,
			const char *out_path)
{
	struct config config = { .upper = { .data = data, .index = index } };

	return config_refuse_output(&config, out_path) ?:
	       commit_upper(&config.upper, layer, out_path);
}

static int run(int argc, char **argv)
{
	struct layer_options layer;
	int opt, r = EXIT_OK;

	layer_options_init(&layer);
	opterr = 0;
	while (!r && (opt = getopt_long(argc, argv, ":h", options,
					NULL)) != -1) {
		if (opt == 'h')
			return print_help(&cmd_commit);
		r = layer_options_set(&layer, &cmd_commit, opt, optarg);
		if (r < 0)
			return option_error(&cmd_commit, opt, argv);
	}
	r = r ?: layer_options_check(&layer, &cmd_commit);
	if (r)
		return r;
	argv += optind;
	if (argc - optind == 2)
		return commit_config(argv[0], &layer, argv[1]);
	if (argc - optind != 3)
		return usage_error(&cmd_commit,
				   "expected data and index, or a configuration, and a file to write");
	return commit_files(argv[0], argv[1], &layer, argv[2]);
}

const struct command cmd_commit = {
	.name = "commit",
	.args = "[OPTION...] (DATA INDEX | CONFIG.json) OUT",
	.summary = "Make a compact layer of a writable one",
	.help =
"OUT holds what is live in the writable layer, in the order of the disk; pages\n"
"that are zero take no space, but hide what lies below. The writable layer stays\n"
"as it is; nobody may be writing to it meanwhile. The same content makes the same\n"
"layer, byte for byte, whatever the number of threads. OUT appears under its name\n"
"when it is complete and on the disk.\n"
"\n"
"What the layer says of itself:\n"
"      --uuid UUID          derived from its content otherwise\n"
"      --parent UUID        of the layer below; that of the writable layer\n"
"                           otherwise\n"
"      --user-tag TEXT      up to 255 bytes; that of the writable layer otherwise\n"
"\n"
"How it is written:\n"
LAYER_OPTIONS_HELP,
	.run = run,
};
