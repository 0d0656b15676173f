// SPDX-License-Identifier: GPL-2.0-only
/*
 * overlaybdsetup merge: make one layer of several.
 */
#include "tools/flat.h"
#include "tools/flatten.h"
#include "tools/options.h"

enum { OPT_FROM = OPT_LAYER_END, OPT_TO };

static const struct option options[] = {
	{ "from", required_argument, NULL, OPT_FROM },
	{ "to", required_argument, NULL, OPT_TO },
	LAYER_OPTIONS,
	{ "help", no_argument, NULL, 'h' },
	{}
};

struct merge_options {
	struct layer_options layer;
	uint64_t from;
	uint64_t to;
};

#define TO_THE_TOP	UINT64_MAX

static int check_range(const struct config *config, struct merge_options *o)
{
	unsigned int nr = config_layers(config) + config_has_upper(config);

	if (o->to == TO_THE_TOP)
		o->to = nr - 1;
	if (o->from <= o->to && o->to < nr)
		return EXIT_OK;
	complain("%s: --from is %llu and --to is %llu, expected layers from 0 to %u, the lowest first",
		 config->path, (unsigned long long)o->from,
		 (unsigned long long)o->to, nr - 1);
	return EXIT_USAGE;
}

/* A layer without the target that holds its data is not what it was. */
static int check_targets(const struct config *config,
			 const struct merge_options *o)
{
	uint64_t i = o->to + 1;

	if (o->from < config->nr_lowers &&
	    layer_is_target(config->lowers[o->from].kind))
		i = o->from;
	else if (i >= config->nr_lowers ||
		 !layer_is_target(config->lowers[i].kind))
		return EXIT_OK;
	complain("%s: layer %llu holds the data of layer %llu: merge both or none",
		 config->path, (unsigned long long)i,
		 (unsigned long long)i - 1);
	return EXIT_USAGE;
}

static int merge_layers(struct config *config, struct merge_options *o,
			const char *out_path)
{
	struct stack stack = {};
	struct flatten f = {
		.stack = &stack,
		.first = o->from,
		.end = o->to + 1,
		.keep_zeroed = o->from,
		.options = &o->layer,
		.out_path = out_path,
	};
	bool upper = config_has_upper(config);
	int r;

	/* An upper that is left out may be in use. */
	if (o->to < config_layers(config))
		config_drop_upper(config);
	r = config_resolve(config) ?: check_targets(config, o) ?:
	    stack_open(&stack, config, STACK_READ);
	if (!r) {
		/* Nobody sees what lies behind the disk that all layers make. */
		if (upper == stack.has_upper)
			f.limit = stack.nr_sectors;
		r = flatten(&f);
	}
	stack_close(&stack);
	return r;
}

static int merge(const char *config_path, struct merge_options *o,
		 const char *out_path)
{
	struct config config;
	int r;

	r = config_load(&config, config_path) ?: check_range(&config, o) ?:
	    config_refuse_output(&config, out_path) ?:
	    merge_layers(&config, o, out_path);
	config_release(&config);
	return r;
}

static int set_layer(const char *name, const char *value, uint64_t *layer)
{
	if (parse_u64(value, 0, LSMT_MAX_LAYERS, layer))
		return EXIT_OK;
	return usage_error(&cmd_merge, "%s is '%s', expected 0 to %u", name,
			   value, LSMT_MAX_LAYERS);
}

static int set_option(struct merge_options *o, int opt, char **argv)
{
	int r = layer_options_set(&o->layer, &cmd_merge, opt, optarg);

	if (r >= 0)
		return r;
	switch (opt) {
	case OPT_FROM:
		return set_layer("--from", optarg, &o->from);
	case OPT_TO:
		return set_layer("--to", optarg, &o->to);
	default:
		return option_error(&cmd_merge, opt, argv);
	}
}

static int run(int argc, char **argv)
{
	struct merge_options o = { .to = TO_THE_TOP };
	int opt, r = EXIT_OK;

	layer_options_init(&o.layer);
	opterr = 0;
	while (!r && (opt = getopt_long(argc, argv, ":h", options,
					NULL)) != -1) {
		if (opt == 'h')
			return print_help(&cmd_merge);
		r = set_option(&o, opt, argv);
	}
	r = r ?: layer_options_check(&o.layer, &cmd_merge);
	if (r)
		return r;
	if (argc - optind != 2)
		return usage_error(&cmd_merge,
				   "expected a configuration and a file to write");
	return merge(argv[optind], &o, argv[optind + 1]);
}

const struct command cmd_merge = {
	.name = "merge",
	.args = "[--from N] [--to N] [OPTION...] CONFIG.json OUT",
	.summary = "Make one layer of several layers of an image",
	.help =
"OUT stands for the layers in the image, whose files stay as they are. If the\n"
"upper is one of them, nobody may be writing to it. Pages that are zero take no\n"
"space; what lies below is still hidden by them, unless nothing does. The same\n"
"content makes the same layer, byte for byte, whatever the number of threads. OUT\n"
"appears under its name when it is complete and on the disk.\n"
"\n"
"Which layers, counted from 0, the lowest; a targetFile counts, too, and the upper\n"
"comes last:\n"
"      --from N             the lowest; 0 otherwise\n"
"      --to N               the highest, which is the last one otherwise\n"
"\n"
"What the layer says of itself:\n"
"      --uuid UUID          that of the highest otherwise, for the layer above\n"
"                           names it; derived from the content if that is the\n"
"                           upper, or has none\n"
"      --parent UUID        of the layer below; that of the lowest otherwise\n"
"      --user-tag TEXT      up to 255 bytes\n"
"\n"
"How it is written:\n"
LAYER_OPTIONS_HELP,
	.run = run,
};
