/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Devices that join the last bytes of a file, which a loop device hides, to the
 * rest of it.
 */
#ifndef OVERLAYBD_TAIL_H
#define OVERLAYBD_TAIL_H

#include "tools/file.h"

/**
 * tail_attach - take the device that has all of a file, or make one
 * @file: the file; its size is no multiple of a sector
 * @path: its name, for complaints
 * @i: number of its layer, for complaints
 * @rest: a loop device over it, kept open by the caller; 0 if the file is
 *	shorter than a sector
 * @fd: keeps the device until it is closed
 * @dev: number of the device
 *
 * All who have the same @rest get the same device. Complains when it fails.
 *
 * Return: an exit code.
 */
int tail_attach(struct obd_dev *file, const char *path, unsigned int i,
		dev_t rest, int *fd, dev_t *dev);

/**
 * tails_remove - remove such devices, as far as nobody uses them
 *
 * Those as well that a call which was killed has left behind.
 *
 * Return: an exit code.
 */
int tails_remove(void);

#endif
