/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes of a gzip file for bios.
 *
 * Inflating takes turns: a few streams, each with memory of its own, have
 * queues of bios, and a worker serves one bio after the other. It reads the gzip
 * file as it goes, and sleeps meanwhile. A bio goes to the stream that will soon
 * pass by the bytes it wants, or else to one that begins at the access point
 * before them. So whoever reads from front to back has each byte inflated once.
 * What a stream passes by goes to the cache in blocks.
 *
 * Everything that a stream needs is allocated when the file is opened; a block
 * for which the cache has no memory is inflated into the stream's own, and served
 * from there until another one comes.
 */
#ifndef DM_OVERLAYBD_GUNZIP_H
#define DM_OVERLAYBD_GUNZIP_H

#include "dm-overlaybd-read.h"

struct obd_gunzip;

/* A gzip file and its index, each on a device. */
struct obd_gzip_devs {
	struct block_device *gzip;
	u64 gzip_bytes;
	struct block_device *index;
	u64 index_bytes;
};

/**
 * obd_gunzip_open - check an index, allocate streams, and set up their source
 * @source: filled in; to be released with obd_source_exit()
 * @devs: the files, and their lengths
 * @cancelled: see struct obd_dev
 * @err: the reason, on failure
 *
 * May sleep.
 *
 * Return: 0, or a negative errno.
 */
int obd_gunzip_open(struct obd_source *source,
		    const struct obd_gzip_devs *devs, const bool *cancelled,
		    struct obd_error *err);

/**
 * obd_gunzip_free - free what obd_gunzip_open() allocated
 * @gunzip: nobody reads it; or NULL
 *
 * May sleep.
 */
void obd_gunzip_free(struct obd_gunzip *gunzip);

/**
 * obd_gunzip_check - compare a block of the cache with its CRC
 * @gunzip: whose
 * @cached: the block
 *
 * Any context.
 *
 * Return: true if it is right, or if there are no CRCs.
 */
bool obd_gunzip_check(const struct obd_gunzip *gunzip,
		      const struct obd_cached *cached);

/**
 * obd_gunzip_read - have a stream serve the rest of a bio, and end it
 * @io: the bio
 *
 * Any context. @io may be gone already.
 */
void obd_gunzip_read(struct obd_io *io);

/**
 * obd_gunzip_bring - have a stream bring blocks into the cache
 * @reader: whose
 * @block: the first
 * @nr: how many at the most, 1 or more; they must exist
 * @origin: why
 *
 * Does not sleep.
 *
 * Return: how many blocks are under way; 0 if it cannot be done now.
 */
u32 obd_gunzip_bring(struct obd_reader *reader, u32 block, u32 nr,
		     enum obd_cache_origin origin);

/**
 * obd_gunzip_resume - go on with what could not be prefetched
 * @session: of a target that is in use again
 *
 * Process context; does not sleep.
 */
void obd_gunzip_resume(struct obd_session *session);

/**
 * obd_gunzip_forget - forget what could not be prefetched
 * @session: of a target that is not in use, or not to be prefetched for
 *
 * Process context; does not sleep.
 */
void obd_gunzip_forget(struct obd_session *session);

#endif
