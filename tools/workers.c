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
	pthread_cond_t slot_free;
	u64 next;			/* item that is not begun */
	u64 finished;			/* items before this are over */
	bool finishing;			/* a thread takes results */
	bool stop;
	int r;				/* of the first item that failed */
	struct obd_error err;
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

static struct slot *slot_of(const struct pool *pool, u64 item)
{
	return &pool->slots[item % pool->nr_slots];
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

static int finish_item(struct pool *pool, u64 item, struct slot *slot)
{
	const struct work *work = pool->work;

	if (slot->r || !work->finish)
		return slot->r;
	return work->finish(work->ctx, item, slot->data, &slot->err);
}

/*
 * Take the results whose turn it is. Whoever completes the next item does so
 * for all that wait behind it: no thread has to be woken for it. Under the
 * lock, which is released meanwhile.
 */
static void finish_items(struct pool *pool)
{
	struct slot *slot = slot_of(pool, pool->finished);
	int r;

	if (pool->finishing)
		return;
	pool->finishing = true;
	while (slot->ready && !pool->stop) {
		pthread_mutex_unlock(&pool->lock);
		r = finish_item(pool, pool->finished, slot);
		pthread_mutex_lock(&pool->lock);
		if (r) {
			pool->r = r;
			pool->err = slot->err;
			pool->stop = true;
		}
		slot->ready = false;
		slot = slot_of(pool, ++pool->finished);
		pthread_cond_broadcast(&pool->slot_free);
	}
	pool->finishing = false;
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;
	struct pool *pool = worker->pool;
	const struct work *work = pool->work;
	u64 item;

	pthread_mutex_lock(&pool->lock);
	while (take_item(pool, &item)) {
		struct slot *slot = slot_of(pool, item);

		pthread_mutex_unlock(&pool->lock);
		slot->r = work->work(work->ctx, worker->nr, item, slot->data,
				     &slot->err);
		pthread_mutex_lock(&pool->lock);
		slot->ready = true;
		finish_items(pool);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

/* The caller is the first of them; of the others as many as there can be. */
static void run_workers(struct pool *pool, struct worker *workers)
{
	unsigned int i, nr;

	for (i = 0; i < pool->work->nr_threads; i++)
		workers[i] = (struct worker) { .pool = pool, .nr = i };
	for (nr = 1; nr < pool->work->nr_threads; nr++)
		if (pthread_create(&workers[nr].thread, NULL, worker_main,
				   &workers[nr]))
			break;
	worker_main(&workers[0]);
	for (i = 1; i < nr; i++)
		pthread_join(workers[i].thread, NULL);
}

static int pool_init(struct pool *pool, const struct work *work)
{
	unsigned int i;

	*pool = (struct pool) {
		.work = work,
		.nr_slots = work->nr_threads * SLOTS_PER_THREAD,
		.lock = PTHREAD_MUTEX_INITIALIZER,
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
	int r;

	r = pool_init(&pool, work);
	if (r || !workers) {
		r = obd_fail(err, -ENOMEM, "no memory for %u threads",
			     work->nr_threads);
	} else {
		run_workers(&pool, workers);
		r = pool.r;
		if (r)
			*err = pool.err;
	}
	pool_release(&pool);
	free(workers);
	return r;
}
