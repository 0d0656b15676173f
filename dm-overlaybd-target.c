// SPDX-License-Identifier: GPL-2.0-only
/*
 * The targets: "overlaybd", a stack of layers, and "overlaybd-zfile", the
 * bytes of one compressed blob.
 */
#include <linux/ktime.h>
#include <linux/module.h>

#include "dm-overlaybd-chunk.h"
#include "dm-overlaybd-codec.h"
#include "dm-overlaybd-target.h"

#define DM_MSG_PREFIX "overlaybd"

#define OPT_NO_VERIFY	"no_verify"
#define OPT_NO_CACHE	"no_cache"
#define KIND_LOWER	"lower"
#define LOWER_ARGS	3	/* lower <dev> <bytes> */

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
	obd_shared_put(l->shared);
	if (l->dm_dev)
		dm_put_device(ti, l->dm_dev);
}

/* Nothing is under way that no bio waits for, and nothing will be. */
static void quiesce(struct obd_target *t)
{
	struct obd_session *s = &t->session;

	wait_var_event(&s->background, !atomic_read(&s->background));
}

static void overlaybd_dtr(struct dm_target *ti)
{
	struct obd_target *t = ti->private;
	unsigned int i;

	if (!t)
		return;
	obd_prefetch_cancel(&t->prefetch);
	quiesce(t);
	if (t->session.wq)
		destroy_workqueue(t->session.wq);
	obd_stack_put(t->stack);
	for (i = 0; i < t->nr_layers; i++)
		layer_exit(ti, &t->layers[i]);
	obd_trace_clear(&t->session.trace);
	free_percpu(t->session.counters);
	free_percpu(t->hints);
	mutex_destroy(&t->lock);
	kvfree(t->routes);
	kvfree(t->layers);
	kfree(t);
}

static struct obd_target *target_alloc(struct dm_target *ti,
				       unsigned int nr_layers)
{
	struct obd_target *t = kzalloc(sizeof(*t), GFP_KERNEL);
	struct obd_session *s;

	if (!t)
		return NULL;
	ti->private = t;
	mutex_init(&t->lock);
	obd_prefetch_init(&t->prefetch);
	s = &t->session;
	s->verify = true;
	s->device = dm_table_device_name(ti->table);
	obd_trace_init(&s->trace);
	t->layers = kvcalloc(nr_layers, sizeof(*t->layers), GFP_KERNEL);
	t->routes = kvcalloc(nr_layers, sizeof(*t->routes), GFP_KERNEL);
	t->hints = alloc_percpu(u32);
	s->counters = alloc_percpu(struct obd_counters);
	s->wq = alloc_workqueue("overlaybd/%s", WQ_UNBOUND | WQ_MEM_RECLAIM, 0,
				s->device);
	if (!t->layers || !t->routes || !t->hints || !s->counters || !s->wq)
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
	block_size = bdev_logical_block_size(l->dm_dev->bdev);
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

static void reader_init(struct obd_target *t, struct obd_target_layer *l,
			unsigned int nr)
{
	struct obd_reader *reader = &l->reader;
	unsigned int i;

	reader->source = &l->shared->source;
	reader->session = &t->session;
	reader->layer = nr;
	reader->cached = !t->no_cache;
	reader->checked = t->session.verify || !l->blob->zfile.verify;
	for (i = 0; i < OBD_STREAMS; i++)
		reader->streams[i].next = OBD_STREAM_NEW;
}

static void layer_init(struct obd_target *t, unsigned int nr,
		       struct obd_load *load)
{
	struct obd_target_layer *l = &t->layers[nr];
	struct obd_route *route = &t->routes[nr];

	l->shared = load->shared;
	if (load->result)
		return;
	t->times.nr_found += load->found;
	l->blob = &l->shared->layer.blob;
	if (!l->blob->compressed) {
		route->bdev = l->dm_dev->bdev;
		route->start = l->blob->start >> SECTOR_SHIFT;
		return;
	}
	route->reader = &l->reader;
	reader_init(t, l, nr);
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

		if (!strcasecmp(option, OPT_NO_VERIFY))
			t->session.verify = false;
		else if (!strcasecmp(option, OPT_NO_CACHE))
			t->no_cache = true;
		else
			return target_fail(ti, -EINVAL,
					   "option is \"%s\", expected \"%s\" or \"%s\"",
					   option, OPT_NO_VERIFY, OPT_NO_CACHE);
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

static int fail_load(struct dm_target *ti, const struct obd_load *loads,
		     const struct obd_load *failed)
{
	return target_fail(ti, failed->result, "layer %u: %s",
			   (unsigned int)(failed - loads), failed->err.text);
}

/* Open all layers, or the one blob. */
static int open_layers(struct dm_target *ti, struct obd_load *loads, bool lsmt)
{
	struct obd_target *t = ti->private;
	ktime_t begin = ktime_get();
	struct obd_load *failed;
	unsigned int i;

	for (i = 0; i < t->nr_layers; i++) {
		loads[i].bdev = t->layers[i].dm_dev->bdev;
		loads[i].bytes = t->layers[i].bytes;
	}
	failed = obd_layers_open(loads, t->nr_layers, lsmt);
	for (i = 0; i < t->nr_layers; i++)
		layer_init(t, i, &loads[i]);
	t->times.open_us = ktime_us_delta(ktime_get(), begin);
	return failed ? fail_load(ti, loads, failed) : 0;
}

static const char *map_kind(const struct obd_stack *stack, bool found)
{
	if (found)
		return "shared";
	return stack->below ? "partial" : "private";
}

static int get_stack(struct dm_target *ti, struct obd_load *loads)
{
	struct obd_target *t = ti->private;
	ktime_t begin = ktime_get();
	struct obd_load *failed;
	struct obd_stack *stack;
	struct obd_error err;
	bool found;

	stack = obd_stack_get(loads, t->nr_layers, &found, &failed, &err);
	if (IS_ERR(stack)) {
		if (failed)
			return fail_load(ti, loads, failed);
		return target_fail(ti, PTR_ERR(stack), "%s", err.text);
	}
	t->stack = stack;
	t->times.merge_us = ktime_us_delta(ktime_get(), begin);
	t->times.map = map_kind(stack, found);
	return check_length(ti, stack->map.nr_sectors);
}

/* The one blob of an "overlaybd-zfile" target. */
static int check_zfile(struct dm_target *ti)
{
	struct obd_target *t = ti->private;
	const struct obd_blob *blob = t->layers[0].blob;

	if (!blob->compressed)
		return target_fail(ti, -EINVAL, "layer 0: not a ZFile");
	t->times.map = "none";
	return check_length(ti, DIV_ROUND_UP_ULL(blob->data_size, SECTOR_SIZE));
}

static int load(struct dm_target *ti, bool lsmt)
{
	struct obd_target *t = ti->private;
	struct obd_load *loads;
	int r;

	loads = kvcalloc(t->nr_layers, sizeof(*loads), GFP_KERNEL);
	if (!loads)
		return target_fail(ti, -ENOMEM, "no memory for the layers");
	r = open_layers(ti, loads, lsmt);
	if (!r)
		r = lsmt ? get_stack(ti, loads) : check_zfile(ti);
	kvfree(loads);
	return r;
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
	    load(ti, true);
	if (r)
		overlaybd_dtr(ti);
	else
		ti->per_io_data_size = sizeof(struct obd_io);
	return r;
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
	    parse_options(ti, &as) ?: load(ti, false);
	if (r)
		overlaybd_dtr(ti);
	else
		ti->per_io_data_size = sizeof(struct obd_io);
	return r;
}

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

static void sum_counters(const struct obd_target *t, struct obd_counters *sum)
{
	int cpu;

	*sum = (struct obd_counters) {};
	for_each_possible_cpu(cpu) {
		const struct obd_counters *c =
			per_cpu_ptr(t->session.counters, cpu);

		sum->stored_bytes += READ_ONCE(c->stored_bytes);
		sum->blocks += READ_ONCE(c->blocks);
		sum->deferred += READ_ONCE(c->deferred);
		sum->read_errors += READ_ONCE(c->read_errors);
		sum->crc_errors += READ_ONCE(c->crc_errors);
		sum->decompress_errors += READ_ONCE(c->decompress_errors);
		sum->cache_hits += READ_ONCE(c->cache_hits);
		sum->ahead_blocks += READ_ONCE(c->ahead_blocks);
		sum->ahead_used += READ_ONCE(c->ahead_used);
		sum->prefetch_blocks += READ_ONCE(c->prefetch_blocks);
		sum->prefetch_used += READ_ONCE(c->prefetch_used);
	}
}

/* What the compressed layers of a target take, and others use as well. */
struct layer_usage {
	u64 table_bytes;
	u64 shared_table_bytes;
	u64 cache_bytes;
	u64 shared_cache_bytes;
};

static void sum_layers(const struct obd_target *t, struct layer_usage *sum)
{
	unsigned int i;

	*sum = (struct layer_usage) {};
	for (i = 0; i < t->nr_layers; i++) {
		const struct obd_target_layer *l = &t->layers[i];
		u64 table, cache;

		if (!l->blob->compressed)
			continue;
		table = obd_zfile_bytes(&l->blob->zfile);
		cache = atomic_long_read(&l->shared->source.cache.bytes);
		sum->table_bytes += table;
		sum->cache_bytes += cache;
		if (!obd_shared_by_others(l->shared))
			continue;
		sum->shared_table_bytes += table;
		sum->shared_cache_bytes += cache;
	}
}

static void status_info(struct obd_target *t, char *result,
			unsigned int maxlen)
{
	struct obd_stack_usage stack = {};
	struct layer_usage layers;
	struct obd_counters sum;
	unsigned int sz = 0;

	sum_counters(t, &sum);
	sum_layers(t, &layers);
	if (t->stack) {
		obd_stack_usage(t->stack, &stack);
		DMEMIT("%u %u %llu ", t->nr_layers, stack.extents, stack.bytes);
	}
	DMEMIT("%llu %llu %llu %llu %llu %llu %llu", layers.table_bytes,
	       sum.stored_bytes, sum.blocks, sum.deferred, sum.read_errors,
	       sum.crc_errors, sum.decompress_errors);
	if (t->stack)
		DMEMIT(" %llu", stack.shared_bytes);
	DMEMIT(" %llu %llu %llu %llu %llu %llu %llu %llu %u",
	       layers.shared_table_bytes, layers.cache_bytes,
	       layers.shared_cache_bytes, sum.cache_hits, sum.ahead_blocks,
	       sum.ahead_used, sum.prefetch_blocks, sum.prefetch_used,
	       READ_ONCE(t->prefetch.nr));
}

static void status_options(const struct obd_target *t, char *result,
			   unsigned int maxlen, unsigned int sz)
{
	unsigned int nr = !t->session.verify + t->no_cache;

	if (nr)
		DMEMIT(" %u", nr);
	if (!t->session.verify)
		DMEMIT(" " OPT_NO_VERIFY);
	if (t->no_cache)
		DMEMIT(" " OPT_NO_CACHE);
}

static void status_table(struct obd_target *t, char *result,
			 unsigned int maxlen)
{
	unsigned int i, sz = 0;

	if (t->stack)
		DMEMIT("%u ", t->nr_layers * LOWER_ARGS);
	for (i = 0; i < t->nr_layers; i++)
		DMEMIT("%s%s%s %llu", i ? " " : "",
		       t->stack ? KIND_LOWER " " : "",
		       t->layers[i].dm_dev->name, t->layers[i].bytes);
	status_options(t, result, maxlen, sz);
}

static void status_ima(struct dm_target *ti, char *result, unsigned int maxlen)
{
	struct obd_target *t = ti->private;
	unsigned int i, sz = 0;

	DMEMIT_TARGET_NAME_VERSION(ti->type);
	DMEMIT(",layers=%u,verify=%c", t->nr_layers, t->session.verify ? 'y' : 'n');
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
	quiesce(ti->private);
}

static struct target_type overlaybd_target = {
	.name = "overlaybd",
	.version = {1, 1, 0},
	.features = DM_TARGET_NOWAIT,
	.module = THIS_MODULE,
	.ctr = overlaybd_ctr,
	.dtr = overlaybd_dtr,
	.map = overlaybd_map,
	.presuspend = overlaybd_presuspend,
	.presuspend_undo = overlaybd_resume,
	.postsuspend = overlaybd_postsuspend,
	.resume = overlaybd_resume,
	.status = overlaybd_status,
	.message = obd_target_message,
	.iterate_devices = overlaybd_iterate_devices,
	.io_hints = overlaybd_io_hints,
};

static struct target_type zfile_target = {
	.name = "overlaybd-zfile",
	.version = {1, 1, 0},
	.features = DM_TARGET_NOWAIT,
	.module = THIS_MODULE,
	.ctr = zfile_ctr,
	.dtr = overlaybd_dtr,
	.map = zfile_map,
	.presuspend = overlaybd_presuspend,
	.presuspend_undo = overlaybd_resume,
	.postsuspend = overlaybd_postsuspend,
	.resume = overlaybd_resume,
	.status = overlaybd_status,
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
