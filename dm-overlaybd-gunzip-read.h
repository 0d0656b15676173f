/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a stream reads of a gzip file and of its index.
 *
 * While it inflates what it has read, or reads a window, what comes next is read:
 * otherwise it would stand still for as long as the device takes, and so would who
 * waits for it.
 */
#ifndef DM_OVERLAYBD_GUNZIP_READ_H
#define DM_OVERLAYBD_GUNZIP_READ_H

#include <linux/completion.h>

#include "dm-overlaybd-gzip-stream.h"
#include "dm-overlaybd-read.h"

/**
 * struct obd_gunzip_ahead - what a stream has read before it wants it
 * @bio: reads it
 * @bvec: memory for @bio
 * @done: when @bio has ended
 * @session: of the target that it is read for
 * @begin: position in the gzip file, of a sector
 * @end: where it ends; 0 if nothing is there, nor under way
 * @in: the bytes; takes turns with the stream's own
 *
 * For one user at a time, who may be another one each time.
 */
struct obd_gunzip_ahead {
	struct bio bio;
	struct bio_vec bvec;
	struct completion done;
	struct obd_session *session;
	u64 begin;
	u64 end;
	u8 *in;
};

/**
 * obd_gunzip_ahead_init - allocate
 * @ahead: filled in; to be released with obd_gunzip_ahead_exit() in any case
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int obd_gunzip_ahead_init(struct obd_gunzip_ahead *ahead);

/**
 * obd_gunzip_ahead_exit - free what obd_gunzip_ahead_init() allocated
 * @ahead: nothing is under way any more; a zeroed one is fine
 */
void obd_gunzip_ahead_exit(struct obd_gunzip_ahead *ahead);

/**
 * obd_gunzip_ahead_start - begin to read what a stream will want next
 * @ahead: whose last bytes are not wanted, unless they are still being read:
 *	then nothing is begun
 * @io: what the stream serves
 * @bdev: the device with the gzip file
 * @begin: the first byte, of a sector
 * @end: not beyond that
 *
 * Does not wait. Until it has ended it counts as background of the session of
 * @io.
 */
void obd_gunzip_ahead_start(struct obd_gunzip_ahead *ahead, struct obd_io *io,
			    struct block_device *bdev, u64 begin, u64 end);

/**
 * obd_gunzip_ahead_take - have a stream go on with what was read ahead
 * @ahead: where it was read to
 * @stream: gets the bytes if they are those that it wants
 * @io: what it serves
 * @pos: the first of these
 *
 * May sleep.
 *
 * Return: how many they are; 0 if they were not read ahead, or not to the end.
 */
u32 obd_gunzip_ahead_take(struct obd_gunzip_ahead *ahead,
			  struct obd_gzip_stream *stream, struct obd_io *io,
			  u64 pos);

/**
 * obd_gunzip_read_now - read bytes for a stream, and wait for them
 * @stream: gets the bytes
 * @io: what it serves
 * @bdev: the device with the gzip file or with its index
 * @pos: the first byte
 * @len: how many at the most, 1 or more
 *
 * May sleep.
 *
 * Return: how many they are, or a negative errno.
 */
int obd_gunzip_read_now(struct obd_gzip_stream *stream, struct obd_io *io,
			struct block_device *bdev, u64 pos, u64 len);

#endif
