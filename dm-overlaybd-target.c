// SPDX-License-Identifier: GPL-2.0-only
/*
 * The targets: "overlaybd", a stack of layers, and "overlaybd-zfile", the
 * bytes of one compressed blob.
 */
#include <linux/module.h>

#include "dm-overlaybd-chunk.h"
#include "dm-overlaybd-codec.h"
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
	struct obd_io *io = dm_per_bio_data(bio, sizeof(*io));

	if (bio_sectors(bio) > OBD_READ_MAX_SECTORS)
		dm_accept_partial_bio(bio, OBD_READ_MAX_SECTORS);
	obd_read_bio(reader, bio, io, sector << SECTOR_SHIFT);
	return DM_MAPIO_SUBMITTED;
}

static int overlaybd_map(struct dm_target *ti, struct bio *bio)
{
	struct obd_target *t = ti->private;
	const struct obd_route *route;
	struct obd_range range;

	if (unlikely(bio_op(bio) != REQ_OP_READ))
		return DM_MAPIO_KILL;
	obd_stack_lookup(t->stack, dm_target_offset(ti, bio->bi_iter.bi_sector),
			 raw_cpu_ptr(t->hints), &range);
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

static int zfile_map(struct dm_target *ti, struct bio *bio)
{
	struct obd_target *t = ti->private;

	if (unlikely(bio_op(bio) != REQ_OP_READ))
		return DM_MAPIO_KILL;
	return submit_compressed(&t->layers[0].reader, bio,
				 dm_target_offset(ti, bio->bi_iter.bi_sector));
}

static int overlaybd_iterate_devices(struct dm_target *ti,
				     iterate_devices_callout_fn fn, void *data)
{
	struct obd_target *t = ti->private;
	unsigned int i;
	int r = 0;

	for (i = 0; !r && i < t->nr_layers; i++)
		r = fn(ti, t->layers[i].dm_dev, 0,
		       bdev_nr_sectors(t->layers[i].dm_dev->bdev), data);
	return r;
}

/* Anything less than a block costs the decompression of a whole one. */
static void overlaybd_io_hints(struct dm_target *ti,
			       struct queue_limits *limits)
{
	struct obd_target *t = ti->private;
	unsigned int i;

	for (i = 0; i < t->nr_layers; i++) {
		const struct obd_blob *blob = t->layers[i].blob;

		if (blob->compressed)
			limits->io_min = max(limits->io_min,
					     blob->zfile.block_size);
	}
}

/* Bios still come in, but nothing is begun that none of them waits for. */
static void overlaybd_presuspend(struct dm_target *ti)
{
	struct obd_target *t = ti->private;

	WRITE_ONCE(t->session.quiet, true);
	mutex_lock(&t->lock);
	obd_prefetch_suspend(&t->prefetch);
	mutex_unlock(&t->lock);
}

static void overlaybd_resume(struct dm_target *ti)
{
	struct obd_target *t = ti->private;

	mutex_lock(&t->lock);
	obd_prefetch_resume(&t->prefetch);
	mutex_unlock(&t->lock);
	WRITE_ONCE(t->session.quiet, false);
}

static void overlaybd_postsuspend(struct dm_target *ti)
{
	obd_target_quiesce(ti->private);
}

static struct target_type overlaybd_target = {
	.name = "overlaybd",
	.version = {1, 1, 0},
	.features = DM_TARGET_NOWAIT,
	.module = THIS_MODULE,
	.ctr = obd_target_ctr,
	.dtr = obd_target_dtr,
	.map = overlaybd_map,
	.presuspend = overlaybd_presuspend,
	.presuspend_undo = overlaybd_resume,
	.postsuspend = overlaybd_postsuspend,
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
	.map = zfile_map,
	.presuspend = overlaybd_presuspend,
	.presuspend_undo = overlaybd_resume,
	.postsuspend = overlaybd_postsuspend,
	.resume = overlaybd_resume,
	.status = obd_target_status,
	.message = obd_target_message,
	.iterate_devices = overlaybd_iterate_devices,
	.io_hints = overlaybd_io_hints,
};

/* What the module consists of, in the order that it comes up in. */
static const struct part {
	int (*init)(void);
	void (*exit)(void);
} parts[] = {
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

static int __init overlaybd_init(void)
{
	int r;

	r = parts_init();
	if (r)
		return r;
	r = dm_register_target(&overlaybd_target);
	if (r)
		goto out_parts;
	r = dm_register_target(&zfile_target);
	if (r)
		goto out_target;
	return 0;

out_target:
	dm_unregister_target(&overlaybd_target);
out_parts:
	parts_exit(ARRAY_SIZE(parts));
	return r;
}

static void __exit overlaybd_exit(void)
{
	dm_unregister_target(&zfile_target);
	dm_unregister_target(&overlaybd_target);
	parts_exit(ARRAY_SIZE(parts));
}

module_init(overlaybd_init);
module_exit(overlaybd_exit);

MODULE_DESCRIPTION(DM_NAME " target for OverlayBD images");
MODULE_LICENSE("GPL");
MODULE_ALIAS("dm-overlaybd-zfile");
