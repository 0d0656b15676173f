/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who has a file or a block device?
 */
#ifndef OVERLAYBD_HOLDERS_H
#define OVERLAYBD_HOLDERS_H

#include <sys/stat.h>

#include "dm-overlaybd-error.h"

#define HOLDER_SIZE	256	/* of a name */

/**
 * holders_loop_is_over - is a loop device over a file or block device?
 * @loop: its name in /sys/block
 * @st: the file
 */
bool holders_loop_is_over(const char *loop, const struct stat *st);

/**
 * holders_find_loop - find a loop device over a file or block device
 * @st: the file
 * @readers: whether those that only read count, too
 * @loop: HOLDER_SIZE bytes for its name, which is empty if there is none
 */
void holders_find_loop(const struct stat *st, bool readers, char *loop);

/**
 * holders_first - what lies over a block device, by the kernel's name
 * @device: the kernel's name of the block device
 * @holder: HOLDER_SIZE bytes for the name
 *
 * Return: whether there is something.
 */
bool holders_first(const char *device, char *holder);

/**
 * holders_find - what lies over a block device, by the name that users know
 * @device: the kernel's name of the block device
 * @holder: HOLDER_SIZE bytes for the name, which is empty if there is nothing
 */
void holders_find(const char *device, char *holder);

/**
 * holders_refuse_loop - refuse what a loop device is over
 * @path: name of the file or block device
 * @st: the same
 * @readers: whether loop devices that only read count, too
 * @err: the reason, on failure
 *
 * Return: 0, or -EBUSY.
 */
int holders_refuse_loop(const char *path, const struct stat *st, bool readers,
			struct obd_error *err);

/**
 * holders_lock - lock what is to be replaced or overwritten
 * @path: name of a file or block device
 * @fd: the same, open, which has the lock then
 * @err: the reason, on failure
 *
 * Return: 0, or -EBUSY: an open, or another command, is at work on it, or has
 * put another file in its place.
 */
int holders_lock(const char *path, int fd, struct obd_error *err);

#endif
