/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why a blob was refused, in words: which field, its value, what was expected.
 */
#ifndef DM_OVERLAYBD_ERROR_H
#define DM_OVERLAYBD_ERROR_H

#include "dm-overlaybd-compat.h"

/* The tools have names of files in it, up to two. */
#ifdef __KERNEL__
#define OBD_ERROR_SIZE	192
#else
#define OBD_ERROR_SIZE	(2 * PATH_MAX + 256)
#endif

struct obd_error {
	char text[OBD_ERROR_SIZE];
};

/**
 * obd_fail - put a reason into words and evaluate to an error number
 * @err: where the text goes; cut off at OBD_ERROR_SIZE - 1 characters
 * @ret: negative errno, the value of the expression
 * @fmt: printf format, then its arguments
 *
 * Any context.
 */
#define obd_fail(err, ret, fmt, ...)					\
	(scnprintf((err)->text, sizeof((err)->text), fmt,		\
		   ##__VA_ARGS__),					\
	 (ret))

#endif
