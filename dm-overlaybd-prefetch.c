// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prefetch at the user's request.
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/sizes.h>

#include "dm-overlaybd-prefetch.h"

#define TICK_MS		10
#define BURST_MS	100	/* what may be made up for when it was busy */

/* Blocks that are wanted. */
struct wanted {
	struct list_head link;
	struct obd_reader *reader;
	u32 block;
	u32 count;
};

static struct workqueue_struct *prefetch_wq;

int obd_prefetch_module_init(void)
{
	prefetch_wq = alloc_workqueue("dm-overlaybd-prefetch", WQ_UNBOUND, 0);
	return prefetch_wq ? 0 : -ENOMEM;
}

void obd_prefetch_module_exit(void)
{
	destroy_workqueue(prefetch_wq);
}

/* Only the work takes ranges away, or whoever has stopped it. */
static struct wanted *first_range(struct obd_prefetch *p)
{
	struct wanted *range;

	spin_lock(&p->lock);
	range = list_first_entry_or_null(&p->ranges, struct wanted, link);
	spin_unlock(&p->lock);
	return range;
}

static void remove_range(struct obd_prefetch *p, struct wanted *range)
{
	spin_lock(&p->lock);
	list_del(&range->link);
	p->nr--;
	spin_unlock(&p->lock);
	kfree(range);
}

static u32 block_bytes(const struct obd_reader *reader)
{
	return reader->source->block_size;
}

static void advance(struct wanted *range, u32 nr)
{
	range->block += nr;
	range->count -= nr;
}

static void skip_cached(struct obd_prefetch *p, struct wanted *range)
{
	while (range->count && !READ_ONCE(p->stopping) &&
	       obd_next_cached(range->reader, range->block, range->block) ==
			range->block) {
		advance(range, 1);
		cond_resched();
	}
}

/* What time has brought since. */
static void add_budget(struct obd_prefetch *p)
{
	ktime_t now = ktime_get();
	s64 per_ms = div_s64((s64)READ_ONCE(p->rate) * SZ_1M, MSEC_PER_SEC);
	s64 ms = min_t(s64, ktime_ms_delta(now, p->last), BURST_MS);

	p->budget = min(p->budget + per_ms * ms, per_ms * BURST_MS);
	p->last = now;
}

static void prefetch_work(struct work_struct *work)
{
	struct obd_prefetch *p = container_of(to_delayed_work(work),
					      struct obd_prefetch, work);
	struct wanted *range;
	u32 nr;

	add_budget(p);
	while (p->budget > 0 && !READ_ONCE(p->stopping)) {
		range = first_range(p);
		if (!range)
			return;
		skip_cached(p, range);
		if (!obd_cache_fits(block_bytes(range->reader)))
			range->count = 0;
		if (range->count) {
			nr = obd_bring(range->reader, range->block,
				       range->count, OBD_CACHE_PREFETCH);
			if (!nr)
				break;
			advance(range, nr);
			p->budget -= (s64)nr * block_bytes(range->reader);
		}
		if (!range->count)
			remove_range(p, range);
		cond_resched();
	}
	if (!READ_ONCE(p->suspended))
		queue_delayed_work(prefetch_wq, &p->work,
				   msecs_to_jiffies(TICK_MS));
}

void obd_prefetch_init(struct obd_prefetch *prefetch)
{
	spin_lock_init(&prefetch->lock);
	INIT_LIST_HEAD(&prefetch->ranges);
	prefetch->rate = OBD_PREFETCH_RATE;
	prefetch->suspended = true;
	INIT_DELAYED_WORK(&prefetch->work, prefetch_work);
}

int obd_prefetch_check(const struct obd_reader *reader, u32 block, u32 count)
{
	u32 nr_blocks = reader->source->nr_blocks;

	if (!reader->cached || !obd_cache_fits(block_bytes(reader)))
		return -EOPNOTSUPP;
	if (!count || block >= nr_blocks || count > nr_blocks - block)
		return -EINVAL;
	return 0;
}

int obd_prefetch_add(struct obd_prefetch *prefetch, struct obd_reader *reader,
		     u32 block, u32 count)
{
	struct wanted *range;

	range = kmalloc(sizeof(*range), GFP_KERNEL);
	if (!range)
		return -ENOMEM;
	range->reader = reader;
	range->block = block;
	range->count = count;
	spin_lock(&prefetch->lock);
	list_add_tail(&range->link, &prefetch->ranges);
	prefetch->nr++;
	spin_unlock(&prefetch->lock);
	if (!READ_ONCE(prefetch->suspended))
		queue_delayed_work(prefetch_wq, &prefetch->work, 0);
	return 0;
}

/* To skip what is cached takes no budget, and so may take long. */
static void stop(struct obd_prefetch *p)
{
	WRITE_ONCE(p->stopping, true);
	cancel_delayed_work_sync(&p->work);
	WRITE_ONCE(p->stopping, false);
}

void obd_prefetch_cancel(struct obd_prefetch *prefetch)
{
	struct wanted *range;

	stop(prefetch);
	while ((range = first_range(prefetch)))
		remove_range(prefetch, range);
}

void obd_prefetch_suspend(struct obd_prefetch *prefetch)
{
	WRITE_ONCE(prefetch->suspended, true);
	stop(prefetch);
}

void obd_prefetch_resume(struct obd_prefetch *prefetch)
{
	WRITE_ONCE(prefetch->suspended, false);
	queue_delayed_work(prefetch_wq, &prefetch->work, 0);
}
