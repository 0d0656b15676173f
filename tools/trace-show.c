// SPDX-License-Identifier: GPL-2.0-only
/*
 * Traces as text or JSON.
 */
#include "tools/report.h"
#include "tools/trace-show.h"

/* What a trace says of one layer. */
struct layer_facts {
	u64 bytes;
	u64 data_bytes;
	u64 block_size;
	u64 table_crc;
	char uuid[LSMT_UUID_SIZE + 1];
	u64 ranges;
	u64 blocks;
};

static const struct row layer_rows[] = {
	ROW(struct layer_facts, bytes, ROW_U64),
	ROW(struct layer_facts, data_bytes, ROW_U64),
	ROW(struct layer_facts, block_size, ROW_U64),
	ROW(struct layer_facts, table_crc, ROW_U64),
	ROW(struct layer_facts, uuid, ROW_TEXT),
	ROW(struct layer_facts, ranges, ROW_U64),
	ROW(struct layer_facts, blocks, ROW_U64),
};

/* Of all layers, so far as they are compressed. */
struct trace_facts {
	u64 nr_layers;
	u64 nr_ranges;
	u64 blocks;
	u64 bytes;
};

static const struct row trace_rows[] = {
	ROW(struct trace_facts, nr_layers, ROW_U64),
	ROW(struct trace_facts, nr_ranges, ROW_U64),
	ROW(struct trace_facts, blocks, ROW_U64),
	ROW(struct trace_facts, bytes, ROW_U64),
};

static void count(const struct trace *trace, struct layer_facts *layers,
		  struct trace_facts *all)
{
	u32 i;

	*all = (struct trace_facts) {
		.nr_layers = trace->nr_layers,
		.nr_ranges = trace->nr_ranges,
		.blocks = trace_count(trace),
	};
	for (i = 0; i < trace->nr_layers; i++) {
		const struct trace_layer *layer = &trace->layers[i];

		layers[i] = (struct layer_facts) {
			.bytes = layer->bytes,
			.data_bytes = layer->data_bytes,
			.block_size = layer->block_size,
			.table_crc = layer->table_crc,
		};
		memcpy(layers[i].uuid, layer->uuid, sizeof(layer->uuid));
	}
	for (i = 0; i < trace->nr_ranges; i++) {
		const struct trace_range *range = &trace->ranges[i];
		struct layer_facts *layer = &layers[range->layer];

		layer->ranges++;
		layer->blocks += range->count;
		all->bytes += range->count * layer->block_size;
	}
}

static void show_layers(struct report *report, const struct layer_facts *layers,
			u32 nr)
{
	char title[sizeof("layer 4294967295")];
	u32 i;

	for (i = 0; i < nr; i++) {
		snprintf(title, sizeof(title), "layer %u", i);
		report_item(report, "layers", title, layer_rows,
			    ARRAY_SIZE(layer_rows), &layers[i]);
	}
}

static void print_ranges(const struct trace *trace)
{
	u32 i;

	puts("ranges (layer, first block, blocks):");
	for (i = 0; i < trace->nr_ranges; i++)
		printf("  %u %u %u\n", trace->ranges[i].layer,
		       trace->ranges[i].first, trace->ranges[i].count);
}

/* Millions of objects would take gigabytes: the text is made at once. */
static int ranges_to_json(struct json_object *o, struct printbuf *pb, int level,
			  int flags)
{
	const struct trace *trace = json_object_get_userdata(o);
	u32 i;

	(void)level;
	(void)flags;
	sprintbuf(pb, "[");
	for (i = 0; i < trace->nr_ranges; i++)
		sprintbuf(pb, "%s\n    [ %u, %u, %u ]", i ? "," : "",
			  trace->ranges[i].layer, trace->ranges[i].first,
			  trace->ranges[i].count);
	return sprintbuf(pb, "]");
}

static void show_ranges(struct report *report, const struct trace *trace)
{
	struct json_object *o;

	if (!report->json) {
		print_ranges(trace);
		return;
	}
	o = json_object_new_array();
	json_object_set_serializer(o, ranges_to_json, (void *)trace, NULL);
	json_object_object_add(report->json, "ranges", o);
}

void trace_show(const struct trace *trace, bool json, bool ranges)
{
	struct layer_facts layers[TRACE_MAX_LAYERS];
	struct trace_facts all;
	struct report report;

	count(trace, layers, &all);
	report_begin(&report, json);
	report_section(&report, "trace", "trace", trace_rows,
		       ARRAY_SIZE(trace_rows), &all);
	show_layers(&report, layers, trace->nr_layers);
	if (ranges)
		show_ranges(&report, trace);
	report_end(&report);
}
