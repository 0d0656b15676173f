/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decompressed blocks, kept for every device over the same layer.
 *
 * A block comes in on probation, in a queue that holds an eighth of the cache
 * once that is full. What is used again while it is there moves on to the main
 * queue; what is not leaves the cache. So a scan passes through, and leaves
 * what is in use alone. A hit takes no lock: it reads under RCU, and writes to the
 * block's own memory at most.
 *
 * The cache is sharded by block. A shard's lock is taken to insert and to
 * evict, and a layer's xa_lock is taken inside it. Neither is taken in
 * interrupts.
 */
#ifndef DM_OVERLAYBD_CACHE_H
#define DM_OVERLAYBD_CACHE_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/types.h>
#include <linux/xarray.h>

/* What brought a block into the cache. */
enum obd_cache_origin {
	OBD_CACHE_READ,		/* a read, or it was on the way to another */
	OBD_CACHE_AHEAD,	/* guessed from the reads before */
	OBD_CACHE_PREFETCH,	/* asked for by the user */
};

/**
 * struct obd_cache_layer - the blocks of one layer that the cache holds
 * @blocks: by number; read under RCU
 * @bytes: memory that they take
 * @salt: tells the layer's blocks from those of others
 */
struct obd_cache_layer {
	struct xarray blocks;
	atomic_long_t bytes;
	u32 salt;
};

/**
 * struct obd_cached - a decompressed block
 * @layer: whose
 * @block: which
 * @len: its bytes
 * @seen: bytes from its beginning that were read once; reading on behind them
 *	is the same use of the block
 * @uses: times that it was used again, up to a small number
 * @origin: what brought it
 * @touched: it has been read
 * @checked: its CRC was right, or it has none; a reader may find that out
 * @main: S: it is in the main queue, not on probation
 * @lru: S: its place in a queue; the first is the newest
 * @rcu: frees it
 * @data: the bytes; immutable once it has been inserted
 *
 * S: under the lock of its shard. @seen, @uses and @touched are hints that
 * readers race for.
 */
struct obd_cached {
	struct obd_cache_layer *layer;
	u32 block;
	u32 len;
	u32 seen;
	u8 uses;
	u8 origin;
	bool touched;
	bool checked;
	bool main;
	struct list_head lru;
	struct rcu_head rcu;
	void *data;
};

/**
 * obd_cache_init - set the cache up
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int obd_cache_init(void);

/**
 * obd_cache_exit - free the cache; all layers are gone
 *
 * May sleep.
 */
void obd_cache_exit(void);

/**
 * obd_cache_layer_init - begin to keep blocks of a layer
 * @layer: the layer
 */
void obd_cache_layer_init(struct obd_cache_layer *layer);

/**
 * obd_cache_layer_exit - drop all blocks of a layer
 * @layer: the layer; nobody looks for blocks or inserts any
 *
 * May sleep.
 */
void obd_cache_layer_exit(struct obd_cache_layer *layer);

/**
 * obd_cache_fits - is the cache large enough to keep blocks?
 * @len: their size
 *
 * Any context.
 *
 * Return: false if it has room for a few at the most, or for none at all.
 */
bool obd_cache_fits(u32 len);

/**
 * obd_cache_find - look for a block
 * @layer: the layer
 * @block: the block
 *
 * Any context, under rcu_read_lock(), which keeps the block.
 *
 * Return: the block, or NULL.
 */
static inline struct obd_cached *obd_cache_find(struct obd_cache_layer *layer,
						u32 block)
{
	return xa_load(&layer->blocks, block);
}

/**
 * obd_cache_touch - note that a part of a block is read
 * @cached: the block, which has been found
 * @from: first byte of it
 * @to: the byte behind the last
 *
 * Any context, under rcu_read_lock().
 *
 * Return: true for the first time.
 */
bool obd_cache_touch(struct obd_cached *cached, u32 from, u32 to);

/**
 * obd_cache_next - find the next block that is there
 * @layer: the layer
 * @block: the first to look at
 * @last: the last
 * @checked: pass over those whose CRC has not been checked
 *
 * Any context.
 *
 * Return: its number, or @last + 1.
 */
u32 obd_cache_next(struct obd_cache_layer *layer, u32 block, u32 last,
		   bool checked);

/**
 * obd_cache_expect - prepare for asking obd_cache_admits()
 * @layer: the layer
 * @block: the block
 *
 * A hint that saves time, if there is something else to do meanwhile. Any context.
 */
void obd_cache_expect(const struct obd_cache_layer *layer, u32 block);

/**
 * obd_cache_admits - is a block worth keeping that was read as a whole?
 * @layer: the layer
 * @block: the block
 *
 * Any context.
 *
 * Return: true if it was asked for before, not long ago.
 */
bool obd_cache_admits(const struct obd_cache_layer *layer, u32 block);

/**
 * obd_cache_alloc - allocate memory for a block
 * @layer: the layer
 * @block: the block
 * @len: its bytes
 * @origin: what brings it
 * @checked: its CRC will be right, or it has none
 *
 * Does not wait for memory. Not in interrupts.
 *
 * Return: the block, not in the cache yet, or NULL: then do without.
 */
struct obd_cached *obd_cache_alloc(struct obd_cache_layer *layer, u32 block,
				   u32 len, enum obd_cache_origin origin,
				   bool checked);

/**
 * obd_cache_free - free a block that was not inserted
 * @cached: the block, or NULL
 */
void obd_cache_free(struct obd_cached *cached);

/**
 * obd_cache_insert - hand a block to the cache
 * @cached: the block, its data filled in. It may be gone afterwards
 *
 * Evicts others to make room, and takes the place of one that has not been
 * checked, if it has been itself. Not in interrupts.
 */
void obd_cache_insert(struct obd_cached *cached);

#endif
