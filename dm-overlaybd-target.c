// SPDX-License-Identifier: GPL-2.0-only
/*
 * The targets: "overlaybd", a stack of layers, and "overlaybd-zfile", the
 * bytes of one compressed blob.
 */
#include <linux/device-mapper.h>
#include <linux/module.h>

#include "dm-overlaybd-bdev.h"
#include "dm-overlaybd-codec.h"
#include "dm-overlaybd-read.h"

#define DM_MSG_PREFIX "overlaybd"

#define OPT_NO_VERIFY	"no_verify"
#define KIND_LOWER	"lower"
#define LOWER_ARGS	3	/* lower <dev> <bytes> */

/*
 * A layer of a target. In an "overlaybd-zfile" target there is just one, and
 * only its blob is used.
 */
struct obd_target_layer {
	struct dm_dev *dm_dev;
	struct obd_dev dev;
	u64 bytes;			/* as the table says */
	struct obd_layer layer;
	struct obd_reader reader;	/* of a compressed blob */
};

/* Immutable once constructed, but for the counters and the readers. */
struct obd_target {
	unsigned int nr_layers;
	struct obd_target_layer *layers;
	struct obd_map map;
	bool verify;
	struct obd_counters __percpu *counters;
	struct workqueue_struct *wq;
};

/*
 * dm prints ti->error after the constructor has returned, and frees nothing.
 * The texts go round in a ring: one would have to be overtaken by as many
 * other failures before it is printed to be garbled.
 */
#define ERROR_RING	32

static struct obd_error error_ring[ERROR_RING];
static atomic_t error_next = ATOMIC_INIT(0);

static struct obd_error *next_error(void)
{
	return &error_ring[(unsigned int)atomic_inc_return(&error_next) %
			   ERROR_RING];
}

#define target_fail(ti, ret, fmt, ...) ({				\
	struct obd_error *text_ = next_error();				\
									\
	(ti)->error = text_->text;					\
	obd_fail(text_, ret, fmt, ##__VA_ARGS__);			\
})

static void layer_exit(struct dm_target *ti, struct obd_target_layer *l)
{
	obd_reader_exit(&l->reader);
	obd_layer_release(&l->layer);
	if (l->dm_dev)
		dm_put_device(ti, l->dm_dev);
}

static void overlaybd_dtr(struct dm_target *ti)
{
	struct obd_target *t = ti->private;
	unsigned int i;

	if (!t)
		return;
	if (t->wq)
		destroy_workqueue(t->wq);
	for (i = 0; i < t->nr_layers; i++)
		layer_exit(ti, &t->layers[i]);
	obd_map_release(&t->map);
	free_percpu(t->counters);
	kvfree(t->layers);
	kfree(t);
}

static struct obd_target *target_alloc(struct dm_target *ti,
				       unsigned int nr_layers)
{
	struct obd_target *t = kzalloc(sizeof(*t), GFP_KERNEL);

	if (!t)
		return NULL;
	ti->private = t;
	t->verify = true;
	t->layers = kvcalloc(nr_layers, sizeof(*t->layers), GFP_KERNEL);
	t->counters = alloc_percpu(struct obd_counters);
	t->wq = alloc_workqueue("overlaybd/%s", WQ_UNBOUND | WQ_MEM_RECLAIM, 1,
				dm_table_device_name(ti->table));
	if (!t->layers || !t->counters || !t->wq)
		return NULL;
	t->nr_layers = nr_layers;
	return t;
}

/*
 * Blobs begin at any sector of a device, and extents at any sector of a blob:
 * larger logical blocks cannot serve them.
 */
static int layer_get_device(struct dm_target *ti, struct obd_target_layer *l,
			    unsigned int nr, const char *path)
{
	unsigned int block_size;
	int r;

	r = dm_get_device(ti, path, BLK_OPEN_READ, &l->dm_dev);
	if (r)
		return target_fail(ti, r, "layer %u: cannot open device %s",
				   nr, path);
	l->dev.bdev = l->dm_dev->bdev;
	block_size = bdev_logical_block_size(l->dev.bdev);
	if (block_size != SECTOR_SIZE)
		return target_fail(ti, -EINVAL,
				   "layer %u: device %s has logical blocks of %u bytes, expected %u: put a loop device with 512-byte sectors in between",
				   nr, path, block_size, SECTOR_SIZE);
	return 0;
}

static int layer_parse(struct dm_target *ti, struct obd_target_layer *l,
		       unsigned int nr, struct dm_arg_set *as)
{
	const char *path = dm_shift_arg(as);
	const char *bytes = dm_shift_arg(as);

	if (kstrtou64(bytes, 10, &l->bytes))
		return target_fail(ti, -EINVAL,
				   "layer %u: length is \"%s\", expected a number of bytes",
				   nr, bytes);
	return layer_get_device(ti, l, nr, path);
}

static int layer_init_reader(struct dm_target *ti, struct obd_target_layer *l,
			     unsigned int nr)
{
	struct obd_target *t = ti->private;

	if (!l->layer.blob.compressed)
		return 0;
	l->reader = (struct obd_reader) {
		.blob = &l->layer.blob,
		.bdev = l->dev.bdev,
		.wq = t->wq,
		.counters = t->counters,
		.device = dm_table_device_name(ti->table),
		.layer = nr,
		.verify = t->verify,
	};
	if (obd_reader_init(&l->reader))
		return target_fail(ti, -ENOMEM,
				   "layer %u: no memory to decompress", nr);
	return 0;
}

static int layer_open(struct dm_target *ti, struct obd_target_layer *l,
		      unsigned int nr)
{
	struct obd_error err;
	int r;

	r = obd_layer_open(&l->layer, &l->dev, l->bytes, &err);
	if (r)
		return target_fail(ti, r, "layer %u: %s", nr, err.text);
	return layer_init_reader(ti, l, nr);
}

static int check_mode(struct dm_target *ti)
{
	if (dm_table_get_mode(ti->table) & BLK_OPEN_WRITE)
		return target_fail(ti, -EINVAL,
				   "without an upper layer the device must be read-only: use dmsetup --readonly");
	return 0;
}

static int check_length(struct dm_target *ti, u64 sectors)
{
	if (ti->len > sectors)
		return target_fail(ti, -EINVAL,
				   "length is %llu sectors, expected at most %llu",
				   (unsigned long long)ti->len, sectors);
	return 0;
}

/* The group's arguments; @as stands behind them afterwards. */
static int parse_layers(struct dm_target *ti, struct dm_arg_set *as,
			unsigned int nr_args)
{
	struct obd_target *t = ti->private;
	unsigned int i;
	int r = 0;

	for (i = 0; !r && i < nr_args / LOWER_ARGS; i++) {
		const char *kind = dm_shift_arg(as);

		if (strcmp(kind, KIND_LOWER))
			return target_fail(ti, -EINVAL,
					   "layer %u: kind is \"%s\", expected \"%s\"",
					   i, kind, KIND_LOWER);
		r = layer_parse(ti, &t->layers[i], i, as);
	}
	return r;
}

static int parse_options(struct dm_target *ti, struct dm_arg_set *as)
{
	struct obd_target *t = ti->private;
	unsigned int nr;

	if (!as->argc)
		return 0;
	if (kstrtouint(dm_shift_arg(as), 10, &nr) || nr != as->argc)
		return target_fail(ti, -EINVAL,
				   "number of options is wrong: %u arguments follow it",
				   as->argc);
	while (nr--) {
		const char *option = dm_shift_arg(as);

		if (strcasecmp(option, OPT_NO_VERIFY))
			return target_fail(ti, -EINVAL,
					   "option is \"%s\", expected \"%s\"",
					   option, OPT_NO_VERIFY);
		t->verify = false;
	}
	return 0;
}

static int parse_count(struct dm_target *ti, struct dm_arg_set *as,
		       unsigned int *nr_args)
{
	const char *arg = dm_shift_arg(as);

	if (!arg || kstrtouint(arg, 10, nr_args) || !*nr_args ||
	    *nr_args % LOWER_ARGS ||
	    *nr_args > LOWER_ARGS * LSMT_MAX_LAYERS || *nr_args > as->argc)
		return target_fail(ti, -EINVAL,
				   "number of layer arguments is \"%s\", expected a multiple of %u, for 1 to %u layers; %u arguments follow it",
				   arg ?: "", LOWER_ARGS, LSMT_MAX_LAYERS,
				   as->argc);
	return 0;
}

static int open_layers(struct dm_target *ti)
{
	struct obd_target *t = ti->private;
	unsigned int i;
	int r = 0;

	for (i = 0; !r && i < t->nr_layers; i++) {
		r = layer_open(ti, &t->layers[i], i);
		if (!r && obd_interrupted())
			r = target_fail(ti, -EINTR, "interrupted");
	}
	return r;
}

static int merge_layers(struct dm_target *ti)
{
	struct obd_target *t = ti->private;
	struct obd_layer **stack;
	struct obd_error err;
	unsigned int i;
	int r;

	stack = kmalloc_array(t->nr_layers, sizeof(*stack), GFP_KERNEL);
	if (!stack)
		return target_fail(ti, -ENOMEM, "no memory for the layers");
	for (i = 0; i < t->nr_layers; i++)
		stack[i] = &t->layers[i].layer;
	r = obd_stack_merge(&t->map, stack, t->nr_layers, 0, &err);
	kfree(stack);
	if (r)
		return target_fail(ti, r, "%s", err.text);
	for (i = 0; i < t->nr_layers; i++)
		obd_layer_drop_index(&t->layers[i].layer);
	return check_length(ti, t->map.nr_sectors);
}

static int overlaybd_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	struct dm_arg_set as = { .argc = argc, .argv = argv };
	unsigned int nr_args;
	int r;

	r = check_mode(ti) ?: parse_count(ti, &as, &nr_args);
	if (r)
		return r;
	if (!target_alloc(ti, nr_args / LOWER_ARGS))
		r = target_fail(ti, -ENOMEM, "no memory for the target");
	r = r ?: parse_layers(ti, &as, nr_args) ?: parse_options(ti, &as) ?:
	    open_layers(ti) ?: merge_layers(ti);
	if (r)
		overlaybd_dtr(ti);
	ti->per_io_data_size = sizeof(struct obd_io);
	return r;
}

static int zfile_open(struct dm_target *ti)
{
	struct obd_target *t = ti->private;
	struct obd_target_layer *l = &t->layers[0];
	struct obd_blob *blob = &l->layer.blob;
	struct obd_error err;
	int r;

	r = obd_blob_open(blob, &l->dev, l->bytes, &err);
	if (r)
		return target_fail(ti, r, "layer 0: %s", err.text);
	if (!blob->compressed)
		return target_fail(ti, -EINVAL, "layer 0: not a ZFile");
	return check_length(ti, DIV_ROUND_UP_ULL(blob->data_size,
						 SECTOR_SIZE)) ?:
	       layer_init_reader(ti, l, 0);
}

static int zfile_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	struct dm_arg_set as = { .argc = argc, .argv = argv };
	struct obd_target *t;
	int r;

	if (argc < LOWER_ARGS - 1)
		return target_fail(ti, -EINVAL,
				   "%u arguments, expected a device and a length",
				   argc);
	r = check_mode(ti);
	if (r)
		return r;
	t = target_alloc(ti, 1);
	if (!t)
		r = target_fail(ti, -ENOMEM, "no memory for the target");
	r = r ?: layer_parse(ti, &t->layers[0], 0, &as) ?:
	    parse_options(ti, &as) ?: zfile_open(ti);
	if (r)
		overlaybd_dtr(ti);
	ti->per_io_data_size = sizeof(struct obd_io);
	return r;
}

static int submit_hole(struct bio *bio)
{
	zero_fill_bio(bio);
	bio_endio(bio);
	return DM_MAPIO_SUBMITTED;
}

static int submit_compressed(struct obd_target_layer *l, struct bio *bio,
			     u64 sector)
{
	struct obd_io *io = dm_per_bio_data(bio, sizeof(*io));

	if (bio_sectors(bio) > OBD_READ_MAX_SECTORS)
		dm_accept_partial_bio(bio, OBD_READ_MAX_SECTORS);
	obd_read_bio(&l->reader, bio, io, sector << SECTOR_SHIFT);
	return DM_MAPIO_SUBMITTED;
}

static int remap_plain(struct obd_target_layer *l, struct bio *bio, u64 sector)
{
	bio_set_dev(bio, l->dev.bdev);
	bio->bi_iter.bi_sector = (l->layer.blob.start >> SECTOR_SHIFT) + sector;
	return DM_MAPIO_REMAPPED;
}

static int overlaybd_map(struct dm_target *ti, struct bio *bio)
{
	struct obd_target *t = ti->private;
	struct obd_target_layer *l;
	struct obd_range range;

	if (unlikely(bio_op(bio) != REQ_OP_READ))
		return DM_MAPIO_KILL;
	obd_map_lookup(&t->map, dm_target_offset(ti, bio->bi_iter.bi_sector),
		       &range);
	if (bio_sectors(bio) > range.len)
		dm_accept_partial_bio(bio, range.len);
	if (range.layer == OBD_HOLE)
		return submit_hole(bio);
	l = &t->layers[range.layer];
	if (l->layer.blob.compressed)
		return submit_compressed(l, bio, range.moffset);
	return remap_plain(l, bio, range.moffset);
}

static int zfile_map(struct dm_target *ti, struct bio *bio)
{
	struct obd_target *t = ti->private;

	if (unlikely(bio_op(bio) != REQ_OP_READ))
		return DM_MAPIO_KILL;
	return submit_compressed(&t->layers[0], bio,
				 dm_target_offset(ti, bio->bi_iter.bi_sector));
}

static void sum_counters(struct obd_target *t, struct obd_counters *sum)
{
	int cpu;

	*sum = (struct obd_counters) {};
	for_each_possible_cpu(cpu) {
		const struct obd_counters *c = per_cpu_ptr(t->counters, cpu);

		sum->stored_bytes += READ_ONCE(c->stored_bytes);
		sum->blocks += READ_ONCE(c->blocks);
		sum->deferred += READ_ONCE(c->deferred);
		sum->read_errors += READ_ONCE(c->read_errors);
		sum->crc_errors += READ_ONCE(c->crc_errors);
		sum->decompress_errors += READ_ONCE(c->decompress_errors);
	}
}

static u64 table_bytes(const struct obd_target *t)
{
	u64 bytes = 0;
	unsigned int i;

	for (i = 0; i < t->nr_layers; i++)
		if (t->layers[i].layer.blob.compressed)
			bytes += obd_zfile_bytes(&t->layers[i].layer.blob.zfile);
	return bytes;
}

static bool is_stack(const struct obd_target *t)
{
	return t->map.nr;
}

static void status_info(struct obd_target *t, char *result,
			unsigned int maxlen)
{
	struct obd_counters sum;
	unsigned int sz = 0;

	sum_counters(t, &sum);
	if (is_stack(t))
		DMEMIT("%u %u %llu ", t->nr_layers, t->map.nr,
		       obd_map_bytes(&t->map));
	DMEMIT("%llu %llu %llu %llu %llu %llu %llu", table_bytes(t),
	       sum.stored_bytes, sum.blocks, sum.deferred, sum.read_errors,
	       sum.crc_errors, sum.decompress_errors);
}

static void status_table(struct obd_target *t, char *result,
			 unsigned int maxlen)
{
	unsigned int i, sz = 0;

	if (is_stack(t))
		DMEMIT("%u ", t->nr_layers * LOWER_ARGS);
	for (i = 0; i < t->nr_layers; i++)
		DMEMIT("%s%s%s %llu", i ? " " : "",
		       is_stack(t) ? KIND_LOWER " " : "",
		       t->layers[i].dm_dev->name, t->layers[i].bytes);
	if (!t->verify)
		DMEMIT(" 1 " OPT_NO_VERIFY);
}

static void status_ima(struct dm_target *ti, char *result, unsigned int maxlen)
{
	struct obd_target *t = ti->private;
	unsigned int i, sz = 0;

	DMEMIT_TARGET_NAME_VERSION(ti->type);
	DMEMIT(",layers=%u,verify=%c", t->nr_layers, t->verify ? 'y' : 'n');
	for (i = t->nr_layers; i--;)
		DMEMIT(",layer_%u_device_name=%s,layer_%u_bytes=%llu", i,
		       t->layers[i].dm_dev->name, i, t->layers[i].bytes);
	DMEMIT(";");
}

static void overlaybd_status(struct dm_target *ti, status_type_t type,
			     unsigned int status_flags, char *result,
			     unsigned int maxlen)
{
	switch (type) {
	case STATUSTYPE_INFO:
		status_info(ti->private, result, maxlen);
		break;
	case STATUSTYPE_TABLE:
		status_table(ti->private, result, maxlen);
		break;
	case STATUSTYPE_IMA:
		status_ima(ti, result, maxlen);
		break;
	}
}

static int overlaybd_iterate_devices(struct dm_target *ti,
				     iterate_devices_callout_fn fn, void *data)
{
	struct obd_target *t = ti->private;
	unsigned int i;
	int r = 0;

	for (i = 0; !r && i < t->nr_layers; i++)
		r = fn(ti, t->layers[i].dm_dev, 0,
		       bdev_nr_sectors(t->layers[i].dev.bdev), data);
	return r;
}

/* Anything less than a block costs the decompression of a whole one. */
static void overlaybd_io_hints(struct dm_target *ti,
			       struct queue_limits *limits)
{
	struct obd_target *t = ti->private;
	unsigned int i;

	for (i = 0; i < t->nr_layers; i++)
		if (t->layers[i].layer.blob.compressed)
			limits->io_min =
				max(limits->io_min,
				    t->layers[i].layer.blob.zfile.block_size);
}

static struct target_type overlaybd_target = {
	.name = "overlaybd",
	.version = {1, 0, 0},
	.features = DM_TARGET_NOWAIT,
	.module = THIS_MODULE,
	.ctr = overlaybd_ctr,
	.dtr = overlaybd_dtr,
	.map = overlaybd_map,
	.status = overlaybd_status,
	.iterate_devices = overlaybd_iterate_devices,
	.io_hints = overlaybd_io_hints,
};

static struct target_type zfile_target = {
	.name = "overlaybd-zfile",
	.version = {1, 0, 0},
	.features = DM_TARGET_NOWAIT,
	.module = THIS_MODULE,
	.ctr = zfile_ctr,
	.dtr = overlaybd_dtr,
	.map = zfile_map,
	.status = overlaybd_status,
	.iterate_devices = overlaybd_iterate_devices,
	.io_hints = overlaybd_io_hints,
};

static int __init overlaybd_init(void)
{
	int r;

	r = obd_slots_init();
	if (r)
		return r;
	r = obd_read_init();
	if (r)
		goto out_slots;
	r = dm_register_target(&overlaybd_target);
	if (r)
		goto out_read;
	r = dm_register_target(&zfile_target);
	if (r)
		goto out_target;
	return 0;

out_target:
	dm_unregister_target(&overlaybd_target);
out_read:
	obd_read_exit();
out_slots:
	obd_slots_exit();
	return r;
}

static void __exit overlaybd_exit(void)
{
	dm_unregister_target(&zfile_target);
	dm_unregister_target(&overlaybd_target);
	obd_read_exit();
	obd_slots_exit();
}

module_init(overlaybd_init);
module_exit(overlaybd_exit);

MODULE_DESCRIPTION(DM_NAME " target for OverlayBD images");
MODULE_LICENSE("GPL");
MODULE_ALIAS("dm-overlaybd-zfile");
