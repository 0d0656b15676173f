/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A gzip file that is read from the middle: its index of access points, and
 * the inflation that begins at one of them.
 */
#ifndef DM_OVERLAYBD_GZIP_H
#define DM_OVERLAYBD_GZIP_H

#include "dm-overlaybd-blob.h"

/* Inflated bytes are cached, and counted in traces, in blocks of that size. */
#define OBD_GZIP_BLOCK_SHIFT	GZIDX_SUMS_BLOCK_SHIFT

/* A window of bytes that do not compress takes a little more as a zlib stream. */
#define OBD_GZIP_STORED_MAX	(GZIDX_WINDOW_SIZE + 256)

/* Data from a point to the next: what a hostile file can make of one read. */
#define OBD_GZIP_GAP_MAX	(4ULL << 30)

/*
 * Points in one block of data: of members that have a byte each, and of as many
 * that have none.
 */
#define OBD_GZIP_POINTS_MAX	(2U << OBD_GZIP_BLOCK_SHIFT)

/*
 * What a gzip file may hold where it is longer than twice its data: headers of
 * small members, and whatever else gives no data.
 */
#define OBD_GZIP_EXTRA_MAX	(16ULL << 20)

/**
 * struct obd_gzip_point - where inflation can begin
 * @data_pos: the first byte that it gives
 * @gzip_pos: byte of the gzip file that it begins with, apart from @bits
 * @window_pos: where the window is in the index
 * @window_size: bytes that it takes there; 0 if there is none
 * @bits: high bits of the byte before @gzip_pos that come first, up to 7
 */
struct obd_gzip_point {
	u64 data_pos;
	u64 gzip_pos;
	u64 window_pos;
	u32 window_size;
	u8 bits;
};

/* Points of a file: an allocation holds so many. */
#define OBD_GZIP_ALL_POINTS_MAX	(INT_MAX / (u32)sizeof(struct obd_gzip_point))

/**
 * struct obd_gzip - an index
 * @gzip_size: bytes of the gzip file
 * @gzip_end: nothing behind that is needed for the data
 * @index_size: bytes of the index
 * @data_size: bytes, inflated
 * @table_pos: where the table of points is in the index
 * @table_size: bytes that it takes there
 * @nr_points: how many there are, one at least unless there is no data
 * @crc: of the header
 * @packed: windows and table are zlib streams
 * @sums_pos: where the CRCs of blocks are in the index; 0 if there are none
 * @sums_crc: CRC of these
 * @nr_sums: how many
 * @sums: the CRCs; NULL unless there are some, and loaded
 * @points: in the order of @data_pos and of @gzip_pos, in bounds; NULL unless
 *	loaded
 */
struct obd_gzip {
	u64 gzip_size;
	u64 gzip_end;
	u64 index_size;
	u64 data_size;
	u64 table_pos;
	u32 table_size;
	u32 nr_points;
	u32 crc;
	bool packed;
	u64 sums_pos;
	u32 sums_crc;
	u32 nr_sums;
	__le32 *sums;
	struct obd_gzip_point *points;
};

/**
 * struct obd_inflater - what inflates; for one user at a time
 * @stream: the state
 * @workspace: memory for it
 * @begun: @stream is to be ended
 */
struct obd_inflater {
	z_stream stream;
	void *workspace;
	bool begun;
};

/**
 * obd_inflater_init - allocate
 * @inflater: filled in; to be released with obd_inflater_exit() in any case
 *
 * May sleep.
 *
 * Return: 0; -ENOMEM; or -EOPNOTSUPP if this kernel does not inflate.
 */
int obd_inflater_init(struct obd_inflater *inflater);

/**
 * obd_inflater_exit - free what obd_inflater_init() allocated
 * @inflater: the inflater; a zeroed one is fine
 */
void obd_inflater_exit(struct obd_inflater *inflater);

/**
 * obd_gzip_parse - check the header of an index
 * @gzip: filled in, but for the points
 * @header: the header
 * @gzip_size: bytes of the gzip file
 * @index_size: bytes of the index
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno.
 */
int obd_gzip_parse(struct obd_gzip *gzip, const struct gzidx_header *header,
		   u64 gzip_size, u64 index_size, struct obd_error *err);

/**
 * obd_gzip_load - check the table of an index, and keep it
 * @gzip: with its header parsed; to be released with obd_gzip_release()
 * @table: @gzip->table_size bytes from @gzip->table_pos
 * @index: what the index lies on: is asked whether the user has given up
 * @inflater: for a packed one
 * @err: the reason, on failure
 *
 * May sleep.
 *
 * Return: 0, or a negative errno.
 */
int obd_gzip_load(struct obd_gzip *gzip, const void *table,
		  struct obd_dev *index, struct obd_inflater *inflater,
		  struct obd_error *err);

/**
 * obd_gzip_open_header - read the header of an index, and check it
 * @gzip: see obd_gzip_parse()
 * @index: see obd_gzip_open()
 * @index_size: see obd_gzip_open()
 * @gzip_size: see obd_gzip_open()
 * @err: the reason, on failure
 *
 * May sleep.
 *
 * Return: 0, or a negative errno.
 */
int obd_gzip_open_header(struct obd_gzip *gzip, struct obd_dev *index,
			 u64 index_size, u64 gzip_size, struct obd_error *err);

/**
 * obd_gzip_open - read an index, check it, and keep its table
 * @gzip: filled in; to be released with obd_gzip_release()
 * @index: what the index lies on
 * @index_size: its bytes, not more than can be read there
 * @gzip_size: bytes of the gzip file
 * @err: the reason, on failure
 *
 * May sleep.
 *
 * Return: 0, or a negative errno.
 */
int obd_gzip_open(struct obd_gzip *gzip, struct obd_dev *index, u64 index_size,
		  u64 gzip_size, struct obd_error *err);

/**
 * obd_gzip_release - free what obd_gzip_load() and obd_gzip_open() allocated
 * @gzip: the index; a zeroed one is fine
 */
void obd_gzip_release(struct obd_gzip *gzip);

/**
 * obd_gzip_find - find the point to begin at
 * @gzip: a loaded index
 * @data_pos: the byte that is wanted, within the data
 *
 * Any context.
 *
 * Return: the last point at or before it, or NULL if there is none.
 */
const struct obd_gzip_point *obd_gzip_find(const struct obd_gzip *gzip,
					   u64 data_pos);

/**
 * obd_gzip_check - compare a block with its CRC
 * @gzip: an opened index
 * @block: number of the block, of 2^OBD_GZIP_BLOCK_SHIFT bytes; it must exist
 * @data: the block
 * @len: its bytes
 *
 * Any context.
 *
 * Return: 0, also if there are no CRCs; or -EBADMSG.
 */
int obd_gzip_check(const struct obd_gzip *gzip, u32 block, const void *data,
		   u32 len);

/**
 * obd_inflater_window - unpack the window of a point
 * @inflater: what inflates
 * @gzip: the index
 * @stored: the window as it is stored
 * @size: bytes that it takes, up to OBD_GZIP_STORED_MAX
 * @window: room for GZIDX_WINDOW_SIZE bytes
 * @len: bytes that are in it
 *
 * Ends whatever has been inflated.
 *
 * Return: 0 or -EILSEQ.
 */
int obd_inflater_window(struct obd_inflater *inflater,
			const struct obd_gzip *gzip, const void *stored,
			u32 size, void *window, u32 *len);

/**
 * obd_inflater_start - begin at a point
 * @inflater: what inflates
 * @point: the point
 * @before: the byte of the gzip file before @point->gzip_pos, if it has @bits
 * @window: what comes before in the data
 * @len: its bytes, up to GZIDX_WINDOW_SIZE
 *
 * Any context. What follows is the gzip file from @point->gzip_pos on.
 *
 * Return: 0 or -EILSEQ.
 */
int obd_inflater_start(struct obd_inflater *inflater,
		       const struct obd_gzip_point *point, u8 before,
		       const void *window, u32 len);

/**
 * obd_inflater_run - inflate as much as there is input for, or room
 * @inflater: begun at a point
 * @in: what comes next of the gzip file
 * @in_len: its bytes; those that are left, on return
 * @out: where to
 * @out_len: room there; what is left, on return
 * @stop: return wherever a deflate block begins
 *
 * Any context.
 *
 * Return: 0 if it got on; 1 at the end of the deflate stream; -EILSEQ if it goes
 * wrong, or not on.
 */
int obd_inflater_run(struct obd_inflater *inflater, const void *in,
		     u32 *in_len, void *out, u32 *out_len, bool stop);

/**
 * obd_inflater_at_block - has it stopped where a deflate block begins?
 * @inflater: begun at a point, or run with @stop
 * @bits: bits of the input that it has, but has not used, if it has
 *
 * Any context.
 *
 * Return: true if it has.
 */
bool obd_inflater_at_block(const struct obd_inflater *inflater, u8 *bits);

#endif
