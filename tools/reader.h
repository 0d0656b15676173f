/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Read decompressed data at full speed: what is wanted whole is decompressed
 * in place, and a block that many small extents share only once.
 */
#ifndef OVERLAYBD_READER_H
#define OVERLAYBD_READER_H

#include "tools/gzip-file.h"

/**
 * struct reader - memory of one thread that reads; begins zeroed
 * @codec: decompressor
 * @scratch: for what is read without a decompressor
 * @in: stored blocks
 * @in_size: bytes of @in
 * @block: one decompressed block
 * @block_size: bytes of @block
 * @cached: the blob that the block in @block is of, or NULL
 * @cached_nr: its number
 * @cursors: where it is in gzip files
 */
struct reader {
	struct obd_codec codec;
	struct obd_scratch scratch;
	u8 *in;
	u32 in_size;
	u8 *block;
	u32 block_size;
	const struct obd_blob *cached;
	u32 cached_nr;
	struct gzip_cursor *cursors;
};

/**
 * struct reader_run - consecutive blocks, as they are stored
 * @src: the first of them, in the reader's memory
 * @nr: how many
 */
struct reader_run {
	const u8 *src;
	u32 nr;
};

/**
 * reader_read_run - read as many stored blocks as fit into one large read
 * @reader: the reader
 * @blob: a ZFile
 * @block: the first block
 * @nr: how many are wanted, at least 1
 * @run: what was read, at least one block
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno.
 */
int reader_read_run(struct reader *reader, const struct obd_blob *blob,
		    u32 block, u32 nr, struct reader_run *run,
		    struct obd_error *err);

/**
 * reader_read - read decompressed bytes
 * @reader: the reader
 * @blob: the blob
 * @pos: first byte
 * @buf: where to
 * @len: bytes; @pos + @len must not pass @blob->data_size
 * @err: the reason, on failure
 *
 * Return: as obd_blob_read().
 */
int reader_read(struct reader *reader, const struct obd_blob *blob, u64 pos,
		void *buf, u64 len, struct obd_error *err);

/**
 * reader_read_gzip - read inflated bytes
 * @reader: the reader
 * @file: the gzip file
 * @pos: first byte
 * @buf: where to
 * @len: bytes; @pos + @len must not pass the data
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno.
 */
int reader_read_gzip(struct reader *reader, const struct gzip_file *file,
		     u64 pos, void *buf, u64 len, struct obd_error *err);

/**
 * reader_release - free what a reader allocated
 * @reader: the reader; a zeroed one is fine
 */
void reader_release(struct reader *reader);

#endif
