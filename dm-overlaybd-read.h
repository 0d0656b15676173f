/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The asynchronous path for compressed data: serve the blocks of a bio from the
 * cache, read the stored ones of the others, decompress them, copy out, end the
 * bio.
 *
 * What is cached is copied at once. For the rest, a gzip file has streams, see
 * dm-overlaybd-gunzip.h. The blocks of a ZFile are cut into chunks, see
 * dm-overlaybd-chunk.h; all chunks of a bio are submitted before the first is
 * awaited. Chunks are allocated without waiting. When there is no memory, a bio
 * falls back on the reserve of its layer, a chunk for one block that was
 * allocated at table load: bios queue up for it, and go on from a workqueue
 * when it is handed to them. So nothing here waits until somebody cleans memory; a
 * worker that maps pages may sleep, see dm-overlaybd-output.h, but one slot maps none,
 * so that there is always a bio that gets on.
 */
#ifndef DM_OVERLAYBD_READ_H
#define DM_OVERLAYBD_READ_H

#include <linux/bio.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "dm-overlaybd-blob.h"
#include "dm-overlaybd-cache.h"
#include "dm-overlaybd-session.h"

/* More than that of a bio is left to the next one. */
#define OBD_READ_MAX_SECTORS	2048

/* Sequential readers of one layer that can be told from one another. */
#define OBD_STREAMS		4

/* The @next of a stream that has read nothing. */
#define OBD_STREAM_NEW		U32_MAX

struct obd_chunk;
struct obd_gunzip;

/**
 * struct obd_source - compressed data that several devices may read
 * @bdev: the device that it lies on
 * @data_size: bytes, decompressed
 * @block_size: bytes of a block, but for the last
 * @nr_blocks: how many
 * @block_shift: @block_size is 2^@block_shift
 * @verify: blocks have CRCs
 * @table_bytes: memory that the table takes which says where blocks are
 * @blob: the ZFile; NULL if it is none
 * @gunzip: the gzip file; NULL if it is none
 * @at_once: the device had done the last read before submitting it returned;
 *	readers race to say so
 * @cache: decompressed blocks of it
 * @lock: protects what follows; taken from any context
 * @reserve: chunk for one block; NULL while it is in use
 * @waiting: bios that wait for it
 * @background: chunks for the cache that are under way
 *
 * The lock and what follows is for ZFiles. What is before @at_once is
 * immutable.
 */
struct obd_source {
	struct block_device *bdev;
	u64 data_size;
	u32 block_size;
	u32 nr_blocks;
	u8 block_shift;
	bool verify;
	u64 table_bytes;
	const struct obd_blob *blob;
	struct obd_gunzip *gunzip;
	bool at_once;
	struct obd_cache_layer cache;

	spinlock_t lock;	/* protects what follows */
	struct obd_chunk *reserve;
	struct list_head waiting;
	struct list_head background;
};

/**
 * struct obd_stream - a sequential reader, as far as one can guess
 * @next: the block that it would read next
 * @end: blocks before that have been read ahead
 * @window: blocks to read ahead
 *
 * Hints that readers race for: any value is as good as any other.
 */
struct obd_stream {
	u32 next;
	u32 end;
	u32 window;
};

/**
 * struct obd_reader - reads one source for one target
 * @source: the source
 * @session: the target's
 * @layer: number of the layer
 * @cached: whether the cache is used
 * @checked: whether blocks have a CRC that is checked, or none
 * @streams: who reads what in sequence
 */
struct obd_reader {
	struct obd_source *source;
	struct obd_session *session;
	unsigned int layer;
	bool cached;
	bool checked;
	struct obd_stream streams[OBD_STREAMS];
};

/**
 * struct obd_io - a bio that is being read; dm's per-bio data
 * @reader: whose
 * @bio: which; NULL if blocks of a gzip file are to be brought into the cache
 * @at: the part of it that shows @block and what follows
 * @pos: byte of the decompressed blob that its first byte shows
 * @end: the byte behind the last
 * @block: next block to serve
 * @last: last block to serve
 * @pending: chunks under way, and one for the submission itself
 * @status: an error, or BLK_STS_OK
 * @waited: it has waited for a chunk for the cache, and does not do so again
 * @origin: why blocks of a gzip file come to the cache
 * @reserve: the source's reserve, once it has been handed to this bio
 * @link: in the list that it waits in
 * @work: goes on with the submission
 */
struct obd_io {
	struct obd_reader *reader;
	struct bio *bio;
	struct bvec_iter at;
	u64 pos;
	u64 end;
	u32 block;
	u32 last;
	atomic_t pending;
	blk_status_t status;
	bool waited;
	u8 origin;
	struct obd_chunk *reserve;
	struct list_head link;
	struct work_struct work;
};

/**
 * obd_source_init - set up what all sources have
 * @source: filled in
 * @bdev: the device that it lies on
 * @data_size: bytes, decompressed
 * @block_shift: the unit of the cache is 2^@block_shift bytes
 */
void obd_source_init(struct obd_source *source, struct block_device *bdev,
		     u64 data_size, u8 block_shift);

/**
 * obd_source_init_zfile - set up the source of a ZFile
 * @source: filled in; release with obd_source_exit()
 * @blob: a compressed blob
 * @bdev: the device that it lies on
 *
 * May sleep.
 *
 * Return: 0, -ENOMEM, or -EOPNOTSUPP.
 */
int obd_source_init_zfile(struct obd_source *source,
			  const struct obd_blob *blob,
			  struct block_device *bdev);

/**
 * obd_source_exit - free a source that nobody reads any more
 * @source: the source
 *
 * May sleep.
 */
void obd_source_exit(struct obd_source *source);

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

/**
 * obd_next_cached - find the next block that a reader can have from the cache
 * @reader: whose
 * @block: the first to look at
 * @last: the last
 *
 * Any context.
 *
 * Return: its number, or @last + 1.
 */
u32 obd_next_cached(struct obd_reader *reader, u32 block, u32 last);

/**
 * obd_bring - begin to bring blocks into the cache
 * @reader: whose
 * @block: the first
 * @nr: how many at the most, 1 or more; they must exist
 * @origin: why
 *
 * Does not sleep for memory; submits a bio.
 *
 * Return: how many blocks are under way; 0 if it cannot be done now.
 */
u32 obd_bring(struct obd_reader *reader, u32 block, u32 nr,
	      enum obd_cache_origin origin);

/**
 * obd_io_remember_sender - have a bio that waits say who sent it
 * @io: the bio
 *
 * Whoever goes on with it charges them. Any context.
 */
void obd_io_remember_sender(struct obd_io *io);

/**
 * obd_io_part - what does a bio want of some bytes that begin with a block?
 * @io: the bio
 * @block: the block
 * @len: how many bytes; the bio wants some of them
 * @from: the first byte of them that is wanted
 * @to: the byte behind the last
 *
 * Any context.
 */
static inline void obd_io_part(const struct obd_io *io, u32 block, u32 len,
			       u32 *from, u32 *to)
{
	u64 begin = (u64)block << io->reader->source->block_shift;

	*from = max(begin, io->pos) - begin;
	*to = min(begin + len, io->end) - begin;
}

/**
 * obd_io_copy - copy what a bio wants of its next block
 * @io: the bio; stays at the block
 * @data: the block
 * @len: bytes of it
 * @from: the first byte of it that was wanted
 * @to: the byte behind the last
 *
 * Any context.
 */
void obd_io_copy(struct obd_io *io, const void *data, u32 len, u32 *from,
		 u32 *to);

/**
 * obd_io_serve - copy what the cache has of a bio, from its next block on
 * @io: the bio
 *
 * Any context but interrupts.
 *
 * Return: true if that was the rest of it.
 */
bool obd_io_serve(struct obd_io *io);

/**
 * obd_io_put - drop a reference; the last one ends the bio, and with it @io
 * @io: the bio
 *
 * Any context.
 */
void obd_io_put(struct obd_io *io);

/**
 * obd_copy_out - copy bytes into a bio
 * @bio: the bio
 * @iter: where; moves on
 * @src: the bytes; NULL for zeros
 * @len: how many
 *
 * Any context.
 */
void obd_copy_out(struct bio *bio, struct bvec_iter *iter, const void *src,
		  u32 len);

#endif
