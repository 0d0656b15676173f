/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Check the file that has the data of TurboOCI metadata: an archive, or a gzip
 * file with its index.
 */
#ifndef OVERLAYBD_VERIFY_TARGET_H
#define OVERLAYBD_VERIFY_TARGET_H

#include "tools/gzip-file.h"
#include "tools/verify.h"

/**
 * struct verify_target - the file, opened
 * @path: its name
 * @index_path: that of its index; NULL if it is no gzip file
 * @data: the file
 * @index: its index
 * @gzip: what reads them
 * @layer: no more than the size of its data
 * @r: 0, or why it could not be opened
 * @err: the same in words
 */
struct verify_target {
	const char *path;
	const char *index_path;
	struct obd_dev data;
	struct obd_dev index;
	struct gzip_file gzip;
	struct obd_layer layer;
	int r;
	struct obd_error err;
};

/**
 * verify_target_open - open a target
 * @target: filled in, with @target->r as well; to be closed in any case
 * @path: its name; not copied
 * @index_path: that of its index, or NULL; not copied
 */
void verify_target_open(struct verify_target *target, const char *path,
			const char *index_path);

/**
 * verify_target - check all of a target, or say why not, and tell the result
 * @target: the target
 * @options: how
 *
 * Return: an exit code.
 */
int verify_target(const struct verify_target *target,
		  const struct verify_options *options);

/**
 * verify_target_close - close a target
 * @target: the target
 */
void verify_target_close(struct verify_target *target);

#endif
