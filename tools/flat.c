// SPDX-License-Identifier: GPL-2.0-only
/*
 * Merge the indexes of layers, read through them.
 */
#include <pthread.h>

#include "tools/flat.h"

struct pooled {
	struct reader reader;
	struct pooled *next;
};

struct flat_pool {
	pthread_mutex_t lock;
	struct pooled *idle;
};

static bool is_upper(const struct stack *stack, unsigned int layer)
{
	return layer == stack->nr;
}

unsigned int flat_layers(const struct stack *stack)
{
	return stack->nr + stack->has_upper;
}

static struct obd_index index_of(const struct stack *stack,
				 unsigned int layer)
{
	const struct replay *replay = &stack->upper.upper.replay;

	if (is_upper(stack, layer))
		return (struct obd_index) { replay->entries, replay->nr };
	return obd_stack_index(stack->layers, layer);
}

static u64 virtual_sectors(const struct stack *stack, unsigned int layer)
{
	return is_upper(stack, layer) ?
	       stack->upper.upper.writable.virtual_sectors :
	       stack->layers[layer]->lsmt.virtual_sectors;
}

/*
 * A layer may map more than it gives the disk: there is a layer above, perhaps,
 * that makes the disk larger.
 */
static int build_map(struct flat *flat, struct obd_index *indexes, u64 limit,
		     struct obd_error *err)
{
	unsigned int i, nr = flat->end - flat->first;
	u64 mapped = 1;

	for (i = 0; i < nr; i++) {
		u64 sectors = virtual_sectors(flat->stack, flat->first + i);

		indexes[i] = index_of(flat->stack, flat->first + i);
		mapped = max(mapped, obd_index_end(&indexes[i]));
		flat->nr_sectors = sectors ? sectors : flat->nr_sectors;
	}
	return obd_map_build(&flat->map, indexes, nr, flat->number,
			     limit ? limit : max(mapped, flat->nr_sectors),
			     err);
}

/*
 * A map of layers above others is partial, which is what tells zeros from
 * nothing: layers that have none below are counted as if there was one.
 */
int flat_init(struct flat *flat, const struct stack *stack,
	      unsigned int first, unsigned int end, bool keep_zeroed,
	      u64 limit, struct obd_error *err)
{
	const struct upper *upper = &stack->upper.upper;
	struct obd_index *indexes;
	int r;

	*flat = (struct flat) {
		.stack = stack,
		.first = first,
		.end = end,
		.keeps_zeroed = keep_zeroed,
		.number = keep_zeroed ? max(first, 1U) : 0,
		.upper_blob = {
			.dev = (struct obd_dev *)&upper->data,
			.size = upper->data.size,
			.data_size = upper->data.size,
		},
	};
	if (flat->number + (end - first) > LSMT_MAX_LAYERS)
		return obd_fail(err, -E2BIG, "%u layers, expected at most %u",
				end - first, LSMT_MAX_LAYERS - flat->number);
	indexes = calloc(end - first, sizeof(*indexes));
	flat->pool = calloc(1, sizeof(*flat->pool));
	if (!indexes || !flat->pool) {
		r = obd_fail(err, -ENOMEM, "no memory for %u layers", end);
	} else {
		pthread_mutex_init(&flat->pool->lock, NULL);
		r = build_map(flat, indexes, limit, err);
	}
	free(indexes);
	return r;
}

void flat_lookup(const struct flat *flat, u64 sector, struct obd_range *range)
{
	obd_map_lookup(&flat->map, sector, range);
	if (range->layer >= 0)
		range->layer += flat->first - flat->number;
}

const struct obd_blob *flat_blob(const struct flat *flat, int layer)
{
	return is_upper(flat->stack, layer) ?
	       &flat->upper_blob : &flat->stack->layers[layer]->blob;
}

/* The last sector of a target may be there in part. */
static int read_layer(const struct flat *flat, struct reader *reader,
		      const struct obd_range *range, void *buf,
		      struct obd_error *err)
{
	const struct obd_blob *blob = flat_blob(flat, range->layer);
	const struct stack_lower *lower = flat->stack->lowers + range->layer;
	u64 pos = range->moffset << OBD_SECTOR_SHIFT;
	u64 len = range->len << OBD_SECTOR_SHIFT, n = len;

	if (is_upper(flat->stack, range->layer) ||
	    !layer_is_target(lower->kind))
		return reader_read(reader, blob, pos, buf, len, err);
	n = min(len, blob->data_size - pos);
	memset(buf + n, 0, len - n);
	return lower->kind == LAYER_GZIP ?
	       reader_read_gzip(reader, &lower->gzip, pos, buf, n, err) :
	       reader_read(reader, blob, pos, buf, n, err);
}

int flat_read_range(const struct flat *flat, struct reader *reader,
		    const struct obd_range *range, void *buf,
		    struct obd_error *err)
{
	const struct stack *stack = flat->stack;
	struct obd_error why;
	int r;

	r = read_layer(flat, reader, range, buf, &why);
	if (!r)
		return 0;
	if (is_upper(stack, range->layer))
		return obd_fail(err, r, "upper (%s): %.120s",
				stack->upper.data.path, why.text);
	return obd_fail(err, r, "layer %d (%s): %.120s", range->layer,
			stack->lowers[range->layer].file.path, why.text);
}

static struct pooled *take_reader(struct flat_pool *pool)
{
	struct pooled *p;

	pthread_mutex_lock(&pool->lock);
	p = pool->idle;
	if (p)
		pool->idle = p->next;
	pthread_mutex_unlock(&pool->lock);
	return p ? p : calloc(1, sizeof(*p));
}

static void put_reader(struct flat_pool *pool, struct pooled *p)
{
	pthread_mutex_lock(&pool->lock);
	p->next = pool->idle;
	pool->idle = p;
	pthread_mutex_unlock(&pool->lock);
}

/* The part of a range that lies in whole sectors from @sector to @end. */
static int read_sectors(const struct flat *flat, struct reader *reader,
			u64 sector, u64 end, u8 *buf, struct obd_error *err)
{
	struct obd_range range;
	int r = 0;

	for (; !r && sector < end; sector += range.len) {
		flat_lookup(flat, sector, &range);
		range.len = min(range.len, end - sector);
		if (range.layer < 0)
			memset(buf, 0, range.len << OBD_SECTOR_SHIFT);
		else
			r = flat_read_range(flat, reader, &range, buf, err);
		buf += range.len << OBD_SECTOR_SHIFT;
	}
	return r;
}

/* Those who read at any byte get the sectors on either end by a detour. */
static int read_bytes(const struct flat *flat, struct reader *reader, u64 pos,
		      u8 *buf, u64 len, struct obd_error *err)
{
	u8 sector[OBD_SECTOR_SIZE];
	int r = 0;

	while (!r && len) {
		u64 at = pos >> OBD_SECTOR_SHIFT;
		u32 skip = pos % OBD_SECTOR_SIZE;
		u64 n = round_down(len, OBD_SECTOR_SIZE);

		if (!skip && n) {
			r = read_sectors(flat, reader, at,
					 at + (n >> OBD_SECTOR_SHIFT), buf,
					 err);
		} else {
			n = min(len, (u64)OBD_SECTOR_SIZE - skip);
			r = read_sectors(flat, reader, at, at + 1, sector,
					 err);
			memcpy(buf, sector + skip, n);
		}
		pos += n;
		buf += n;
		len -= n;
	}
	return r;
}

static int read_flat(const void *ctx, u64 pos, void *buf, u64 len,
		     struct obd_error *err)
{
	const struct flat *flat = ctx;
	struct pooled *p = take_reader(flat->pool);
	int r;

	if (!p)
		return obd_fail(err, -ENOMEM, "no memory to read");
	r = read_bytes(flat, &p->reader, pos, buf, len, err);
	put_reader(flat->pool, p);
	return r;
}

struct source flat_source(const struct flat *flat)
{
	return (struct source) {
		.size = flat->map.nr_sectors << OBD_SECTOR_SHIFT,
		.ctx = flat,
		.read = read_flat,
	};
}

static void free_pool(struct flat_pool *pool)
{
	struct pooled *p;

	while (pool && pool->idle) {
		p = pool->idle;
		pool->idle = p->next;
		reader_release(&p->reader);
		free(p);
	}
	free(pool);
}

void flat_release(struct flat *flat)
{
	obd_map_release(&flat->map);
	free_pool(flat->pool);
	flat->pool = NULL;
}
