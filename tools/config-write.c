// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the layers of a table to a configuration.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/backing.h"
#include "tools/commands.h"
#include "tools/config-write.h"
#include "tools/config.h"

static bool is_there(const char *path)
{
	struct stat st;

	return path && !stat(path, &st);
}

void config_add_lower(struct json_object *root, const char *path)
{
	struct json_object *lowers = json_object_object_get(root, "lowers");
	struct json_object *lower = json_object_new_object();

	json_object_object_add(lower, "file", json_object_new_string(path));
	json_object_array_add(lowers, lower);
}

static struct json_object *last_lower(struct json_object *root)
{
	struct json_object *lowers = json_object_object_get(root, "lowers");

	return json_object_array_get_idx(lowers,
					 json_object_array_length(lowers) - 1);
}

void config_set_size(struct json_object *root, uint64_t bytes)
{
	json_object_object_add(last_lower(root), "size",
			       json_object_new_uint64(bytes));
}

/* As @key of the layer that was added last, or as a layer if that is NULL. */
static int add_file(struct json_object *root, const char *key, const char *dev,
		    uint64_t bytes, unsigned int i)
{
	struct backing b;
	const char *path;
	int r = EXIT_OK;

	backing_find(&b, dev);
	path = b.file ?: b.device;
	if (!is_there(path)) {
		complain("layer %u (%s): is not there any more, a configuration cannot name it",
			 i, path ?: dev);
		r = EXIT_FAILED;
	} else if (key) {
		json_object_object_add(last_lower(root), key,
				       json_object_new_string(path));
	} else {
		config_add_lower(root, path);
		/* Only a block device may be longer than the layer on it. */
		if (!b.file)
			config_set_size(root, bytes);
	}
	backing_release(&b);
	return r;
}

static int add_layer(struct json_object *root, const struct table_layer *layer,
		     unsigned int i)
{
	const char *key = layer_is_target(layer->kind) ? "targetFile" : NULL;
	int r = add_file(root, key, layer->dev, layer->bytes, i);

	return !r && layer->index ?
	       add_file(root, "gzipIndex", layer->index, 0, i) : r;
}

int config_of_table(const struct table *table, struct json_object **root)
{
	unsigned int i;
	int r = EXIT_OK;

	*root = json_object_new_object();
	json_object_object_add(*root, "lowers", json_object_new_array());
	for (i = 0; !r && i < table->nr; i++)
		r = add_layer(*root, &table->layers[i], i);
	return r;
}

static int add_path(struct json_object *upper, const char *key,
		    const char *path)
{
	char *real = realpath(path, NULL);

	if (!real) {
		complain("%s: %s", path, strerror(errno));
		return EXIT_FAILED;
	}
	json_object_object_add(upper, key, json_object_new_string(real));
	free(real);
	return EXIT_OK;
}

int config_set_upper(struct json_object *root, const char *data,
		     const char *index)
{
	struct json_object *upper = json_object_new_object();

	json_object_object_add(root, "upper", upper);
	return add_path(upper, "data", data) ?: add_path(upper, "index", index);
}

/* What an object has that is text are the names of files. */
static int refuse_object(const char *out, struct json_object *object)
{
	int r = EXIT_OK;

	json_object_object_foreach(object, key, value) {
		(void)key;
		if (!r && json_object_is_type(value, json_type_string))
			r = config_refuse_input(out,
						json_object_get_string(value));
	}
	return r;
}

int config_refuse_files(const char *out, struct json_object *root)
{
	struct json_object *lowers = json_object_object_get(root, "lowers");
	size_t i, nr = json_object_array_length(lowers);
	int r = refuse_object(out, json_object_object_get(root, "upper"));

	for (i = 0; !r && i < nr; i++)
		r = refuse_object(out, json_object_array_get_idx(lowers, i));
	return r;
}
