// SPDX-License-Identifier: GPL-2.0-only
/*
 * Traces: made from what the kernel recorded, written to files and read back.
 */
#include "tools/file.h"
#include "tools/trace-file.h"

#define ROOM_MIN	1024
#define VARINT_MAX	10		/* bytes of 64 bits */
#define RANGE_MIN	3		/* bytes: a range has three numbers */
#define KEY_LAYER_SHIFT	40		/* a block number needs 33 bits at most */

u64 trace_blocks(const struct trace_layer *layer)
{
	u64 blocks;

	if (!layer->block_size || !layer->data_bytes)
		return 0;
	blocks = (layer->data_bytes - 1) / layer->block_size + 1;
	return blocks <= TRACE_MAX_BLOCKS ? blocks : 0;
}

bool trace_layer_equal(const struct trace_layer *a,
		       const struct trace_layer *b)
{
	return a->bytes == b->bytes && a->data_bytes == b->data_bytes &&
	       a->block_size == b->block_size &&
	       a->table_crc == b->table_crc && !strcmp(a->uuid, b->uuid);
}

static bool in_bounds(const struct trace *trace, u64 layer, u64 first,
		      u64 count)
{
	u64 blocks;

	if (layer >= trace->nr_layers)
		return false;
	blocks = trace_blocks(&trace->layers[layer]);
	return count && first < blocks && count <= blocks - first;
}

static int push(struct trace *trace, const struct trace_range *range)
{
	u32 room = trace->room ? 2 * trace->room : ROOM_MIN;
	struct trace_range *ranges = trace->ranges;

	if (trace->nr_ranges == TRACE_MAX_RANGES)
		return -E2BIG;
	if (trace->nr_ranges == trace->room) {
		ranges = realloc(ranges, room * sizeof(*ranges));
		if (!ranges)
			return -ENOMEM;
		trace->ranges = ranges;
		trace->room = room;
	}
	ranges[trace->nr_ranges++] = *range;
	return 0;
}

int trace_add(struct trace *trace, const struct trace_range *range)
{
	if (!in_bounds(trace, range->layer, range->first, range->count))
		return -ERANGE;
	return push(trace, range);
}

static u64 key_of(u32 layer, u64 block)
{
	return (u64)layer << KEY_LAYER_SHIFT | block;
}

static int compare_keys(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/**
 * struct pieces - the ranges, cut wherever one of them begins or ends
 * @keys: layer and block where a piece begins, in order; it ends at the next
 * @next: of each piece, itself or a later one: those before that are taken
 * @nr: how many
 */
struct pieces {
	u64 *keys;
	u32 *next;
	u32 nr;
};

static int cut(struct pieces *p, const struct trace *trace)
{
	u32 i, nr = 2 * trace->nr_ranges;

	p->keys = kvmalloc_array(nr, sizeof(*p->keys), GFP_KERNEL);
	p->next = kvmalloc_array(nr, sizeof(*p->next), GFP_KERNEL);
	if (!p->keys || !p->next)
		return -ENOMEM;
	for (i = 0; i < trace->nr_ranges; i++) {
		const struct trace_range *r = &trace->ranges[i];

		p->keys[2 * i] = key_of(r->layer, r->first);
		p->keys[2 * i + 1] = key_of(r->layer,
					    (u64)r->first + r->count);
	}
	qsort(p->keys, nr, sizeof(*p->keys), compare_keys);
	for (i = 0; i < nr; i++)
		if (!i || p->keys[i] != p->keys[p->nr - 1])
			p->keys[p->nr++] = p->keys[i];
	for (i = 0; i < p->nr; i++)
		p->next[i] = i;
	return 0;
}

/* The first piece from @i on that is not taken; shortens the way there. */
static u32 next_free(struct pieces *p, u32 i)
{
	while (p->next[i] != i) {
		p->next[i] = p->next[p->next[i]];
		i = p->next[i];
	}
	return i;
}

static int append(struct trace *out, u32 layer, u64 first, u64 end)
{
	struct trace_range *last = NULL;

	if (out->nr_ranges)
		last = &out->ranges[out->nr_ranges - 1];
	if (last && last->layer == layer &&
	    (u64)last->first + last->count == first) {
		last->count += end - first;
		return 0;
	}
	return push(out, &(struct trace_range){ layer, first, end - first });
}

/* The pieces of a range that no range before it had. */
static int take(struct trace *out, struct pieces *p,
		const struct trace_range *range)
{
	u64 base = key_of(range->layer, 0);
	u64 first = base + range->first, end = first + range->count;
	u64 *at = bsearch(&first, p->keys, p->nr, sizeof(*p->keys),
			  compare_keys);
	u32 i = next_free(p, at - p->keys);
	int r = 0;

	/* The last piece begins where the last range ends: it is never taken. */
	while (!r && p->keys[i] < end) {
		r = append(out, range->layer, p->keys[i] - base,
			   p->keys[i + 1] - base);
		p->next[i] = i + 1;
		i = next_free(p, i + 1);
	}
	return r;
}

int trace_normalise(struct trace *trace)
{
	struct trace out = { };
	struct pieces p = { };
	u32 i;
	int r;

	r = cut(&p, trace);
	for (i = 0; !r && i < trace->nr_ranges; i++)
		r = take(&out, &p, &trace->ranges[i]);
	kvfree(p.keys);
	kvfree(p.next);
	if (r) {
		free(out.ranges);
		return r;
	}
	free(trace->ranges);
	trace->ranges = out.ranges;
	trace->nr_ranges = out.nr_ranges;
	trace->room = out.room;
	return 0;
}

u64 trace_count(const struct trace *trace)
{
	u64 blocks = 0;
	u32 i;

	for (i = 0; i < trace->nr_ranges; i++)
		blocks += trace->ranges[i].count;
	return blocks;
}

/* Small numbers of either sign become small ones without. */
static u64 zigzag(s64 value)
{
	return (u64)value << 1 ^ (u64)(value >> 63);
}

static s64 unzigzag(u64 value)
{
	return (s64)(value >> 1 ^ -(value & 1));
}

static u8 *put_varint(u8 *to, u64 value)
{
	for (; value >= 0x80; value >>= 7)
		*to++ = value | 0x80;
	*to++ = value;
	return to;
}

/* Where the last range of each layer ended, and which layer was last. */
struct context {
	u64 ends[TRACE_MAX_LAYERS];
	u32 layer;
};

static u8 *put_range(u8 *to, struct context *last,
		     const struct trace_range *range)
{
	u64 *end = &last->ends[range->layer];

	to = put_varint(to, zigzag((s64)range->layer - last->layer));
	to = put_varint(to, zigzag((s64)range->first - (s64)*end));
	to = put_varint(to, range->count - 1);
	last->layer = range->layer;
	*end = (u64)range->first + range->count;
	return to;
}

static void put_layer(struct trace_layer_record *to,
		      const struct trace_layer *layer)
{
	*to = (struct trace_layer_record) {
		.bytes = cpu_to_le64(layer->bytes),
		.data_bytes = cpu_to_le64(layer->data_bytes),
		.block_size = cpu_to_le32(layer->block_size),
		.table_crc = cpu_to_le32(layer->table_crc),
	};
	memcpy(to->uuid, layer->uuid, strnlen(layer->uuid, LSMT_UUID_SIZE));
}

static u32 checksum(const u8 *data, size_t size)
{
	const size_t from = offsetof(struct trace_header, nr_layers);

	return ~crc32c(~0U, data + from, size - from);
}

int trace_format(const struct trace *trace, u8 **data, size_t *size)
{
	struct trace_header *header;
	struct trace_layer_record *records;
	struct context last = { };
	u8 *to;
	u32 i;

	*data = malloc(sizeof(*header) + trace->nr_layers * sizeof(*records) +
		       (size_t)trace->nr_ranges * RANGE_MIN * VARINT_MAX);
	if (!*data)
		return -ENOMEM;
	header = (void *)*data;
	records = (void *)(header + 1);
	for (i = 0; i < trace->nr_layers; i++)
		put_layer(&records[i], &trace->layers[i]);
	to = (void *)(records + trace->nr_layers);
	for (i = 0; i < trace->nr_ranges; i++)
		to = put_range(to, &last, &trace->ranges[i]);
	*size = to - *data;
	*header = (struct trace_header) {
		.magic = TRACE_MAGIC,
		.version = cpu_to_le32(TRACE_VERSION),
		.nr_layers = cpu_to_le32(trace->nr_layers),
		.nr_ranges = cpu_to_le32(trace->nr_ranges),
	};
	header->crc = cpu_to_le32(checksum(*data, *size));
	return 0;
}

static int check_header(const struct trace_header *header, const u8 *data,
			size_t size, struct obd_error *err)
{
	u32 version, crc;

	if (size < sizeof(*header) ||
	    memcmp(header->magic, TRACE_MAGIC, TRACE_MAGIC_SIZE))
		return obd_fail(err, -EINVAL, "it is no trace");
	version = le32_to_cpu(header->version);
	if (version != TRACE_VERSION)
		return obd_fail(err, -EOPNOTSUPP,
				"its version is %u, expected %u", version,
				TRACE_VERSION);
	crc = checksum(data, size);
	if (crc != le32_to_cpu(header->crc))
		return obd_fail(err, -EBADMSG,
				"its checksum is %#x, expected %#x: it is cut off or corrupt",
				le32_to_cpu(header->crc), crc);
	return 0;
}

static int check_counts(const struct trace_header *header, size_t size,
			struct obd_error *err)
{
	u32 nr_layers = le32_to_cpu(header->nr_layers);
	u32 nr_ranges = le32_to_cpu(header->nr_ranges);
	size_t rest = size - sizeof(*header);

	if (!nr_layers || nr_layers > TRACE_MAX_LAYERS ||
	    nr_layers > rest / sizeof(struct trace_layer_record))
		return obd_fail(err, -EINVAL,
				"nr_layers is %u, expected 1 to %zu", nr_layers,
				min(rest / sizeof(struct trace_layer_record),
				    (size_t)TRACE_MAX_LAYERS));
	rest -= nr_layers * sizeof(struct trace_layer_record);
	if (nr_ranges > TRACE_MAX_RANGES || nr_ranges > rest / RANGE_MIN)
		return obd_fail(err, -EINVAL,
				"nr_ranges is %u, expected %zu at most",
				nr_ranges, min(rest / RANGE_MIN,
					       (size_t)TRACE_MAX_RANGES));
	return 0;
}

static int get_layer(struct trace_layer *layer, u32 i,
		     const struct trace_layer_record *from,
		     struct obd_error *err)
{
	*layer = (struct trace_layer) {
		.bytes = le64_to_cpu(from->bytes),
		.data_bytes = le64_to_cpu(from->data_bytes),
		.block_size = le32_to_cpu(from->block_size),
		.table_crc = le32_to_cpu(from->table_crc),
	};
	memcpy(layer->uuid, from->uuid, sizeof(from->uuid));
	if (layer->block_size && layer->data_bytes && !trace_blocks(layer))
		return obd_fail(err, -EINVAL,
				"layer %u: %llu bytes are more than %llu blocks of %u",
				i, (unsigned long long)layer->data_bytes,
				TRACE_MAX_BLOCKS, layer->block_size);
	if (memchr_inv(from->reserved, 0, sizeof(from->reserved)))
		return obd_fail(err, -EINVAL,
				"layer %u: reserved bytes are not zero", i);
	return 0;
}

static int get_layers(struct trace *trace, const u8 *data,
		      struct obd_error *err)
{
	const struct trace_layer_record *from = (const void *)data;
	int r = 0;
	u32 i;

	trace->layers = kvcalloc(trace->nr_layers, sizeof(*trace->layers),
				 GFP_KERNEL);
	if (!trace->layers)
		return obd_fail(err, -ENOMEM, "no memory for %u layers",
				trace->nr_layers);
	for (i = 0; !r && i < trace->nr_layers; i++)
		r = get_layer(&trace->layers[i], i, &from[i], err);
	return r;
}

/* What has not been read yet. */
struct cursor {
	const u8 *at;
	const u8 *end;
};

/* No bit is lost, and no byte more than it takes was used. */
static bool get_varint(struct cursor *c, u64 *value)
{
	unsigned int shift;

	*value = 0;
	for (shift = 0; shift < 64 && c->at < c->end; shift += 7) {
		u8 byte = *c->at++;

		if (shift == 63 && byte > 1)
			return false;
		*value |= (u64)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return byte || !shift;
	}
	return false;
}

static bool get_range(struct cursor *c, struct context *last,
		      const struct trace *trace, struct trace_range *range)
{
	u64 layer, first, count;

	if (!get_varint(c, &layer) || !get_varint(c, &first) ||
	    !get_varint(c, &count))
		return false;
	layer = last->layer + (u64)unzigzag(layer);
	if (layer >= trace->nr_layers)
		return false;
	first = last->ends[layer] + (u64)unzigzag(first);
	/* One more than the highest is 0, which no range may have. */
	count++;
	if (!in_bounds(trace, layer, first, count))
		return false;
	*range = (struct trace_range) { layer, first, count };
	last->layer = layer;
	last->ends[layer] = first + count;
	return true;
}

static int get_ranges(struct trace *trace, struct cursor *c, u32 nr,
		      struct obd_error *err)
{
	struct context last = { };

	trace->ranges = kvcalloc(nr, sizeof(*trace->ranges), GFP_KERNEL);
	if (!trace->ranges)
		return obd_fail(err, -ENOMEM, "no memory for %u ranges", nr);
	trace->room = nr;
	for (; trace->nr_ranges < nr; trace->nr_ranges++)
		if (!get_range(c, &last, trace,
			       &trace->ranges[trace->nr_ranges]))
			return obd_fail(err, -EINVAL,
					"range %u is cut off, or not within a layer",
					trace->nr_ranges);
	if (c->at != c->end)
		return obd_fail(err, -EINVAL,
				"%zu bytes follow behind the last range",
				(size_t)(c->end - c->at));
	return 0;
}

int trace_parse(struct trace *trace, const u8 *data, size_t size,
		struct obd_error *err)
{
	const struct trace_header *header = (const void *)data;
	struct cursor c = { .end = data + size };
	int r;

	*trace = (struct trace) {};
	r = check_header(header, data, size, err) ?:
	    check_counts(header, size, err);
	if (r)
		return r;
	data += sizeof(*header);
	trace->nr_layers = le32_to_cpu(header->nr_layers);
	c.at = data + trace->nr_layers * sizeof(struct trace_layer_record);
	return get_layers(trace, data, err) ?:
	       get_ranges(trace, &c, le32_to_cpu(header->nr_ranges), err);
}

static int load(struct trace *trace, struct obd_dev *dev,
		struct obd_error *err)
{
	u8 *data;
	int r;

	if (dev->size > TRACE_MAX_SIZE)
		return obd_fail(err, -EINVAL,
				"it has %llu bytes, expected %llu at most",
				(unsigned long long)dev->size, TRACE_MAX_SIZE);
	data = kvmalloc(dev->size, GFP_KERNEL);
	if (!data)
		return obd_fail(err, -ENOMEM, "no memory for it");
	r = obd_dev_read(dev, 0, data, dev->size);
	if (r)
		r = obd_fail(err, r, "cannot read it: %s", strerror(-r));
	else
		r = trace_parse(trace, data, dev->size, err);
	kvfree(data);
	return r;
}

int trace_load(struct trace *trace, const char *path, struct obd_error *err)
{
	struct obd_dev dev = { .fd = -1 };
	int r;

	*trace = (struct trace) {};
	r = obd_file_open(&dev, path);
	if (r)
		r = obd_fail(err, r, "%s", obd_file_error(r));
	else
		r = load(trace, &dev, err);
	obd_file_close(&dev);
	return r;
}

void trace_release(struct trace *trace)
{
	free(trace->layers);
	free(trace->ranges);
	*trace = (struct trace) {};
}
