/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loop devices that are gone when nobody holds them any more.
 */
#ifndef OVERLAYBD_LOOP_H
#define OVERLAYBD_LOOP_H

#include <stdbool.h>
#include <sys/types.h>

#define LOOP_BLOCK_SIZE		512

/* What a loop device is to be like. */
enum loop_flags {
	LOOP_DIRECT_IO = 1,	/* go past the page cache */
	LOOP_WRITABLE = 2,
};

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
 * @file: the file, open for reading; for writing as well if the loop device is
 *	to be writable
 * @name: what the loop device says that it is; cut off if it is long
 * @flags: bits of enum loop_flags; no direct I/O where loop_can_direct_io()
 *	says so
 * @number: of the loop device, as in its name
 * @dev: of the loop device
 *
 * The caller's descriptor, and later whoever opened @dev, keep the loop device
 * alive. As long as it lives, it has the description of @file that the caller
 * has, and with it the lock of flock().
 *
 * Return: a descriptor of the loop device, or a negative errno.
 */
int loop_attach(int file, const char *name, unsigned int flags, int *number,
		dev_t *dev);

/**
 * loop_resize - have a loop device end where its file does now
 * @fd: the loop device, open
 *
 * Return: 0, or a negative errno.
 */
int loop_resize(int fd);

#endif
