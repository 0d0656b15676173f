/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The algorithms that a ZFile can be compressed with.
 */
#ifndef OVERLAYBD_COMPRESSOR_H
#define OVERLAYBD_COMPRESSOR_H

#include "dm-overlaybd-error.h"

#define COMPRESSOR_LEVEL_MAX	22	/* of any */

/**
 * struct compressor - an algorithm
 * @name: as typed and printed
 * @algorithm: ZFILE_ALGO_*
 * @default_level: what is used unless another is asked for
 * @max_level: the highest; 1 is the lowest
 * @bound: the most bytes that @len bytes can become
 * @begin: memory for compressing, or NULL if there is none
 * @compress: compress @len bytes of @src into @dst, which has room for @bound
 *	bytes; returns the number of bytes, 0 on failure
 * @end: free what @begin returned
 *
 * What comes out depends on the input and on what was compressed since @begin,
 * on nothing else.
 */
struct compressor {
	const char *name;
	u8 algorithm;
	u8 default_level;
	u8 max_level;
	u32 (*bound)(u32 len);
	void *(*begin)(int level);
	u32 (*compress)(void *state, int level, const void *src, u32 len,
			void *dst, u32 room);
	void (*end)(void *state);
};

/**
 * compressor_find - look an algorithm up by its name
 * @name: "lz4" or "zstd"
 *
 * Return: the algorithm, or NULL.
 */
const struct compressor *compressor_find(const char *name);

/**
 * compressor_name - name of an algorithm
 * @algorithm: ZFILE_ALGO_*
 *
 * Return: the name, or "unknown".
 */
const char *compressor_name(u8 algorithm);

#endif
