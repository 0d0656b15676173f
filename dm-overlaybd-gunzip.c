// SPDX-License-Identifier: GPL-2.0-only
/*
 * Streams that inflate a gzip file, and their queues.
 */
#include <linux/device-mapper.h>
#include <linux/wait_bit.h>

#include "dm-overlaybd-bdev.h"
#include "dm-overlaybd-gunzip-read.h"
#include "dm-overlaybd-gunzip.h"
#include "dm-overlaybd-gzip-stream.h"

#define DM_MSG_PREFIX "overlaybd"

/* The unit of the cache. */
#define BLOCK_SHIFT	OBD_GZIP_BLOCK_SHIFT
#define BLOCK_BYTES	BIT(BLOCK_SHIFT)

static_assert(OBD_GZIP_STORED_MAX + 2 * SECTOR_SIZE <= OBD_GZIP_IN_SIZE);

#define STREAMS_MIN	2
#define STREAMS_MAX	4

/* Blocks to be brought into the cache at a time. */
#define BRING_MAX	4

/* Nowhere; no byte of a file is there. */
#define FAR_AWAY	U64_MAX

/* Nor is that one of its blocks. */
#define NO_BLOCK	U32_MAX

/**
 * struct obd_gunzip_stream - a stream and what waits for it
 * @gunzip: whose
 * @link: G: in the list of streams
 * @queue: G: bios that wait for it
 * @busy: G: its work is queued or runs
 * @from: G: it goes by all bytes from here
 * @end: G: to here, when its queue is done
 * @work: serves the queue
 * @stream: W: inflates one block after the other
 * @ahead: W: what it will want next
 * @bounce: W: a block that the cache has no memory for; BLOCK_BYTES
 * @bounced: W: which one is there, or NO_BLOCK
 * @bounce_checked: W: it is as its CRC says, if there is one
 *
 * G: under the lock of @gunzip; W: for the work only. What @from and @end say
 * is a guess that errors make wrong.
 */
struct obd_gunzip_stream {
	struct obd_gunzip *gunzip;
	struct list_head link;
	struct list_head queue;
	bool busy;
	u64 from;
	u64 end;
	struct work_struct work;
	struct obd_gzip_stream stream;
	struct obd_gunzip_ahead ahead;
	u8 *bounce;
	u32 bounced;
	bool bounce_checked;
};

/**
 * struct obd_gunzip - a gzip file that is read
 * @gzip: its index; immutable
 * @source: shows the bytes
 * @index: the device with the index
 * @wq: the streams' works. They wait for I/O: no other file's may wait for them
 * @lock: protects what is marked with G
 * @streams: G: the streams; the first has got its latest bio before the others
 */
struct obd_gunzip {
	struct obd_gzip gzip;
	struct obd_source *source;
	struct block_device *index;
	struct workqueue_struct *wq;
	spinlock_t lock;	/* see above */
	struct list_head streams;
};

/*
 * Up to where in the gzip file it is worth reading for a bio: by the sectors that
 * show its end, the next access point being all that is known of where they are.
 */
static u64 worth_reading(const struct obd_gzip *gzip, const struct obd_io *io)
{
	u64 end = (u64)(io->last + 1) << BLOCK_SHIFT;
	const struct obd_gzip_point *next = obd_gzip_find(gzip, end - 1) + 1;

	if (next == gzip->points + gzip->nr_points)
		return gzip->gzip_size;
	return min_t(u64, round_up(next->gzip_pos, SECTOR_SIZE),
		     gzip->gzip_size);
}

/* An obd_gzip_fetch; the context is the bio that it is for. */
static int fetch(struct obd_gzip_stream *stream, void *context,
		 enum obd_gzip_file file, u64 pos, u64 len)
{
	struct obd_gunzip_stream *s =
		container_of(stream, struct obd_gunzip_stream, stream);
	struct block_device *bdev = s->gunzip->source->bdev;
	u64 end = worth_reading(&s->gunzip->gzip, context);
	int n;

	/* What takes no room in the data may be long. */
	cond_resched();
	if (file == OBD_GZIP_INDEX) {
		obd_gunzip_ahead_start(&s->ahead, context, bdev,
				       round_down(stream->in_pos, SECTOR_SIZE),
				       end);
		return obd_gunzip_read_now(stream, context, s->gunzip->index,
					   pos, len);
	}
	n = obd_gunzip_ahead_take(&s->ahead, stream, context, pos) ?:
	    obd_gunzip_read_now(stream, context, bdev, pos, len);
	if (n > 0)
		obd_gunzip_ahead_start(&s->ahead, context, bdev, pos + n, end);
	return n;
}

static u32 block_len(const struct obd_source *source, u32 block)
{
	return min_t(u64, BLOCK_BYTES,
		     source->data_size - ((u64)block << BLOCK_SHIFT));
}

/*
 * Inflate a block, into memory of the cache if it has any. One that is only passed
 * by is checked when somebody wants it. What nobody waits for is not worth the
 * stream's own memory. Return: where it is, or an ERR_PTR(); the stream can go on
 * behind a block with a wrong CRC.
 */
static void *stream_block(struct obd_gunzip_stream *s, struct obd_io *io,
			  u32 block, struct obd_cached **cached)
{
	struct obd_reader *reader = io->reader;
	struct obd_source *source = reader->source;
	bool wanted = block == io->block;
	bool check = wanted && reader->session->verify;
	u32 len = block_len(source, block);
	void *out = s->bounce;
	int r;

	*cached = NULL;
	if (reader->cached)
		*cached = obd_cache_alloc(&source->cache, block, len,
					  wanted ? io->origin : OBD_CACHE_READ,
					  check || !source->verify);
	if (!*cached && !io->bio)
		return ERR_PTR(-ENOMEM);
	if (*cached)
		out = (*cached)->data;
	else
		s->bounced = NO_BLOCK;
	r = obd_gzip_stream_inflate(&s->stream, io, out, len);
	if (!r && check)
		r = obd_gzip_check(&s->gunzip->gzip, block, out, len);
	if (r) {
		obd_cache_free(*cached);
		*cached = NULL;
		return ERR_PTR(r);
	}
	if (!*cached) {
		s->bounced = block;
		s->bounce_checked = check;
	}
	this_cpu_inc(reader->session->counters->blocks);
	return out;
}

/*
 * The next block of @io is in the stream's own memory, for who has no cache reads
 * it bit by bit. It may have been inflated for somebody who does not check, or
 * when the cache had no memory. Return: see stream_block().
 */
static void *bounced_block(struct obd_gunzip_stream *s, struct obd_io *io,
			   struct obd_cached **cached)
{
	struct obd_reader *reader = io->reader;
	struct obd_source *source = reader->source;
	u32 len = block_len(source, io->block);

	*cached = NULL;
	if (reader->session->verify && !s->bounce_checked) {
		int r = obd_gzip_check(&s->gunzip->gzip, io->block, s->bounce,
				       len);

		if (r)
			return ERR_PTR(r);
		s->bounce_checked = true;
	}
	if (reader->cached)
		*cached = obd_cache_alloc(&source->cache, io->block, len,
					  io->origin, s->bounce_checked ||
					  !source->verify);
	if (*cached)
		memcpy((*cached)->data, s->bounce, len);
	return s->bounce;
}

/* Nobody waits for it, and the target is to become quiet. */
static bool is_given_up(const struct obd_io *io)
{
	return !io->bio && READ_ONCE(io->reader->session->quiet);
}

/* Go by bytes, up to @begin; whole blocks of them are worth keeping. */
static int stream_pass(struct obd_gunzip_stream *s, struct obd_io *io,
		       u64 begin)
{
	struct obd_cached *cached;
	void *out;

	while (s->stream.pos < begin) {
		u32 block = s->stream.pos >> BLOCK_SHIFT;
		u32 skip = s->stream.pos % BLOCK_BYTES;
		int r;

		if (is_given_up(io))
			return -EINTR;
		if (skip) {
			s->bounced = NO_BLOCK;
			r = obd_gzip_stream_inflate(&s->stream, io, s->bounce,
						    BLOCK_BYTES - skip);
			if (r)
				return r;
			continue;
		}
		out = stream_block(s, io, block, &cached);
		if (IS_ERR(out))
			return PTR_ERR(out);
		if (cached)
			obd_cache_insert(cached);
		cond_resched();
	}
	return 0;
}

/* Go to the next block of @io, and have it. Return: see stream_block(). */
static void *next_block(struct obd_gunzip_stream *s, struct obd_io *io,
			struct obd_cached **cached)
{
	u64 begin = (u64)io->block << BLOCK_SHIFT;
	int r;

	WRITE_ONCE(s->from, begin);
	if (s->bounced == io->block)
		return bounced_block(s, io, cached);
	r = obd_gzip_stream_seek(&s->stream, io, begin) ?:
	    stream_pass(s, io, begin);
	return r ? ERR_PTR(r) : stream_block(s, io, io->block, cached);
}

/* Inflate the next block of a bio, and copy what it wants of it. */
static int serve_block(struct obd_gunzip_stream *s, struct obd_io *io)
{
	u32 from, to, len = block_len(io->reader->source, io->block);
	struct obd_cached *cached;
	void *data;

	data = next_block(s, io, &cached);
	if (IS_ERR(data))
		return PTR_ERR(data);
	obd_io_copy(io, data, len, &from, &to);
	io->block++;
	if (cached) {
		obd_cache_touch(cached, from, to);
		obd_cache_insert(cached);
	}
	return 0;
}

static blk_status_t read_failed(const struct obd_io *io, int r)
{
	struct obd_reader *reader = io->reader;
	struct obd_session *session = reader->session;
	u64 begin = (u64)io->block << BLOCK_SHIFT;

	if (r == -EBADMSG) {
		this_cpu_inc(session->counters->crc_errors);
		DMERR_LIMIT("%s: layer %u: gzip: the data from byte %llu on has a wrong CRC",
			    session->device, reader->layer, begin);
		return BLK_STS_IOERR;
	}
	if (r == -EILSEQ) {
		this_cpu_inc(session->counters->decompress_errors);
		DMERR_LIMIT("%s: layer %u: gzip: does not inflate to byte %llu as the index says",
			    session->device, reader->layer, begin);
		return BLK_STS_IOERR;
	}
	this_cpu_inc(session->counters->read_errors);
	DMERR_LIMIT("%s: layer %u: cannot read what inflates to byte %llu: error %d",
		    session->device, reader->layer, begin, r);
	return errno_to_blk_status(r);
}

static void serve(struct obd_gunzip_stream *s, struct obd_io *io)
{
	int r = 0;

	while (!r && !obd_io_serve(io) && io->block <= io->last) {
		r = serve_block(s, io);
		cond_resched();
	}
	if (r)
		WRITE_ONCE(io->status, read_failed(io, r));
	obd_io_put(io);
}

/*
 * What is wrong with a block will be found out, and said, when somebody wants
 * it.
 */
static int bring_block(struct obd_gunzip_stream *s, struct obd_io *io)
{
	struct obd_cached *cached;
	void *data;

	if (obd_next_cached(io->reader, io->block, io->block) == io->block)
		return 0;
	data = next_block(s, io, &cached);
	if (IS_ERR(data))
		return PTR_ERR(data);
	if (!cached)
		return -ENOMEM;
	obd_cache_insert(cached);
	obd_session_count_brought(io->reader->session, io->origin);
	return 0;
}

/* Somebody waits for it: for the bio, or for the end of all that is under way. */
static bool is_awaited(const struct obd_io *io)
{
	return io->bio || READ_ONCE(io->reader->session->quiet);
}

/* Return: 0, -EINTR if not all of it for now, or another negative errno. */
static int bring_blocks(struct obd_gunzip_stream *s, struct obd_io *io)
{
	int r;

	for (; io->block <= io->last; io->block++) {
		r = is_awaited(io) ? -EINTR : bring_block(s, io);
		if (r)
			return r;
		cond_resched();
	}
	return 0;
}

/* What the user wants is left for later if somebody waits for the end of it. */
static void bring(struct obd_gunzip_stream *s, struct obd_io *io)
{
	struct obd_session *session = io->reader->session;
	int r;

	do {
		r = bring_blocks(s, io);
		if (r != -EINTR || io->origin != OBD_CACHE_PREFETCH) {
			kfree(io);
			break;
		}
	} while (!obd_session_leave(session, &io->link));
	obd_session_end(session);
}

/* The first byte that needs no beginning anew: of the block before, if it is kept. */
static u64 first_near(const struct obd_gunzip_stream *s)
{
	u64 begin = (u64)s->bounced << BLOCK_SHIFT;

	if (s->bounced != NO_BLOCK &&
	    begin + block_len(s->gunzip->source, s->bounced) == s->stream.pos)
		return begin;
	return s->stream.pos;
}

/* The next of the queue, or NULL: then the stream is not busy any more. */
static struct obd_io *stream_next(struct obd_gunzip_stream *s)
{
	struct obd_gunzip *g = s->gunzip;
	struct obd_io *io;
	unsigned long flags;

	spin_lock_irqsave(&g->lock, flags);
	io = list_first_entry_or_null(&s->queue, struct obd_io, link);
	if (io) {
		list_del(&io->link);
	} else {
		s->busy = false;
		s->from = s->stream.live ? first_near(s) : FAR_AWAY;
		s->end = s->stream.live ? s->stream.pos : FAR_AWAY;
	}
	spin_unlock_irqrestore(&g->lock, flags);
	return io;
}

static void stream_work(struct work_struct *work)
{
	struct obd_gunzip_stream *s =
		container_of(work, struct obd_gunzip_stream, work);
	struct obd_io *io;

	while ((io = stream_next(s))) {
		if (io->bio)
			serve(s, io);
		else
			bring(s, io);
	}
}

/* What a stream has to inflate that will not be there: up to @begin. */
static u64 distance(const struct obd_gunzip_stream *s, u64 begin)
{
	if (begin < READ_ONCE(s->from))
		return FAR_AWAY;
	return begin < s->end ? 0 : begin - s->end;
}

/*
 * The stream that has the least to inflate before @begin, which is @least bytes
 * behind an access point. Locked.
 */
static struct obd_gunzip_stream *choose(struct obd_gunzip *g, u64 begin,
					u64 least)
{
	struct obd_gunzip_stream *s, *best = NULL;

	list_for_each_entry(s, &g->streams, link) {
		u64 d = distance(s, begin);

		if (d <= least) {
			least = d;
			best = s;
		}
	}
	if (best)
		return best;
	list_for_each_entry(s, &g->streams, link)
		if (!s->busy)
			break;
	if (list_entry_is_head(s, &g->streams, link))
		s = list_first_entry(&g->streams, struct obd_gunzip_stream,
				     link);
	s->from = begin;
	s->end = begin;
	return s;
}

/* Behind all that somebody waits for, but before what nobody does. */
static void queue_add(struct obd_gunzip_stream *s, struct obd_io *io)
{
	struct list_head *at = &s->queue;
	struct obd_io *other;

	list_for_each_entry_reverse(other, &s->queue, link)
		if (!io->bio || is_awaited(other)) {
			at = &other->link;
			break;
		}
	list_add(&io->link, at);
}

static void enqueue(struct obd_gunzip *g, struct obd_io *io)
{
	u64 begin = (u64)io->block << BLOCK_SHIFT;
	u64 least = begin - obd_gzip_find(&g->gzip, begin)->data_pos;
	struct obd_gunzip_stream *s;
	unsigned long flags;
	bool idle;

	spin_lock_irqsave(&g->lock, flags);
	s = choose(g, begin, least);
	queue_add(s, io);
	list_move_tail(&s->link, &g->streams);
	s->end = max(s->end, (u64)(io->last + 1) << BLOCK_SHIFT);
	idle = !s->busy;
	s->busy = true;
	spin_unlock_irqrestore(&g->lock, flags);
	if (idle)
		queue_work(g->wq, &s->work);
}

bool obd_gunzip_check(const struct obd_gunzip *gunzip,
		      const struct obd_cached *cached)
{
	return !obd_gzip_check(&gunzip->gzip, cached->block, cached->data,
			       cached->len);
}

void obd_gunzip_read(struct obd_io *io)
{
	obd_io_remember_sender(io);
	enqueue(io->reader->source->gunzip, io);
}

u32 obd_gunzip_bring(struct obd_reader *reader, u32 block, u32 nr,
		     enum obd_cache_origin origin)
{
	struct obd_session *session = reader->session;
	struct obd_io *io;

	if (obd_session_is_busy(session) ||
	    !obd_cache_fits(BLOCK_BYTES))
		return 0;
	io = kzalloc(sizeof(*io), OBD_GFP_TRY);
	if (!io)
		return 0;
	nr = min_t(u32, nr, BRING_MAX);
	io->reader = reader;
	io->block = block;
	io->last = block + nr - 1;
	io->origin = origin;
	obd_session_begin(session);
	enqueue(reader->source->gunzip, io);
	return nr;
}

void obd_gunzip_resume(struct obd_session *session)
{
	struct obd_io *io, *next;
	struct list_head left;

	obd_session_take_left(session, &left);
	list_for_each_entry_safe(io, next, &left, link) {
		obd_session_begin(session);
		enqueue(io->reader->source->gunzip, io);
	}
}

void obd_gunzip_forget(struct obd_session *session)
{
	struct obd_io *io, *next;
	struct list_head left;

	obd_session_take_left(session, &left);
	list_for_each_entry_safe(io, next, &left, link)
		kfree(io);
}

static void stream_free(struct obd_gunzip_stream *s)
{
	obd_gzip_stream_exit(&s->stream);
	obd_gunzip_ahead_exit(&s->ahead);
	kvfree(s->bounce);
	kfree(s);
}

static int stream_alloc(struct obd_gunzip *g)
{
	struct obd_gunzip_stream *s = kzalloc(sizeof(*s), GFP_KERNEL);
	int r;

	if (!s)
		return -ENOMEM;
	s->gunzip = g;
	s->from = FAR_AWAY;
	s->end = FAR_AWAY;
	s->bounced = NO_BLOCK;
	INIT_LIST_HEAD(&s->queue);
	INIT_WORK(&s->work, stream_work);
	list_add(&s->link, &g->streams);
	s->bounce = kvmalloc(BLOCK_BYTES, GFP_KERNEL);
	r = obd_gunzip_ahead_init(&s->ahead) ?:
	    obd_gzip_stream_init(&s->stream, &g->gzip, fetch);
	return s->bounce ? r : -ENOMEM;
}

void obd_gunzip_free(struct obd_gunzip *gunzip)
{
	struct obd_gunzip_stream *s, *next;

	if (!gunzip)
		return;
	if (gunzip->wq)
		destroy_workqueue(gunzip->wq);
	list_for_each_entry_safe(s, next, &gunzip->streams, link)
		stream_free(s);
	obd_gzip_release(&gunzip->gzip);
	kfree(gunzip);
}

static int streams_alloc(struct obd_gunzip *g, struct obd_error *err)
{
	unsigned int i, nr = clamp_t(unsigned int, num_online_cpus(),
				     STREAMS_MIN, STREAMS_MAX);
	int r = 0;

	/* What one read has to inflate may take long: others get their turn. */
	g->wq = alloc_workqueue("dm-overlaybd-gzip", WQ_UNBOUND |
				WQ_MEM_RECLAIM, STREAMS_MAX);
	if (!g->wq)
		r = -ENOMEM;
	for (i = 0; !r && i < nr; i++)
		r = stream_alloc(g);
	return r ? obd_fail(err, r, "gzip: no memory to inflate") : 0;
}

/* Bytes behind the last whole sector of a file are not on a loop device. */
static int check_device(const char *what, const struct obd_dev *dev, u64 bytes,
			struct obd_error *err)
{
	u64 size = obd_dev_size(dev);

	if (bytes <= size)
		return 0;
	if (bytes - size < SECTOR_SIZE)
		return obd_fail(err, -EINVAL,
				"%s: length is %llu bytes, %llu are on its device: the file's last bytes must be joined to it",
				what, (unsigned long long)bytes,
				(unsigned long long)size);
	return obd_fail(err, -EINVAL,
			"%s: length is %llu bytes, expected at most %llu, the size of its device",
			what, (unsigned long long)bytes,
			(unsigned long long)size);
}

static int gzip_open(struct obd_gunzip *g, const struct obd_gzip_devs *devs,
		     const bool *cancelled, struct obd_error *err)
{
	struct obd_dev gzip = { devs->gzip, cancelled };
	struct obd_dev index = { devs->index, cancelled };

	return check_device("gzip", &gzip, devs->gzip_bytes, err) ?:
	       check_device("gzip index", &index, devs->index_bytes, err) ?:
	       obd_gzip_open(&g->gzip, &index, devs->index_bytes,
			     devs->gzip_bytes, err);
}

int obd_gunzip_open(struct obd_source *source,
		    const struct obd_gzip_devs *devs, const bool *cancelled,
		    struct obd_error *err)
{
	struct obd_gunzip *g = kzalloc(sizeof(*g), GFP_KERNEL);
	int r;

	if (!g)
		return obd_fail(err, -ENOMEM, "gzip: no memory");
	g->source = source;
	g->index = devs->index;
	spin_lock_init(&g->lock);
	INIT_LIST_HEAD(&g->streams);
	r = gzip_open(g, devs, cancelled, err) ?: streams_alloc(g, err);
	if (!r && g->gzip.data_size > (u64)U32_MAX << BLOCK_SHIFT)
		r = obd_fail(err, -E2BIG, "gzip: %llu bytes of data, expected fewer",
			     (unsigned long long)g->gzip.data_size);
	if (r) {
		obd_gunzip_free(g);
		return r;
	}
	source->gunzip = g;
	obd_source_init(source, devs->gzip, g->gzip.data_size, BLOCK_SHIFT);
	source->verify = g->gzip.sums;
	source->table_bytes = g->gzip.nr_points * sizeof(*g->gzip.points) +
			      g->gzip.nr_sums * sizeof(*g->gzip.sums);
	return 0;
}
