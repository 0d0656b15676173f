/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Layers and merged maps that devices share.
 *
 * A layer is known by the device that it lies on, its length, and a checksum
 * over either end of it: whoever loads a table with a layer that is in use gets
 * the one that is there. So it is with the merged map of a stack. A stack whose
 * lowest layers are a stack in use gets a map of the others only, and looks
 * further in the map of that one.
 *
 * All functions may sleep, but for obd_stack_lookup().
 */
#ifndef DM_OVERLAYBD_LAYER_H
#define DM_OVERLAYBD_LAYER_H

#include <linux/list.h>
#include <linux/mutex.h>

#include "dm-overlaybd-bdev.h"
#include "dm-overlaybd-gunzip.h"

/* What a layer is. */
enum obd_kind {
	OBD_LSMT,	/* an LSMT layer */
	OBD_TURBO,	/* one whose extents may lie in the layer behind it */
	OBD_BLOB,	/* a blob, whatever it holds */
	OBD_RAW,	/* bytes as they are */
	OBD_GZIP,	/* a gzip file, with its index */
};

/**
 * struct obd_shared - a layer that devices share
 * @link: R: in the registry
 * @users: R: layers of tables
 * @kind: K: what it is
 * @bytes: K: its length
 * @stamp: K: see obd_blob_stamp()
 * @dev: K: the device that it lies on, which every user keeps open
 * @index: K: the device with the index, if it is OBD_GZIP
 * @index_bytes: K: its length
 * @index_stamp: K: as @stamp
 * @lock: held to open the layer and to load its index
 * @opened: L: @layer and @source are there
 * @packed: L: it is compressed: @source reads it
 * @index_users: L: merges that need the index
 * @layer: L: the layer; immutable once opened, but for the index
 * @source: L: reads it
 *
 * R: under the lock of the registry; K: set when it is made; L: under @lock.
 */
struct obd_shared {
	struct list_head link;
	unsigned int users;
	enum obd_kind kind;
	u64 bytes;
	u32 stamp;
	struct obd_dev dev;
	struct block_device *index;
	u64 index_bytes;
	u32 index_stamp;

	struct mutex lock;	/* see above */
	bool opened;
	bool packed;
	unsigned int index_users;
	struct obd_layer layer;
	struct obd_source source;
};

struct obd_batch;

/**
 * struct obd_load - a layer of a table that is being loaded
 * @kind: what it is
 * @bdev: the device that it lies on
 * @bytes: its length; 0 for that of the device
 * @index: the device with its index, if it is OBD_GZIP
 * @index_bytes: its length; 0 for that of the device
 * @shared: the layer; the table's own reference to it
 * @found: somebody had opened it before
 * @result: 0 or a negative errno
 * @err: the reason
 * @batch: what is being done with it, together with others
 * @work: does it
 */
struct obd_load {
	enum obd_kind kind;
	struct block_device *bdev;
	u64 bytes;
	struct block_device *index;
	u64 index_bytes;
	struct obd_shared *shared;
	bool found;
	int result;
	struct obd_error err;
	struct obd_batch *batch;
	struct work_struct work;
};

/**
 * struct obd_stack - the merged map of a stack of layers, which devices share
 * @link: R: in the registry
 * @users: R: tables, and stacks above it
 * @nr: K: number of layers
 * @layers: K: the layers, lowest first; whoever uses the stack holds them
 * @below: K: the stack that the lowest layers are, or NULL
 * @depth: K: how many stacks are below
 * @lock: held to build the map
 * @built: L, and R to set it: what follows is there, and immutable
 * @sectors: virtual size; the map may go beyond it
 * @map: what the layers map that are not in @below
 */
struct obd_stack {
	struct list_head link;
	unsigned int users;
	unsigned int nr;
	struct obd_shared **layers;
	struct obd_stack *below;
	unsigned int depth;

	struct mutex lock;	/* see above */
	bool built;
	u64 sectors;
	struct obd_map map;
};

/**
 * obd_layers_init - set up what loading takes
 *
 * Return: 0 or -ENOMEM.
 */
int obd_layers_init(void);

/**
 * obd_layers_exit - undo obd_layers_init(); no layer is in use
 */
void obd_layers_exit(void);

/**
 * obd_layers_open - open layers, several at a time
 * @loads: the layers, with all up to @index_bytes filled in. Release each with
 *	obd_shared_put(), also after a failure
 * @nr: how many
 *
 * Ends early if the user gives up.
 *
 * Return: the first that failed, or NULL.
 */
struct obd_load *obd_layers_open(struct obd_load *loads, unsigned int nr);

/**
 * obd_shared_put - a table does without a layer from now on
 * @shared: the layer, or NULL
 */
void obd_shared_put(struct obd_shared *shared);

/**
 * obd_shared_by_others - do other tables use a layer?
 * @shared: the layer
 *
 * Return: true if they do.
 */
bool obd_shared_by_others(const struct obd_shared *shared);

/**
 * obd_stack_get - find or build the merged map of layers
 * @loads: opened layers, lowest first
 * @nr: how many
 * @found: somebody had built it before
 * @failed: the layer that failed, or NULL if none is to blame
 * @err: the reason, if none is
 *
 * Return: the stack, or an ERR_PTR().
 */
struct obd_stack *obd_stack_get(struct obd_load *loads, unsigned int nr,
				bool *found, struct obd_load **failed,
				struct obd_error *err);

/**
 * obd_stack_put - a table does without a stack from now on
 * @stack: the stack, or NULL
 */
void obd_stack_put(struct obd_stack *stack);

/* What the maps of a stack take, and how much of that others use as well. */
struct obd_stack_usage {
	u32 extents;
	u64 bytes;
	u64 shared_bytes;
};

/**
 * obd_stack_usage - find out what the maps of a stack take
 * @stack: the stack
 * @usage: the answer
 */
void obd_stack_usage(const struct obd_stack *stack,
		     struct obd_stack_usage *usage);

/**
 * obd_stack_lookup - find out who serves a sector
 * @stack: the stack
 * @sector: virtual sector, below that of @stack->map
 * @hint: see obd_map_lookup_near()
 * @range: the answer
 *
 * Neither locks nor allocates; any context.
 */
static inline void obd_stack_lookup(const struct obd_stack *stack, u64 sector,
				    u32 *hint, struct obd_range *range)
{
	u64 len;

	obd_map_lookup_near(&stack->map, sector, hint, range);
	while (unlikely(range->layer == OBD_BELOW)) {
		len = range->len;
		stack = stack->below;
		if (sector >= stack->map.nr_sectors) {
			range->layer = OBD_HOLE;
			break;
		}
		obd_map_lookup(&stack->map, sector, range);
		range->len = min(range->len, len);
	}
}

#endif
