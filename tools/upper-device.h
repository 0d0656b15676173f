/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The writable layer of a device that is there. Functions that return an exit
 * code have complained when it is not EXIT_OK.
 */
#ifndef OVERLAYBD_UPPER_DEVICE_H
#define OVERLAYBD_UPPER_DEVICE_H

#include "tools/backing.h"
#include "tools/counters.h"
#include "tools/dm.h"
#include "tools/table.h"
#include "tools/upper-files.h"

/**
 * struct upper_device - the writable layer of a device
 * @params: the parameters of its table line
 * @table: the same, taken apart
 * @sectors: size of the device
 * @data: where the data comes from
 * @index: where the index comes from
 * @files: both, if they have been opened
 */
struct upper_device {
	char *params;
	struct table table;
	u64 sectors;
	struct backing data;
	struct backing index;
	struct upper_files files;
};

/**
 * upper_device_find - look what a device has for an upper
 * @u: filled in, @u->table.upper.data being NULL if it has none; release with
 *	upper_device_release(), also after a failure
 * @name: the device's name
 *
 * Return: an exit code.
 */
int upper_device_find(struct upper_device *u, const char *name);

/**
 * upper_device_status - ask the upper of a device how it is
 * @status: filled in
 * @name: the device's name
 *
 * Return: an exit code.
 */
int upper_device_status(struct upper_status *status, const char *name);

/**
 * upper_device_take - look for a device that is to be changed
 * @u: see upper_device_find()
 * @device: filled in
 * @status: filled in
 * @name: the device's name
 *
 * Refuses what is not of this program, what has no upper or one that cannot be
 * written, and what is suspended.
 *
 * Return: an exit code.
 */
int upper_device_take(struct upper_device *u, struct device *device,
		      struct upper_status *status, const char *name);

/**
 * upper_device_open - open the files, or devices, of the upper
 * @u: a device that has one
 *
 * Opens for writing, and takes no lock: the device has it. Files that are not
 * where they were when the device was opened cannot be found.
 *
 * Return: an exit code.
 */
int upper_device_open(struct upper_device *u);

/**
 * upper_device_resize - have its loop devices be as large as the files are
 * @u: a device, open
 *
 * Return: an exit code.
 */
int upper_device_resize(const struct upper_device *u);

/**
 * upper_device_release - close and free what the other functions made
 * @u: the device; a zeroed one is fine
 */
void upper_device_release(struct upper_device *u);

#endif
