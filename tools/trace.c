// SPDX-License-Identifier: GPL-2.0-only
/*
 * Between devices and traces.
 */
#include "tools/backing.h"
#include "tools/commands.h"
#include "tools/dm.h"
#include "tools/message.h"
#include "tools/table.h"
#include "tools/trace.h"

#define MISSING		TRACE_MAX_LAYERS	/* no layer has this number */

static void describe(struct trace_layer *to, const struct obd_layer *layer,
		     u64 bytes)
{
	const struct obd_blob *blob = &layer->blob;

	*to = (struct trace_layer) {
		.bytes = bytes,
		.data_bytes = blob->data_size,
	};
	if (blob->compressed) {
		to->block_size = blob->zfile.block_size;
		to->table_crc = blob->zfile.table_crc;
	}
	memcpy(to->uuid, layer->lsmt.uuid, LSMT_UUID_SIZE);
}

static void describe_gzip(struct trace_layer *to, const struct obd_gzip *gzip)
{
	*to = (struct trace_layer) {
		.bytes = gzip->gzip_size,
		.data_bytes = gzip->data_size,
		.block_size = 1U << OBD_GZIP_BLOCK_SHIFT,
		.table_crc = gzip->crc,
	};
}

static int begin(struct trace *trace, unsigned int nr)
{
	*trace = (struct trace) {};
	if (!nr) {
		complain("only reads of read-only layers can be traced, and there are none");
		return EXIT_FAILED;
	}
	trace->layers = calloc(nr, sizeof(*trace->layers));
	if (!trace->layers) {
		complain("no memory for %u layers", nr);
		return EXIT_FAILED;
	}
	trace->nr_layers = nr;
	return EXIT_OK;
}

int trace_of_stack(struct trace *trace, const struct stack *stack)
{
	unsigned int i;
	int r = begin(trace, stack->nr);

	for (i = 0; !r && i < stack->nr; i++) {
		const struct stack_lower *lower = &stack->lowers[i];

		if (lower->kind == LAYER_GZIP)
			describe_gzip(&trace->layers[i], &lower->gzip.gzip);
		else
			describe(&trace->layers[i], &lower->layer,
				 lower->file.bytes);
	}
	return r;
}

static int open_gzip(struct trace_layer *to, const struct table_layer *from,
		     struct obd_error *err)
{
	struct obd_gzip gzip;
	int r = backing_open_gzip(&gzip, from, err);

	if (!r)
		describe_gzip(to, &gzip);
	return r;
}

static int open_layer(struct trace_layer *to, struct obd_dev *dev,
		      const struct table_layer *from, struct obd_error *err)
{
	u64 bytes = from->bytes ?: dev->size;
	struct obd_layer layer = { .blob.data_size = bytes };
	int r = 0;

	if (from->kind == LAYER_GZIP)
		return open_gzip(to, from, err);
	if (from->kind != LAYER_RAW)
		r = obd_layer_open_headers(&layer, dev, bytes, err);
	if (!r)
		describe(to, &layer, bytes);
	obd_layer_release(&layer);
	return r;
}

static int of_layer(struct trace_layer *to, const struct table_layer *from,
		    unsigned int i)
{
	struct obd_dev dev = { .fd = -1 };
	struct obd_error err;
	struct backing b;
	int r;

	backing_find(&b, from->dev);
	r = obd_file_open(&dev, b.device ?: from->dev);
	if (r)
		r = obd_fail(&err, r, "%s", strerror(-r));
	else
		r = open_layer(to, &dev, from, &err);
	if (r)
		complain("layer %u (%s): %s", i, b.device ?: from->dev,
			 err.text);
	obd_file_close(&dev);
	backing_release(&b);
	return exit_code_of(r);
}

int trace_of_device(struct trace *trace, const char *name)
{
	struct table table = { };
	uint64_t length;
	unsigned int i;
	char *text;
	int r;

	*trace = (struct trace) {};
	r = device_params(name, DM_DEVICE_TABLE, DEVICE_TARGET, &text, &length);
	if (r == EXIT_NO_DEVICE)
		return device_missing(name);
	if (r)
		return r;
	r = table_parse(&table, text) ?: begin(trace, table.nr);
	free(text);
	for (i = 0; !r && i < table.nr; i++)
		r = of_layer(&trace->layers[i], &table.layers[i], i);
	table_release(&table);
	return r;
}

int trace_read(struct trace *trace, const char *path)
{
	struct obd_error err;
	int r = trace_load(trace, path, &err);

	if (r)
		complain("%s: %s", path, err.text);
	return exit_code_of(r);
}

/* The layer at its old place if it is there, for one may be there twice. */
static u32 find_layer(const struct trace *here, const struct trace_layer *layer,
		      u32 i)
{
	u32 j;

	if (i < here->nr_layers && trace_layer_equal(&here->layers[i], layer))
		return i;
	for (j = 0; j < here->nr_layers; j++)
		if (trace_layer_equal(&here->layers[j], layer))
			return j;
	return MISSING;
}

/* Number the ranges by the layers that are there; returns those left. */
static u32 renumber(struct trace *trace, const u32 *places)
{
	u32 i, nr = 0;

	for (i = 0; i < trace->nr_ranges; i++) {
		struct trace_range range = trace->ranges[i];

		range.layer = places[range.layer];
		if (range.layer != MISSING)
			trace->ranges[nr++] = range;
	}
	return nr;
}

int trace_match(struct trace *trace, const struct trace *here, const char *path,
		const char *name)
{
	u32 places[TRACE_MAX_LAYERS];
	u32 i, found = 0, all = trace->nr_ranges, layers = trace->nr_layers;

	for (i = 0; i < layers; i++) {
		places[i] = find_layer(here, &trace->layers[i], i);
		found += places[i] != MISSING;
	}
	trace->nr_ranges = renumber(trace, places);
	if (!found || (all && !trace->nr_ranges)) {
		complain("%s is a trace of other layers: of its %u layers %s has %u, on which there is nothing to prefetch",
			 path, layers, name, found);
		return EXIT_FAILED;
	}
	if (trace->nr_ranges < all)
		complain("warning: %s: of its %u layers %s has only %u: %u of %u ranges are left out",
			 path, layers, name, found, all - trace->nr_ranges,
			 all);
	return EXIT_OK;
}

int trace_queue(const struct trace *trace, const char *name, unsigned int rate)
{
	int r = EXIT_OK;

	if (rate)
		r = message_prefetch_rate(name, rate);
	return r ?: message_prefetch_add(name, trace->ranges, trace->nr_ranges);
}
