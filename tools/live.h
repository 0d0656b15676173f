/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is a device what a configuration says, whatever it was when it was opened?
 */
#ifndef OVERLAYBD_LIVE_H
#define OVERLAYBD_LIVE_H

#include "tools/config.h"
#include "tools/dm.h"
#include "tools/table.h"

/**
 * live_matches - compare the table of a device with a configuration
 * @device: a device of ours that has a table
 * @uuid: the UUID that it would be opened with
 * @config: the image, resolved
 * @wanted: options of the table
 * @read_only: whether its upper is not to be written
 * @matches: whether it is the same
 *
 * A snapshot changes the layers, not the UUID of a device; it makes them more.
 * Complains when it fails.
 *
 * Return: an exit code.
 */
int live_matches(const struct device *device, const char *uuid,
		 const struct config *config, const struct table *wanted,
		 bool read_only, bool *matches);

#endif
