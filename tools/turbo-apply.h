/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Apply the entries of a layer, and its whiteouts, to a file system.
 */
#ifndef OVERLAYBD_TURBO_APPLY_H
#define OVERLAYBD_TURBO_APPLY_H

#include "tools/turbo-fs.h"
#include "tools/turbo-tar.h"

/**
 * turbo_apply - apply a whole layer
 * @t: the layer
 * @tar: its tar
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno.
 */
int turbo_apply(struct turbo *t, struct turbo_tar *tar, struct obd_error *err);

#endif
