/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Check a writable layer.
 */
#ifndef OVERLAYBD_VERIFY_UPPER_H
#define OVERLAYBD_VERIFY_UPPER_H

#include "tools/verify.h"

/**
 * verify_upper - check headers and log of a writable layer, print the verdict
 * @data: name of the data
 * @index: name of the index
 * @options: how
 *
 * Return: an exit code.
 */
int verify_upper(const char *data, const char *index,
		 const struct verify_options *options);

#endif
