/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tells whether a device is over the layers that a configuration names.
 */
#ifndef OVERLAYBD_IDENTITY_H
#define OVERLAYBD_IDENTITY_H

#include "tools/config.h"
#include "tools/table.h"

/**
 * identity_uuid - make the device-mapper UUID of a device
 * @uuid: the UUID
 * @size: room for it
 * @config: the image, resolved
 * @name: the device's name
 * @table: its options
 * @read_only: whether its upper, if there is one, is not to be written
 *
 * The same name over the same files with the same options has the same UUID.
 * Complains when it fails.
 *
 * Return: an exit code.
 */
int identity_uuid(char *uuid, size_t size, const struct config *config,
		  const char *name, const struct table *table, bool read_only);

#endif
