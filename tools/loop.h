/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loop devices: read-only, and gone when nobody holds them any more.
 */
#ifndef OVERLAYBD_LOOP_H
#define OVERLAYBD_LOOP_H

#include <stdbool.h>
#include <sys/types.h>

/**
 * loop_attach - make a block device of a file
 * @file: the file, open for reading
 * @name: what the loop device says that it is; cut off if it is long
 * @direct_io: go past the page cache where the file system can
 * @dev: number of the loop device
 *
 * The caller's descriptor, and later whoever opened @dev, keep the loop device
 * alive.
 *
 * Return: a descriptor of the loop device, or a negative errno.
 */
int loop_attach(int file, const char *name, bool direct_io, dev_t *dev);

#endif
