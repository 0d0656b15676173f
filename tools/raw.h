/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A raw disk image, which may be sparse. It goes on with zeros for ever behind
 * its end.
 */
#ifndef OVERLAYBD_RAW_H
#define OVERLAYBD_RAW_H

#include "tools/file.h"
#include "tools/source.h"

/**
 * struct raw - a raw disk image
 * @path: its name
 * @dev: the file or block device
 */
struct raw {
	const char *path;
	struct obd_dev dev;
};

/**
 * raw_open - open a raw image for reading
 * @raw: filled in; close with raw_close(), also after a failure
 * @path: a file or block device; not copied
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno.
 */
int raw_open(struct raw *raw, const char *path, struct obd_error *err);

/**
 * raw_close - close what raw_open() opened
 * @raw: the image; dev.fd is -1 where it was not opened
 */
void raw_close(struct raw *raw);

/**
 * raw_next_data - skip what is known to be zero without reading it
 * @raw: the image
 * @pos: first byte
 * @end: byte to stop at
 *
 * Return: the first byte from @pos on that may hold data, or @end.
 */
u64 raw_next_data(const struct raw *raw, u64 pos, u64 end);

/**
 * raw_read - read, any number of threads at a time
 * @raw: the image
 * @pos: first byte
 * @buf: where to
 * @len: bytes
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno.
 */
int raw_read(const struct raw *raw, u64 pos, void *buf, u64 len,
	     struct obd_error *err);

/**
 * raw_source - the image, to be read
 * @raw: the image; must outlive the source
 */
struct source raw_source(const struct raw *raw);

#endif
