// SPDX-License-Identifier: GPL-2.0-only
/*
 * Check the layers of an image, one after the other.
 */
#include <ctype.h>

#include "dm-overlaybd-tar.h"
#include "tools/commands.h"
#include "tools/stack.h"
#include "tools/verify-blob.h"
#include "tools/verify-image.h"
#include "tools/verify-upper.h"

/* A tar begins with the name of its first member, which can be anything. */
static bool begins_as_object(const void *head, size_t len)
{
	const char *text = head;
	size_t i = 0;

	while (i < len && isspace((unsigned char)text[i]))
		i++;
	return i < len && text[i] == '{' &&
	       (len < sizeof(struct tar_header) || !obd_tar_recognised(head));
}

bool verify_image_recognised(const char *path)
{
	struct tar_header head;
	struct obd_dev dev;
	bool found = false;

	if (!obd_file_open(&dev, path)) {
		size_t len = min_t(u64, sizeof(head), dev.size);

		found = !obd_dev_read(&dev, 0, &head, len) &&
			begins_as_object(&head, len);
	}
	obd_file_close(&dev);
	return found;
}

/* A layer whose file is not found still has its place in the results. */
static int verify_lower(struct config *config, unsigned int i,
			const struct verify_target *target,
			const struct verify_options *options)
{
	const struct config_lower *lower = &config->lowers[i];
	int r = config_find_blob(config, i);

	if (r)
		return verify_failed(options, lower->dir ?: config->path, r);
	return verify_layer(lower, target, options);
}

static int verify_pair(struct config *config, unsigned int i,
		       const struct verify_options *options)
{
	const struct config_lower *data = &config->lowers[i + 1];
	struct verify_target target;
	int r, other;

	verify_target_open(&target, data->file, data->gzip_index);
	r = verify_lower(config, i, &target, options);
	other = verify_target(&target, options);
	verify_target_close(&target);
	return exit_code_of_both(r, other);
}

static int verify_lowers(struct config *config,
			 const struct verify_options *options)
{
	unsigned int i = 0;
	int r = EXIT_OK;

	while (i < config->nr_lowers) {
		bool pair = config->lowers[i].kind == LAYER_TURBO;
		int one = pair ? verify_pair(config, i, options) :
				 verify_lower(config, i, NULL, options);

		r = exit_code_of_both(r, one);
		i += 1 + pair;
	}
	return r;
}

static int verify_files(struct config *config,
			const struct verify_options *options)
{
	int r = verify_lowers(config, options), upper = EXIT_OK;

	if (config_has_upper(config))
		upper = verify_upper(config->upper.data, config->upper.index,
				     options);
	return exit_code_of_both(r, upper);
}

/* Valid layers need not make an image. */
static int check_stack(struct config *config,
		       const struct verify_options *options)
{
	struct stack stack = {};
	int r = EXIT_OK;

	if (!options->zfile)
		r = stack_open(&stack, config, STACK_LOOK);
	if (r)
		verify_failed(options, config->path, r);
	stack_close(&stack);
	return r;
}

int verify_image(const char *path, const struct verify_options *options)
{
	struct config config;
	int r;

	r = config_load(&config, path) ?: config_split(&config);
	if (r)
		verify_failed(options, path, r);
	else
		r = verify_files(&config, options) ?:
		    check_stack(&config, options);
	config_release(&config);
	return r;
}
