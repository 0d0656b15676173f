// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chunks of compressed blocks: allocate, read, decompress.
 */
#include <linux/device-mapper.h>
#include <linux/highmem.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/wait_bit.h>

#include "dm-overlaybd-bdev.h"
#include "dm-overlaybd-chunk.h"
#include "dm-overlaybd-codec.h"
#include "dm-overlaybd-memory.h"
#include "dm-overlaybd-output.h"

#define DM_MSG_PREFIX "overlaybd"

/* A chunk ends where it reaches either, but has one block at least. */
#define CHUNK_STORED	SZ_128K
#define CHUNK_OUTPUT	SZ_256K

/* Bios up to that are not spread over CPUs, nor cut into less. */
#define SHARE_OUTPUT	SZ_64K

/* So many chunks for each CPU: none is left waiting for another's last one. */
#define SHARES_PER_CPU	4

/* Chunks for the cache that a source may have under way. */
#define SOURCE_BACKGROUND_MAX	32

/* What a bio's own reads have of it. */
#define INHERITED_FLAGS	(REQ_SYNC | REQ_META | REQ_PRIO | REQ_RAHEAD | \
			 REQ_BACKGROUND | REQ_NOWAIT)

/**
 * struct obd_chunk - blocks that are read and decompressed together
 * @reader: whose
 * @io: the bio that wants them; NULL if they are for the cache alone
 * @at: the part of the bio that shows them
 * @origin: why they are brought into the cache
 * @link: in the source's list of such chunks, under its lock
 * @waiting: bios that wait for blocks of it, under the same lock
 * @block: the first
 * @nr: how many
 * @data: what is read
 * @cache: where @data comes from, and the chunk behind it, unless it is the
 *	reserve
 * @size: bytes of it, whole sectors
 * @skip: bytes of it in front of the first block
 * @submitter: who submits it; compared with, never looked into
 * @cpu: where
 * @work: decompresses
 * @bvec: for @bio, where @data is contiguous
 * @bvecs: for @bio: &@bvec, or as many as the pages of the reserve
 * @nr_bvecs: how many
 * @bio: reads
 */
struct obd_chunk {
	struct obd_reader *reader;
	struct obd_io *io;
	struct bvec_iter at;
	enum obd_cache_origin origin;
	struct list_head link;
	struct list_head waiting;
	u32 block;
	u32 nr;
	u8 *data;
	struct kmem_cache *cache;
	u32 size;
	u32 skip;
	struct task_struct *submitter;
	int cpu;
	struct work_struct work;
	struct bio_vec bvec;
	struct bio_vec *bvecs;
	unsigned int nr_bvecs;
	struct bio bio;
};

static_assert(sizeof(struct obd_chunk) <= OBD_NOTE_MAX);

/*
 * They decompress chunks, large ones on any CPU, small ones where they were
 * submitted. Their work waits for a slot of the codecs, and for the little memory
 * that mapping pages takes, but never for I/O, so that stacked devices may share
 * them. For every slot there is a worker, for that one, too, which maps nothing.
 */
static struct workqueue_struct *spread_wq, *local_wq;

int obd_chunks_init(void)
{
	spread_wq = alloc_workqueue("dm-overlaybd", WQ_UNBOUND |
				    WQ_MEM_RECLAIM | WQ_HIGHPRI,
				    obd_slots_nr());
	local_wq = alloc_workqueue("dm-overlaybd-local", OBD_WQ_PERCPU |
				   WQ_MEM_RECLAIM | WQ_HIGHPRI, 0);
	if (spread_wq && local_wq)
		return 0;
	obd_chunks_exit();
	return -ENOMEM;
}

void obd_chunks_exit(void)
{
	if (spread_wq)
		destroy_workqueue(spread_wq);
	if (local_wq)
		destroy_workqueue(local_wq);
}

static bool is_reserve(const struct obd_chunk *chunk)
{
	return chunk->bvecs != &chunk->bvec;
}

void obd_chunk_free(struct obd_chunk *chunk)
{
	if (!chunk)
		return;
	if (is_reserve(chunk)) {
		kfree(chunk->bvecs);
		kvfree(chunk->data);
		kfree(chunk);
	} else {
		obd_memory_free(chunk->data, chunk->cache);
	}
}

static struct obd_chunk *chunk_alloc(u32 size)
{
	struct kmem_cache *cache;
	struct obd_chunk *chunk;
	void *data, *note;

	data = obd_memory_alloc(size, &note, &cache);
	if (!data)
		return NULL;
	chunk = note;
	chunk->bvecs = &chunk->bvec;
	chunk->nr_bvecs = 1;
	chunk->data = data;
	chunk->cache = cache;
	return chunk;
}

/* The first and the last sector may hold other blocks' bytes. */
static u32 reserve_size(const struct obd_zfile *z)
{
	return round_up(z->stored_max, SECTOR_SIZE) + SECTOR_SIZE;
}

/* Its memory need not be contiguous. */
struct obd_chunk *obd_chunk_alloc_reserve(const struct obd_zfile *zfile)
{
	u32 size = reserve_size(zfile);
	struct obd_chunk *chunk;

	chunk = kzalloc(sizeof(*chunk), GFP_KERNEL);
	if (!chunk)
		return NULL;
	chunk->nr_bvecs = DIV_ROUND_UP(size, PAGE_SIZE) + 1;
	chunk->bvecs = kmalloc_array(chunk->nr_bvecs, sizeof(*chunk->bvecs),
				     OBD_GFP_BLOB);
	chunk->data = kvmalloc(size, OBD_GFP_BLOB);
	if (!chunk->bvecs || !chunk->data) {
		obd_chunk_free(chunk);
		return NULL;
	}
	return chunk;
}

/* Take the reserve, or queue up for it: then @io may be gone already. */
static struct obd_chunk *reserve_get(struct obd_io *io)
{
	struct obd_source *source = io->reader->source;
	struct obd_chunk *chunk;
	unsigned long flags;

	obd_io_remember_sender(io);
	spin_lock_irqsave(&source->lock, flags);
	chunk = source->reserve;
	source->reserve = NULL;
	if (!chunk) {
		this_cpu_inc(io->reader->session->counters->deferred);
		list_add_tail(&io->link, &source->waiting);
	}
	spin_unlock_irqrestore(&source->lock, flags);
	return chunk;
}

/* Hand the reserve to the first that waits for it. */
static void reserve_put(struct obd_source *source, struct obd_chunk *chunk)
{
	struct obd_io *next;
	unsigned long flags;

	spin_lock_irqsave(&source->lock, flags);
	next = list_first_entry_or_null(&source->waiting, struct obd_io, link);
	if (next)
		list_del(&next->link);
	else
		source->reserve = chunk;
	spin_unlock_irqrestore(&source->lock, flags);

	if (next) {
		next->reserve = chunk;
		queue_work(next->reader->session->wq, &next->work);
	}
}

void obd_chunk_return(struct obd_io *io)
{
	if (io->reserve)
		reserve_put(io->reader->source, io->reserve);
	io->reserve = NULL;
}

static void chunk_put(struct obd_chunk *chunk)
{
	bio_uninit(&chunk->bio);
	if (is_reserve(chunk))
		reserve_put(chunk->reader->source, chunk);
	else
		obd_chunk_free(chunk);
}

/* The chunk goes first: nothing of a target is used once its bios ended. */
static void chunk_end_io(struct obd_chunk *chunk, blk_status_t status)
{
	struct obd_io *io = chunk->io;

	if (status)
		WRITE_ONCE(io->status, status);
	chunk_put(chunk);
	obd_io_put(io);
}

/* What of the bio is not in the cache now has to be read for it. */
static void io_resume(struct obd_io *io)
{
	if (obd_io_serve(io))
		obd_io_put(io);
	else
		queue_work(io->reader->session->wq, &io->work);
}

/*
 * Let bios go on that want nothing behind @block. Ending them may take memory of
 * their owners', so that is without a slot. Return: a slot to go on with.
 */
static struct obd_slot *chunk_wake(struct obd_chunk *chunk, u32 block,
				   struct obd_slot *slot)
{
	struct obd_source *source = chunk->reader->source;
	struct obd_io *io, *next;
	unsigned long flags;
	LIST_HEAD(ready);

	if (list_empty_careful(&chunk->waiting))
		return slot;
	spin_lock_irqsave(&source->lock, flags);
	list_for_each_entry_safe(io, next, &chunk->waiting, link)
		if (io->last <= block)
			list_move_tail(&io->link, &ready);
	spin_unlock_irqrestore(&source->lock, flags);
	if (list_empty(&ready))
		return slot;
	obd_slot_put(slot);
	list_for_each_entry_safe(io, next, &ready, link)
		io_resume(io);
	return obd_slot_get();
}

/* In interrupts, after a failure, those that wait go on elsewhere. */
static void chunk_end_background(struct obd_chunk *chunk)
{
	struct obd_session *session = chunk->reader->session;
	struct obd_source *source = chunk->reader->source;
	struct obd_io *io, *next;
	unsigned long flags;

	spin_lock_irqsave(&source->lock, flags);
	list_del(&chunk->link);
	spin_unlock_irqrestore(&source->lock, flags);
	list_for_each_entry_safe(io, next, &chunk->waiting, link)
		queue_work(io->reader->session->wq, &io->work);
	chunk_put(chunk);
	obd_session_end(session);
}

static void chunk_end(struct obd_chunk *chunk, blk_status_t status)
{
	if (chunk->io)
		chunk_end_io(chunk, status);
	else
		chunk_end_background(chunk);
}

static blk_status_t block_failed(struct obd_reader *reader, u32 block, int r)
{
	struct obd_session *session = reader->session;
	bool crc = r == -EBADMSG;

	if (crc)
		this_cpu_inc(session->counters->crc_errors);
	else
		this_cpu_inc(session->counters->decompress_errors);
	DMERR_LIMIT("%s: layer %u: block %u %s", session->device,
		    reader->layer, block,
		    crc ? "has a wrong CRC" : "does not decompress");
	return BLK_STS_IOERR;
}

static int decompress(struct obd_reader *reader, struct obd_slot *slot,
		      u32 block, const void *src, void *dst)
{
	const struct obd_zfile *z = &reader->source->blob->zfile;
	u32 stored = obd_zfile_stored(z, block);
	int r = 0;

	if (reader->session->verify)
		r = obd_zfile_check(z, src, stored);
	r = r ?: obd_zfile_decompress(z, &slot->codec, src, stored, dst,
				      obd_zfile_block_len(z, block));
	if (!r)
		this_cpu_inc(reader->session->counters->blocks);
	return r;
}

/* Decompress a block for a bio. */
static blk_status_t block_out(struct obd_chunk *chunk, struct obd_slot *slot,
			      u32 block, const void *src, bool may_sleep)
{
	struct obd_output out;
	int r;

	/* Mapping takes a little memory: of that there is none for the reserve. */
	obd_output_begin(&out, chunk->io, &chunk->at, block, slot,
			 may_sleep && !is_reserve(chunk));
	r = decompress(chunk->reader, slot, block, src, out.memory);
	obd_output_end(&out, !r);
	return r ? block_failed(chunk->reader, block, r) : BLK_STS_OK;
}

/*
 * Decompress a block for the cache, unless it is there. What is wrong with it
 * will be found out, and said, when somebody wants it.
 */
static blk_status_t block_keep(struct obd_chunk *chunk, struct obd_slot *slot,
			       u32 block, const void *src)
{
	struct obd_source *source = chunk->reader->source;
	const struct obd_zfile *z = &source->blob->zfile;
	struct obd_cached *cached;

	if (obd_next_cached(chunk->reader, block, block) == block)
		return BLK_STS_OK;
	cached = obd_cache_alloc(&source->cache, block,
				 obd_zfile_block_len(z, block), chunk->origin,
				 chunk->reader->checked);
	if (!cached)
		return BLK_STS_RESOURCE;
	if (decompress(chunk->reader, slot, block, src, cached->data)) {
		obd_cache_free(cached);
		return BLK_STS_IOERR;
	}
	obd_cache_insert(cached);
	obd_session_count_brought(chunk->reader->session, chunk->origin);
	return BLK_STS_OK;
}

static void chunk_decompress(struct obd_chunk *chunk, struct obd_slot *slot,
			     bool may_sleep)
{
	struct obd_reader *reader = chunk->reader;
	const struct obd_zfile *z = &reader->source->blob->zfile;
	const u8 *src = chunk->data + chunk->skip;
	blk_status_t status = BLK_STS_OK;
	u32 i;

	if (is_vmalloc_addr(chunk->data))
		invalidate_kernel_vmap_range(chunk->data, chunk->size);
	for (i = 0; !status && i < chunk->nr; i++) {
		u32 block = chunk->block + i;

		status = chunk->io ?
			 block_out(chunk, slot, block, src, may_sleep) :
			 block_keep(chunk, slot, block, src);
		if (!status && !chunk->io)
			slot = chunk_wake(chunk, block, slot);
		src += obd_zfile_stored(z, block);
		if (may_sleep)
			cond_resched();
	}
	obd_slot_put(slot);
	chunk_end(chunk, status);
}

static void chunk_work(struct work_struct *work)
{
	struct obd_chunk *chunk = container_of(work, struct obd_chunk, work);

	chunk_decompress(chunk, obd_slot_get(), true);
}

/* Is there nothing to be gained from handing a chunk to others? */
static bool is_local(const struct obd_chunk *chunk)
{
	const struct obd_io *io = chunk->io;

	if (!io)
		return false;
	return io->end - io->pos <= SHARE_OUTPUT ||
	       (num_online_cpus() == 1 && !obd_output_maps(chunk->reader->source));
}

/*
 * Was the device done before submitting the read returned, like a ramdisk? It may
 * also be that a worker submitted it, and happens to be the one that ends it.
 */
static bool done_at_once(const struct obd_chunk *chunk)
{
	struct obd_source *source = chunk->reader->source;
	bool at_once = in_task() && !irqs_disabled() &&
		       chunk->submitter == current;

	if (READ_ONCE(source->at_once) != at_once &&
	    !(at_once && current->flags & PF_WQ_WORKER))
		WRITE_ONCE(source->at_once, at_once);
	return at_once;
}

/*
 * If the device is done at once, the submitter decompresses what is local. It
 * must not sleep, for what it is in is unknown.
 */
static void chunk_start(struct obd_chunk *chunk)
{
	bool at_once = done_at_once(chunk);
	struct obd_slot *slot = NULL;

	if (!is_local(chunk)) {
		queue_work(spread_wq, &chunk->work);
		return;
	}
	if (at_once)
		slot = obd_slot_try();
	if (slot)
		chunk_decompress(chunk, slot, false);
	else if (cpu_online(chunk->cpu))
		queue_work_on(chunk->cpu, local_wq, &chunk->work);
	else
		queue_work(local_wq, &chunk->work);
}

static void chunk_endio(struct bio *bio)
{
	struct obd_chunk *chunk = container_of(bio, struct obd_chunk, bio);
	struct obd_session *session = chunk->reader->session;

	if (!bio->bi_status) {
		chunk_start(chunk);
		return;
	}
	if (bio->bi_status != BLK_STS_AGAIN && !(bio->bi_opf & REQ_RAHEAD)) {
		this_cpu_inc(session->counters->read_errors);
		DMERR_LIMIT("%s: layer %u: cannot read blocks from %u on: error %d",
			    session->device, chunk->reader->layer, chunk->block,
			    blk_status_to_errno(bio->bi_status));
	}
	chunk_end(chunk, bio->bi_status);
}

static void chunk_init_bio(struct obd_chunk *chunk)
{
	struct block_device *bdev = chunk->reader->source->bdev;
	const struct bio *parent = chunk->io ? chunk->io->bio : NULL;
	blk_opf_t flags = parent ? parent->bi_opf & INHERITED_FLAGS :
				   REQ_RAHEAD | REQ_BACKGROUND;

	/* Others may wait for it whose limits allow them more than its own. */
	if (!parent || is_reserve(chunk))
		flags |= REQ_META;
	bio_init(&chunk->bio, bdev, chunk->bvecs, chunk->nr_bvecs,
		 REQ_OP_READ | flags);
	if (!parent)
		return;
	if (parent->bi_bdev == bdev)
		bio_clone_blkg_association(&chunk->bio, chunk->io->bio);
	chunk->bio.bi_ioprio = parent->bi_ioprio;
}

/* Read the sectors that hold the chunk's blocks, @len bytes from @offset on. */
static void chunk_submit(struct obd_chunk *chunk, u64 offset, u32 len)
{
	struct obd_session *session = chunk->reader->session;
	struct bio *bio = &chunk->bio;

	chunk->skip = offset % SECTOR_SIZE;
	chunk->size = round_up(chunk->skip + len, SECTOR_SIZE);
	chunk->submitter = current;
	chunk->cpu = raw_smp_processor_id();
	INIT_WORK(&chunk->work, chunk_work);
	chunk_init_bio(chunk);
	bio->bi_iter.bi_sector = offset >> SECTOR_SHIFT;
	bio->bi_end_io = chunk_endio;
	obd_bio_add(bio, chunk->data, chunk->size);
	this_cpu_add(session->counters->stored_bytes, chunk->size);
	submit_bio_noacct(bio);
}

/* Where a block lies on the device. */
static u64 block_offset(const struct obd_source *source, u32 block)
{
	return source->blob->start +
	       obd_zfile_offset(&source->blob->zfile, block);
}

/*
 * A chunk for as many of @nr blocks from @block on as it may have, or for fewer
 * where memory is short: contiguous pages may be had in small pieces only.
 */
static struct obd_chunk *chunk_get_blocks(const struct obd_source *source,
					  u32 block, u32 skip, u32 *nr,
					  u32 *len)
{
	const struct obd_zfile *z = &source->blob->zfile;
	u32 room = max_t(u32, CHUNK_STORED - 2 * SECTOR_SIZE, z->stored_max);
	struct obd_chunk *chunk;

	do {
		*nr = obd_zfile_gather(z, block, block + *nr - 1, room, len);
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
	*len = obd_zfile_stored(&io->reader->source->blob->zfile, io->block);
	io->reserve = NULL;
	return chunk ?: reserve_get(io);
}

/* How much of a bio a chunk may bring: every CPU is to get its shares. */
static u32 share_of(const struct obd_io *io)
{
	unsigned int cpus = num_online_cpus();
	u32 len = io->end - io->pos;

	if (cpus == 1)
		return CHUNK_OUTPUT;
	return clamp_t(u32, len / (SHARES_PER_CPU * cpus), SHARE_OUTPUT,
		       CHUNK_OUTPUT);
}

/* How many blocks the next chunk may have. */
static u32 blocks_wanted(const struct obd_io *io)
{
	struct obd_source *source = io->reader->source;
	u8 shift = source->blob->zfile.block_shift;
	u32 nr = max_t(u32, share_of(io) >> shift, 1);
	u32 last = io->last - io->block < nr ? io->last : io->block + nr - 1;

	if (io->reader->cached)
		last = obd_next_cached(io->reader, io->block + 1, last) - 1;
	return last - io->block + 1;
}

/* The bio goes on behind @nr blocks. */
static void io_advance(struct obd_io *io, u32 nr)
{
	u32 from, to;

	obd_io_part(io, io->block, nr << io->reader->source->block_shift,
		    &from, &to);
	bio_advance_iter(io->bio, &io->at, to - from);
	io->block += nr;
}

bool obd_chunk_read(struct obd_io *io)
{
	struct obd_source *source = io->reader->source;
	u64 offset = block_offset(source, io->block);
	struct obd_chunk *chunk = NULL;
	u32 len, nr = blocks_wanted(io);

	if (!io->reserve)
		chunk = chunk_get_blocks(source, io->block,
					 offset % SECTOR_SIZE, &nr, &len);
	if (!chunk)
		chunk = chunk_get_reserve(io, &nr, &len);
	if (!chunk)
		return false;
	chunk->reader = io->reader;
	chunk->io = io;
	chunk->at = io->at;
	chunk->block = io->block;
	chunk->nr = nr;
	atomic_inc(&io->pending);
	if (io->reader->cached)
		obd_cache_expect(&source->cache, io->block);
	io_advance(io, nr);
	chunk_submit(chunk, offset, len);
	return true;
}

bool obd_chunk_wait(struct obd_io *io)
{
	struct obd_source *source = io->reader->source;
	struct obd_chunk *chunk;
	unsigned long flags;
	bool found = false;

	if (io->waited || io->reserve || !io->reader->cached ||
	    list_empty_careful(&source->background))
		return false;
	obd_io_remember_sender(io);
	spin_lock_irqsave(&source->lock, flags);
	list_for_each_entry(chunk, &source->background, link) {
		if (io->block - chunk->block >= chunk->nr)
			continue;
		io->waited = true;
		list_add_tail(&io->link, &chunk->waiting);
		found = true;
		break;
	}
	spin_unlock_irqrestore(&source->lock, flags);
	return found;
}

/* Is one of the blocks on its way, or too much else? The source is locked. */
static bool is_under_way(const struct obd_source *source, u32 block, u32 nr)
{
	const struct obd_chunk *chunk;
	unsigned int i = 0;

	list_for_each_entry(chunk, &source->background, link)
		if (++i == SOURCE_BACKGROUND_MAX ||
		    (block < chunk->block + chunk->nr &&
		     chunk->block < block + nr))
			return true;
	return false;
}

static bool chunk_announce(struct obd_chunk *chunk)
{
	struct obd_session *session = chunk->reader->session;
	struct obd_source *source = chunk->reader->source;
	unsigned long flags;
	bool alone;

	spin_lock_irqsave(&source->lock, flags);
	alone = !is_under_way(source, chunk->block, chunk->nr);
	if (alone) {
		list_add(&chunk->link, &source->background);
		obd_session_begin(session);
	}
	spin_unlock_irqrestore(&source->lock, flags);
	return alone;
}

u32 obd_chunk_bring(struct obd_reader *reader, u32 block, u32 nr,
		    enum obd_cache_origin origin)
{
	struct obd_source *source = reader->source;
	u32 max = CHUNK_OUTPUT >> source->blob->zfile.block_shift;
	u64 offset = block_offset(source, block);
	struct obd_chunk *chunk;
	u32 len;

	if (obd_session_is_busy(reader->session) ||
	    !obd_cache_fits(source->blob->zfile.block_size))
		return 0;
	nr = clamp_t(u32, max, 1, nr);
	chunk = chunk_get_blocks(source, block, offset % SECTOR_SIZE, &nr,
				 &len);
	if (!chunk)
		return 0;
	chunk->reader = reader;
	chunk->io = NULL;
	chunk->origin = origin;
	chunk->block = block;
	chunk->nr = nr;
	INIT_LIST_HEAD(&chunk->waiting);
	if (!chunk_announce(chunk)) {
		obd_chunk_free(chunk);
		return 0;
	}
	chunk_submit(chunk, offset, len);
	return nr;
}
