/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is a file or block device used by the kernel?
 */
#ifndef OVERLAYBD_IN_USE_H
#define OVERLAYBD_IN_USE_H

#include <stdbool.h>
#include <sys/types.h>

/**
 * in_use_complain - refuse what the kernel uses already
 * @path: name of a file or block device
 * @fd: the same, open
 * @readers: whether those that only read count, too
 *
 * Names the loop device and the mapped device. Somebody who is no root does
 * not get to know of all loop devices of files that have been renamed.
 *
 * Return: EXIT_OK, or EXIT_BUSY.
 */
int in_use_complain(const char *path, int fd, bool readers);

/**
 * in_use_by_loop - is a loop device over a file?
 * @loop: its name in /sys/block
 * @fd: the file, open
 */
bool in_use_by_loop(const char *loop, int fd);

/**
 * in_use_by_device - does a mapped device lie over a block device?
 * @dev: the block device
 */
bool in_use_by_device(dev_t dev);

/**
 * in_use_wait - wait until a file has no loop device any more
 * @fd: the file, open
 *
 * The kernel takes its time to end one; ten seconds at the most are waited.
 *
 * Return: whether it has none.
 */
bool in_use_wait(int fd);

#endif
