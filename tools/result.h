/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file in which who asked for a device reads whether there is one.
 */
#ifndef OVERLAYBD_RESULT_H
#define OVERLAYBD_RESULT_H

#include "tools/config.h"

/**
 * result_check - see to it that a result can be written where it is wanted
 * @config: the image, as it was loaded; fine without a result file
 * @loaded: exit code of that
 * @trace: a file that is read as well, or NULL
 *
 * It must be a regular file and none of the image, or not be there. Complains
 * if it is not so.
 *
 * Return: an exit code.
 */
int result_check(struct config *config, int loaded, const char *trace);

/**
 * result_write - write how it went
 * @config: the image, for which result_check() has found nothing
 * @r: exit code; if it is not EXIT_OK, the first complaint is written
 *
 * The file appears when it is complete. Warns if that fails.
 */
void result_write(const struct config *config, int r);

#endif
