// SPDX-License-Identifier: GPL-2.0-only
/*
 * Check the layers of an image, one after the other.
 */
#include <ctype.h>

#include "dm-overlaybd-tar.h"
#include "tools/commands.h"
#include "tools/config.h"
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

static int verify_pair(const struct config_lower *metadata,
		       const struct config_lower *data,
		       const struct verify_options *options)
{
	struct verify_target target;
	int r, other;

	verify_target_open(&target, data->file, data->gzip_index);
	r = verify_layer(metadata, &target, options);
	other = verify_target(&target, options);
	verify_target_close(&target);
	return max(r, other);
}

static int verify_lowers(const struct config *config,
			 const struct verify_options *options)
{
	const struct config_lower *lower = config->lowers;
	const struct config_lower *end = lower + config->nr_lowers;
	int r = EXIT_OK;

	while (lower < end) {
		bool pair = lower->kind == LAYER_TURBO;
		int one = pair ? verify_pair(lower, lower + 1, options) :
				 verify_layer(lower, NULL, options);

		r = max(r, one);
		lower += 1 + pair;
	}
	return r;
}

int verify_image(const char *path, const struct verify_options *options)
{
	struct config config = {};
	int r, upper = EXIT_OK;

	r = config_load(&config, path) ?: config_resolve(&config);
	if (!r) {
		r = verify_lowers(&config, options);
		if (config_has_upper(&config))
			upper = verify_upper(config.upper.data,
					     config.upper.index, options);
	}
	config_release(&config);
	return max(r, upper);
}
