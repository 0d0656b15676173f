/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Show a writable layer.
 */
#ifndef OVERLAYBD_DUMP_UPPER_H
#define OVERLAYBD_DUMP_UPPER_H

#include <stdbool.h>

/**
 * dump_upper - show headers, log and live extents of a writable layer
 * @data: name of the data
 * @index: name of the index
 * @entries: show all live extents
 * @json: print JSON
 *
 * Return: an exit code.
 */
int dump_upper(const char *data, const char *index, bool entries, bool json);

/**
 * upper_suggest - complain if what is no blob is the data of a writable layer
 * @path: name of the file
 */
void upper_suggest(const char *path);

#endif
