/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The asynchronous path for compressed data: read the stored blocks of a bio,
 * decompress them on workers, copy out, end the bio.
 *
 * A bio is cut into chunks: runs of blocks that one device read brings and one
 * worker decompresses. All chunks of a bio are submitted before the first is
 * awaited. Chunks are allocated without waiting. When there is no memory, a
 * reader falls back on its reserve, a chunk for one block that was allocated at
 * table load: bios queue up for it, and go on from a workqueue when it is
 * handed to them. So nothing here ever sleeps for memory, and a reader always
 * gets on.
 */
#ifndef DM_OVERLAYBD_READ_H
#define DM_OVERLAYBD_READ_H

#include <linux/bio.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "dm-overlaybd-blob.h"

/* More than that of a bio is left to the next one. */
#define OBD_READ_MAX_SECTORS	2048

/* Counters of a target; the sum over all CPUs counts. */
struct obd_counters {
	u64 stored_bytes;	/* compressed bytes read */
	u64 blocks;		/* blocks decompressed */
	u64 deferred;		/* waits for the reserve */
	u64 read_errors;	/* failed device reads */
	u64 crc_errors;
	u64 decompress_errors;
};

struct obd_chunk;

/**
 * struct obd_reader - reads one compressed blob for one target
 * @blob: the blob; immutable
 * @bdev: the device that it lies on
 * @wq: the target's own workqueue, on which bios go on that had to wait
 * @counters: the target's
 * @device: name of the mapped device, for messages
 * @layer: number of the layer, for messages
 * @verify: whether CRCs are checked
 * @lock: protects what follows; taken from any context
 * @reserve: chunk for one block; NULL while it is in use
 * @waiting: bios that wait for it
 */
struct obd_reader {
	const struct obd_blob *blob;
	struct block_device *bdev;
	struct workqueue_struct *wq;
	struct obd_counters __percpu *counters;
	const char *device;
	unsigned int layer;
	bool verify;

	spinlock_t lock;	/* protects what follows */
	struct obd_chunk *reserve;
	struct list_head waiting;
};

/**
 * struct obd_io - a bio that is being read; dm's per-bio data
 * @reader: whose
 * @bio: which
 * @iter: what of it
 * @pos: byte of the decompressed blob that its first byte shows
 * @block: next block to submit
 * @last: last block to submit
 * @pending: chunks under way, and one for the submission itself
 * @status: an error, or BLK_STS_OK
 * @reserve: the reader's reserve, once it has been handed to this bio
 * @link: in @reader->waiting
 * @work: goes on with the submission
 */
struct obd_io {
	struct obd_reader *reader;
	struct bio *bio;
	struct bvec_iter iter;
	u64 pos;
	u32 block;
	u32 last;
	atomic_t pending;
	blk_status_t status;
	struct obd_chunk *reserve;
	struct list_head link;
	struct work_struct work;
};

/**
 * obd_read_init - set up what all readers share
 *
 * Return: 0 or -ENOMEM.
 */
int obd_read_init(void);

/**
 * obd_read_exit - undo obd_read_init(); there are no readers any more
 */
void obd_read_exit(void);

/**
 * obd_reader_init - set up a reader
 * @reader: zeroed, with @blob, @bdev, @wq, @counters, @device, @layer and
 *	@verify filled in
 *
 * May sleep. Release with obd_reader_exit().
 *
 * Return: 0 or -ENOMEM.
 */
int obd_reader_init(struct obd_reader *reader);

/**
 * obd_reader_exit - free a reader that has no bios any more
 * @reader: the reader; a zeroed one is fine
 */
void obd_reader_exit(struct obd_reader *reader);

/**
 * obd_read_bio - read decompressed bytes into a bio, and end it
 * @reader: whose
 * @bio: a read of at most OBD_READ_MAX_SECTORS sectors
 * @io: its per-bio data
 * @pos: first byte; what lies behind the blob's end reads as zeros
 *
 * Never sleeps for memory; submits bios.
 */
void obd_read_bio(struct obd_reader *reader, struct bio *bio,
		  struct obd_io *io, u64 pos);

#endif
