// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cache of decompressed blocks.
 */
#include <linux/hash.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>

#include "dm-overlaybd-cache.h"
#include "dm-overlaybd-compat.h"

#define USES_MAX		3
#define PROBATION_SHARE		8	/* of the cache: one part in so many */
#define RAM_SHARE		32	/* the default size, likewise */
#define SHARDS_MAX		64U
#define EVICT_STEPS		64	/* then the next one has to go */
#define EVICT_SHARE		4	/* times the size of what comes in */
#define GHOSTS_MIN		SZ_16K
#define GHOSTS_MAX		SZ_1M
#define GHOST_LINE		16
#define GHOST_SHIFT		12	/* what a ghost has of a hash */

/**
 * struct shard - a part of the cache
 * @lock: protects what follows, and the queues of all blocks in them
 * @probation: blocks that came in, the newest first
 * @main: blocks that were used again
 * @probation_bytes: memory that the blocks on probation take
 * @bytes: memory that all its blocks take
 */
struct shard {
	spinlock_t lock;	/* protects what follows */
	struct list_head probation;
	struct list_head main;
	u64 probation_bytes;
	u64 bytes;
} ____cacheline_aligned_in_smp;

static struct shard *shards;
static unsigned int nr_shards;		/* a power of two */
static unsigned int next_shard;		/* where the shrinker goes on */
static atomic_long_t cache_bytes = ATOMIC_LONG_INIT(0);
static unsigned long cache_max = ULONG_MAX;	/* bytes; until it is set */
static atomic_t next_salt = ATOMIC_INIT(0);
static struct shrinker *shrinker;

/*
 * Which blocks were asked for: a hash for each. It leads to a cache line for
 * GHOST_LINE blocks that follow one another; which of them has which place there
 * depends on it, too.
 */
static u32 *ghosts;
static unsigned int ghost_bits;

/* All 64 bits: hash_64() gives 32 at most. */
static u64 hash_block(const struct obd_cache_layer *layer, u32 block)
{
	return ((u64)layer->salt << 32 | block) * GOLDEN_RATIO_64;
}

static struct shard *shard_of(const struct obd_cached *cached)
{
	u64 hash = hash_block(cached->layer, cached->block);

	return &shards[upper_32_bits(hash) & (nr_shards - 1)];
}

/* What a block costs. */
static u64 cost(const struct obd_cached *cached)
{
	return sizeof(*cached) + cached->len;
}

bool obd_cache_fits(u32 len)
{
	return READ_ONCE(cache_max) / PROBATION_SHARE >= len;
}

bool obd_cache_touch(struct obd_cached *cached, u32 from, u32 to)
{
	u8 uses = READ_ONCE(cached->uses);

	if (from >= READ_ONCE(cached->seen))
		WRITE_ONCE(cached->seen, to);
	else if (uses < USES_MAX)
		WRITE_ONCE(cached->uses, uses + 1);
	if (READ_ONCE(cached->touched))
		return false;
	WRITE_ONCE(cached->touched, true);
	return true;
}

u32 obd_cache_next(struct obd_cache_layer *layer, u32 block, u32 last,
		   bool checked)
{
	unsigned long index = block;
	struct obd_cached *cached;

	if (block > last)
		return last + 1;
	rcu_read_lock();
	cached = xa_find(&layer->blocks, &index, last, XA_PRESENT);
	while (cached && READ_ONCE(cached->checked) < checked)
		cached = xa_find_after(&layer->blocks, &index, last,
				       XA_PRESENT);
	rcu_read_unlock();
	return cached ? index : last + 1;
}

static u32 *ghost_of(u64 hash, u32 block)
{
	u64 place = hash >> (64 - ghost_bits);

	return &ghosts[place ^ block % GHOST_LINE];
}

void obd_cache_expect(const struct obd_cache_layer *layer, u32 block)
{
	prefetchw(ghost_of(hash_block(layer, block / GHOST_LINE), block));
}

bool obd_cache_admits(const struct obd_cache_layer *layer, u32 block)
{
	u64 hash = hash_block(layer, block / GHOST_LINE);
	u32 *ghost = ghost_of(hash, block);
	u32 mark = hash >> GHOST_SHIFT;

	if (READ_ONCE(*ghost) == mark)
		return true;
	WRITE_ONCE(*ghost, mark);
	return false;
}

struct obd_cached *obd_cache_alloc(struct obd_cache_layer *layer, u32 block,
				   u32 len, enum obd_cache_origin origin,
				   bool checked)
{
	/* In slabs, up to two pages, it counts as memory that is available. */
	const gfp_t gfp = OBD_GFP_TRY | __GFP_RECLAIMABLE;
	struct obd_cached *cached;

	if (!obd_cache_fits(len))
		return NULL;
	cached = kzalloc(sizeof(*cached), gfp);
	if (!cached)
		return NULL;
	cached->data = kmalloc(len, gfp);
	if (!cached->data) {
		kfree(cached);
		return NULL;
	}
	cached->layer = layer;
	cached->block = block;
	cached->len = len;
	cached->origin = origin;
	cached->checked = checked;
	return cached;
}

void obd_cache_free(struct obd_cached *cached)
{
	if (!cached)
		return;
	kfree(cached->data);
	kfree(cached);
}

static void cached_free_rcu(struct rcu_head *rcu)
{
	obd_cache_free(container_of(rcu, struct obd_cached, rcu));
}

/*
 * Take a block out of its queue and of its layer. The shard is locked. The
 * layer may be gone as soon as it has no block left.
 */
static void shard_remove(struct shard *shard, struct obd_cached *cached)
{
	list_del(&cached->lru);
	if (!cached->main)
		shard->probation_bytes -= cost(cached);
	shard->bytes -= cost(cached);
	atomic_long_sub(cost(cached), &cache_bytes);
	atomic_long_sub(cost(cached), &cached->layer->bytes);
	xa_erase(&cached->layer->blocks, cached->block);
	call_rcu_hurry(&cached->rcu, cached_free_rcu);
}

static void shard_promote(struct shard *shard, struct obd_cached *cached)
{
	if (!cached->main)
		shard->probation_bytes -= cost(cached);
	cached->main = true;
	list_move(&cached->lru, &shard->main);
}

/* Which block's turn is it? The shard is locked. */
static struct obd_cached *shard_oldest(struct shard *shard)
{
	bool main = list_empty(&shard->probation) ||
		    (!list_empty(&shard->main) &&
		     shard->probation_bytes < shard->bytes / PROBATION_SHARE);

	return list_last_entry(main ? &shard->main : &shard->probation,
			       struct obd_cached, lru);
}

/* What was used meanwhile gets another round. Return: bytes that went. */
static u64 shard_evict(struct shard *shard)
{
	struct obd_cached *cached;
	u64 bytes = 0;
	u8 uses;
	int i;

	spin_lock(&shard->lock);
	for (i = 0; !bytes && shard->bytes; i++) {
		cached = shard_oldest(shard);
		uses = READ_ONCE(cached->uses);
		if (uses && i < EVICT_STEPS) {
			WRITE_ONCE(cached->uses, cached->main ? uses - 1 : 0);
			shard_promote(shard, cached);
			continue;
		}
		bytes = cost(cached);
		shard_remove(shard, cached);
	}
	spin_unlock(&shard->lock);
	return bytes;
}

/*
 * From shard @first on, go round until the cache is no larger than it may be,
 * or @most bytes have gone: who only inserts must not have to make up for a
 * user who made the cache smaller. Return: whether there is more to evict.
 */
static bool evict(unsigned int first, u64 most)
{
	unsigned int i = 0;
	u64 gone = 0;

	while (atomic_long_read(&cache_bytes) > READ_ONCE(cache_max)) {
		u64 bytes;

		if (i == nr_shards || gone >= most)
			return i < nr_shards;
		bytes = shard_evict(&shards[(first + i) & (nr_shards - 1)]);
		gone += bytes;
		i += !bytes;
	}
	return false;
}

/* A block that has been checked is better than one that has not. */
static void shard_make_way(struct shard *shard, const struct obd_cached *cached)
{
	struct obd_cached *other;

	other = xa_load(&cached->layer->blocks, cached->block);
	if (other && cached->checked > READ_ONCE(other->checked))
		shard_remove(shard, other);
}

void obd_cache_insert(struct obd_cached *cached)
{
	struct obd_cache_layer *layer = cached->layer;
	struct shard *shard = shard_of(cached);
	u64 most = EVICT_SHARE * cost(cached);
	int r;

	spin_lock(&shard->lock);
	shard_make_way(shard, cached);
	r = xa_insert(&layer->blocks, cached->block, cached, OBD_GFP_TRY);
	if (!r) {
		cached->main = cached->origin == OBD_CACHE_PREFETCH;
		list_add(&cached->lru, cached->main ? &shard->main :
						      &shard->probation);
		shard->bytes += cost(cached);
		if (!cached->main)
			shard->probation_bytes += cost(cached);
		atomic_long_add(cost(cached), &layer->bytes);
		atomic_long_add(cost(cached), &cache_bytes);
	}
	spin_unlock(&shard->lock);
	if (r)
		obd_cache_free(cached);
	else
		evict(shard - shards, most);
}

void obd_cache_layer_init(struct obd_cache_layer *layer)
{
	xa_init(&layer->blocks);
	atomic_long_set(&layer->bytes, 0);
	layer->salt = atomic_inc_return(&next_salt);
}

void obd_cache_layer_exit(struct obd_cache_layer *layer)
{
	struct obd_cached *cached;
	unsigned long block = 0;

	/* Once it is locked, what is still there stays until it is removed. */
	for (;;) {
		struct shard *shard;

		rcu_read_lock();
		cached = xa_find(&layer->blocks, &block, ULONG_MAX, XA_PRESENT);
		shard = cached ? shard_of(cached) : NULL;
		rcu_read_unlock();
		if (!shard)
			break;
		spin_lock(&shard->lock);
		cached = xa_load(&layer->blocks, block);
		if (cached)
			shard_remove(shard, cached);
		spin_unlock(&shard->lock);
		cond_resched();
	}
	xa_destroy(&layer->blocks);
}

static unsigned long count_pages(struct shrinker *s, struct shrink_control *sc)
{
	return (unsigned long)atomic_long_read(&cache_bytes) >> PAGE_SHIFT ?:
	       SHRINK_EMPTY;
}

static unsigned long scan_pages(struct shrinker *s, struct shrink_control *sc)
{
	u64 freed = 0, wanted = (u64)sc->nr_to_scan << PAGE_SHIFT;
	unsigned int i = 0;

	while (freed < wanted && i < nr_shards) {
		unsigned int n = READ_ONCE(next_shard);
		u64 bytes = shard_evict(&shards[n & (nr_shards - 1)]);

		WRITE_ONCE(next_shard, n + 1);
		freed += bytes;
		i = bytes ? 0 : i + 1;
	}
	return freed >> PAGE_SHIFT ?: SHRINK_STOP;
}

/* An empty cache is one that has seen nothing. Blocks may come in meanwhile. */
static void ghosts_forget(void)
{
	unsigned long i;

	for (i = 0; ghosts && i < 1UL << ghost_bits; i++)
		WRITE_ONCE(ghosts[i], 0);
}

static int set_max(const char *val, const struct kernel_param *kp)
{
	unsigned long mib;
	int r = kstrtoul(val, 0, &mib);

	if (r)
		return r;
	if (mib > ULONG_MAX / SZ_1M)
		return -ERANGE;
	WRITE_ONCE(cache_max, mib * SZ_1M);
	while (READ_ONCE(shards) && evict(0, SZ_1M))
		cond_resched();
	if (!mib)
		ghosts_forget();
	return 0;
}

static int get_max(char *buffer, const struct kernel_param *kp)
{
	return scnprintf(buffer, PAGE_SIZE, "%lu\n",
			 READ_ONCE(cache_max) / SZ_1M);
}

/* Nobody writes to the file, but insmod calls this all the same. */
static int set_bytes(const char *val, const struct kernel_param *kp)
{
	return -EPERM;
}

static int get_bytes(char *buffer, const struct kernel_param *kp)
{
	return scnprintf(buffer, PAGE_SIZE, "%ld\n",
			 atomic_long_read(&cache_bytes));
}

static const struct kernel_param_ops max_ops = {
	.set = set_max,
	.get = get_max,
};

static const struct kernel_param_ops bytes_ops = {
	.set = set_bytes,
	.get = get_bytes,
};

module_param_cb(cache_mib, &max_ops, NULL, 0644);
MODULE_PARM_DESC(cache_mib,
		 "most MiB of decompressed blocks to keep, 0 for none (default: 1/32 of the memory)");
module_param_cb(cache_bytes, &bytes_ops, NULL, 0444);
MODULE_PARM_DESC(cache_bytes, "bytes of decompressed blocks that are kept");

static int shards_init(void)
{
	unsigned int i;

	nr_shards = min_t(unsigned int, roundup_pow_of_two(num_possible_cpus()),
			  SHARDS_MAX);
	shards = kcalloc(nr_shards, sizeof(*shards), GFP_KERNEL);
	if (!shards)
		return -ENOMEM;
	for (i = 0; i < nr_shards; i++) {
		spin_lock_init(&shards[i].lock);
		INIT_LIST_HEAD(&shards[i].probation);
		INIT_LIST_HEAD(&shards[i].main);
	}
	return 0;
}

/* As many as there are pages in a cache of the default size. */
static int ghosts_init(unsigned long bytes)
{
	unsigned long nr = clamp_t(unsigned long, bytes / PAGE_SIZE,
				   GHOSTS_MIN, GHOSTS_MAX);

	ghost_bits = ilog2(nr);
	ghosts = kvcalloc(1UL << ghost_bits, sizeof(*ghosts), GFP_KERNEL);
	return ghosts ? 0 : -ENOMEM;
}

int obd_cache_init(void)
{
	unsigned long bytes = (totalram_pages() / RAM_SHARE) << PAGE_SHIFT;
	int r;

	if (cache_max == ULONG_MAX)
		cache_max = round_down(bytes, SZ_1M);
	r = shards_init() ?: ghosts_init(bytes);
	if (!r) {
		shrinker = obd_shrinker_register(count_pages, scan_pages);
		r = shrinker ? 0 : -ENOMEM;
	}
	if (r)
		obd_cache_exit();
	return r;
}

void obd_cache_exit(void)
{
	obd_shrinker_unregister(shrinker);
	rcu_barrier();
	/* The module's parameters go after this. */
	kernel_param_lock(THIS_MODULE);
	kvfree(ghosts);
	ghosts = NULL;
	kfree(shards);
	shards = NULL;
	kernel_param_unlock(THIS_MODULE);
}
