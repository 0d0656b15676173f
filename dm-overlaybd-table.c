// SPDX-License-Identifier: GPL-2.0-only
/*
 * What becomes of a table line: the constructors and the destructor.
 */
#include <linux/ktime.h>
#include <linux/sched/mm.h>

#include "dm-overlaybd-gunzip.h"
#include "dm-overlaybd-target.h"

#define DM_MSG_PREFIX "overlaybd"

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
	if (l->index)
		dm_put_device(ti, l->index);
}

static void upper_exit(struct dm_target *ti, struct obd_target_upper *upper)
{
	obd_upper_put(upper->shared);
	if (upper->data)
		dm_put_device(ti, upper->data);
	if (upper->index)
		dm_put_device(ti, upper->index);
}

void obd_target_dtr(struct dm_target *ti)
{
	struct obd_target *t = ti->private;
	unsigned int i;

	if (!t)
		return;
	obd_prefetch_cancel(&t->prefetch);
	obd_session_quiesce(&t->session);
	obd_gunzip_forget(&t->session);
	obd_session_exit(&t->session);
	upper_exit(ti, &t->upper);
	obd_stack_put(t->stack);
	for (i = 0; i < t->nr_layers; i++)
		layer_exit(ti, &t->layers[i]);
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
	int r;

	if (!t)
		return NULL;
	ti->private = t;
	mutex_init(&t->lock);
	obd_prefetch_init(&t->prefetch);
	t->times.map = "none";
	r = obd_session_init(&t->session, dm_table_device_name(ti->table));
	t->layers = kvcalloc(nr_layers, sizeof(*t->layers), GFP_KERNEL);
	t->routes = kvcalloc(nr_layers, sizeof(*t->routes), GFP_KERNEL);
	t->hints = alloc_percpu(u32);
	if (r || !t->layers || !t->routes || !t->hints)
		return NULL;
	t->nr_layers = nr_layers;
	return t;
}

/*
 * Blobs begin at any sector of a device, and extents at any sector of a blob:
 * larger logical blocks cannot serve them.
 */
static int layer_get_device(struct dm_target *ti, unsigned int nr,
			    const char *path, blk_mode_t mode,
			    struct dm_dev **dm_dev)
{
	unsigned int block_size;
	int r;

	r = dm_get_device(ti, path, mode, dm_dev);
	if (r)
		return target_fail(ti, r, "layer %u: cannot open device %s",
				   nr, path);
	if (mode & BLK_OPEN_WRITE && bdev_read_only((*dm_dev)->bdev))
		return target_fail(ti, -EROFS,
				   "layer %u: device %s is read-only, expected one that can be written, or a read-only table",
				   nr, path);
	block_size = bdev_logical_block_size((*dm_dev)->bdev);
	if (block_size != SECTOR_SIZE)
		return target_fail(ti, -EINVAL,
				   "layer %u: device %s has logical blocks of %u bytes, expected %u: put a loop device with 512-byte sectors in between",
				   nr, path, block_size, SECTOR_SIZE);
	return 0;
}

/*
 * A writable layer's devices are got before, and not for reading only again: of
 * a device that is got for writing after it has been got for reading, dm frees
 * what it gave first. No other target of the table may do that, either: there is
 * none.
 */
static int lower_get_device(struct dm_target *ti, unsigned int nr,
			    const char *path, struct dm_dev **dm_dev)
{
	const struct obd_target *t = ti->private;
	int r;

	r = layer_get_device(ti, nr, path, BLK_OPEN_READ, dm_dev);
	if (r || (*dm_dev != t->upper.data && *dm_dev != t->upper.index))
		return r;
	return target_fail(ti, -EINVAL,
			   "layer %u: device %s is one of the upper layer's",
			   nr, path);
}

/* A device and a length. */
static int file_parse(struct dm_target *ti, unsigned int nr,
		      struct dm_arg_set *as, struct dm_dev **dm_dev, u64 *bytes)
{
	const char *path = dm_shift_arg(as);
	const char *length = dm_shift_arg(as);

	if (kstrtou64(length, 10, bytes))
		return target_fail(ti, -EINVAL,
				   "layer %u: length is \"%s\", expected a number of bytes",
				   nr, length);
	return lower_get_device(ti, nr, path, dm_dev);
}

static int layer_parse(struct dm_target *ti, struct obd_target_layer *l,
		       unsigned int nr, struct dm_arg_set *as)
{
	return file_parse(ti, nr, as, &l->dm_dev, &l->bytes);
}

static int zfile_parse(struct dm_target *ti, struct obd_target_layer *l,
		       unsigned int nr, struct dm_arg_set *as)
{
	l->kind = OBD_BLOB;
	return layer_parse(ti, l, nr, as);
}

static int gzip_parse(struct dm_target *ti, struct obd_target_layer *l,
		      unsigned int nr, struct dm_arg_set *as)
{
	l->kind = OBD_GZIP;
	return layer_parse(ti, l, nr, as) ?:
	       file_parse(ti, nr, as, &l->index, &l->index_bytes);
}

/* What holds the data of a turbo layer: a gzip file, or one without an index. */
static int target_parse(struct dm_target *ti, struct obd_target_layer *l,
			unsigned int nr, struct dm_arg_set *as)
{
	int r;

	if (strcmp(as->argv[2], OBD_NO_DEVICE))
		return gzip_parse(ti, l, nr, as);
	l->kind = OBD_RAW;
	r = layer_parse(ti, l, nr, as);
	dm_consume_args(as, 2);
	return r;
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
	reader->checked = t->session.verify || !reader->source->verify;
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
	if (!l->shared->packed) {
		route->bdev = l->dm_dev->bdev;
		route->start = l->shared->layer.blob.start >> SECTOR_SHIFT;
		return;
	}
	route->reader = &l->reader;
	reader_init(t, l, nr);
}

static int check_mode(struct dm_target *ti)
{
	struct obd_target *t = ti->private;

	if (!t->upper.data && dm_table_get_mode(ti->table) & BLK_OPEN_WRITE)
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

/* The layers that are not writable; @as stands behind them afterwards. */
static int parse_lowers(struct dm_target *ti, struct dm_arg_set *as)
{
	struct obd_target *t = ti->private;
	struct obd_target_layer *l = t->layers;
	unsigned int nr = 0;
	int r = 0;

	while (!r && nr < t->nr_layers) {
		bool turbo = !strcmp(dm_shift_arg(as), OBD_KIND_TURBO);

		l[nr].kind = turbo ? OBD_TURBO : OBD_LSMT;
		r = layer_parse(ti, &l[nr], nr, as);
		nr++;
		if (!r && turbo) {
			r = target_parse(ti, &l[nr], nr, as);
			nr++;
		}
	}
	return r;
}

static int parse_low_water(struct dm_target *ti, struct dm_arg_set *as)
{
	struct obd_target *t = ti->private;
	const char *arg = dm_shift_arg(as);

	if (!t->upper.data)
		return target_fail(ti, -EINVAL,
				   "option \"%s\" is for devices with an upper layer",
				   OBD_OPT_LOW_WATER);
	if (!arg || kstrtou64(arg, 10, &t->upper.low_water))
		return target_fail(ti, -EINVAL,
				   "%s is \"%s\", expected a number of sectors",
				   OBD_OPT_LOW_WATER, arg ?: "");
	return 0;
}

static int parse_option(struct dm_target *ti, struct dm_arg_set *as)
{
	struct obd_target *t = ti->private;
	const char *option = dm_shift_arg(as);

	if (!strcasecmp(option, OBD_OPT_NO_VERIFY))
		t->session.verify = false;
	else if (!strcasecmp(option, OBD_OPT_NO_CACHE))
		t->no_cache = true;
	else if (!strcasecmp(option, OBD_OPT_LOW_WATER))
		return parse_low_water(ti, as);
	else
		return target_fail(ti, -EINVAL,
				   "option is \"%s\", expected \"%s\", \"%s\" or \"%s\"",
				   option, OBD_OPT_NO_VERIFY, OBD_OPT_NO_CACHE,
				   OBD_OPT_LOW_WATER);
	return 0;
}

static int parse_options(struct dm_target *ti, struct dm_arg_set *as)
{
	unsigned int nr;
	int r = 0;

	if (!as->argc)
		return 0;
	if (kstrtouint(dm_shift_arg(as), 10, &nr) || nr != as->argc)
		return target_fail(ti, -EINVAL,
				   "number of options is wrong: %u arguments follow it",
				   as->argc);
	while (!r && as->argc)
		r = parse_option(ti, as);
	return r;
}

/* What the words of the table make. */
struct group {
	unsigned int nr_args;
	unsigned int nr_layers;	/* but the upper; a target is one */
	bool upper;
};

static int parse_count(struct dm_target *ti, struct dm_arg_set *as,
		       struct group *group)
{
	const char *arg = dm_shift_arg(as);

	if (!arg || kstrtouint(arg, 10, &group->nr_args) || !group->nr_args ||
	    group->nr_args > as->argc)
		return target_fail(ti, -EINVAL,
				   "number of layer arguments is \"%s\", expected %u or more; %u arguments follow it",
				   arg ?: "", OBD_LOWER_ARGS, as->argc);
	return 0;
}

static bool is_upper(const char *kind)
{
	return !strcmp(kind, OBD_KIND_UPPER);
}

/* How many words a layer has, the kind included; 0 if that is unknown. */
static unsigned int kind_args(const char *kind)
{
	if (!strcmp(kind, OBD_KIND_LOWER))
		return OBD_LOWER_ARGS;
	if (!strcmp(kind, OBD_KIND_TURBO))
		return OBD_TURBO_ARGS;
	return is_upper(kind) ? OBD_UPPER_ARGS : 0;
}

/* The upper is the last layer, and stands at the end of the group. */
static int parse_upper(struct dm_target *ti, const struct dm_arg_set *as,
		       const struct group *group)
{
	struct obd_target *t = ti->private;
	struct obd_target_upper *upper = &t->upper;
	char **devices = as->argv + group->nr_args - 2;
	blk_mode_t mode = BLK_OPEN_READ;

	upper->writable = dm_table_get_mode(ti->table) & BLK_OPEN_WRITE;
	if (upper->writable)
		mode |= BLK_OPEN_WRITE;
	return layer_get_device(ti, t->nr_layers, devices[0], mode,
				&upper->data) ?:
	       layer_get_device(ti, t->nr_layers, devices[1], mode,
				&upper->index);
}

/* The group's arguments; @as stands behind them afterwards. */
static int parse_layers(struct dm_target *ti, struct dm_arg_set *as,
			const struct group *group)
{
	int r = 0;

	if (group->upper)
		r = parse_upper(ti, as, group);
	r = r ?: parse_lowers(ti, as);
	if (group->upper)
		dm_consume_args(as, OBD_UPPER_ARGS);
	return r;
}

/* See which layers there are, before anything is allocated for them. */
static int parse_kinds(struct dm_target *ti, const struct dm_arg_set *as,
		       struct group *group)
{
	unsigned int i, nr;

	for (i = 0; i < group->nr_args; i += nr) {
		const char *kind = as->argv[i];

		nr = kind_args(kind);
		if (!nr || (is_upper(kind) && i + nr < group->nr_args))
			return target_fail(ti, -EINVAL,
					   "layer %u: kind is \"%s\", expected \"%s\" or \"%s\", or \"%s\" for the last",
					   group->nr_layers, kind, OBD_KIND_LOWER, OBD_KIND_TURBO,
					   OBD_KIND_UPPER);
		if (nr > group->nr_args - i)
			return target_fail(ti, -EINVAL,
					   "layer %u: %u arguments, expected %u for \"%s\"",
					   group->nr_layers,
					   group->nr_args - i, nr, kind);
		group->upper = is_upper(kind);
		if (!group->upper)
			group->nr_layers += nr == OBD_TURBO_ARGS ? 2 : 1;
	}
	if (group->nr_layers + group->upper > LSMT_MAX_LAYERS)
		return target_fail(ti, -EINVAL,
				   "%u layers, expected 1 to %u; a turbo layer counts as two",
				   group->nr_layers + group->upper,
				   LSMT_MAX_LAYERS);
	return 0;
}

static int fail_load(struct dm_target *ti, const struct obd_load *loads,
		     const struct obd_load *failed)
{
	return target_fail(ti, failed->result, "layer %u: %s",
			   (unsigned int)(failed - loads), failed->err.text);
}

/* Open all layers, or the one blob. */
static int open_layers(struct dm_target *ti, struct obd_load *loads)
{
	struct obd_target *t = ti->private;
	ktime_t begin = ktime_get();
	struct obd_load *failed;
	unsigned int i;

	for (i = 0; i < t->nr_layers; i++) {
		const struct obd_target_layer *l = &t->layers[i];

		loads[i].kind = l->kind;
		loads[i].bdev = l->dm_dev->bdev;
		loads[i].bytes = l->bytes;
		loads[i].index = l->index ? l->index->bdev : NULL;
		loads[i].index_bytes = l->index_bytes;
	}
	failed = obd_layers_open(loads, t->nr_layers);
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
	return 0;
}

/* The one file of a target that shows its bytes. */
static int check_single(struct dm_target *ti)
{
	struct obd_target *t = ti->private;
	const struct obd_shared *shared = t->layers[0].shared;

	if (!shared->packed)
		return target_fail(ti, -EINVAL, "layer 0: not a ZFile");
	return check_length(ti, DIV_ROUND_UP_ULL(shared->source.data_size,
						 SECTOR_SIZE));
}

static int load(struct dm_target *ti)
{
	struct obd_target *t = ti->private;
	struct obd_load *loads;
	int r;

	if (!t->nr_layers)
		return 0;
	loads = kvcalloc(t->nr_layers, sizeof(*loads), GFP_KERNEL);
	if (!loads)
		return target_fail(ti, -ENOMEM, "no memory for the layers");
	r = open_layers(ti, loads);
	if (!r)
		r = t->single ? check_single(ti) : get_stack(ti, loads);
	kvfree(loads);
	return r;
}

/*
 * A layer that is in use already becomes larger when a longer table does. One
 * that does not say how large it is goes by the layers below.
 */
static int check_upper_length(struct dm_target *ti)
{
	struct obd_target *t = ti->private;
	struct obd_upper *u = t->upper.shared;

	if (!u->virtual_sectors && t->stack)
		u->virtual_sectors = t->stack->sectors;
	if (ti->len < u->sectors)
		return target_fail(ti, -EINVAL,
				   "length is %llu sectors, expected at least %llu: a device does not shrink",
				   (unsigned long long)ti->len, u->sectors);
	return check_length(ti, u->sectors ? LSMT_OFFSET_MASK :
				u->virtual_sectors);
}

static int load_upper(struct dm_target *ti)
{
	struct obd_target *t = ti->private;
	struct obd_error err;
	struct obd_upper *u;

	if (!t->upper.data)
		return check_length(ti, t->stack->sectors);
	u = obd_upper_get(ti, t->upper.data->bdev, t->upper.index->bdev,
			  t->nr_layers, &err);
	if (IS_ERR(u))
		return target_fail(ti, PTR_ERR(u), "layer %u: %s",
				   t->nr_layers, err.text);
	t->upper.shared = u;
	return check_upper_length(ti);
}

/* What dm has to know of a target that has been loaded. */
static void announce(struct dm_target *ti)
{
	struct obd_target *t = ti->private;

	ti->per_io_data_size = sizeof(union obd_bio);
	if (!t->upper.writable)
		return;
	ti->num_flush_bios = 1;
	ti->flush_supported = true;
	ti->num_discard_bios = 1;
	ti->discards_supported = true;
	ti->num_write_zeroes_bios = 1;
}

/* The end of a constructor: @r is what it has come to. */
static int constructed(struct dm_target *ti, int r)
{
	if (r)
		obd_target_dtr(ti);
	else
		announce(ti);
	return r;
}

typedef int (*ctr_fn)(struct dm_target *ti, struct dm_arg_set *as);

/*
 * While a table of the device is suspended, to write memory out may be to wait
 * for it. Otherwise loading a large log is worth that.
 */
static int construct(struct dm_target *ti, unsigned int argc, char **argv,
		     ctr_fn ctr)
{
	struct dm_arg_set as = { .argc = argc, .argv = argv };
	unsigned int noio;
	int r;

	if (!dm_suspended(ti))
		return ctr(ti, &as);
	noio = memalloc_noio_save();
	r = ctr(ti, &as);
	memalloc_noio_restore(noio);
	return r;
}

static int stack_ctr(struct dm_target *ti, struct dm_arg_set *as)
{
	struct group group = {};
	int r;

	r = parse_count(ti, as, &group) ?: parse_kinds(ti, as, &group);
	if (r)
		return r;
	if (!target_alloc(ti, group.nr_layers))
		r = target_fail(ti, -ENOMEM, "no memory for the target");
	r = r ?: parse_layers(ti, as, &group) ?: check_mode(ti) ?:
	    parse_options(ti, as) ?: load(ti) ?: load_upper(ti);
	return constructed(ti, r);
}

int obd_target_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	return construct(ti, argc, argv, stack_ctr);
}

/* A target that shows the bytes of one file, which @parse takes from the words. */
static int single_ctr(struct dm_target *ti, struct dm_arg_set *as,
		      int (*parse)(struct dm_target *ti,
				   struct obd_target_layer *l, unsigned int nr,
				   struct dm_arg_set *as))
{
	struct obd_target *t = target_alloc(ti, 1);
	int r;

	if (!t)
		return constructed(ti, target_fail(ti, -ENOMEM,
						   "no memory for the target"));
	t->single = true;
	r = check_mode(ti) ?: parse(ti, &t->layers[0], 0, as) ?:
	    parse_options(ti, as) ?: load(ti);
	return constructed(ti, r);
}

static int zfile_ctr(struct dm_target *ti, struct dm_arg_set *as)
{
	return single_ctr(ti, as, zfile_parse);
}

int obd_zfile_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	if (argc < 2)
		return target_fail(ti, -EINVAL,
				   "%u arguments, expected a device and a length",
				   argc);
	return construct(ti, argc, argv, zfile_ctr);
}

static int gzip_ctr(struct dm_target *ti, struct dm_arg_set *as)
{
	return single_ctr(ti, as, gzip_parse);
}

int obd_gzip_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	if (argc < 4)
		return target_fail(ti, -EINVAL,
				   "%u arguments, expected a device and a length, and those of the index",
				   argc);
	return construct(ti, argc, argv, gzip_ctr);
}
