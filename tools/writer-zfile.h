/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Write a blob as a ZFile, compressed on all CPUs.
 */
#ifndef OVERLAYBD_WRITER_ZFILE_H
#define OVERLAYBD_WRITER_ZFILE_H

#include "tools/compressor.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/source.h"

/**
 * struct zfile_options - how to compress
 * @compressor: algorithm
 * @level: its level
 * @block_size: bytes, a power of two from ZFILE_BLOCK_SIZE_MIN to
 *	ZFILE_BLOCK_SIZE_MAX
 * @verify: whether a CRC follows every block
 */
struct zfile_options {
	const struct compressor *compressor;
	u8 level;
	u32 block_size;
	bool verify;
};

/**
 * struct zfile_result - what came out
 * @size: bytes of the ZFile
 * @largest: stored size of the largest block, its CRC included
 */
struct zfile_result {
	u64 size;
	u32 largest;
};

/**
 * zfile_bound - the most bytes that a ZFile can take
 * @options: how it is compressed
 * @size: bytes of what is compressed
 */
u64 zfile_bound(const struct zfile_options *options, u64 size);

/**
 * zfile_write - compress a source into a file
 * @out: the file
 * @start: byte of the file where the ZFile begins
 * @source: what is compressed
 * @options: how
 * @nr_threads: threads to use; what is written does not depend on them
 * @progress: begun, for the bytes of @source
 * @result: what came out
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno; -E2BIG if there are too many blocks.
 */
int zfile_write(const struct output *out, u64 start,
		const struct source *source,
		const struct zfile_options *options, unsigned int nr_threads,
		struct progress *progress, struct zfile_result *result,
		struct obd_error *err);

#endif
