/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who keeps a block device busy?
 */
#ifndef OVERLAYBD_BUSY_H
#define OVERLAYBD_BUSY_H

#include <sys/types.h>

/**
 * busy_complain - say who keeps a device busy
 * @name: what to call the device
 * @dev: its number
 *
 * Names mount points, in whatever mount namespace, devices on top, loop devices,
 * swap, and processes.
 */
void busy_complain(const char *name, dev_t dev);

#endif
