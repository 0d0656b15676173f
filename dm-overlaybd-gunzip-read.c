// SPDX-License-Identifier: GPL-2.0-only
/*
 * What streams read of gzip files, now or ahead.
 */
#include <linux/wait_bit.h>

#include "dm-overlaybd-gunzip-read.h"

int obd_gunzip_ahead_init(struct obd_gunzip_ahead *ahead)
{
	memset(ahead, 0, sizeof(*ahead));
	init_completion(&ahead->done);
	ahead->in = kmalloc(OBD_GZIP_IN_SIZE, OBD_GFP_BLOB);
	return ahead->in ? 0 : -ENOMEM;
}

void obd_gunzip_ahead_exit(struct obd_gunzip_ahead *ahead)
{
	kfree(ahead->in);
	memset(ahead, 0, sizeof(*ahead));
}

/* Whole sectors into contiguous memory, on behalf of who sent the bio. */
static void prepare(struct bio *bio, struct bio_vec *bvec, struct obd_io *io,
		    struct block_device *bdev, u64 begin, void *in, u32 size)
{
	bio_init(bio, bdev, bvec, 1, REQ_OP_READ | REQ_META);
	bio->bi_iter.bi_sector = begin >> SECTOR_SHIFT;
	__bio_add_page(bio, virt_to_page(in), size, offset_in_page(in));
	if (io->bio && io->bio->bi_bdev == bdev) {
		bio_clone_blkg_association(bio, io->bio);
		bio->bi_ioprio = io->bio->bi_ioprio;
	}
	this_cpu_add(io->reader->session->counters->stored_bytes, size);
}

/* As soon as it is not in the background any more all may be gone. */
static void ahead_end(struct bio *bio)
{
	struct obd_gunzip_ahead *ahead = bio->bi_private;
	struct obd_session *session = ahead->session;

	bio_uninit(bio);
	complete(&ahead->done);
	obd_session_end(session);
}

void obd_gunzip_ahead_start(struct obd_gunzip_ahead *ahead, struct obd_io *io,
			    struct block_device *bdev, u64 begin, u64 end)
{
	struct obd_session *session = io->reader->session;
	u32 size;

	if (begin >= end || READ_ONCE(session->quiet) ||
	    (ahead->end && !completion_done(&ahead->done)))
		return;
	ahead->begin = begin;
	ahead->end = min(begin + OBD_GZIP_IN_SIZE, end);
	ahead->session = session;
	size = round_up(ahead->end - begin, SECTOR_SIZE);
	prepare(&ahead->bio, &ahead->bvec, io, bdev, begin, ahead->in, size);
	/* A device that is suspended fails it at once: nobody waits for that. */
	ahead->bio.bi_opf |= REQ_RAHEAD;
	ahead->bio.bi_end_io = ahead_end;
	ahead->bio.bi_private = ahead;
	reinit_completion(&ahead->done);
	obd_session_begin(session);
	submit_bio(&ahead->bio);
}

/* What could not be read ahead has another chance when it is wanted. */
u32 obd_gunzip_ahead_take(struct obd_gunzip_ahead *ahead,
			  struct obd_gzip_stream *stream, struct obd_io *io,
			  u64 pos)
{
	u32 len;

	if (pos < ahead->begin || pos >= ahead->end)
		return 0;
	/* Another target may have to wait longer for its bytes. */
	if (ahead->session != io->reader->session &&
	    !completion_done(&ahead->done))
		return 0;
	wait_for_completion_io(&ahead->done);
	len = ahead->end - pos;
	ahead->end = 0;
	if (ahead->bio.bi_status)
		return 0;
	swap(stream->in, ahead->in);
	stream->in_at = pos - ahead->begin;
	return len;
}

int obd_gunzip_read_now(struct obd_gzip_stream *stream, struct obd_io *io,
			struct block_device *bdev, u64 pos, u64 len)
{
	u32 skip = pos % SECTOR_SIZE;
	u32 n = min_t(u64, len, OBD_GZIP_IN_SIZE - skip);
	struct bio_vec bvec;
	struct bio bio;
	int r;

	prepare(&bio, &bvec, io, bdev, pos - skip, stream->in,
		round_up(skip + n, SECTOR_SIZE));
	/* Only who suspends this device waits for what no bio wants: see above. */
	bio.bi_opf |= io->bio ? REQ_SYNC : REQ_RAHEAD;
	r = submit_bio_wait(&bio);
	bio_uninit(&bio);
	stream->in_at = skip;
	return r ?: n;
}
