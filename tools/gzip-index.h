/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Write the index of access points of a gzip file.
 */
#ifndef OVERLAYBD_GZIP_INDEX_H
#define OVERLAYBD_GZIP_INDEX_H

#include "tools/file.h"
#include "tools/output.h"
#include "tools/progress.h"

/**
 * struct gzip_index - an index being written
 * @gzip: the gzip file
 * @out: gets the index
 * @progress: counts bytes of the gzip file
 * @span: a point follows the last one after so many bytes of data, as soon as
 *	a block begins
 * @checksums: add a CRC for each block of the data
 * @level: of zlib for windows and table, or 0 to store them as they are
 * @data_size: result: bytes of data
 * @index_size: result: bytes of the index
 * @nr_points: result
 * @nr_members: result: gzip members, which follow one another
 */
struct gzip_index {
	struct obd_dev *gzip;
	struct output *out;
	struct progress *progress;
	u32 span;
	bool checksums;
	int level;
	u64 data_size;
	u64 index_size;
	u64 nr_points;
	u64 nr_members;
};

/**
 * gzip_index_write - write the index, in one pass
 * @index: what is to be done; gets the results
 * @err: the reason, on failure
 *
 * Every member begins with a point, whose window is zeros. CRCs are checked.
 *
 * Return: 0, or a negative errno: -EINVAL for what is no gzip file.
 */
int gzip_index_write(struct gzip_index *index, struct obd_error *err);

/**
 * gzip_index_check - read an index back
 * @index: what gzip_index_write() has written
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno: what there is no use for, since it has too many
 * points, or some too close together or too far apart.
 */
int gzip_index_check(const struct gzip_index *index, struct obd_error *err);

#endif
