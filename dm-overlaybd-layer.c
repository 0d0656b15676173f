// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registry of layers and stacks.
 */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/list.h>
#include <linux/moduleparam.h>
#include <linux/sched/mm.h>
#include <linux/sizes.h>
#include <linux/workqueue.h>

#include "dm-overlaybd-layer.h"

#define LOADS_AT_ONCE	16

/* A lookup that goes through so many maps costs too much. */
#define DEPTH_MAX	3

/* Sharing less memory than that is not worth a second lookup. */
#define BELOW_MIN_BYTES	SZ_16K

/*
 * Taken inside the locks of stacks; held for short. Memory is allocated by
 * GFP_NOIO meanwhile: a table of a suspended device may wait for the lock.
 */
static DEFINE_MUTEX(registry_lock);
static LIST_HEAD(layers);
static LIST_HEAD(stacks);

static struct workqueue_struct *load_wq;

static bool parallel_load = true;
module_param(parallel_load, bool, 0644);
MODULE_PARM_DESC(parallel_load,
		 "read the layers of a table side by side (default: Y)");

/**
 * struct obd_batch - layers that something is done with at once
 * @step: what; its result and the reason go to the layer
 * @cancelled: the user has given up
 * @pending: layers that are not done
 * @done: all are
 */
struct obd_batch {
	int (*step)(struct obd_load *load);
	bool cancelled;
	atomic_t pending;
	struct completion done;
};

int obd_layers_init(void)
{
	load_wq = alloc_workqueue("dm-overlaybd-load", WQ_UNBOUND,
				  LOADS_AT_ONCE);
	return load_wq ? 0 : -ENOMEM;
}

void obd_layers_exit(void)
{
	destroy_workqueue(load_wq);
}

static int check_cancelled(struct obd_load *l)
{
	return READ_ONCE(l->batch->cancelled) || obd_interrupted() ?
	       obd_fail(&l->err, -EINTR, "interrupted") : 0;
}

/*
 * A table of a suspended device may wait for the locks that steps take: memory has
 * to be had without I/O, for that may be what waits for the device.
 */
static void load_run(struct obd_load *l)
{
	unsigned int noio = memalloc_noio_save();

	l->result = check_cancelled(l) ?: l->batch->step(l);
	memalloc_noio_restore(noio);
}

static void load_work(struct work_struct *work)
{
	struct obd_load *l = container_of(work, struct obd_load, work);
	struct obd_batch *batch = l->batch;

	load_run(l);
	if (atomic_dec_and_test(&batch->pending))
		complete(&batch->done);
}

/* Those that no worker has begun yet are done here, the last one first. */
static void run_side_by_side(struct obd_load *loads, unsigned int nr,
			     struct obd_batch *batch)
{
	unsigned int i;

	init_completion(&batch->done);
	atomic_set(&batch->pending, nr);
	for (i = 0; i < nr; i++) {
		INIT_WORK(&loads[i].work, load_work);
		queue_work(load_wq, &loads[i].work);
	}
	while (i--)
		if (cancel_work(&loads[i].work))
			load_work(&loads[i].work);
	if (wait_for_completion_killable(&batch->done)) {
		WRITE_ONCE(batch->cancelled, true);
		wait_for_completion(&batch->done);
	}
}

/* Return: the first that failed, or NULL. */
static struct obd_load *run_batch(struct obd_load *loads, unsigned int nr,
				  struct obd_batch *batch)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		loads[i].batch = batch;
	if (nr > 1 && READ_ONCE(parallel_load))
		run_side_by_side(loads, nr, batch);
	else
		for (i = 0; i < nr; i++)
			load_run(&loads[i]);
	for (i = 0; i < nr; i++)
		if (loads[i].result)
			return &loads[i];
	return NULL;
}

static bool shared_is(const struct obd_shared *shared,
		      const struct obd_load *l, u32 stamp, u32 index_stamp)
{
	return shared->kind == l->kind && shared->dev.bdev == l->bdev &&
	       shared->bytes == l->bytes && shared->stamp == stamp &&
	       shared->index == l->index &&
	       shared->index_bytes == l->index_bytes &&
	       shared->index_stamp == index_stamp;
}

/* The registry is locked. */
static struct obd_shared *shared_find(const struct obd_load *l, u32 stamp,
				      u32 index_stamp)
{
	struct obd_shared *shared;

	list_for_each_entry(shared, &layers, link)
		if (shared_is(shared, l, stamp, index_stamp))
			return shared;
	return NULL;
}

static struct obd_shared *shared_alloc(const struct obd_load *l, u32 stamp,
				       u32 index_stamp)
{
	struct obd_shared *shared = kzalloc(sizeof(*shared), GFP_NOIO);

	if (!shared)
		return NULL;
	shared->kind = l->kind;
	shared->dev.bdev = l->bdev;
	shared->bytes = l->bytes;
	shared->stamp = stamp;
	shared->index = l->index;
	shared->index_bytes = l->index_bytes;
	shared->index_stamp = index_stamp;
	mutex_init(&shared->lock);
	list_add(&shared->link, &layers);
	return shared;
}

static struct obd_shared *shared_get(const struct obd_load *l, u32 stamp,
				     u32 index_stamp)
{
	struct obd_shared *shared;

	mutex_lock(&registry_lock);
	shared = shared_find(l, stamp, index_stamp) ?:
		 shared_alloc(l, stamp, index_stamp);
	if (shared)
		shared->users++;
	mutex_unlock(&registry_lock);
	return shared;
}

static int shared_open_gzip(struct obd_shared *shared, struct obd_error *err)
{
	const struct obd_gzip_devs devs = {
		shared->dev.bdev, shared->bytes,
		shared->index, shared->index_bytes
	};
	int r;

	r = obd_gunzip_open(&shared->source, &devs, shared->dev.cancelled, err);
	if (r)
		return r;
	shared->layer.blob.data_size = shared->source.data_size;
	shared->packed = true;
	return 0;
}

/* What is not on the device is not there; see obd_stack_merge(). */
static int shared_open_raw(struct obd_shared *shared)
{
	shared->layer.blob.data_size = min(shared->bytes,
					   obd_dev_size(&shared->dev));
	return 0;
}

static int shared_open_blob(struct obd_shared *shared, struct obd_error *err)
{
	struct obd_layer *layer = &shared->layer;
	int r;

	if (shared->kind == OBD_BLOB)
		r = obd_blob_open(&layer->blob, &shared->dev, shared->bytes,
				  err);
	else
		r = obd_layer_open_headers(layer, &shared->dev, shared->bytes,
					   err);
	if (r || !layer->blob.compressed)
		return r;
	r = obd_source_init_zfile(&shared->source, &layer->blob,
				  shared->dev.bdev);
	if (r)
		return obd_fail(err, r, "no memory to decompress");
	shared->packed = true;
	return 0;
}

static int shared_open_kind(struct obd_shared *shared, struct obd_error *err)
{
	switch (shared->kind) {
	case OBD_GZIP:
		return shared_open_gzip(shared, err);
	case OBD_RAW:
		return shared_open_raw(shared);
	default:
		return shared_open_blob(shared, err);
	}
}

/* The layer is locked. */
static int shared_open(struct obd_shared *shared, struct obd_error *err)
{
	int r = shared_open_kind(shared, err);

	shared->layer.turbo = shared->kind == OBD_TURBO;
	shared->opened = !r;
	if (r)
		obd_layer_release(&shared->layer);
	return r;
}

/*
 * Whoever had it before may have been cancelled with this one; then each of
 * those who wait here would begin anew.
 */
static int shared_lock(struct obd_load *l)
{
	int r;

	if (mutex_lock_killable(&l->shared->lock))
		return obd_fail(&l->err, -EINTR, "interrupted");
	r = check_cancelled(l);
	if (r)
		mutex_unlock(&l->shared->lock);
	return r;
}

/* What tells a file from another in the same place. */
static int load_stamp(struct obd_load *l, struct block_device *bdev, u64 *bytes,
		      u32 *stamp)
{
	struct obd_dev dev = { bdev, &l->batch->cancelled };

	if (!*bytes)
		*bytes = obd_dev_size(&dev);
	return obd_blob_stamp(&dev, *bytes, stamp, &l->err);
}

static int step_open(struct obd_load *l)
{
	u32 stamp, index_stamp = 0;
	int r;

	r = load_stamp(l, l->bdev, &l->bytes, &stamp);
	if (!r && l->index)
		r = load_stamp(l, l->index, &l->index_bytes, &index_stamp);
	if (r)
		return r;
	l->shared = shared_get(l, stamp, index_stamp);
	if (!l->shared)
		return obd_fail(&l->err, -ENOMEM, "no memory for a layer");
	r = shared_lock(l);
	if (r)
		return r;
	l->found = l->shared->opened;
	if (!l->found) {
		l->shared->dev.cancelled = &l->batch->cancelled;
		r = shared_open(l->shared, &l->err);
		l->shared->dev.cancelled = NULL;
	}
	mutex_unlock(&l->shared->lock);
	return r;
}

struct obd_load *obd_layers_open(struct obd_load *loads, unsigned int nr)
{
	struct obd_batch batch = { .step = step_open };

	return run_batch(loads, nr, &batch);
}

void obd_shared_put(struct obd_shared *shared)
{
	bool last;

	if (!shared)
		return;
	mutex_lock(&registry_lock);
	last = !--shared->users;
	if (last)
		list_del(&shared->link);
	mutex_unlock(&registry_lock);
	if (!last)
		return;
	if (shared->packed)
		obd_source_exit(&shared->source);
	obd_layer_release(&shared->layer);
	mutex_destroy(&shared->lock);
	kfree(shared);
}

bool obd_shared_by_others(const struct obd_shared *shared)
{
	bool others;

	mutex_lock(&registry_lock);
	others = shared->users > 1;
	mutex_unlock(&registry_lock);
	return others;
}

/* What a target holds is in the index of the layer before it. */
static bool has_index(const struct obd_shared *shared)
{
	return shared->kind == OBD_LSMT || shared->kind == OBD_TURBO;
}

/* On success the index stays until shared_put_index(). */
static int step_index(struct obd_load *l)
{
	struct obd_shared *shared = l->shared;
	int r;

	if (!has_index(shared))
		return 0;
	r = shared_lock(l);
	if (r)
		return r;
	if (!shared->index_users) {
		shared->dev.cancelled = &l->batch->cancelled;
		r = obd_layer_load_index(&shared->layer, &l->err);
		shared->dev.cancelled = NULL;
	}
	shared->index_users += !r;
	mutex_unlock(&shared->lock);
	return r;
}

static void shared_put_index(struct obd_shared *shared)
{
	if (!has_index(shared))
		return;
	mutex_lock(&shared->lock);
	if (!--shared->index_users)
		obd_layer_drop_index(&shared->layer);
	mutex_unlock(&shared->lock);
}

/* Is @stack what @nr layers of @loads are? */
static bool stack_is(const struct obd_stack *stack,
		     const struct obd_load *loads, unsigned int nr)
{
	unsigned int i;

	if (stack->nr != nr)
		return false;
	for (i = nr; i--;)
		if (stack->layers[i] != loads[i].shared)
			return false;
	return true;
}

/* The highest stack that the lowest layers are. The registry is locked. */
static struct obd_stack *stack_find_below(const struct obd_load *loads,
					  unsigned int nr)
{
	struct obd_stack *stack, *best = NULL;

	list_for_each_entry(stack, &stacks, link) {
		if (!stack->built || stack->nr >= nr ||
		    stack->depth >= DEPTH_MAX ||
		    obd_map_bytes(&stack->map) < BELOW_MIN_BYTES ||
		    (best && best->nr >= stack->nr))
			continue;
		if (stack_is(stack, loads, stack->nr))
			best = stack;
	}
	return best;
}

static struct obd_stack *stack_alloc(const struct obd_load *loads,
				     unsigned int nr)
{
	struct obd_stack *stack = kzalloc(sizeof(*stack), GFP_NOIO);
	unsigned int i;

	if (!stack)
		return NULL;
	stack->layers = kmalloc_array(nr, sizeof(*stack->layers), GFP_NOIO);
	if (!stack->layers) {
		kfree(stack);
		return NULL;
	}
	for (i = 0; i < nr; i++)
		stack->layers[i] = loads[i].shared;
	stack->nr = nr;
	stack->below = stack_find_below(loads, nr);
	if (stack->below) {
		stack->below->users++;
		stack->depth = stack->below->depth + 1;
	}
	mutex_init(&stack->lock);
	list_add(&stack->link, &stacks);
	return stack;
}

/* The registry is locked. */
static struct obd_stack *stack_find(const struct obd_load *loads,
				    unsigned int nr)
{
	struct obd_stack *stack;

	list_for_each_entry(stack, &stacks, link)
		if (stack_is(stack, loads, nr))
			return stack;
	return NULL;
}

/* The indexes of the layers from @first on are loaded, the stack is locked. */
static int stack_merge(struct obd_stack *stack, unsigned int first,
		       struct obd_error *err)
{
	u64 least = stack->below ? stack->below->map.nr_sectors : 0;
	struct obd_layer **merged;
	unsigned int i;
	int r;

	merged = kmalloc_array(stack->nr, sizeof(*merged), GFP_KERNEL);
	if (!merged)
		return obd_fail(err, -ENOMEM, "no memory for the layers");
	for (i = 0; i < stack->nr; i++)
		merged[i] = &stack->layers[i]->layer;
	stack->sectors = obd_stack_sectors(merged, stack->nr);
	r = obd_stack_merge(&stack->map, merged, stack->nr, first, least, err);
	kfree(merged);
	return r;
}

/* All are in memory at once, whatever of them is padding. */
static int check_entries(const struct obd_stack *stack, unsigned int first,
			 struct obd_error *err)
{
	unsigned int i;
	u64 nr = 0;
	int r = 0;

	for (i = first; !r && i < stack->nr; i++)
		r = obd_layer_count_entries(&stack->layers[i]->layer, &nr, err);
	return r;
}

/* The stack is locked. */
static int stack_build(struct obd_stack *stack, struct obd_load *loads,
		       struct obd_load **failed, struct obd_error *err)
{
	struct obd_batch batch = { .step = step_index };
	unsigned int i, first = stack->below ? stack->below->nr : 0;
	unsigned int noio;
	int r;

	r = check_entries(stack, first, err);
	if (r)
		return r;
	*failed = run_batch(loads + first, stack->nr - first, &batch);
	noio = memalloc_noio_save();
	r = *failed ? (*failed)->result : stack_merge(stack, first, err);
	memalloc_noio_restore(noio);
	for (i = first; i < stack->nr; i++)
		if (!loads[i].result)
			shared_put_index(loads[i].shared);
	if (r)
		return r;
	mutex_lock(&registry_lock);
	stack->built = true;
	mutex_unlock(&registry_lock);
	return 0;
}

struct obd_stack *obd_stack_get(struct obd_load *loads, unsigned int nr,
				bool *found, struct obd_load **failed,
				struct obd_error *err)
{
	struct obd_stack *stack;
	int r = 0;

	*failed = NULL;
	mutex_lock(&registry_lock);
	stack = stack_find(loads, nr) ?: stack_alloc(loads, nr);
	if (stack)
		stack->users++;
	mutex_unlock(&registry_lock);
	if (!stack)
		return ERR_PTR(obd_fail(err, -ENOMEM,
					"no memory for a stack"));
	if (mutex_lock_killable(&stack->lock)) {
		r = obd_fail(err, -EINTR, "interrupted");
	} else {
		*found = stack->built;
		if (!*found)
			r = stack_build(stack, loads, failed, err);
		mutex_unlock(&stack->lock);
	}
	if (r) {
		obd_stack_put(stack);
		return ERR_PTR(r);
	}
	return stack;
}

void obd_stack_put(struct obd_stack *stack)
{
	while (stack) {
		struct obd_stack *below = stack->below;
		bool last;

		mutex_lock(&registry_lock);
		last = !--stack->users;
		if (last)
			list_del(&stack->link);
		mutex_unlock(&registry_lock);
		if (!last)
			return;
		obd_map_release(&stack->map);
		mutex_destroy(&stack->lock);
		kfree(stack->layers);
		kfree(stack);
		stack = below;
	}
}

void obd_stack_usage(const struct obd_stack *stack,
		     struct obd_stack_usage *usage)
{
	bool shared = false;

	*usage = (struct obd_stack_usage) {};
	mutex_lock(&registry_lock);
	for (; stack; stack = stack->below) {
		u64 bytes = obd_map_bytes(&stack->map);

		shared |= stack->users > 1;
		usage->extents += stack->map.nr;
		usage->bytes += bytes;
		usage->shared_bytes += shared ? bytes : 0;
	}
	mutex_unlock(&registry_lock);
}
