// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asynchronous reads of compressed data, bio by bio.
 */
#include <linux/highmem.h>

#include "dm-overlaybd-ahead.h"
#include "dm-overlaybd-chunk.h"
#include "dm-overlaybd-codec.h"
#include "dm-overlaybd-gunzip.h"
#include "dm-overlaybd-memory.h"
#include "dm-overlaybd-read.h"

void obd_source_init(struct obd_source *source, struct block_device *bdev,
		     u64 data_size, u8 block_shift)
{
	source->bdev = bdev;
	source->data_size = data_size;
	source->block_shift = block_shift;
	source->block_size = 1U << block_shift;
	source->nr_blocks = (data_size + source->block_size - 1) >> block_shift;
	obd_cache_layer_init(&source->cache);
}

int obd_source_init_zfile(struct obd_source *source,
			  const struct obd_blob *blob,
			  struct block_device *bdev)
{
	int r;

	spin_lock_init(&source->lock);
	INIT_LIST_HEAD(&source->waiting);
	INIT_LIST_HEAD(&source->background);
	r = obd_slots_prepare(&blob->zfile);
	if (r)
		return r;
	source->reserve = obd_chunk_alloc_reserve(&blob->zfile);
	if (!source->reserve)
		return -ENOMEM;
	obd_memory_hold();
	source->blob = blob;
	source->verify = blob->zfile.verify;
	source->table_bytes = obd_zfile_bytes(&blob->zfile);
	obd_source_init(source, bdev, blob->data_size, blob->zfile.block_shift);
	return 0;
}

void obd_source_exit(struct obd_source *source)
{
	obd_gunzip_free(source->gunzip);
	obd_cache_layer_exit(&source->cache);
	if (!source->reserve)
		return;
	obd_chunk_free(source->reserve);
	obd_memory_release();
}

u32 obd_bring(struct obd_reader *reader, u32 block, u32 nr,
	      enum obd_cache_origin origin)
{
	return reader->source->gunzip ?
	       obd_gunzip_bring(reader, block, nr, origin) :
	       obd_chunk_bring(reader, block, nr, origin);
}

void obd_io_remember_sender(struct obd_io *io)
{
	struct block_device *bdev = io->reader->source->bdev;

	if (io->bio->bi_bdev != bdev)
		bio_set_dev(io->bio, bdev);
}

void obd_io_put(struct obd_io *io)
{
	struct bio *bio = io->bio;

	if (!atomic_dec_and_test(&io->pending))
		return;
	bio->bi_status = io->status;
	bio_endio(bio);
}

void obd_copy_out(struct bio *bio, struct bvec_iter *iter, const void *src,
		  u32 len)
{
	while (len) {
		struct bio_vec bv = bio_iter_iovec(bio, *iter);

		bv.bv_len = min(bv.bv_len, len);
		if (src) {
			memcpy_to_bvec(&bv, src);
			src += bv.bv_len;
		} else {
			memzero_bvec(&bv);
		}
		bio_advance_iter_single(bio, iter, bv.bv_len);
		len -= bv.bv_len;
	}
}

void obd_io_copy(struct obd_io *io, const void *data, u32 len, u32 *from,
		 u32 *to)
{
	obd_io_part(io, io->block, len, from, to);
	obd_copy_out(io->bio, &io->at, data + *from, *to - *from);
}

/* What a stream has only passed by is checked by whoever wants it first. */
static bool check_cached(const struct obd_reader *reader,
			 struct obd_cached *cached)
{
	const struct obd_gunzip *gunzip = reader->source->gunzip;

	if (READ_ONCE(cached->checked) >= reader->checked)
		return true;
	if (!gunzip || !obd_gunzip_check(gunzip, cached))
		return false;
	WRITE_ONCE(cached->checked, true);
	return true;
}

/* A block of a gzip file can be checked as it is. */
u32 obd_next_cached(struct obd_reader *reader, u32 block, u32 last)
{
	struct obd_source *source = reader->source;

	return obd_cache_next(&source->cache, block, last,
			      reader->checked && !source->gunzip);
}

static struct obd_cached *find_block(struct obd_reader *reader, u32 block)
{
	struct obd_cached *cached = obd_cache_find(&reader->source->cache,
						   block);

	return cached && check_cached(reader, cached) ? cached : NULL;
}

/* Copy what the bio wants of its next block, if the cache has it. */
static bool serve_block(struct obd_io *io)
{
	struct obd_reader *reader = io->reader;
	struct obd_cached *cached;
	u32 from, to;

	rcu_read_lock();
	cached = find_block(reader, io->block);
	if (cached) {
		obd_io_copy(io, cached->data, cached->len, &from, &to);
		if (obd_cache_touch(cached, from, to))
			obd_session_count_used(reader->session,
					       cached->origin);
	}
	rcu_read_unlock();
	return cached;
}

bool obd_io_serve(struct obd_io *io)
{
	struct obd_reader *reader = io->reader;
	u32 first = io->block;

	if (!reader->cached)
		return false;
	while (io->block <= io->last && serve_block(io))
		io->block++;
	if (io->block != first)
		this_cpu_add(reader->session->counters->cache_hits,
			     io->block - first);
	return io->block > io->last;
}

/*
 * Serve what is left. The bio may have to wait for a chunk for the cache, or
 * for the reserve when there is no memory; then it comes here again.
 */
static void io_submit(struct obd_io *io)
{
	while (!obd_io_serve(io)) {
		if (io->reader->source->gunzip) {
			obd_gunzip_read(io);
			return;
		}
		if (obd_chunk_wait(io) || !obd_chunk_read(io))
			return;
		if (io->block > io->last)
			break;
	}
	obd_chunk_return(io);
	obd_io_put(io);
}

static void io_work(struct work_struct *work)
{
	io_submit(container_of(work, struct obd_io, work));
}

/* Zero what lies behind the end of the blob; how many bytes are before it? */
static u32 zero_tail(struct obd_reader *reader, struct bio *bio, u64 pos)
{
	u64 size = reader->source->data_size;
	struct bvec_iter iter = bio->bi_iter;
	u32 len = iter.bi_size;
	u32 keep = pos < size ? min_t(u64, len, size - pos) : 0;

	if (keep < len) {
		bio_advance_iter(bio, &iter, keep);
		obd_copy_out(bio, &iter, NULL, len - keep);
	}
	return keep;
}

void obd_read_bio(struct obd_reader *reader, struct bio *bio,
		  struct obd_io *io, u64 pos)
{
	u8 shift = reader->source->block_shift;
	u32 len = zero_tail(reader, bio, pos);

	if (!len) {
		bio_endio(bio);
		return;
	}
	io->reader = reader;
	io->bio = bio;
	io->at = bio->bi_iter;
	io->pos = pos;
	io->end = pos + len;
	io->block = pos >> shift;
	io->last = (pos + len - 1) >> shift;
	io->status = BLK_STS_OK;
	io->waited = false;
	io->origin = OBD_CACHE_READ;
	io->reserve = NULL;
	atomic_set(&io->pending, 1);
	INIT_WORK(&io->work, io_work);
	if (unlikely(READ_ONCE(reader->session->trace.recording)))
		obd_trace_add(&reader->session->trace, reader->layer,
			      io->block, io->last);
	/* What is read ahead may wait for a request of the device. */
	if (reader->cached && !(bio->bi_opf & REQ_NOWAIT))
		obd_ahead(reader, io->block, io->last);
	io_submit(io);
}
