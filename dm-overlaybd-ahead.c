// SPDX-License-Identifier: GPL-2.0-only
/*
 * Read ahead into the cache.
 */
#include <linux/sizes.h>

#include "dm-overlaybd-ahead.h"

/* Whoever reads more at a time gains nothing, and would pay for a copy. */
#define READ_MAX	SZ_64K

/* What is brought at a time, decompressed; it doubles from one to the other. */
#define WINDOW_MIN	SZ_32K
#define WINDOW_MAX	SZ_256K

/* The stream that goes on in block @first, or behind it. */
static struct obd_stream *stream_find(struct obd_reader *reader, u32 first)
{
	struct obd_stream *s;

	for (s = reader->streams; s < reader->streams + OBD_STREAMS; s++)
		if (first + 1 - READ_ONCE(s->next) <= 1)
			return s;
	return NULL;
}

/* A read that continues no other: perhaps one will continue it. */
static void stream_begin(struct obd_reader *reader, u32 first, u32 last)
{
	struct obd_stream *s = &reader->streams[first % OBD_STREAMS];

	WRITE_ONCE(s->next, last + 1);
	WRITE_ONCE(s->end, last + 1);
	WRITE_ONCE(s->window, 0);
}

/* The first of @nr blocks from @block on that is not in the cache. */
static u32 skip_cached(struct obd_reader *reader, u32 block, u32 nr)
{
	while (nr && obd_next_cached(reader, block, block) == block) {
		block++;
		nr--;
	}
	return block;
}

static void stream_bring(struct obd_reader *reader, struct obd_stream *s,
			 u32 from)
{
	const struct obd_source *source = reader->source;
	u32 window = clamp(READ_ONCE(s->window) * 2,
			   max(WINDOW_MIN >> source->block_shift, 1),
			   max(WINDOW_MAX >> source->block_shift, 1));
	u32 end = min(from + window, source->nr_blocks);
	u32 block = skip_cached(reader, from, end - from);

	if (block < end) {
		end = obd_next_cached(reader, block + 1, end - 1);
		end = block + obd_bring(reader, block, end - block,
					OBD_CACHE_AHEAD);
	}
	WRITE_ONCE(s->end, end);
	WRITE_ONCE(s->window, window);
}

/*
 * Where there is no time to wait for the device, the cache costs more than is
 * gained. Streams are followed all the same: that may change with any read.
 */
void obd_ahead(struct obd_reader *reader, u32 first, u32 last)
{
	const struct obd_source *source = reader->source;
	struct obd_stream *s;
	u32 end;

	if ((u64)(last - first + 1) << source->block_shift > READ_MAX ||
	    READ_ONCE(reader->session->quiet) ||
	    !obd_cache_fits(source->block_size))
		return;
	s = stream_find(reader, first);
	if (!s) {
		stream_begin(reader, first, last);
		return;
	}
	if (last < READ_ONCE(s->next))
		return;
	WRITE_ONCE(s->next, last + 1);
	if (READ_ONCE(source->at_once))
		return;
	end = READ_ONCE(s->end);
	if (end > last && end - last > READ_ONCE(s->window) / 2)
		return;
	end = clamp(end, first, last + source->nr_blocks);
	if (end < source->nr_blocks)
		stream_bring(reader, s, end);
}
