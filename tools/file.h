/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The format files' struct obd_dev over a file or block device.
 */
#ifndef OVERLAYBD_FILE_H
#define OVERLAYBD_FILE_H

#include <sys/stat.h>

#include "dm-overlaybd-blob.h"

struct obd_dev {
	int fd;
	u64 size;
};

/**
 * obd_file_open - open a file or block device for reading
 * @dev: filled in; close with obd_file_close(), also after a failure
 * @path: its name
 *
 * Any number of threads may read from it.
 *
 * Return: 0, or a negative errno: -ENOTBLK for what is neither.
 */
int obd_file_open(struct obd_dev *dev, const char *path);

/**
 * obd_file_error - why a file could not be opened
 * @r: what obd_file_open() has returned
 *
 * Return: the text.
 */
const char *obd_file_error(int r);

/**
 * obd_file_is_device - can what was opened be larger than what lies on it?
 * @dev: the file
 */
bool obd_file_is_device(const struct obd_dev *dev);

/**
 * same_file - are two names those of one file, or of one block device?
 * @a: what one is
 * @b: what the other is
 */
bool same_file(const struct stat *a, const struct stat *b);

/**
 * obd_file_close - close what obd_file_open() opened
 * @dev: the file
 */
void obd_file_close(struct obd_dev *dev);

#endif
