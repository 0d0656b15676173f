/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Check a gzip file through its index.
 */
#ifndef OVERLAYBD_VERIFY_GZIP_H
#define OVERLAYBD_VERIFY_GZIP_H

#include "tools/gzip-file.h"
#include "tools/verify.h"

/**
 * struct verify_gzip_result - what has been found
 * @nr_members: that have been gone through to their end
 * @nr_bad: blocks with a wrong CRC
 * @unindexed: bytes behind the last member that the index knows of
 */
struct verify_gzip_result {
	u64 nr_members;
	u64 nr_bad;
	u64 unindexed;
};

/**
 * verify_gzip - inflate all of a gzip file, each part from the point before it
 * @v: gets what is wrong
 * @file: the file, its index loaded
 * @result: filled in
 *
 * Each point has to be where inflation comes to from the one before, with the
 * data before it for a window. CRCs of members, and of the index if it has some,
 * must be right.
 */
void verify_gzip(struct verify *v, const struct gzip_file *file,
		 struct verify_gzip_result *result);

#endif
