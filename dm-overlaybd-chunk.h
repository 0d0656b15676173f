/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Chunks: runs of blocks that one device read brings and one worker
 * decompresses. A chunk is for a bio, or for the cache alone. Bios that want
 * blocks of the latter kind wait for it, each until its own are there.
 *
 * What a small bio needs is decompressed by whoever submitted it, if the device
 * is done before submitting returns, or else on the same CPU; the chunks of a
 * large bio are spread over all CPUs.
 */
#ifndef DM_OVERLAYBD_CHUNK_H
#define DM_OVERLAYBD_CHUNK_H

#include "dm-overlaybd-read.h"

/**
 * obd_chunks_init - set up what decompresses chunks
 *
 * Return: 0 or -ENOMEM.
 */
int obd_chunks_init(void);

/**
 * obd_chunks_exit - undo obd_chunks_init(); there are no chunks any more
 */
void obd_chunks_exit(void);

/**
 * obd_chunk_alloc_reserve - allocate a chunk for one block of any size
 * @zfile: the ZFile whose blocks it is to hold
 *
 * May sleep. Free with obd_chunk_free().
 *
 * Return: the chunk, or NULL.
 */
struct obd_chunk *obd_chunk_alloc_reserve(const struct obd_zfile *zfile);

/**
 * obd_chunk_free - free a chunk that is not in use
 * @chunk: the chunk, or NULL
 */
void obd_chunk_free(struct obd_chunk *chunk);

/**
 * obd_chunk_read - submit the next chunk of a bio
 * @io: the bio; its @block and @at move on
 *
 * Never sleeps for memory; submits a bio.
 *
 * Return: false if the bio waits for the reserve: then @io may be gone already.
 */
bool obd_chunk_read(struct obd_io *io);

/**
 * obd_chunk_return - give back the reserve of a bio that does without it
 * @io: the bio
 *
 * It was handed over while the bio waited; meanwhile others may have brought
 * its blocks into the cache. Any context.
 */
void obd_chunk_return(struct obd_io *io);

/**
 * obd_chunk_wait - wait for a chunk that brings the next block into the cache
 * @io: the bio
 *
 * A bio that holds the reserve does not wait: others wait for that.
 *
 * Return: true if there is such a chunk: then @io may be gone already.
 */
bool obd_chunk_wait(struct obd_io *io);

/**
 * obd_chunk_bring - begin to bring blocks into the cache
 * @reader: whose
 * @block: the first
 * @nr: how many at the most, 1 or more; they must exist
 * @origin: why
 *
 * Does not sleep for memory; submits a bio.
 *
 * Return: how many blocks are under way; 0 if it cannot be done now.
 */
u32 obd_chunk_bring(struct obd_reader *reader, u32 block, u32 nr,
		    enum obd_cache_origin origin);

#endif
