// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asynchronous reads of compressed data.
 */
#include <linux/device-mapper.h>
#include <linux/highmem.h>
#include <linux/sizes.h>

#include "dm-overlaybd-codec.h"
#include "dm-overlaybd-read.h"

#define DM_MSG_PREFIX "overlaybd"

/* A chunk ends where it reaches either, but has one block at least. */
#define CHUNK_STORED	SZ_128K
#define CHUNK_OUTPUT	SZ_256K

/* What a bio's own reads have of it. */
#define INHERITED_FLAGS	(REQ_SYNC | REQ_META | REQ_PRIO | REQ_RAHEAD | \
			 REQ_BACKGROUND | REQ_NOWAIT)

/**
 * struct obd_chunk - blocks that are read and decompressed together
 * @io: the bio that wants them
 * @block: the first
 * @nr: how many
 * @data: what is read
 * @size: bytes of it, whole sectors
 * @skip: bytes of it in front of the first block
 * @work: decompresses
 * @bvec: for @bio, where @data is contiguous
 * @bvecs: for @bio: &@bvec, or as many as the pages of the reserve
 * @nr_bvecs: how many
 * @bio: reads
 */
struct obd_chunk {
	struct obd_io *io;
	u32 block;
	u32 nr;
	u8 *data;
	u32 size;
	u32 skip;
	struct work_struct work;
	struct bio_vec bvec;
	struct bio_vec *bvecs;
	unsigned int nr_bvecs;
	struct bio bio;
};

/*
 * Decompresses chunks. Its work waits for a slot of the codecs and for nothing
 * else, least of all I/O, so that stacked devices may share it.
 */
static struct workqueue_struct *decompress_wq;

int obd_read_init(void)
{
	decompress_wq = alloc_workqueue("dm-overlaybd",
					WQ_UNBOUND | WQ_MEM_RECLAIM |
					WQ_HIGHPRI, num_online_cpus());
	return decompress_wq ? 0 : -ENOMEM;
}

void obd_read_exit(void)
{
	destroy_workqueue(decompress_wq);
}

static void chunk_free(struct obd_chunk *chunk)
{
	if (!chunk)
		return;
	if (chunk->bvecs != &chunk->bvec)
		kfree(chunk->bvecs);
	kvfree(chunk->data);
	kfree(chunk);
}

static struct obd_chunk *chunk_alloc(u32 size)
{
	const gfp_t gfp = GFP_NOWAIT | __GFP_NOWARN | __GFP_NORETRY |
			  __GFP_NOMEMALLOC;
	struct obd_chunk *chunk;

	chunk = kmalloc(sizeof(*chunk), gfp);
	if (!chunk)
		return NULL;
	chunk->bvecs = &chunk->bvec;
	chunk->nr_bvecs = 1;
	chunk->data = kmalloc(size, gfp);
	if (!chunk->data) {
		kfree(chunk);
		return NULL;
	}
	return chunk;
}

/* Its memory need not be contiguous. */
static struct obd_chunk *reserve_alloc(u32 size)
{
	struct obd_chunk *chunk;

	chunk = kzalloc(sizeof(*chunk), GFP_KERNEL);
	if (!chunk)
		return NULL;
	chunk->nr_bvecs = DIV_ROUND_UP(size, PAGE_SIZE) + 1;
	chunk->bvecs = kmalloc_array(chunk->nr_bvecs, sizeof(*chunk->bvecs),
				     GFP_KERNEL);
	chunk->data = kvmalloc(size, GFP_KERNEL);
	if (!chunk->bvecs || !chunk->data) {
		chunk_free(chunk);
		return NULL;
	}
	return chunk;
}

/* The first and the last sector may hold other blocks' bytes. */
static u32 reserve_size(const struct obd_zfile *z)
{
	return round_up(z->stored_max, SECTOR_SIZE) + SECTOR_SIZE;
}

int obd_reader_init(struct obd_reader *reader)
{
	const struct obd_zfile *z = &reader->blob->zfile;
	int r;

	spin_lock_init(&reader->lock);
	INIT_LIST_HEAD(&reader->waiting);
	r = obd_slots_prepare(z);
	if (r)
		return r;
	reader->reserve = reserve_alloc(reserve_size(z));
	return reader->reserve ? 0 : -ENOMEM;
}

void obd_reader_exit(struct obd_reader *reader)
{
	chunk_free(reader->reserve);
}

static bool is_reserve(const struct obd_chunk *chunk)
{
	return chunk->bvecs != &chunk->bvec;
}

/* Take the reserve, or queue up for it: then @io may be gone already. */
static struct obd_chunk *reserve_get(struct obd_io *io)
{
	struct obd_reader *reader = io->reader;
	struct obd_chunk *chunk;
	unsigned long flags;

	/* Whoever goes on with this bio charges the one who sent it. */
	if (io->bio->bi_bdev != reader->bdev)
		bio_set_dev(io->bio, reader->bdev);

	spin_lock_irqsave(&reader->lock, flags);
	chunk = reader->reserve;
	reader->reserve = NULL;
	if (!chunk) {
		this_cpu_inc(reader->counters->deferred);
		list_add_tail(&io->link, &reader->waiting);
	}
	spin_unlock_irqrestore(&reader->lock, flags);
	return chunk;
}

/* Hand the reserve to the first that waits for it. */
static void reserve_put(struct obd_reader *reader, struct obd_chunk *chunk)
{
	struct obd_io *next;
	unsigned long flags;

	spin_lock_irqsave(&reader->lock, flags);
	next = list_first_entry_or_null(&reader->waiting, struct obd_io, link);
	if (next)
		list_del(&next->link);
	else
		reader->reserve = chunk;
	spin_unlock_irqrestore(&reader->lock, flags);

	if (next) {
		next->reserve = chunk;
		queue_work(reader->wq, &next->work);
	}
}

static void chunk_put(struct obd_reader *reader, struct obd_chunk *chunk)
{
	bio_uninit(&chunk->bio);
	if (is_reserve(chunk))
		reserve_put(reader, chunk);
	else
		chunk_free(chunk);
}

/* Whoever drops the last reference ends the bio, and with it @io. */
static void io_put(struct obd_io *io)
{
	struct bio *bio = io->bio;

	if (!atomic_dec_and_test(&io->pending))
		return;
	bio->bi_status = io->status;
	bio_endio(bio);
}

/* The chunk goes first: nothing of a target is used once its bios ended. */
static void chunk_end(struct obd_chunk *chunk, blk_status_t status)
{
	struct obd_io *io = chunk->io;

	if (status)
		WRITE_ONCE(io->status, status);
	chunk_put(io->reader, chunk);
	io_put(io);
}

/* Zeros where @src is NULL. */
static void copy_out(struct bio *bio, struct bvec_iter *iter, const void *src,
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

/* The next @len bytes of the bio's memory, if they are contiguous. */
static void *direct_out(struct bio *bio, const struct bvec_iter *iter, u32 len)
{
	struct bio_vec bv = mp_bvec_iter_bvec(bio->bi_io_vec, *iter);

	if (IS_ENABLED(CONFIG_HIGHMEM) || bv.bv_len < len)
		return NULL;
	return page_address(bv.bv_page) + bv.bv_offset;
}

/* For caches that tell a page's kernel address from its others. */
static void flush_direct(void *dst, u32 len)
{
	void *page = (void *)round_down((unsigned long)dst, PAGE_SIZE);

	for (; page < dst + len; page += PAGE_SIZE)
		flush_dcache_page(virt_to_page(page));
}

static blk_status_t block_failed(struct obd_reader *reader, u32 block, int r)
{
	bool crc = r == -EBADMSG;

	if (crc)
		this_cpu_inc(reader->counters->crc_errors);
	else
		this_cpu_inc(reader->counters->decompress_errors);
	DMERR_LIMIT("%s: layer %u: block %u %s", reader->device,
		    reader->layer, block,
		    crc ? "has a wrong CRC" : "does not decompress");
	return BLK_STS_IOERR;
}

static int decompress(struct obd_reader *reader, struct obd_slot *slot,
		      u32 block, const void *src, void *dst)
{
	const struct obd_zfile *z = &reader->blob->zfile;
	u32 stored = obd_zfile_stored(z, block);
	int r = 0;

	if (reader->verify)
		r = obd_zfile_check(z, src, stored);
	return r ?: obd_zfile_decompress(z, &slot->codec, src, stored, dst,
					 obd_zfile_block_len(z, block));
}

/*
 * Decompress one block into the bio's own memory where all of it lands there
 * in one piece, through the bounce buffer where it does not.
 */
static blk_status_t block_out(struct obd_io *io, struct obd_slot *slot,
			      u32 block, const void *src,
			      struct bvec_iter *iter)
{
	const struct obd_zfile *z = &io->reader->blob->zfile;
	u64 begin = (u64)block << z->block_shift;
	u64 end = begin + obd_zfile_block_len(z, block);
	u64 from = max(begin, io->pos);
	u64 to = min(end, io->pos + io->iter.bi_size);
	bool whole = from == begin && to == end;
	void *dst = NULL;
	int r;

	if (whole)
		dst = direct_out(io->bio, iter, to - from);
	r = decompress(io->reader, slot, block, src, dst ?: slot->bounce);
	if (r)
		return block_failed(io->reader, block, r);
	if (dst) {
		flush_direct(dst, to - from);
		bio_advance_iter(io->bio, iter, to - from);
	} else {
		copy_out(io->bio, iter, slot->bounce + (from - begin),
			 to - from);
	}
	return BLK_STS_OK;
}

static void chunk_work(struct work_struct *work)
{
	struct obd_chunk *chunk = container_of(work, struct obd_chunk, work);
	struct obd_io *io = chunk->io;
	const struct obd_zfile *z = &io->reader->blob->zfile;
	u64 begin = (u64)chunk->block << z->block_shift;
	const u8 *src = chunk->data + chunk->skip;
	blk_status_t status = BLK_STS_OK;
	struct bvec_iter iter = io->iter;
	struct obd_slot *slot;
	u32 i;

	if (begin > io->pos)
		bio_advance_iter(io->bio, &iter, begin - io->pos);
	if (is_vmalloc_addr(chunk->data))
		invalidate_kernel_vmap_range(chunk->data, chunk->size);
	slot = obd_slot_get();
	for (i = 0; !status && i < chunk->nr; i++) {
		status = block_out(io, slot, chunk->block + i, src, &iter);
		src += obd_zfile_stored(z, chunk->block + i);
		cond_resched();
	}
	obd_slot_put(slot);
	this_cpu_add(io->reader->counters->blocks, i);
	chunk_end(chunk, status);
}

static void chunk_endio(struct bio *bio)
{
	struct obd_chunk *chunk = container_of(bio, struct obd_chunk, bio);
	struct obd_reader *reader = chunk->io->reader;

	if (!bio->bi_status) {
		queue_work(decompress_wq, &chunk->work);
		return;
	}
	if (bio->bi_status != BLK_STS_AGAIN) {
		this_cpu_inc(reader->counters->read_errors);
		DMERR_LIMIT("%s: layer %u: cannot read blocks from %u on: error %d",
			    reader->device, reader->layer, chunk->block,
			    blk_status_to_errno(bio->bi_status));
	}
	chunk_end(chunk, bio->bi_status);
}

static void chunk_add_pages(struct obd_chunk *chunk)
{
	u32 size = chunk->size;
	u8 *data = chunk->data;

	while (size) {
		struct page *page = is_vmalloc_addr(data) ?
				    vmalloc_to_page(data) : virt_to_page(data);
		u32 n = is_vmalloc_addr(data) ?
			min_t(u32, size, PAGE_SIZE) : size;

		__bio_add_page(&chunk->bio, page, n, offset_in_page(data));
		data += n;
		size -= n;
	}
}

/* Read the sectors that hold the chunk's blocks. */
static void chunk_submit(struct obd_chunk *chunk, u64 offset, u32 len)
{
	struct obd_io *io = chunk->io;
	struct obd_reader *reader = io->reader;
	struct bio *bio = &chunk->bio;

	chunk->size = round_up(chunk->skip + len, SECTOR_SIZE);
	bio_init(bio, reader->bdev, chunk->bvecs, chunk->nr_bvecs,
		 REQ_OP_READ | (io->bio->bi_opf & INHERITED_FLAGS));
	if (io->bio->bi_bdev == reader->bdev)
		bio_clone_blkg_association(bio, io->bio);
	bio->bi_ioprio = io->bio->bi_ioprio;
	bio->bi_iter.bi_sector = offset >> SECTOR_SHIFT;
	bio->bi_end_io = chunk_endio;
	chunk_add_pages(chunk);
	if (is_vmalloc_addr(chunk->data))
		flush_kernel_vmap_range(chunk->data, chunk->size);

	INIT_WORK(&chunk->work, chunk_work);
	this_cpu_add(reader->counters->stored_bytes, chunk->size);
	atomic_inc(&io->pending);
	submit_bio_noacct(bio);
}

/*
 * A chunk for as many blocks as it may have from @io->block on, or for fewer
 * where memory is short: contiguous pages may be had in small pieces only.
 */
static struct obd_chunk *chunk_get_blocks(struct obd_io *io, u32 skip, u32 *nr,
					  u32 *len)
{
	const struct obd_zfile *z = &io->reader->blob->zfile;
	u32 room = max_t(u32, CHUNK_STORED - 2 * SECTOR_SIZE, z->stored_max);
	struct obd_chunk *chunk;

	*nr = max_t(u32, CHUNK_OUTPUT >> z->block_shift, 1);
	do {
		u32 last = min(io->last, io->block + *nr - 1);

		*nr = obd_zfile_gather(z, io->block, last, room, len);
		chunk = chunk_alloc(round_up(skip + *len, SECTOR_SIZE));
		if (chunk)
			return chunk;
		*nr /= 2;
	} while (*nr);
	return NULL;
}

static struct obd_chunk *chunk_get_reserve(struct obd_io *io, u32 *nr, u32 *len)
{
	struct obd_chunk *chunk = io->reserve;

	*nr = 1;
	*len = obd_zfile_stored(&io->reader->blob->zfile, io->block);
	io->reserve = NULL;
	return chunk ?: reserve_get(io);
}

/* The next chunk; @io->block moves on. Without one, @io may be gone. */
static struct obd_chunk *chunk_get(struct obd_io *io, u64 *offset, u32 *len)
{
	const struct obd_blob *blob = io->reader->blob;
	struct obd_chunk *chunk = NULL;
	u32 skip, nr;

	*offset = blob->start + obd_zfile_offset(&blob->zfile, io->block);
	skip = *offset % SECTOR_SIZE;
	if (!io->reserve)
		chunk = chunk_get_blocks(io, skip, &nr, len);
	if (!chunk)
		chunk = chunk_get_reserve(io, &nr, len);
	if (!chunk)
		return NULL;
	chunk->io = io;
	chunk->block = io->block;
	chunk->nr = nr;
	chunk->skip = skip;
	io->block += nr;
	return chunk;
}

/*
 * Submit what is left. When there is no chunk to be had, the bio waits for the
 * reserve, and comes here again with it.
 */
static void io_submit(struct obd_io *io)
{
	while (io->block <= io->last) {
		struct obd_chunk *chunk;
		u64 offset;
		u32 len;

		chunk = chunk_get(io, &offset, &len);
		if (!chunk)
			return;
		chunk_submit(chunk, offset, len);
	}
	io_put(io);
}

static void io_work(struct work_struct *work)
{
	io_submit(container_of(work, struct obd_io, work));
}

/* Zero what lies behind the end of the blob; how many bytes are before it? */
static u32 zero_tail(struct obd_reader *reader, struct bio *bio, u64 pos)
{
	u64 size = reader->blob->data_size;
	struct bvec_iter iter = bio->bi_iter;
	u32 len = iter.bi_size;
	u32 keep = pos < size ? min_t(u64, len, size - pos) : 0;

	if (keep < len) {
		bio_advance_iter(bio, &iter, keep);
		copy_out(bio, &iter, NULL, len - keep);
	}
	return keep;
}

void obd_read_bio(struct obd_reader *reader, struct bio *bio,
		  struct obd_io *io, u64 pos)
{
	u8 shift = reader->blob->zfile.block_shift;
	u32 len = zero_tail(reader, bio, pos);

	if (!len) {
		bio_endio(bio);
		return;
	}
	io->reader = reader;
	io->bio = bio;
	io->iter = bio->bi_iter;
	io->pos = pos;
	io->block = pos >> shift;
	io->last = (pos + len - 1) >> shift;
	io->status = BLK_STS_OK;
	io->reserve = NULL;
	atomic_set(&io->pending, 1);
	INIT_WORK(&io->work, io_work);
	io_submit(io);
}
