/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Write a layer that has been laid out: compressed or not, in a tar or not.
 */
#ifndef OVERLAYBD_LAYER_WRITE_H
#define OVERLAYBD_LAYER_WRITE_H

#include "tools/layer-options.h"
#include "tools/output.h"

/**
 * struct layer_result - what came out
 * @blob: bytes of the blob, and its largest block
 * @total: bytes of the file
 */
struct layer_result {
	struct zfile_result blob;
	u64 total;
};

/**
 * layer_write - write a layer into a file, and have it reach the disk
 * @out: the file, begun; is still to be given its name
 * @image: the layer
 * @options: how
 * @result: what came out
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno.
 */
int layer_write(const struct output *out, const struct lsmt_image *image,
		const struct layer_options *options,
		struct layer_result *result, struct obd_error *err);

/**
 * layer_report - say what came out, and who may not be able to read it
 * @path: name of the file
 * @image: the layer
 * @options: how it was written
 * @result: what came out
 */
void layer_report(const char *path, const struct lsmt_image *image,
		  const struct layer_options *options,
		  const struct layer_result *result);

#endif
