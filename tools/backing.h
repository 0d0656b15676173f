/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What lies under a layer of a live table?
 */
#ifndef OVERLAYBD_BACKING_H
#define OVERLAYBD_BACKING_H

#include "dm-overlaybd-gzip.h"
#include "tools/table.h"

/**
 * struct backing - where a layer comes from
 * @device: name of the block device, in /dev
 * @file: the file behind it, or NULL if there is none, or if somebody else than
 *	overlaybdsetup has set up the loop device
 * @loop: the kernel's name of the loop device over the file, without /dev; NULL
 *	if it is none. That of a joined device is below it, if the file is not
 *	shorter than a sector
 */
struct backing {
	char *device;
	char *file;
	char *loop;
};

/**
 * backing_find - follow a device down to its file
 * @backing: filled in as far as it can be found out; to be released with
 *	backing_release()
 * @dev: major:minor
 */
void backing_find(struct backing *backing, const char *dev);

/**
 * backing_open_gzip - read the header of the index of a gzip file in use
 * @gzip: see obd_gzip_parse(); nothing of it has to be released
 * @layer: a LAYER_GZIP of a table that the kernel has
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno.
 */
int backing_open_gzip(struct obd_gzip *gzip, const struct table_layer *layer,
		      struct obd_error *err);

/**
 * backing_release - free what backing_find() allocated
 * @backing: what it filled in
 */
void backing_release(struct backing *backing);

#endif
