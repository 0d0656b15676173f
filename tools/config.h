/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The configuration of an image, config.v1.json, as snapshotters write it.
 */
#ifndef OVERLAYBD_CONFIG_H
#define OVERLAYBD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a layer is. The data of a LAYER_TURBO may be in the one behind it. */
enum layer_kind {
	LAYER_LOWER,	/* an OverlayBD layer */
	LAYER_TURBO,	/* the metadata of a TurboOCI pair */
	LAYER_RAW,	/* its target, a plain file */
	LAYER_GZIP,	/* its target, a gzip file with an index */
};

/**
 * layer_kind_name - what to call a kind in JSON
 * @kind: the kind
 *
 * Return: "lower", "turbo", "raw" or "gzip".
 */
const char *layer_kind_name(enum layer_kind kind);

/**
 * layer_is_target - does a layer hold nothing but another's data?
 * @kind: what it is
 */
static inline bool layer_is_target(enum layer_kind kind)
{
	return kind == LAYER_RAW || kind == LAYER_GZIP;
}

/**
 * struct config_lower - a read-only layer
 * @kind: what it is; LAYER_LOWER until config_resolve()
 * @file: the blob, or NULL until config_resolve() has looked into @dir
 * @dir: folder in which the blob is looked for, or NULL
 * @digest: what a registry calls it, or NULL
 * @target_file: the untouched layer of a TurboOCI pair, or NULL; its own @file
 *	after config_resolve()
 * @target_digest: what a registry calls that, or NULL
 * @gzip_index: the index of that, or NULL
 * @size: bytes of the blob, 0 if not told
 */
struct config_lower {
	enum layer_kind kind;
	char *file;
	char *dir;
	char *digest;
	char *target_file;
	char *target_digest;
	char *gzip_index;
	uint64_t size;
};

/**
 * struct config_upper - a writable layer; all NULL if there is none
 * @data: file or device with its data
 * @index: file or device with its index
 * @target: of a writable TurboOCI layer
 * @gzip_index: of a writable TurboOCI layer
 */
struct config_upper {
	char *data;
	char *index;
	char *target;
	char *gzip_index;
};

/**
 * struct config - an image
 * @path: file it came from
 * @lowers: the read-only layers, lowest first
 * @nr_lowers: up to LSMT_MAX_LAYERS, the upper counted; 0 only if there is one
 * @upper: the writable layer
 * @result_file: where open reports, or NULL
 *
 * Paths that were relative have been made to begin in the folder of @path.
 */
struct config {
	char *path;
	struct config_lower *lowers;
	unsigned int nr_lowers;
	struct config_upper upper;
	char *result_file;
};

/**
 * config_parse - take a configuration from memory
 * @config: filled in; release with config_release(), also after a failure
 * @path: the file that it came from
 * @text: what that holds
 * @len: bytes
 *
 * Opens no file. Complains when it fails.
 *
 * Return: an exit code.
 */
int config_parse(struct config *config, const char *path, const char *text,
		 size_t len);

/**
 * config_load - read a configuration from its file
 * @config: filled in; release with config_release(), also after a failure
 * @path: the file
 *
 * Complains when it fails.
 *
 * Return: an exit code.
 */
int config_load(struct config *config, const char *path);

/**
 * config_has_upper - is there a writable layer?
 * @config: the image
 */
bool config_has_upper(const struct config *config);

/**
 * config_layers - how many layers are there but the upper?
 * @config: the image
 *
 * Return: @config->nr_lowers, as it is after config_resolve().
 */
unsigned int config_layers(const struct config *config);

/**
 * config_check_upper - can this version open the writable layer?
 * @config: the image; fine without one
 *
 * Complains when it cannot.
 *
 * Return: an exit code.
 */
int config_check_upper(const struct config *config);

/**
 * config_refuse_input - see to it that a file is not another one
 * @out: name of the file that is to be written
 * @input: name of the other, or NULL
 *
 * Complains if it is.
 *
 * Return: an exit code.
 */
int config_refuse_input(const char *out, const char *input);

/**
 * config_refuse_image - see to it that a file is none of an image
 * @config: the image, as it was loaded
 * @out: name of a file that is to be written
 *
 * It must be neither the configuration nor a layer that this names, whether or
 * not that is going to be read. Complains if it is.
 *
 * Return: an exit code.
 */
int config_refuse_image(struct config *config, const char *out);

/**
 * config_refuse_output - the same, and the result file counts as well
 * @config: the image, as it was loaded
 * @out: name of a file that is to be written
 *
 * Return: an exit code.
 */
int config_refuse_output(struct config *config, const char *out);

/**
 * config_drop_upper - forget the writable layer
 * @config: the image
 */
void config_drop_upper(struct config *config);

/**
 * config_split - make targets layers of their own
 * @config: the image
 *
 * Afterwards an upper has both data and index. Complains when it fails.
 *
 * Return: an exit code.
 */
int config_split(struct config *config);

/**
 * config_find_blob - find the file of a layer that only names a folder
 * @config: the image, after config_split()
 * @i: number of the layer
 *
 * Complains when there is none.
 *
 * Return: an exit code.
 */
int config_find_blob(struct config *config, unsigned int i);

/**
 * config_resolve - find every blob of an image
 * @config: the image; as config_split() and config_find_blob() leave it
 *
 * Complains when it fails.
 *
 * Return: an exit code.
 */
int config_resolve(struct config *config);

/**
 * config_release - free what config_parse() or config_load() allocated
 * @config: the configuration; a zeroed one is fine
 */
void config_release(struct config *config);

#endif
