/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A target: what its constructor makes of a table line.
 */
#ifndef DM_OVERLAYBD_TARGET_H
#define DM_OVERLAYBD_TARGET_H

#include <linux/device-mapper.h>
#include <linux/mutex.h>

#include "dm-overlaybd-layer.h"
#include "dm-overlaybd-prefetch.h"
#include "dm-overlaybd-upper.h"

#define OBD_OPT_NO_VERIFY	"no_verify"
#define OBD_OPT_NO_CACHE	"no_cache"
#define OBD_OPT_LOW_WATER	"low_water"
#define OBD_KIND_LOWER		"lower"
#define OBD_KIND_TURBO		"turbo"
#define OBD_KIND_UPPER		"upper"
#define OBD_LOWER_ARGS		3	/* <kind> <dev> <bytes> */
#define OBD_TURBO_ARGS		7	/* two more files, but one kind */
#define OBD_UPPER_ARGS		3	/* <kind> <data dev> <index dev> */
#define OBD_NO_DEVICE		"-"

/**
 * struct obd_target_layer - a layer of a target
 * @kind: what it is; behind an OBD_TURBO is its target, a layer of its own
 * @dm_dev: the device that it lies on
 * @bytes: its length, as the table says
 * @index: the device with the index of a gzip file; else NULL
 * @index_bytes: its length, as the table says
 * @shared: the layer
 * @reader: reads it, if it is compressed
 */
struct obd_target_layer {
	enum obd_kind kind;
	struct dm_dev *dm_dev;
	u64 bytes;
	struct dm_dev *index;
	u64 index_bytes;
	struct obd_shared *shared;
	struct obd_reader reader;
};

/**
 * struct obd_route - where reads of a layer go; small, for they may be of any
 * @bdev: the device, if the layer is plain; else NULL
 * @start: sector of the device where the layer begins
 * @reader: reads it, if it is compressed
 */
struct obd_route {
	struct block_device *bdev;
	union {
		sector_t start;
		struct obd_reader *reader;
	};
};

/**
 * struct obd_target_upper - the writable layer of a target
 * @data: the device with its data
 * @index: the device with its log
 * @low_water: tell when fewer sectors of @data are free, 0 if it is not said
 * @writable: the table may write
 * @started: the layer is in use by this table, which is not suspended
 * @shared: the layer, or NULL if there is none
 */
struct obd_target_upper {
	struct dm_dev *data;
	struct dm_dev *index;
	u64 low_water;
	bool writable;
	bool started;
	struct obd_upper *shared;
};

/* What loading a table took. */
struct obd_load_times {
	u64 open_us;
	u64 merge_us;
	unsigned int nr_found;	/* layers that were open before */
	const char *map;	/* private, partial, shared, or none */
};

/**
 * struct obd_target - a target
 * @single: it shows one file: an "overlaybd-zfile" or "overlaybd-gzip" target
 * @nr_layers: number of layers but the upper, targets included; 1 if @single
 * @layers: the layers but the upper, lowest first
 * @upper: the writable layer on top of them
 * @routes: the same, as far as a read wants to know
 * @stack: their merged map; NULL if there are none, or if @single
 * @hints: where each CPU looked a sector up last
 * @no_cache: blocks are neither looked for in the cache nor kept
 * @session: for the readers
 * @times: of the constructor
 * @lock: one message at a time, and none while suspending or resuming
 * @prefetch: under @lock
 *
 * Immutable once constructed, but for @session, the readers' streams and
 * @prefetch.
 */
struct obd_target {
	bool single;
	unsigned int nr_layers;
	struct obd_target_layer *layers;
	struct obd_target_upper upper;
	struct obd_route *routes;
	struct obd_stack *stack;
	u32 __percpu *hints;
	bool no_cache;
	struct obd_session session;
	struct obd_load_times times;
	struct mutex lock;	/* see above */
	struct obd_prefetch prefetch;
};

/**
 * obd_target_ctr - construct an "overlaybd" target
 * @ti: the target
 * @argc: number of words
 * @argv: the words, see the admin guide
 *
 * May sleep.
 *
 * Return: 0, or a negative errno and the reason in @ti->error.
 */
int obd_target_ctr(struct dm_target *ti, unsigned int argc, char **argv);

/**
 * obd_zfile_ctr - construct an "overlaybd-zfile" target
 * @ti: the target
 * @argc: number of words
 * @argv: the words, see the admin guide
 *
 * May sleep.
 *
 * Return: 0, or a negative errno and the reason in @ti->error.
 */
int obd_zfile_ctr(struct dm_target *ti, unsigned int argc, char **argv);

/**
 * obd_gzip_ctr - construct an "overlaybd-gzip" target
 * @ti: the target
 * @argc: number of words
 * @argv: the words, see the admin guide
 *
 * May sleep.
 *
 * Return: 0, or a negative errno and the reason in @ti->error.
 */
int obd_gzip_ctr(struct dm_target *ti, unsigned int argc, char **argv);

/**
 * obd_target_dtr - free a target
 * @ti: the target
 *
 * No bio is under way. May sleep.
 */
void obd_target_dtr(struct dm_target *ti);

/**
 * obd_target_status - the targets' status, see the admin guide
 * @ti: the target
 * @type: which kind
 * @status_flags: not used
 * @result: where to put it
 * @maxlen: room there
 *
 * May sleep.
 */
void obd_target_status(struct dm_target *ti, status_type_t type,
		       unsigned int status_flags, char *result,
		       unsigned int maxlen);

/**
 * obd_target_message - the targets' messages, see the admin guide
 * @ti: the target
 * @argc: number of words
 * @argv: the words
 * @result: where to answer
 * @maxlen: room there
 *
 * May sleep.
 *
 * Return: 0, 1 if there is an answer, or a negative errno.
 */
int obd_target_message(struct dm_target *ti, unsigned int argc, char **argv,
		       char *result, unsigned int maxlen);

#endif
