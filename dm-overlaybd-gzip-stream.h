/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A stream goes through the data of a gzip file: it begins at an access point,
 * and stays where it has come to, so that whoever reads on pays for no byte
 * twice. Where it goes by a point, that has to be where the index says.
 */
#ifndef DM_OVERLAYBD_GZIP_STREAM_H
#define DM_OVERLAYBD_GZIP_STREAM_H

#include "dm-overlaybd-gzip.h"

/* What is read at a time, the sectors around it included. */
#define OBD_GZIP_IN_SIZE	0x10000U

struct obd_gzip_stream;

/* The files of an index that is in use. */
enum obd_gzip_file {
	OBD_GZIP_DATA,
	OBD_GZIP_INDEX,
};

/**
 * typedef obd_gzip_fetch - read bytes into a stream's memory
 * @stream: gets them at @stream->in + @stream->in_at
 * @context: whatever was given to the stream's function
 * @file: what to read
 * @pos: the first byte
 * @len: how many, 1 or more; within the file
 *
 * While a window is read, @stream->in_pos is where it will go on afterwards.
 *
 * Return: how many they are, 1 to @len; all of the index if that is no more than
 * OBD_GZIP_STORED_MAX; or a negative errno.
 */
typedef int (*obd_gzip_fetch)(struct obd_gzip_stream *stream, void *context,
			      enum obd_gzip_file file, u64 pos, u64 len);

/**
 * struct obd_gzip_stream - where inflation has come to; for one user at a time
 * @gzip: the index
 * @fetch: reads
 * @inflater: the state
 * @live: it can go on at @pos
 * @point: number of the access point that it went by last
 * @pos: data position
 * @in_pos: gzip position of what comes next
 * @member_end: gzip position at which a member has ended, where the stream went
 *	from that to the point that it went by last; else 0
 * @in_at: where in @in that is
 * @in_len: bytes that are there
 * @in: bytes of a file; OBD_GZIP_IN_SIZE, contiguous. @fetch may put other memory
 *	from kmalloc() in its place
 * @window: what is before an access point; GZIDX_WINDOW_SIZE
 */
struct obd_gzip_stream {
	const struct obd_gzip *gzip;
	obd_gzip_fetch fetch;
	struct obd_inflater inflater;
	bool live;
	u32 point;
	u64 pos;
	u64 in_pos;
	u64 member_end;
	u32 in_at;
	u32 in_len;
	u8 *in;
	u8 *window;
};

/**
 * obd_gzip_stream_init - allocate all that a stream will need
 * @stream: filled in; to be released with obd_gzip_stream_exit() in any case
 * @gzip: a loaded index
 * @fetch: reads
 *
 * May sleep.
 *
 * Return: see obd_inflater_init().
 */
int obd_gzip_stream_init(struct obd_gzip_stream *stream,
			 const struct obd_gzip *gzip, obd_gzip_fetch fetch);

/**
 * obd_gzip_stream_exit - free what obd_gzip_stream_init() allocated
 * @stream: the stream; a zeroed one is fine
 */
void obd_gzip_stream_exit(struct obd_gzip_stream *stream);

/**
 * obd_gzip_stream_seek - be at a byte, or on the shortest way there
 * @stream: the stream
 * @context: for the stream's @fetch
 * @pos: the byte, within the data
 *
 * Afterwards @stream->pos is @pos, or less: what lies between has to be inflated.
 * Sleeps if @fetch does.
 *
 * Return: 0; -EILSEQ if the gzip file or its index is wrong; or what @fetch
 * returned.
 */
int obd_gzip_stream_seek(struct obd_gzip_stream *stream, void *context,
			 u64 pos);

/**
 * obd_gzip_stream_inflate - get what comes next
 * @stream: a stream after obd_gzip_stream_seek()
 * @context: for the stream's @fetch
 * @out: where to
 * @len: bytes; they must be within the data
 *
 * Sleeps if @fetch does. After an error it cannot go on until the next
 * obd_gzip_stream_seek().
 *
 * Return: see obd_gzip_stream_seek().
 */
int obd_gzip_stream_inflate(struct obd_gzip_stream *stream, void *context,
			    u8 *out, u32 len);

/**
 * obd_gzip_stream_cross - go by the next access point
 * @stream: a stream that has given all bytes before it; or all of the data, then
 *	it goes to the end of the last member
 * @context: for the stream's @fetch
 *
 * obd_gzip_stream_inflate() does so when bytes behind the point are wanted.
 * Sleeps if @fetch does. After an error the stream is of no use.
 *
 * Return: see obd_gzip_stream_seek().
 */
int obd_gzip_stream_cross(struct obd_gzip_stream *stream, void *context);

#endif
