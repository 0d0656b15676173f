/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Show the index of a gzip file.
 */
#ifndef OVERLAYBD_DUMP_GZIP_H
#define OVERLAYBD_DUMP_GZIP_H

#include "dm-overlaybd-gzip.h"
#include "tools/report.h"

/**
 * dump_gzip_recognised - is a file such an index?
 * @dev: the file
 */
bool dump_gzip_recognised(struct obd_dev *dev);

/**
 * dump_gzip - show an index, and check it but for the windows
 * @report: the report
 * @gzip: filled in; to be released when the report has ended
 * @dev: the index
 * @entries: show all points
 * @err: the reason, on failure
 *
 * Of a broken index it shows what can be read.
 *
 * Return: 0, or a negative errno.
 */
int dump_gzip(struct report *report, struct obd_gzip *gzip, struct obd_dev *dev,
	      bool entries, struct obd_error *err);

#endif
