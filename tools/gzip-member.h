/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is around the deflate stream of a gzip member.
 */
#ifndef OVERLAYBD_GZIP_MEMBER_H
#define OVERLAYBD_GZIP_MEMBER_H

#include "tools/file.h"

/* For zlib: 32 KiB of history, and headers of gzip. */
#define GZIP_FORMAT	(15 + 16)

/* Of data_type, as zlib leaves it: a block begins. */
#define GZIP_AT_BLOCK	128

/* What a member ends with. */
struct gzip_trailer {
	__le32 crc;	/* of the data, as zlib's crc32() has it */
	__le32 len;	/* bytes of the data, modulo 2^32 */
};

/**
 * gzip_member_header - find the end of the header of a member
 * @dev: the gzip file
 * @pos: where the member begins
 * @end: where its deflate stream does
 *
 * Return: 0; -EILSEQ if there is no header; or another negative errno.
 */
int gzip_member_header(struct obd_dev *dev, u64 pos, u64 *end);

/**
 * gzip_member_trailer - read the trailer of a member
 * @dev: the gzip file
 * @pos: where the deflate stream ends
 * @trailer: what follows
 *
 * Return: 0; -EILSEQ if the file ends before; or another negative errno.
 */
int gzip_member_trailer(struct obd_dev *dev, u64 pos,
			struct gzip_trailer *trailer);

#endif
