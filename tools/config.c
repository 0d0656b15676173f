// SPDX-License-Identifier: GPL-2.0-only
/*
 * Read config.v1.json.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dm-overlaybd-format.h"
#include "tools/commands.h"
#include "tools/config.h"
#include "tools/output.h"

/* 4 KiB for every layer. In memory, JSON may take 270 times its size. */
#define CONFIG_SIZE_MAX		(1 << 20)
#define CONFIG_DEPTH_MAX	32
#define FIELD_NAME_SIZE		64

const char *layer_kind_name(enum layer_kind kind)
{
	static const char *const names[] = {
		[LAYER_LOWER] = "lower",
		[LAYER_TURBO] = "turbo",
		[LAYER_RAW] = "raw",
		[LAYER_GZIP] = "gzip",
	};

	return names[kind];
}

static int no_memory(const char *path)
{
	complain("%s: no memory", path);
	return EXIT_FAILED;
}

static int wrong_type(const char *path, const char *field,
		      struct json_object *value, const char *expected)
{
	complain("%s: %s is %s, expected %s", path, field,
		 json_type_to_name(json_object_get_type(value)), expected);
	return EXIT_INVALID;
}

/* Relative to the folder of the configuration, not to the caller's. */
static char *resolve(const char *config_path, const char *path)
{
	const char *slash = strrchr(config_path, '/');
	char *to;

	if (*path == '/' || !slash)
		return strdup(path);
	if (asprintf(&to, "%.*s/%s", (int)(slash - config_path), config_path,
		     path) < 0)
		return NULL;
	return to;
}

/* @value stays NULL where the field is absent, null or empty. */
static int get_string(const char *path, struct json_object *object,
		      const char *prefix, const char *key, const char **value)
{
	char field[FIELD_NAME_SIZE];
	struct json_object *o;
	const char *text;

	if (!json_object_object_get_ex(object, key, &o) || !o)
		return EXIT_OK;
	snprintf(field, sizeof(field), "%s%s", prefix, key);
	if (!json_object_is_type(o, json_type_string))
		return wrong_type(path, field, o, "a string");
	text = json_object_get_string(o);
	if (strlen(text) != (size_t)json_object_get_string_len(o)) {
		complain("%s: %s contains a NUL character", path, field);
		return EXIT_INVALID;
	}
	if (*text)
		*value = text;
	return EXIT_OK;
}

static int get_path(const char *path, struct json_object *object,
		    const char *prefix, const char *key, char **to)
{
	const char *value = NULL;
	int r = get_string(path, object, prefix, key, &value);

	if (r || !value)
		return r;
	*to = resolve(path, value);
	return *to ? EXIT_OK : no_memory(path);
}

static int get_digest(const char *path, struct json_object *object,
		      const char *prefix, const char *key, char **to)
{
	const char *value = NULL;
	int r = get_string(path, object, prefix, key, &value);

	if (r || !value)
		return r;
	*to = strdup(value);
	return *to ? EXIT_OK : no_memory(path);
}

static int get_size(const char *path, struct json_object *object,
		    const char *prefix, uint64_t *size)
{
	char field[FIELD_NAME_SIZE];
	struct json_object *o;

	if (!json_object_object_get_ex(object, "size", &o) || !o)
		return EXIT_OK;
	snprintf(field, sizeof(field), "%ssize", prefix);
	if (!json_object_is_type(o, json_type_int))
		return wrong_type(path, field, o, "a number of bytes");
	*size = json_object_get_uint64(o);
	/* What is larger than it can say, the library makes as large as it can. */
	if (json_object_get_int64(o) < 0 || *size > INT64_MAX) {
		complain("%s: %s is %s, expected 0 to %" PRId64, path, field,
			 json_object_get_string(o), INT64_MAX);
		return EXIT_INVALID;
	}
	return EXIT_OK;
}

static int parse_lower(struct config *config, struct json_object *o,
		       unsigned int i)
{
	struct config_lower *lower = &config->lowers[i];
	char prefix[FIELD_NAME_SIZE / 2];

	snprintf(prefix, sizeof(prefix), "lowers[%u]", i);
	if (!json_object_is_type(o, json_type_object))
		return wrong_type(config->path, prefix, o, "an object");
	strcat(prefix, ".");
	return get_path(config->path, o, prefix, "file", &lower->file) ?:
	       get_path(config->path, o, prefix, "dir", &lower->dir) ?:
	       get_digest(config->path, o, prefix, "digest", &lower->digest) ?:
	       get_digest(config->path, o, prefix, "targetDigest",
			  &lower->target_digest) ?:
	       get_path(config->path, o, prefix, "targetFile",
			&lower->target_file) ?:
	       get_path(config->path, o, prefix, "gzipIndex",
			&lower->gzip_index) ?:
	       get_size(config->path, o, prefix, &lower->size);
}

static int parse_lowers(struct config *config, struct json_object *root)
{
	bool upper = config_has_upper(config);
	size_t most = LSMT_MAX_LAYERS - upper;
	struct json_object *lowers;
	size_t i, nr = 0;
	int r = EXIT_OK;

	if (json_object_object_get_ex(root, "lowers", &lowers) && lowers) {
		if (!json_object_is_type(lowers, json_type_array))
			return wrong_type(config->path, "lowers", lowers,
					  "an array");
		nr = json_object_array_length(lowers);
	}
	if ((!nr && !upper) || nr > most) {
		complain("%s: lowers has %zu elements, expected %d to %zu",
			 config->path, nr, !upper, most);
		return EXIT_INVALID;
	}
	config->lowers = calloc(nr ?: 1, sizeof(*config->lowers));
	if (!config->lowers)
		return no_memory(config->path);
	config->nr_lowers = nr;
	for (i = 0; !r && i < nr; i++)
		r = parse_lower(config, json_object_array_get_idx(lowers, i),
				i);
	return r;
}

/* Writers leave an empty upper where there is none. */
static int parse_upper(struct config *config, struct json_object *root)
{
	struct config_upper *upper = &config->upper;
	const char *path = config->path;
	struct json_object *o;

	if (!json_object_object_get_ex(root, "upper", &o) || !o)
		return EXIT_OK;
	if (!json_object_is_type(o, json_type_object))
		return wrong_type(path, "upper", o, "an object");
	return get_path(path, o, "upper.", "data", &upper->data) ?:
	       get_path(path, o, "upper.", "index", &upper->index) ?:
	       get_path(path, o, "upper.", "target", &upper->target) ?:
	       get_path(path, o, "upper.", "gzipIndex", &upper->gzip_index);
}

static int parse_root(struct config *config, struct json_object *root)
{
	if (!json_object_is_type(root, json_type_object))
		return wrong_type(config->path, "the configuration", root,
				  "an object");
	/* First, so that whatever else is wrong can be reported there. */
	return get_path(config->path, root, "", "resultFile",
			&config->result_file) ?:
	       parse_upper(config, root) ?: parse_lowers(config, root);
}

static int check_end(const char *path, const char *text, size_t at, size_t len)
{
	while (at < len && isspace((unsigned char)text[at]))
		at++;
	if (at == len)
		return EXIT_OK;
	complain("%s: more than one JSON value, the second at byte %zu", path,
		 at);
	return EXIT_INVALID;
}

static int tokenize(const char *path, const char *text, size_t len,
		    struct json_object **root)
{
	struct json_tokener *tok = json_tokener_new_ex(CONFIG_DEPTH_MAX);
	enum json_tokener_error error;
	bool out_of_memory;
	size_t end;

	if (!tok)
		return no_memory(path);
	/* Nothing else tells when the library has got none. */
	errno = 0;
	*root = json_tokener_parse_ex(tok, text, len);
	out_of_memory = errno == ENOMEM;
	error = json_tokener_get_error(tok);
	end = json_tokener_get_parse_end(tok);
	json_tokener_free(tok);
	if (out_of_memory)
		return no_memory(path);
	if (error == json_tokener_success)
		return check_end(path, text, end, len);
	complain("%s: not JSON: %s at byte %zu", path,
		 error == json_tokener_continue ?
		 "unexpected end" : json_tokener_error_desc(error), end);
	return EXIT_INVALID;
}

int config_parse(struct config *config, const char *path, const char *text,
		 size_t len)
{
	struct json_object *root = NULL;
	int r;

	*config = (struct config) { .path = strdup(path) };
	if (!config->path)
		return no_memory(path);
	r = tokenize(path, text, len, &root) ?: parse_root(config, root);
	json_object_put(root);
	return r;
}

static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size) {
		n = read(fd, buf + len, size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (!n)
			break;
		len += n;
	}
	return len;
}

static int load_fd(struct config *config, const char *path, int fd)
{
	char *text = malloc(CONFIG_SIZE_MAX + 1);
	ssize_t len;
	int r;

	if (!text)
		return no_memory(path);
	len = read_all(fd, text, CONFIG_SIZE_MAX + 1);
	if (len < 0) {
		complain("cannot read %s: %s", path, strerror(errno));
		r = EXIT_FAILED;
	} else if (len > CONFIG_SIZE_MAX) {
		complain("%s: larger than %d bytes, this is no configuration",
			 path, CONFIG_SIZE_MAX);
		r = EXIT_INVALID;
	} else {
		r = config_parse(config, path, text, len);
	}
	free(text);
	return r;
}

int config_load(struct config *config, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r;

	*config = (struct config) {};
	if (fd < 0) {
		complain("cannot open %s: %s", path, strerror(errno));
		return EXIT_FAILED;
	}
	r = load_fd(config, path, fd);
	close(fd);
	return r;
}

bool config_has_upper(const struct config *config)
{
	const struct config_upper *upper = &config->upper;

	return upper->data || upper->index || upper->target ||
	       upper->gzip_index;
}

/* What this version does not open must not be left out silently. */
int config_check_upper(const struct config *config)
{
	const struct config_upper *upper = &config->upper;

	if (!config_has_upper(config))
		return EXIT_OK;
	if (upper->target || upper->gzip_index) {
		complain("%s: upper.%s (%s): writable TurboOCI layers are not supported by this version",
			 config->path, upper->target ? "target" : "gzipIndex",
			 upper->target ?: upper->gzip_index);
		return EXIT_FAILED;
	}
	if (upper->data && upper->index)
		return EXIT_OK;
	complain("%s: upper has no %s: it takes both data and index",
		 config->path, upper->data ? "index" : "data");
	return EXIT_INVALID;
}

/* A link counts, also one to nothing, which is an error when it is opened. */
static int is_there(const char *file, bool *there)
{
	struct stat st;

	*there = !lstat(file, &st);
	if (*there || errno == ENOENT || errno == ENOTDIR)
		return EXIT_OK;
	complain("cannot look for %s: %s", file, strerror(errno));
	return EXIT_FAILED;
}

static int look_into_dir(const char *path, struct config_lower *lower)
{
	static const char *const names[] = {
		"overlaybd.commit", ".commit", "overlaybd.sealed",
	};
	size_t i;
	int r = EXIT_OK;

	for (i = 0; !r && i < sizeof(names) / sizeof(names[0]); i++) {
		bool there;
		char *file;

		if (asprintf(&file, "%s/%s", lower->dir, names[i]) < 0)
			return no_memory(path);
		r = is_there(file, &there);
		if (there) {
			lower->file = file;
			return EXIT_OK;
		}
		free(file);
	}
	return r;
}

int config_find_blob(struct config *config, unsigned int i)
{
	struct config_lower *lower = &config->lowers[i];
	int r = EXIT_OK;

	if (!lower->file && lower->dir)
		r = look_into_dir(config->path, lower);
	if (r || lower->file)
		return r;
	if (lower->digest) {
		complain("layer %u is remote (digest %s): download it first%s%s%s",
			 i, lower->digest, lower->dir ? ", as " : "",
			 lower->dir ?: "",
			 lower->dir ? "/overlaybd.commit" : "");
		return EXIT_FAILED;
	}
	if (lower->dir) {
		complain("layer %u: no overlaybd.commit, .commit or overlaybd.sealed in %s",
			 i, lower->dir);
		return EXIT_FAILED;
	}
	complain("%s: lowers[%u] has none of the fields file, dir and digest",
		 config->path, i);
	return EXIT_INVALID;
}

int config_refuse_input(const char *out, const char *input)
{
	struct obd_error err;

	if (!output_refuse_input(out, input, &err))
		return EXIT_OK;
	complain("%s", err.text);
	return EXIT_FAILED;
}

static int refuse_lower(const struct config *config, struct config_lower *lower,
			const char *out)
{
	int r = EXIT_OK;

	if (!lower->file && lower->dir)
		r = look_into_dir(config->path, lower);
	return r ?: config_refuse_input(out, lower->file) ?:
	       config_refuse_input(out, lower->target_file) ?:
	       config_refuse_input(out, lower->gzip_index);
}

int config_refuse_image(struct config *config, const char *out)
{
	const struct config_upper *upper = &config->upper;
	unsigned int i;
	int r;

	r = config_refuse_input(out, config->path) ?:
	    config_refuse_input(out, upper->data) ?:
	    config_refuse_input(out, upper->index) ?:
	    config_refuse_input(out, upper->target) ?:
	    config_refuse_input(out, upper->gzip_index);
	for (i = 0; !r && i < config->nr_lowers; i++)
		r = refuse_lower(config, &config->lowers[i], out);
	return r;
}

int config_refuse_output(struct config *config, const char *out)
{
	return config_refuse_input(out, config->result_file) ?:
	       config_refuse_image(config, out);
}

unsigned int config_layers(const struct config *config)
{
	unsigned int i, nr = config->nr_lowers;

	for (i = 0; i < config->nr_lowers; i++)
		nr += !!config->lowers[i].target_file;
	return nr;
}

static int check_target(const struct config *config, unsigned int i)
{
	const struct config_lower *lower = &config->lowers[i];

	if (lower->kind != LAYER_LOWER || lower->target_file)
		return EXIT_OK;
	if (lower->target_digest) {
		complain("layer %u: its target is remote (digest %s): download it first, and name it as targetFile",
			 i, lower->target_digest);
		return EXIT_FAILED;
	}
	if (!lower->gzip_index)
		return EXIT_OK;
	complain("%s: lowers[%u] has gzipIndex, but no targetFile that it would be of",
		 config->path, i);
	return EXIT_INVALID;
}

static int check_lowers(const struct config *config)
{
	unsigned int most = LSMT_MAX_LAYERS - config_has_upper(config);
	unsigned int i, nr = config_layers(config);
	int r;

	for (i = 0; i < config->nr_lowers; i++) {
		r = check_target(config, i);
		if (r)
			return r;
	}
	if (nr <= most)
		return EXIT_OK;
	complain("%s: %u layers, expected at most %u: one with a targetFile counts as two",
		 config->path, nr, most);
	return EXIT_INVALID;
}

static void split(const struct config_lower *from, struct config_lower *meta,
		  struct config_lower *target)
{
	*meta = *from;
	meta->kind = LAYER_TURBO;
	meta->target_file = NULL;
	meta->gzip_index = NULL;
	*target = (struct config_lower) {
		.kind = from->gzip_index ? LAYER_GZIP : LAYER_RAW,
		.file = from->target_file,
		.gzip_index = from->gzip_index,
	};
}

/* Every file with data is a layer of its own. */
static int split_lowers(struct config *config)
{
	struct config_lower *lowers, *to;
	unsigned int i, nr = config_layers(config);

	if (nr == config->nr_lowers)
		return EXIT_OK;
	lowers = calloc(nr, sizeof(*lowers));
	if (!lowers)
		return no_memory(config->path);
	to = lowers;
	for (i = 0; i < config->nr_lowers; i++) {
		const struct config_lower *from = &config->lowers[i];

		if (from->target_file) {
			split(from, to, to + 1);
			to += 2;
		} else {
			*to++ = *from;
		}
	}
	free(config->lowers);
	config->lowers = lowers;
	config->nr_lowers = nr;
	return EXIT_OK;
}

int config_split(struct config *config)
{
	return config_check_upper(config) ?: check_lowers(config) ?:
	       split_lowers(config);
}

int config_resolve(struct config *config)
{
	unsigned int i;
	int r;

	r = config_split(config);
	for (i = 0; !r && i < config->nr_lowers; i++)
		r = config_find_blob(config, i);
	return r;
}

static void lower_release(struct config_lower *lower)
{
	free(lower->file);
	free(lower->dir);
	free(lower->digest);
	free(lower->target_digest);
	free(lower->target_file);
	free(lower->gzip_index);
}

void config_drop_upper(struct config *config)
{
	free(config->upper.data);
	free(config->upper.index);
	free(config->upper.target);
	free(config->upper.gzip_index);
	config->upper = (struct config_upper) {};
}

void config_release(struct config *config)
{
	unsigned int i;

	for (i = 0; i < config->nr_lowers; i++)
		lower_release(&config->lowers[i]);
	free(config->lowers);
	free(config->path);
	config_drop_upper(config);
	free(config->result_file);
	*config = (struct config) {};
}
