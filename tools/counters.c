// SPDX-License-Identifier: GPL-2.0-only
/*
 * Read the status line.
 */
#include <stdlib.h>

#include "tools/commands.h"
#include "tools/counters.h"
#include "tools/dm.h"

const struct counter_name counter_names[NR_COUNTERS] = {
	[COUNTER_LAYERS] = { "layers", "layers" },
	[COUNTER_EXTENTS] = { "extents", "extents in the merged map" },
	[COUNTER_MAP_BYTES] = { "map_bytes", "bytes of the merged map" },
	[COUNTER_TABLE_BYTES] = { "table_bytes", "bytes of jump tables" },
	[COUNTER_STORED_BYTES] = {
		"compressed_bytes_read", "compressed bytes read" },
	[COUNTER_BLOCKS] = { "blocks_decompressed", "blocks decompressed" },
	[COUNTER_DEFERRED] = { "deferred_reads", "deferred reads" },
	[COUNTER_READ_ERRORS] = { "read_errors", "read errors" },
	[COUNTER_CRC_ERRORS] = { "crc_errors", "CRC errors" },
	[COUNTER_DECOMPRESS_ERRORS] = {
		"decompression_errors", "decompression errors" },
	[COUNTER_SHARED_MAP_BYTES] = {
		"shared_map_bytes",
		"bytes of the merged map that other devices use too" },
	[COUNTER_SHARED_TABLE_BYTES] = {
		"shared_table_bytes",
		"bytes of jump tables that other devices use too" },
	[COUNTER_CACHE_BYTES] = {
		"cache_bytes", "bytes of its layers in the cache" },
	[COUNTER_SHARED_CACHE_BYTES] = {
		"shared_cache_bytes",
		"bytes in the cache of layers that other devices use too" },
	[COUNTER_CACHE_HITS] = { "cache_hits", "blocks from the cache" },
	[COUNTER_AHEAD_BLOCKS] = {
		"ahead_blocks", "blocks decompressed ahead of a reader" },
	[COUNTER_AHEAD_USED] = { "ahead_used", "of these, read since" },
	[COUNTER_PREFETCH_BLOCKS] = {
		"prefetch_blocks", "blocks prefetched" },
	[COUNTER_PREFETCH_USED] = { "prefetch_used", "of these, read since" },
	[COUNTER_PREFETCH_PENDING] = {
		"prefetch_pending", "ranges still to be prefetched" },
};

int counters_parse(uint64_t *counts, const char *text, const char *name)
{
	const char *rest = text;
	int i;

	for (i = 0; i < NR_COUNTERS; i++) {
		char *end;

		counts[i] = strtoull(rest, &end, 10);
		if (end == rest) {
			complain("%s: the status line '%s' has %d fields, expected %d: are the module and this program of one version?",
				 name, text, i, NR_COUNTERS);
			return EXIT_FAILED;
		}
		rest = end;
	}
	return EXIT_OK;
}

int counters_get(uint64_t *counts, const char *name, uint64_t *sectors)
{
	uint64_t length;
	char *text;
	int r;

	r = device_params(name, DM_DEVICE_STATUS, DEVICE_TARGET, &text,
			  sectors ? sectors : &length);
	if (r)
		return r;
	r = counters_parse(counts, text, name);
	free(text);
	return r;
}
