/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Check a blob.
 */
#ifndef OVERLAYBD_VERIFY_BLOB_H
#define OVERLAYBD_VERIFY_BLOB_H

#include "tools/config.h"
#include "tools/verify-target.h"

/**
 * verify_blob - check everything in a blob that can be checked, tell the result
 * @path: its name
 * @options: how
 *
 * It may be TurboOCI metadata: where its data is cannot be checked then.
 *
 * Return: an exit code.
 */
int verify_blob(const char *path, const struct verify_options *options);

/**
 * verify_layer - do the same with a layer of an image
 * @lower: the layer
 * @target: where the data of a LAYER_TURBO is; else NULL
 * @options: how
 *
 * Return: an exit code.
 */
int verify_layer(const struct config_lower *lower,
		 const struct verify_target *target,
		 const struct verify_options *options);

#endif
