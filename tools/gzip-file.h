/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A gzip file with its index, read from anywhere.
 */
#ifndef OVERLAYBD_GZIP_FILE_H
#define OVERLAYBD_GZIP_FILE_H

#include "dm-overlaybd-gzip-stream.h"
#include "tools/file.h"

/**
 * struct gzip_file - the two files
 * @gzip: the index, loaded
 * @data: the gzip file
 * @index: the file of the index
 *
 * Whoever fills them in opens and closes them.
 */
struct gzip_file {
	struct obd_gzip gzip;
	struct obd_dev *data;
	struct obd_dev *index;
};

/* What is inflated at a time: an index has a CRC for each block, if it has any. */
#define GZIP_BLOCK_SIZE	(1U << OBD_GZIP_BLOCK_SHIFT)

/**
 * struct gzip_cursor - goes through one gzip file; for one thread
 * @file: the file
 * @stream: where it has come to; its context is @file
 * @block: the block that was inflated last
 * @block_nr: its number
 * @loaded: whether @block is complete, and right
 * @next: of another file, for whoever reads several
 */
struct gzip_cursor {
	const struct gzip_file *file;
	struct obd_gzip_stream stream;
	u8 block[GZIP_BLOCK_SIZE];
	u64 block_nr;
	bool loaded;
	struct gzip_cursor *next;
};

/**
 * gzip_block_len - how many bytes a block has
 * @gzip: the index
 * @block: number of the block
 */
static inline u32 gzip_block_len(const struct obd_gzip *gzip, u64 block)
{
	return min_t(u64, GZIP_BLOCK_SIZE,
		     gzip->data_size - (block << OBD_GZIP_BLOCK_SHIFT));
}

/**
 * gzip_cursor_new - begin to read a file
 * @file: the file, loaded
 *
 * Return: the cursor, for gzip_cursor_free(); or NULL if there is no memory.
 */
struct gzip_cursor *gzip_cursor_new(const struct gzip_file *file);

/**
 * gzip_cursor_free - free a cursor
 * @cursor: the cursor, or NULL
 */
void gzip_cursor_free(struct gzip_cursor *cursor);

/**
 * gzip_cursor_read - read inflated bytes
 * @cursor: the cursor
 * @pos: the first byte
 * @buf: where to
 * @len: bytes; @pos + @len must not pass the data
 * @err: the reason, on failure
 *
 * Blocks are compared with their CRCs, if the index has them.
 *
 * Return: 0, or a negative errno.
 */
int gzip_cursor_read(struct gzip_cursor *cursor, u64 pos, void *buf, u64 len,
		     struct obd_error *err);

#endif
