/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Make gzip files of all kinds, and indexes of them, for tests and fuzzers.
 */
#ifndef GZIP_BUILDER_H
#define GZIP_BUILDER_H

#include "tests/unit/blob-builder.h"

/**
 * struct gzip_how - how data is compressed
 * @level: 0 to 9
 * @strategy: of zlib
 * @flush: what zlib is to do from time to time, or Z_NO_FLUSH
 * @every: bytes after which it does
 */
struct gzip_how {
	int level;
	int strategy;
	int flush;
	u32 every;
};

/**
 * build_gzip - compress
 * @out: gets one more gzip member
 * @data: the bytes
 * @how: see above
 */
void build_gzip(struct buffer *out, const struct buffer *data,
		const struct gzip_how *how);

/**
 * build_gzip_index - make an index
 * @out: gets the index
 * @gzip: a gzip file
 * @span: a point follows the last one after so many bytes, where a block begins
 * @packed: windows and table are zlib streams, and there are checksums
 */
void build_gzip_index(struct buffer *out, const struct buffer *gzip, u32 span,
		      bool packed);

/**
 * gzip_index_fix - set the CRC of a header that was changed
 * @header: the header
 */
void gzip_index_fix(struct gzidx_header *header);

#endif
