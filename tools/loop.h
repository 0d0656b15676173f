/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loop devices: read-only, and gone when nobody holds them any more.
 */
#ifndef OVERLAYBD_LOOP_H
#define OVERLAYBD_LOOP_H

#include <stdbool.h>
#include <sys/types.h>

#define LOOP_BLOCK_SIZE		512

/**
 * loop_open - open a loop device
 * @number: /dev/loop followed by this number
 *
 * Return: a descriptor, or a negative errno.
 */
int loop_open(int number);

/**
 * loop_can_direct_io - can a loop device of a file go past the page cache?
 * @file: the file, open for reading
 */
bool loop_can_direct_io(int file);

/**
 * loop_attach - make a block device of a file
 * @file: the file, open for reading
 * @name: what the loop device says that it is; cut off if it is long
 * @direct_io: go past the page cache; not where loop_can_direct_io() says no
 * @number: of the loop device, as in its name
 * @dev: of the loop device
 *
 * The caller's descriptor, and later whoever opened @dev, keep the loop device
 * alive.
 *
 * Return: a descriptor of the loop device, or a negative errno.
 */
int loop_attach(int file, const char *name, bool direct_io, int *number,
		dev_t *dev);

#endif
