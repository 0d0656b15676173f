// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bios of a writable layer.
 */
#include <linux/delay.h>

#include "dm-overlaybd-upper.h"

/* Kept for discards when the log is full of extents: they make it emptier. */
#define SLOTS_FOR_ZEROES	128U
#define PART_FOR_ZEROES		16	/* of a small log; less than is tight */

/* Commits to wait for when there is no room that may make some. */
#define ROOM_ROUNDS	3
#define LOST_ROUNDS	100	/* that others were faster, or that took too long */

/* Some 40 seconds at the most, the first ones soon after one another. */
#define MEMORY_TRIES	300
#define MEMORY_WAIT_US	1000
#define MEMORY_WAITS	7	/* times that it is doubled */

static struct obd_upper_io *io_of(struct bio *bio)
{
	union obd_bio *data = dm_per_bio_data(bio, sizeof(*data));

	return &data->upper;
}

static int end_bio(struct bio *bio, int r)
{
	bio->bi_status = errno_to_blk_status(r);
	bio_endio(bio);
	return DM_MAPIO_SUBMITTED;
}

/* Without the lock, the bio may have been ended, and the upper be gone. */
static void wait_for_commit(struct obd_upper *u, struct bio *bio)
{
	unsigned long flags;

	spin_lock_irqsave(&u->lock, flags);
	bio_list_add(&u->waiting, bio);
	obd_upper_kick(u);
	spin_unlock_irqrestore(&u->lock, flags);
}

static void finish(struct bio *bio, struct obd_upper_io *io)
{
	bio->bi_end_io = io->end_io;
	if (io->fua && !bio->bi_status)
		wait_for_commit(io->upper, bio);
	else
		io->end_io(bio);	/* bio_endio() has done the rest */
}

static void in_place_endio(struct bio *bio)
{
	struct obd_upper_io *io = io_of(bio);

	obd_srcu_up_read(&io->upper->bios, io->bios_idx);
	finish(bio, io);
}

/* Others wait for it to end, whether or not its submitter comes to poll for that. */
static void remap(struct bio *bio, struct obd_upper_io *io, u64 moffset,
		  bio_end_io_t *end_io)
{
	bio_clear_polled(bio);
	io->end_io = bio->bi_end_io;
	bio->bi_end_io = end_io;
	bio_set_dev(bio, io->upper->data);
	bio->bi_iter.bi_sector = moffset;
}

void obd_upper_read(struct obd_upper *u, struct bio *bio, u64 sector,
		    struct obd_upper_io *io, enum obd_what *what)
{
	struct obd_piece piece;
	int idx = obd_srcu_down_read(&u->bios);

	obd_upper_map_lookup(&u->map, sector, bio_sectors(bio), &piece);
	if (bio_sectors(bio) > piece.len)
		dm_accept_partial_bio(bio, piece.len);
	*what = piece.what;
	if (piece.what != OBD_DATA) {
		obd_srcu_up_read(&u->bios, idx);
		return;
	}
	io->upper = u;
	io->bios_idx = idx;
	io->fua = false;
	remap(bio, io, piece.moffset, in_place_endio);
}

/* An entry that continues the last one, in both places, becomes part of it. */
static bool extend_pending(struct obd_upper *u, u64 sector,
			   const struct obd_piece *piece)
{
	bool zeroed = piece->what == OBD_ZEROES;
	struct lsmt_entry *e;
	u64 first, moffset;
	u32 len;

	if (!u->nr_pending)
		return false;
	e = &u->pending[u->nr_pending - 1];
	first = lsmt_entry_offset(e);
	len = lsmt_entry_length(e);
	moffset = zeroed ? 0 : lsmt_entry_moffset(e);
	if (lsmt_entry_zeroed(e) != zeroed || first + len != sector ||
	    (!zeroed && moffset + len != piece->moffset) ||
	    len + piece->len > OBD_PIECE_MAX)
		return false;
	obd_log_entry(e, first, len + piece->len, moffset, u->tag);
	return true;
}

/* Map a piece, free what it overrides, have it logged; under the lock. */
static int map_piece(struct obd_upper *u, u64 sector, struct obd_piece *piece,
		     gfp_t gfp)
{
	int r;

	/* A bio that stalls between its pieces may take more than it reserved. */
	if (u->nr_pending == OBD_LOGGER_MAX)
		return -ENOMEM;
	r = obd_upper_map_store(&u->map, sector, piece, &u->freed, gfp);
	if (r)
		return r;
	obd_space_free(&u->space, &u->freed);
	if (!extend_pending(u, sector, piece))
		obd_log_entry(&u->pending[u->nr_pending++], sector, piece->len,
			      piece->moffset, u->tag);
	return 0;
}

static int map_data(struct obd_upper *u, struct obd_upper_io *io, gfp_t gfp)
{
	struct obd_piece piece;
	int r;

	while (io->len) {
		piece.what = OBD_DATA;
		piece.moffset = io->moffset;
		piece.len = io->len;
		r = map_piece(u, io->sector, &piece, gfp);
		if (r)
			return r;
		io->sector += piece.len;
		io->moffset += piece.len;
		io->len -= piece.len;
	}
	return 0;
}

/*
 * Where a write has failed another one might: better try elsewhere first. Not so
 * if it just would have had to wait, or if a file system or pool that the device
 * lies on is full.
 */
static void return_data(struct obd_upper *u, const struct bio *bio,
			struct obd_upper_io *io)
{
	if (bio->bi_status == BLK_STS_AGAIN || bio->bi_status == BLK_STS_NOSPC)
		obd_space_return(&u->space, io->moffset, io->len);
	else
		obd_space_suspect(&u->space, io->moffset, io->len);
	io->len = 0;
}

static void append_endio(struct bio *bio)
{
	struct obd_upper_io *io = io_of(bio);
	struct obd_upper *u = io->upper;
	unsigned long flags;
	bool stalled;

	spin_lock_irqsave(&u->lock, flags);
	if (bio->bi_status)
		return_data(u, bio, io);
	stalled = map_data(u, io, OBD_GFP_TRY);
	if (stalled)
		bio_list_add(&u->stalled, bio);
	else
		u->nr_reserved--;
	if (stalled || u->nr_pending >= OBD_PENDING_MAX / 2)
		obd_upper_kick(u);
	if (wq_has_sleeper(&u->wait))
		wake_up(&u->wait);
	/* From here on the worker may end one that is stalled. */
	spin_unlock_irqrestore(&u->lock, flags);

	if (!stalled)
		finish(bio, io);
}

static int try_map_stalled(struct obd_upper *u, struct obd_upper_io *io)
{
	int r;

	spin_lock_irq(&u->lock);
	r = map_data(u, io, OBD_GFP_RESERVES);
	spin_unlock_irq(&u->lock);
	return r;
}

/* See to it that there is some memory; not for ever. */
bool obd_upper_wait_for_memory(unsigned int try)
{
	struct page *page = alloc_page(GFP_NOIO | __GFP_NORETRY | __GFP_NOWARN);

	if (page)
		__free_page(page);
	else
		fsleep(MEMORY_WAIT_US << min(try, MEMORY_WAITS));
	return try < MEMORY_TRIES;
}

bool obd_upper_map_stalled(struct obd_upper *u, struct bio *bio)
{
	struct obd_upper_io *io = io_of(bio);
	int r;

	r = try_map_stalled(u, io);
	if (r && io->tries++ < MEMORY_TRIES)
		return false;
	if (r)
		bio->bi_status = BLK_STS_RESOURCE;
	spin_lock_irq(&u->lock);
	if (r)
		obd_space_return(&u->space, io->moffset, io->len);
	u->nr_reserved--;
	spin_unlock_irq(&u->lock);
	wake_up(&u->wait);
	finish(bio, io);
	return true;
}

/* Tell once that something has become scarce. */
static void note_room(struct obd_upper *u, bool full)
{
	bool low = obd_space_available(&u->space) < u->low_water;

	if ((full && !u->full) || (low && !u->low)) {
		u->event = true;
		obd_upper_kick(u);
	}
	u->full = full;
	u->low = low;
}

/* There is none; is there hope that the next commits make some? */
static int no_room(struct obd_upper *u, bool hope)
{
	if (hope)
		return -EBUSY;
	note_room(u, true);
	return -ENOSPC;
}

/* Under the lock: may an attempt at getting a slot succeed? */
static bool has_slot(const struct obd_upper *u)
{
	return u->failed ||
	       (!u->shut && u->nr_pending + u->nr_reserved < OBD_PENDING_MAX);
}

/*
 * Under the lock; @kept slots remain for others. Return: 0; -EAGAIN if a commit
 * will make room; -EBUSY if it may; or -ENOSPC or -EIO.
 */
static int reserve(struct obd_upper *u, s64 kept)
{
	if (u->failed)
		return -EIO;
	if (!has_slot(u))
		return -EAGAIN;
	if (obd_upper_log_room(u) < OBD_SLOTS_PER_WRITE + kept)
		return no_room(u, u->nr_reserved || u->nr_pending ||
				  obd_upper_compactable(u));
	u->nr_reserved++;
	return 0;
}

/* One attempt at something that needs an entry of the log. */
typedef int (*attempt_fn)(struct obd_upper *u, struct obd_upper_io *io);

static int try_append(struct obd_upper *u, struct obd_upper_io *io)
{
	s64 kept = min_t(u64, SLOTS_FOR_ZEROES,
			 u->log_slots / PART_FOR_ZEROES);
	u64 len;
	int r;

	r = reserve(u, kept);
	if (r)
		return r;
	len = obd_space_alloc(&u->space, io->len, &io->moffset);
	if (!len) {
		u->nr_reserved--;
		return no_room(u, u->space.due || u->space.pending->sectors);
	}
	io->len = len;
	io->tries = 0;
	note_room(u, false);
	return 0;
}

static int map_zeroes(struct obd_upper *u, u64 sector, struct obd_piece *piece)
{
	int r;

	r = reserve(u, 0);
	if (r)
		return r;
	u->nr_reserved--;
	piece->what = OBD_ZEROES;
	piece->moffset = 0;
	r = map_piece(u, sector, piece, OBD_GFP_TRY);
	if (!r && u->nr_pending >= OBD_PENDING_MAX / 2)
		obd_upper_kick(u);
	return r;
}

/* What is zeroes already costs no entry: disks are trimmed again and again. */
static int try_zero(struct obd_upper *u, struct obd_upper_io *io)
{
	u32 len = min(io->len, OBD_ZERO_MAX_SECTORS);
	struct obd_piece piece;
	int r = 0;

	if (u->failed)
		return -EIO;
	obd_upper_map_lookup(&u->map, io->sector, len, &piece);
	if (piece.what != OBD_ZEROES) {
		piece.len = len;
		r = map_zeroes(u, io->sector, &piece);
	}
	if (r)
		return r;
	io->sector += piece.len;
	io->len -= piece.len;
	return 0;
}

static int give_up(struct obd_upper *u, struct obd_upper_io *io)
{
	note_room(u, true);
	return -ENOSPC;
}

static int attempt(struct obd_upper *u, struct obd_upper_io *io,
		   attempt_fn fn)
{
	unsigned long flags;
	int r;

	spin_lock_irqsave(&u->lock, flags);
	r = fn(u, io);
	spin_unlock_irqrestore(&u->lock, flags);
	return r;
}

static void wait_for_slot(struct obd_upper *u)
{
	obd_upper_kick(u);
	spin_lock_irq(&u->lock);
	wait_event_lock_irq(u->wait, has_slot(u), u->lock);
	spin_unlock_irq(&u->lock);
}

/**
 * struct patience - of a write that there is no room for
 * @rounds: commits that it has waited for, and none made any room
 * @lost: times that one did, and others were faster, or that nobody knows
 */
struct patience {
	unsigned int rounds;
	unsigned int lost;
};

/* It changes whenever room comes into being, for data or in the log. */
static u64 room_made(const struct obd_upper *u)
{
	return READ_ONCE(u->space.released) + READ_ONCE(u->nr_compactions);
}

/*
 * What is under way keeps more of the log than it will need in the end. Return: has
 * all of it come to an end soon?
 */
static bool commit_all(struct obd_upper *u)
{
	bool ended;

	spin_lock_irq(&u->lock);
	ended = wait_event_lock_irq_timeout(u->wait, !u->nr_reserved, u->lock,
					    HZ);
	spin_unlock_irq(&u->lock);
	obd_upper_kick(u);
	flush_work(&u->commit_work);
	flush_work(&u->release_work);
	return ended;
}

/*
 * Where others have been faster there will be room again: what they have written
 * over becomes free in turn. Return: false if it is hopeless.
 */
static bool wait_for_room(struct obd_upper *u, struct patience *p)
{
	u64 before = room_made(u);

	if (p->rounds == ROOM_ROUNDS)
		return false;
	p->rounds++;
	if ((!commit_all(u) || room_made(u) != before) &&
	    p->lost < LOST_ROUNDS) {
		p->lost++;
		p->rounds = 0;
	}
	return true;
}

/* Attempt it until it works, or until it is clear that it will not. */
static int insist(struct obd_upper *u, struct bio *bio,
		  struct obd_upper_io *io, attempt_fn fn)
{
	struct patience patience = {};
	unsigned int tries = 0;
	int r;

	for (;;) {
		r = attempt(u, io, fn);
		if (r != -EAGAIN && r != -EBUSY && r != -ENOMEM)
			return r;
		if (bio->bi_opf & REQ_NOWAIT)
			return -EAGAIN;
		if (r == -EBUSY) {
			if (!wait_for_room(u, &patience))
				return attempt(u, io, give_up);
		} else if (r == -ENOMEM) {
			if (!obd_upper_wait_for_memory(tries++))
				return r;
		} else {
			wait_for_slot(u);
		}
	}
}

static int write_in_place(struct obd_upper *u, struct bio *bio,
			  struct obd_upper_io *io, u64 moffset)
{
	if (unlikely(READ_ONCE(u->failed))) {
		obd_srcu_up_read(&u->bios, io->bios_idx);
		return end_bio(bio, -EIO);
	}
	bio->bi_opf &= ~REQ_FUA;
	remap(bio, io, moffset, in_place_endio);
	return DM_MAPIO_REMAPPED;
}

static int append(struct obd_upper *u, struct bio *bio,
		  struct obd_upper_io *io)
{
	int r;

	r = insist(u, bio, io, try_append);
	if (r)
		return end_bio(bio, r);
	if (bio_sectors(bio) > io->len)
		dm_accept_partial_bio(bio, io->len);
	bio->bi_opf &= ~REQ_FUA;
	remap(bio, io, io->moffset, append_endio);
	return DM_MAPIO_REMAPPED;
}

int obd_upper_write(struct obd_upper *u, struct bio *bio, u64 sector,
		    struct obd_upper_io *io)
{
	struct obd_piece piece;

	io->upper = u;
	io->sector = sector;
	io->fua = bio->bi_opf & REQ_FUA;
	io->bios_idx = obd_srcu_down_read(&u->bios);
	obd_upper_map_lookup(&u->map, sector,
			     min(bio_sectors(bio), OBD_PIECE_MAX), &piece);
	io->len = piece.len;
	if (bio_sectors(bio) > io->len)
		dm_accept_partial_bio(bio, io->len);
	if (piece.what == OBD_DATA)
		return write_in_place(u, bio, io, piece.moffset);
	obd_srcu_up_read(&u->bios, io->bios_idx);
	return append(u, bio, io);
}

int obd_upper_zero(struct obd_upper *u, struct bio *bio, u64 sector,
		   struct obd_upper_io *io)
{
	int r = 0;

	io->sector = sector;
	io->len = bio_sectors(bio);
	while (!r && io->len)
		r = insist(u, bio, io, try_zero);
	if (!r && bio->bi_opf & REQ_FUA)
		wait_for_commit(u, bio);
	else
		end_bio(bio, r);
	return DM_MAPIO_SUBMITTED;
}

int obd_upper_flush(struct obd_upper *u, struct bio *bio)
{
	wait_for_commit(u, bio);
	return DM_MAPIO_SUBMITTED;
}
