/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Layers that are TurboOCI metadata, where nothing says that they are.
 */
#ifndef OVERLAYBD_TURBO_H
#define OVERLAYBD_TURBO_H

#include "dm-overlaybd-blob.h"

/**
 * turbo_open - open a layer, or what makes sense only as TurboOCI metadata
 * @layer: filled in, @layer->turbo too; release with obd_layer_release(), also
 *	after a failure
 * @dev: see obd_blob_open()
 * @bytes: see obd_blob_open()
 * @err: the reason, on failure
 *
 * The tags of entries alone do not tell: tools that merge layers write them as
 * well. What is a layer of its own, all data being where it says, is taken for
 * one.
 *
 * Return: 0, or a negative errno.
 */
int turbo_open(struct obd_layer *layer, struct obd_dev *dev, u64 bytes,
	       struct obd_error *err);

/**
 * turbo_open_metadata - open a layer that is known to be TurboOCI metadata
 * @layer: see turbo_open()
 * @dev: see obd_blob_open()
 * @bytes: see obd_blob_open()
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno.
 */
int turbo_open_metadata(struct obd_layer *layer, struct obd_dev *dev,
			u64 bytes, struct obd_error *err);

#endif
