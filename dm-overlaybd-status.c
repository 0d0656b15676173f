// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the targets say of themselves.
 */
#include "dm-overlaybd-target.h"

#define DM_MSG_PREFIX "overlaybd"

/* What the compressed layers of a target take, and others use as well. */
struct layer_usage {
	u64 table_bytes;
	u64 shared_table_bytes;
	u64 cache_bytes;
	u64 shared_cache_bytes;
	unsigned int unverified;
};

static void sum_layers(const struct obd_target *t, struct layer_usage *sum)
{
	unsigned int i;

	*sum = (struct layer_usage) {};
	for (i = 0; i < t->nr_layers; i++) {
		const struct obd_target_layer *l = &t->layers[i];
		u64 table, cache;

		if (!l->shared->packed)
			continue;
		table = l->shared->source.table_bytes;
		cache = atomic_long_read(&l->shared->source.cache.bytes);
		sum->table_bytes += table;
		sum->cache_bytes += cache;
		sum->unverified += !t->session.verify ||
				   !l->shared->source.verify;
		if (!obd_shared_by_others(l->shared))
			continue;
		sum->shared_table_bytes += table;
		sum->shared_cache_bytes += cache;
	}
}

/* The upper counts as one of them. */
static unsigned int nr_layers(const struct obd_target *t)
{
	return t->nr_layers + !!t->upper.data;
}

static void status_upper(const struct obd_target_upper *upper, char *result,
			 unsigned int maxlen, unsigned int sz)
{
	struct obd_upper_usage usage;
	const char *mode = "rw";

	obd_upper_usage(upper->shared, &usage);
	if (usage.failed)
		mode = "failed";
	else if (!upper->writable)
		mode = "ro";
	DMEMIT(" %s %llu %llu %llu %llu %llu %llu %llu %llu %llu", mode,
	       usage.extents, usage.map_bytes, usage.used_sectors,
	       usage.data_sectors, usage.log_entries, usage.log_slots,
	       usage.pending, usage.commits, usage.compactions);
}

static void status_info(struct obd_target *t, char *result,
			unsigned int maxlen)
{
	struct obd_stack_usage stack = {};
	struct layer_usage layers;
	struct obd_counters sum;
	unsigned int sz = 0;

	obd_session_sum(&t->session, &sum);
	sum_layers(t, &layers);
	if (t->stack)
		obd_stack_usage(t->stack, &stack);
	if (!t->single)
		DMEMIT("%u %u %llu ", nr_layers(t), stack.extents, stack.bytes);
	DMEMIT("%llu %llu %llu %llu %llu %llu %llu", layers.table_bytes,
	       sum.stored_bytes, sum.blocks, sum.deferred, sum.read_errors,
	       sum.crc_errors, sum.decompress_errors);
	if (!t->single)
		DMEMIT(" %llu", stack.shared_bytes);
	DMEMIT(" %llu %llu %llu %llu %llu %llu %llu %llu %u %u",
	       layers.shared_table_bytes, layers.cache_bytes,
	       layers.shared_cache_bytes, sum.cache_hits, sum.ahead_blocks,
	       sum.ahead_used, sum.prefetch_blocks, sum.prefetch_used,
	       READ_ONCE(t->prefetch.nr), layers.unverified);
	if (t->upper.shared)
		status_upper(&t->upper, result, maxlen, sz);
}

static void status_options(const struct obd_target *t, char *result,
			   unsigned int maxlen, unsigned int sz)
{
	unsigned int nr = !t->session.verify + t->no_cache +
			  2 * !!t->upper.low_water;

	if (nr)
		DMEMIT(" %u", nr);
	if (!t->session.verify)
		DMEMIT(" " OBD_OPT_NO_VERIFY);
	if (t->no_cache)
		DMEMIT(" " OBD_OPT_NO_CACHE);
	if (t->upper.low_water)
		DMEMIT(" " OBD_OPT_LOW_WATER " %llu", t->upper.low_water);
}

/* The word before a layer's device, and a space. */
static const char *layer_kind(const struct obd_target_layer *l)
{
	if (l->kind == OBD_LSMT)
		return OBD_KIND_LOWER " ";
	return l->kind == OBD_TURBO ? OBD_KIND_TURBO " " : "";
}

static unsigned int nr_args(const struct obd_target *t)
{
	unsigned int i, nr = t->upper.data ? OBD_UPPER_ARGS : 0;

	for (i = 0; i < t->nr_layers; i++)
		if (t->layers[i].kind == OBD_LSMT)
			nr += OBD_LOWER_ARGS;
		else if (t->layers[i].kind == OBD_TURBO)
			nr += OBD_TURBO_ARGS;
	return nr;
}

static void status_table(struct obd_target *t, char *result,
			 unsigned int maxlen)
{
	unsigned int i, sz = 0;

	if (!t->single)
		DMEMIT("%u ", nr_args(t));
	for (i = 0; i < t->nr_layers; i++) {
		const struct obd_target_layer *l = &t->layers[i];

		DMEMIT("%s%s%s %llu", i ? " " : "", layer_kind(l),
		       l->dm_dev->name, l->bytes);
		if (l->index)
			DMEMIT(" %s %llu", l->index->name, l->index_bytes);
		else if (l->kind == OBD_RAW)
			DMEMIT(" " OBD_NO_DEVICE " 0");
	}
	if (t->upper.data)
		DMEMIT("%s" OBD_KIND_UPPER " %s %s", i ? " " : "",
		       t->upper.data->name, t->upper.index->name);
	status_options(t, result, maxlen, sz);
}

static void status_ima(struct dm_target *ti, char *result, unsigned int maxlen)
{
	struct obd_target *t = ti->private;
	unsigned int i, sz = 0;

	DMEMIT_TARGET_NAME_VERSION(ti->type);
	DMEMIT(",layers=%u,verify=%c", nr_layers(t), t->session.verify ? 'y' : 'n');
	for (i = t->nr_layers; i--;) {
		const struct obd_target_layer *l = &t->layers[i];

		DMEMIT(",layer_%u_device_name=%s,layer_%u_bytes=%llu", i,
		       l->dm_dev->name, i, l->bytes);
		if (l->index)
			DMEMIT(",layer_%u_index_device_name=%s,layer_%u_index_bytes=%llu",
			       i, l->index->name, i, l->index_bytes);
	}
	if (t->upper.data)
		DMEMIT(",upper_data_device_name=%s,upper_index_device_name=%s",
		       t->upper.data->name, t->upper.index->name);
	DMEMIT(";");
}

void obd_target_status(struct dm_target *ti, status_type_t type,
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

