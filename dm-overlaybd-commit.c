// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commits: one for all who wait for it.
 */
#include "dm-overlaybd-upper.h"

#define DM_MSG_PREFIX "overlaybd"

/* Kept free for padding, and for what a sector of the log holds at most. */
#define SLACK_SLOTS		(2 * OBD_SECTOR_SLOTS)

void obd_upper_kick(struct obd_upper *u)
{
	queue_work(u->wq, &u->commit_work);
}

s64 obd_upper_log_room(const struct obd_upper *u)
{
	u64 used = u->log_end + u->nr_pending + obd_upper_map_pieces(&u->map) +
		   (u64)OBD_SLOTS_PER_WRITE * u->nr_reserved + SLACK_SLOTS;

	return (s64)u->log_slots - (s64)used;
}

/* The disk did not take what it had to: promise nothing more. */
static void fail_upper(struct obd_upper *u, int r)
{
	spin_lock_irq(&u->lock);
	u->event = true;
	WRITE_ONCE(u->failed, true);
	spin_unlock_irq(&u->lock);
	DMERR("%s: the writable layer could not be written (error %d): no writes from now on",
	      u->device, r);
}

/*
 * Each once. One that was mapped in part has had an entry for that, and may need
 * another one: with nothing pending there is room for all that are reserved.
 * Return: was there no memory for some?
 */
static bool map_stalled(struct obd_upper *u)
{
	struct bio_list again = BIO_EMPTY_LIST;
	bool scarce;
	struct bio *bio;

	for (;;) {
		spin_lock_irq(&u->lock);
		bio = u->nr_pending + u->nr_reserved <= OBD_PENDING_MAX ?
		      bio_list_pop(&u->stalled) : NULL;
		spin_unlock_irq(&u->lock);
		if (!bio)
			break;
		if (!obd_upper_map_stalled(u, bio))
			bio_list_add(&again, bio);
	}
	scarce = !bio_list_empty(&again);
	spin_lock_irq(&u->lock);
	bio_list_merge_head(&u->stalled, &again);
	spin_unlock_irq(&u->lock);
	return scarce;
}

/* Take what is to be committed. Return: is there anything? */
static bool take_pending(struct obd_upper *u, struct bio_list *waiting, u32 *nr)
{
	struct lsmt_entry *to = obd_logger_entries(&u->logger);
	bool any;

	bio_list_init(waiting);
	spin_lock_irq(&u->lock);
	bio_list_merge(waiting, &u->waiting);
	bio_list_init(&u->waiting);
	*nr = u->nr_pending;
	memcpy(to, u->pending, *nr * sizeof(*to));
	u->nr_pending = 0;
	obd_space_settle(&u->space);
	u->log_end += *nr;
	any = *nr || !bio_list_empty(waiting) || u->space.due;
	spin_unlock_irq(&u->lock);
	wake_up(&u->wait);
	return any;
}

static int write_out(struct obd_upper *u, u32 nr)
{
	int r;

	if (READ_ONCE(u->failed))
		return -EIO;
	r = blkdev_issue_flush(u->data);
	if (!r && nr)
		r = obd_logger_append(&u->logger, nr, REQ_FUA);
	if (r)
		fail_upper(u, r);
	return r;
}

static void end_waiting(struct bio_list *waiting, int r)
{
	struct bio *bio;

	while ((bio = bio_list_pop(waiting))) {
		bio->bi_status = errno_to_blk_status(r);
		bio_endio(bio);
	}
}

static void commit(struct obd_upper *u)
{
	struct bio_list waiting;
	bool release = false;
	u32 nr;
	int r;

	if (!take_pending(u, &waiting, &nr))
		return;
	r = write_out(u, nr);
	spin_lock_irq(&u->lock);
	u->nr_commits++;
	if (!r)
		release = obd_space_durable(&u->space);
	spin_unlock_irq(&u->lock);
	end_waiting(&waiting, r);
	if (release)
		queue_work(u->wq, &u->release_work);
}

static bool has_stalled(struct obd_upper *u)
{
	bool stalled;

	spin_lock_irq(&u->lock);
	stalled = !bio_list_empty(&u->stalled);
	spin_unlock_irq(&u->lock);
	return stalled;
}

/*
 * What is mapped is committed, however long the rest waits for memory: the memory
 * may be what those have who wait for the commit.
 */
static void map_and_commit(struct obd_upper *u)
{
	unsigned int round = 0;
	bool scarce;

	for (;;) {
		scarce = map_stalled(u);
		commit(u);
		if (!has_stalled(u))
			break;
		if (scarce)
			obd_upper_wait_for_memory(round++);
	}
}

/* Tell once that the index device should grow. */
static void note_log(struct obd_upper *u)
{
	bool low = obd_upper_log_low(u);

	if (low && !u->log_low)
		u->event = true;
	u->log_low = low;
}

/* Let it be shut if making the log shorter is worth it. Return: is it? */
static bool shut_if_worth(struct obd_upper *u)
{
	bool worth;

	spin_lock_irq(&u->lock);
	note_log(u);
	worth = !u->failed && obd_upper_compactable(u);
	u->shut = worth;
	spin_unlock_irq(&u->lock);
	if (!worth)
		wake_up(&u->wait);
	return worth;
}

/* What has been written and not mapped, for want of memory, waits for the caller. */
static void wait_for_writes(struct obd_upper *u)
{
	spin_lock_irq(&u->lock);
	wait_event_lock_irq(u->wait,
			    !u->nr_reserved || !bio_list_empty(&u->stalled),
			    u->lock);
	spin_unlock_irq(&u->lock);
}

static bool is_settled(struct obd_upper *u)
{
	bool settled;

	spin_lock_irq(&u->lock);
	settled = !u->nr_reserved && !u->nr_pending;
	spin_unlock_irq(&u->lock);
	return settled;
}

/* Have the log say all that is mapped. Nobody gets a slot meanwhile. */
static void settle(struct obd_upper *u)
{
	while (!is_settled(u)) {
		wait_for_writes(u);
		map_and_commit(u);
	}
}

/*
 * What the log is begun anew with must say nothing that it does not say before:
 * else it could not be told from new entries after a crash that leaves a part of
 * it, and the room for another attempt would be gone.
 */
static void compact(struct obd_upper *u)
{
	int r;

	if (!shut_if_worth(u))
		return;
	settle(u);
	if (!shut_if_worth(u))
		return;
	r = obd_upper_compact(u);
	if (r)
		fail_upper(u, r);
	spin_lock_irq(&u->lock);
	u->shut = false;
	spin_unlock_irq(&u->lock);
	wake_up(&u->wait);
}

static void tell(struct obd_upper *u)
{
	struct dm_target *ti = READ_ONCE(u->ti);
	bool event;

	spin_lock_irq(&u->lock);
	event = u->event;
	u->event = false;
	spin_unlock_irq(&u->lock);
	if (event && ti)
		dm_table_event(ti->table);
}

void obd_upper_commit_work(struct work_struct *work)
{
	struct obd_upper *u = container_of(work, struct obd_upper, commit_work);

	map_and_commit(u);
	compact(u);
	tell(u);
}

void obd_upper_release_work(struct work_struct *work)
{
	struct obd_upper *u = container_of(work, struct obd_upper,
					   release_work);
	bool more;

	spin_lock_irq(&u->lock);
	more = u->space.due && u->space.durable;
	spin_unlock_irq(&u->lock);
	if (!more)
		return;
	synchronize_srcu(&u->bios);
	while (more) {
		spin_lock_irq(&u->lock);
		more = obd_space_release(&u->space);
		spin_unlock_irq(&u->lock);
		cond_resched();
	}
}
