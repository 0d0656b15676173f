// SPDX-License-Identifier: GPL-2.0-only
/*
 * A pool of threads over numbered items.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>

#include "tools/workers.h"

/* Results that wait for their turn, so that no thread idles for a slow one. */
#define SLOTS_PER_THREAD	4

struct slot {
	bool ready;
	int r;
	struct obd_error err;
	void *data;
};

struct pool {
	const struct work *work;
	struct slot *slots;
	unsigned int nr_slots;
	char *data;
	pthread_mutex_t lock;		/* protects what follows and slots */
	pthread_cond_t slot_ready;
	pthread_cond_t slot_free;
	u64 next;			/* item that is not begun */
	u64 finished;			/* items before this are over */
	bool stop;
};

struct worker {
	struct pool *pool;
	pthread_t thread;
	unsigned int nr;
};

unsigned int work_default_threads(void)
{
	cpu_set_t cpus;
	int nr;

	if (sched_getaffinity(0, sizeof(cpus), &cpus))
		return 1;
	nr = CPU_COUNT(&cpus);
	return nr > 0 ? nr : 1;
}

/* Wait until there is an item to do and a slot for it. Under the lock. */
static bool take_item(struct pool *pool, u64 *item)
{
	while (!pool->stop && pool->next < pool->work->nr_items &&
	       pool->next - pool->finished >= pool->nr_slots)
		pthread_cond_wait(&pool->slot_free, &pool->lock);
	if (pool->stop || pool->next == pool->work->nr_items)
		return false;
	*item = pool->next++;
	return true;
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;
	struct pool *pool = worker->pool;
	const struct work *work = pool->work;
	u64 item;

	pthread_mutex_lock(&pool->lock);
	while (take_item(pool, &item)) {
		struct slot *slot = &pool->slots[item % pool->nr_slots];

		pthread_mutex_unlock(&pool->lock);
		slot->r = work->work(work->ctx, worker->nr, item, slot->data,
				     &slot->err);
		pthread_mutex_lock(&pool->lock);
		slot->ready = true;
		pthread_cond_signal(&pool->slot_ready);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

static int finish_item(struct pool *pool, u64 item, struct obd_error *err)
{
	struct slot *slot = &pool->slots[item % pool->nr_slots];
	const struct work *work = pool->work;

	pthread_mutex_lock(&pool->lock);
	while (!slot->ready)
		pthread_cond_wait(&pool->slot_ready, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
	if (slot->r) {
		*err = slot->err;
		return slot->r;
	}
	return work->finish ? work->finish(work->ctx, item, slot->data, err) :
			      0;
}

static void free_slot(struct pool *pool, u64 item)
{
	pthread_mutex_lock(&pool->lock);
	pool->slots[item % pool->nr_slots].ready = false;
	pool->finished = item + 1;
	pthread_cond_signal(&pool->slot_free);
	pthread_mutex_unlock(&pool->lock);
}

static int finish_items(struct pool *pool, struct obd_error *err)
{
	u64 item;
	int r = 0;

	for (item = 0; !r && item < pool->work->nr_items; item++) {
		r = finish_item(pool, item, err);
		free_slot(pool, item);
	}
	return r;
}

/* As many threads as there can be, if only one. */
static unsigned int start_workers(struct pool *pool, struct worker *workers)
{
	unsigned int i;

	for (i = 0; i < pool->work->nr_threads; i++) {
		workers[i].pool = pool;
		workers[i].nr = i;
		if (pthread_create(&workers[i].thread, NULL, worker_main,
				   &workers[i]))
			break;
	}
	return i;
}

static void stop_workers(struct pool *pool, struct worker *workers,
			 unsigned int nr)
{
	unsigned int i;

	pthread_mutex_lock(&pool->lock);
	pool->stop = true;
	pthread_cond_broadcast(&pool->slot_free);
	pthread_mutex_unlock(&pool->lock);
	for (i = 0; i < nr; i++)
		pthread_join(workers[i].thread, NULL);
}

static int pool_init(struct pool *pool, const struct work *work)
{
	unsigned int i;

	*pool = (struct pool) {
		.work = work,
		.nr_slots = work->nr_threads * SLOTS_PER_THREAD,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.slot_ready = PTHREAD_COND_INITIALIZER,
		.slot_free = PTHREAD_COND_INITIALIZER,
	};
	pool->slots = calloc(pool->nr_slots, sizeof(*pool->slots));
	pool->data = calloc(pool->nr_slots, max(work->slot_size, (size_t)1));
	if (!pool->slots || !pool->data)
		return -ENOMEM;
	for (i = 0; i < pool->nr_slots; i++)
		pool->slots[i].data = pool->data + i * work->slot_size;
	return 0;
}

static void pool_release(struct pool *pool)
{
	unsigned int i;

	for (i = 0; pool->slots && pool->data && i < pool->nr_slots; i++)
		if (pool->work->release)
			pool->work->release(pool->slots[i].data);
	free(pool->slots);
	free(pool->data);
}

int work_run(const struct work *work, struct obd_error *err)
{
	struct worker *workers = calloc(work->nr_threads, sizeof(*workers));
	struct pool pool;
	unsigned int nr;
	int r;

	r = pool_init(&pool, work);
	if (r || !workers) {
		r = obd_fail(err, -ENOMEM, "no memory for %u threads",
			     work->nr_threads);
		goto out;
	}
	nr = start_workers(&pool, workers);
	r = nr ? finish_items(&pool, err) :
		 obd_fail(err, -EAGAIN, "cannot start a thread");
	stop_workers(&pool, workers, nr);
out:
	pool_release(&pool);
	free(workers);
	return r;
}
