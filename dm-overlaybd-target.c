// SPDX-License-Identifier: GPL-2.0-only
/*
 * The targets: "overlaybd", a stack of layers; "overlaybd-zfile", the bytes of
 * one compressed blob; and "overlaybd-gzip", the bytes of one gzip file.
 */
#include <linux/module.h>

#include "dm-overlaybd-chunk.h"
#include "dm-overlaybd-codec.h"
#include "dm-overlaybd-gunzip.h"
#include "dm-overlaybd-memory.h"
#include "dm-overlaybd-target.h"

#define DM_MSG_PREFIX "overlaybd"

static int submit_hole(struct bio *bio)
{
	zero_fill_bio(bio);
	bio_endio(bio);
	return DM_MAPIO_SUBMITTED;
}

static int submit_compressed(struct obd_reader *reader, struct bio *bio,
			     u64 sector)
{
	union obd_bio *data = dm_per_bio_data(bio, sizeof(*data));

	if (bio_sectors(bio) > OBD_READ_MAX_SECTORS)
		dm_accept_partial_bio(bio, OBD_READ_MAX_SECTORS);
	obd_read_bio(reader, bio, &data->read, sector << SECTOR_SHIFT);
	return DM_MAPIO_SUBMITTED;
}

/* A read of what the read-only layers have. */
static int read_stack(struct obd_target *t, struct bio *bio, sector_t sector)
{
	const struct obd_route *route;
	struct obd_range range;

	obd_stack_lookup(t->stack, sector, raw_cpu_ptr(t->hints), &range);
	if (bio_sectors(bio) > range.len)
		dm_accept_partial_bio(bio, range.len);
	if (range.layer == OBD_HOLE)
		return submit_hole(bio);
	route = &t->routes[range.layer];
	if (!route->bdev)
		return submit_compressed(route->reader, bio, range.moffset);
	bio_set_dev(bio, route->bdev);
	bio->bi_iter.bi_sector = route->start + range.moffset;
	return DM_MAPIO_REMAPPED;
}

/* The upper may be larger than all that is below, where nothing is mapped. */
static bool beyond_stack(const struct obd_target *t, sector_t sector)
{
	return !t->stack || sector >= t->stack->map.nr_sectors;
}

static int read_upper(struct obd_target *t, struct bio *bio, sector_t sector)
{
	union obd_bio *data = dm_per_bio_data(bio, sizeof(*data));
	enum obd_what what;

	obd_upper_read(t->upper.shared, bio, sector, &data->upper, &what);
	if (what == OBD_DATA)
		return DM_MAPIO_REMAPPED;
	if (what == OBD_ZEROES || beyond_stack(t, sector))
		return submit_hole(bio);
	return read_stack(t, bio, sector);
}

/* Is there nothing that a discard would have to hide? */
static bool is_hole(struct obd_target *t, sector_t sector, sector_t len)
{
	struct obd_piece piece;
	struct obd_range range;

	obd_upper_map_lookup(&t->upper.shared->map, sector, len, &piece);
	if (piece.what != OBD_UNMAPPED || piece.len < len)
		return false;
	if (beyond_stack(t, sector))
		return true;
	obd_stack_lookup(t->stack, sector, raw_cpu_ptr(t->hints), &range);
	return range.layer == OBD_HOLE &&
	       (range.len >= len || beyond_stack(t, sector + range.len));
}

static int zero_upper(struct obd_target *t, struct bio *bio, sector_t sector)
{
	union obd_bio *data = dm_per_bio_data(bio, sizeof(*data));

	if (READ_ONCE(t->upper.shared->failed) ||
	    !is_hole(t, sector, bio_sectors(bio)))
		return obd_upper_zero(t->upper.shared, bio, sector,
				      &data->upper);
	bio_endio(bio);
	return DM_MAPIO_SUBMITTED;
}

/* A bio to a device with a writable layer. */
static int map_upper(struct obd_target *t, struct bio *bio, sector_t sector)
{
	union obd_bio *data = dm_per_bio_data(bio, sizeof(*data));

	if (bio_op(bio) == REQ_OP_READ)
		return read_upper(t, bio, sector);
	if (unlikely(!t->upper.writable))
		return DM_MAPIO_KILL;
	if (bio->bi_opf & REQ_PREFLUSH)
		return obd_upper_flush(t->upper.shared, bio);
	switch (bio_op(bio)) {
	case REQ_OP_WRITE:
		return obd_upper_write(t->upper.shared, bio, sector,
				       &data->upper);
	case REQ_OP_DISCARD:
	case REQ_OP_WRITE_ZEROES:
		return zero_upper(t, bio, sector);
	default:
		return DM_MAPIO_KILL;
	}
}

static int overlaybd_map(struct dm_target *ti, struct bio *bio)
{
	struct obd_target *t = ti->private;
	sector_t sector = dm_target_offset(ti, bio->bi_iter.bi_sector);

	if (t->upper.shared)
		return map_upper(t, bio, sector);
	if (unlikely(bio_op(bio) != REQ_OP_READ))
		return DM_MAPIO_KILL;
	return read_stack(t, bio, sector);
}

static int single_map(struct dm_target *ti, struct bio *bio)
{
	struct obd_target *t = ti->private;

	if (unlikely(bio_op(bio) != REQ_OP_READ))
		return DM_MAPIO_KILL;
	return submit_compressed(&t->layers[0].reader, bio,
				 dm_target_offset(ti, bio->bi_iter.bi_sector));
}

static int visit_device(struct dm_target *ti, struct dm_dev *dev,
			iterate_devices_callout_fn fn, void *data)
{
	return fn(ti, dev, 0, bdev_nr_sectors(dev->bdev), data);
}

static int visit_layer(struct dm_target *ti, const struct obd_target_layer *l,
		       iterate_devices_callout_fn fn, void *data)
{
	int r = visit_device(ti, l->dm_dev, fn, data);

	return !r && l->index ? visit_device(ti, l->index, fn, data) : r;
}

static int overlaybd_iterate_devices(struct dm_target *ti,
				     iterate_devices_callout_fn fn, void *data)
{
	struct obd_target *t = ti->private;
	unsigned int i;
	int r = 0;

	for (i = 0; !r && i < t->nr_layers; i++)
		r = visit_layer(ti, &t->layers[i], fn, data);
	if (!r && t->upper.data)
		r = visit_device(ti, t->upper.data, fn, data) ?:
		    visit_device(ti, t->upper.index, fn, data);
	return r;
}

/* What is done under a lock at a time; discards that are larger are split. */
static void limit_zeroes(struct queue_limits *limits)
{
	limits->discard_granularity = SECTOR_SIZE;
	limits->max_discard_sectors = OBD_ZERO_MAX_SECTORS;
	limits->max_hw_discard_sectors = OBD_ZERO_MAX_SECTORS;
	obd_limit_write_zeroes(limits, OBD_ZERO_MAX_SECTORS);
}

/* Anything less than a block costs the decompression of a whole one. */
static void overlaybd_io_hints(struct dm_target *ti,
			       struct queue_limits *limits)
{
	struct obd_target *t = ti->private;
	unsigned int i;

	if (t->upper.writable)
		limit_zeroes(limits);
	for (i = 0; i < t->nr_layers; i++) {
		const struct obd_shared *shared = t->layers[i].shared;

		if (shared->packed)
			limits->io_min = max(limits->io_min,
					     shared->source.block_size);
	}
}

/* Nothing has been written before: the table may have been loaded in vain. */
static int overlaybd_preresume(struct dm_target *ti)
{
	struct obd_target *t = ti->private;
	int r;

	if (!t->upper.writable)
		return 0;
	r = obd_upper_start(t->upper.shared, ti, t->upper.low_water);
	t->upper.started = !r;
	return r;
}

/* Bios still come in, but nothing is begun that none of them waits for. */
static void overlaybd_presuspend(struct dm_target *ti)
{
	struct obd_target *t = ti->private;

	mutex_lock(&t->lock);
	obd_prefetch_suspend(&t->prefetch);
	mutex_unlock(&t->lock);
	obd_session_set_quiet(&t->session, true);
}

static void overlaybd_resume(struct dm_target *ti)
{
	struct obd_target *t = ti->private;

	obd_session_set_quiet(&t->session, false);
	mutex_lock(&t->lock);
	obd_gunzip_resume(&t->session);
	obd_prefetch_resume(&t->prefetch);
	mutex_unlock(&t->lock);
}

static void overlaybd_postsuspend(struct dm_target *ti)
{
	struct obd_target *t = ti->private;

	obd_session_quiesce(&t->session);
	if (t->upper.started)
		obd_upper_stop(t->upper.shared);
	t->upper.started = false;
}

static struct target_type overlaybd_target = {
	.name = "overlaybd",
	.version = {1, 4, 0},
	.features = DM_TARGET_SINGLETON | DM_TARGET_NOWAIT,
	.module = THIS_MODULE,
	.ctr = obd_target_ctr,
	.dtr = obd_target_dtr,
	.map = overlaybd_map,
	.presuspend = overlaybd_presuspend,
	.presuspend_undo = overlaybd_resume,
	.postsuspend = overlaybd_postsuspend,
	.preresume = overlaybd_preresume,
	.resume = overlaybd_resume,
	.status = obd_target_status,
	.message = obd_target_message,
	.iterate_devices = overlaybd_iterate_devices,
	.io_hints = overlaybd_io_hints,
};

static struct target_type zfile_target = {
	.name = "overlaybd-zfile",
	.version = {1, 1, 0},
	.features = DM_TARGET_NOWAIT,
	.module = THIS_MODULE,
	.ctr = obd_zfile_ctr,
	.dtr = obd_target_dtr,
	.map = single_map,
	.presuspend = overlaybd_presuspend,
	.presuspend_undo = overlaybd_resume,
	.postsuspend = overlaybd_postsuspend,
	.resume = overlaybd_resume,
	.status = obd_target_status,
	.message = obd_target_message,
	.iterate_devices = overlaybd_iterate_devices,
	.io_hints = overlaybd_io_hints,
};

static struct target_type gzip_target = {
	.name = "overlaybd-gzip",
	.version = {1, 0, 0},
	.features = DM_TARGET_NOWAIT,
	.module = THIS_MODULE,
	.ctr = obd_gzip_ctr,
	.dtr = obd_target_dtr,
	.map = single_map,
	.presuspend = overlaybd_presuspend,
	.presuspend_undo = overlaybd_resume,
	.postsuspend = overlaybd_postsuspend,
	.resume = overlaybd_resume,
	.status = obd_target_status,
	.message = obd_target_message,
	.iterate_devices = overlaybd_iterate_devices,
	.io_hints = overlaybd_io_hints,
};

static struct target_type *const targets[] = {
	&overlaybd_target, &zfile_target, &gzip_target
};

/* What the module consists of, in the order that it comes up in. */
static const struct part {
	int (*init)(void);
	void (*exit)(void);
} parts[] = {
	{ obd_memory_init, obd_memory_exit },
	{ obd_slots_init, obd_slots_exit },
	{ obd_cache_init, obd_cache_exit },
	{ obd_chunks_init, obd_chunks_exit },
	{ obd_prefetch_module_init, obd_prefetch_module_exit },
	{ obd_layers_init, obd_layers_exit },
};

static void parts_exit(unsigned int nr)
{
	while (nr--)
		parts[nr].exit();
}

static int parts_init(void)
{
	unsigned int i;
	int r;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		r = parts[i].init();
		if (r) {
			parts_exit(i);
			return r;
		}
	}
	return 0;
}

static void targets_exit(unsigned int nr)
{
	while (nr--)
		dm_unregister_target(targets[nr]);
}

static int targets_init(void)
{
	unsigned int i;
	int r;

	for (i = 0; i < ARRAY_SIZE(targets); i++) {
		r = dm_register_target(targets[i]);
		if (r) {
			targets_exit(i);
			return r;
		}
	}
	return 0;
}

static int __init overlaybd_init(void)
{
	int r;

	r = parts_init();
	if (r)
		return r;
	r = targets_init();
	if (r)
		parts_exit(ARRAY_SIZE(parts));
	return r;
}

static void __exit overlaybd_exit(void)
{
	targets_exit(ARRAY_SIZE(targets));
	parts_exit(ARRAY_SIZE(parts));
}

module_init(overlaybd_init);
module_exit(overlaybd_exit);

MODULE_DESCRIPTION(DM_NAME " target for OverlayBD images");
MODULE_LICENSE("GPL");
MODULE_ALIAS("dm-overlaybd-zfile");
MODULE_ALIAS("dm-overlaybd-gzip");
