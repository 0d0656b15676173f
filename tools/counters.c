// SPDX-License-Identifier: GPL-2.0-only
/*
 * Read the status line.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tools/commands.h"
#include "tools/counters.h"
#include "tools/dm.h"

const struct counter_name counter_names[NR_COUNTERS] = {
	[COUNTER_LAYERS] = { "layers", "layers" },
	[COUNTER_EXTENTS] = { "extents", "extents in the merged map" },
	[COUNTER_MAP_BYTES] = { "map_bytes", "bytes of the merged map" },
	[COUNTER_TABLE_BYTES] = {
		"table_bytes", "bytes of jump tables and gzip indexes" },
	[COUNTER_STORED_BYTES] = {
		"compressed_bytes_read", "compressed bytes read" },
	[COUNTER_BLOCKS] = { "blocks_decompressed", "blocks decompressed" },
	[COUNTER_DEFERRED] = { "deferred_reads", "deferred reads" },
	[COUNTER_READ_ERRORS] = {
		"read_errors", "read errors of compressed layers" },
	[COUNTER_CRC_ERRORS] = { "crc_errors", "CRC errors" },
	[COUNTER_DECOMPRESS_ERRORS] = {
		"decompression_errors", "decompression errors" },
	[COUNTER_SHARED_MAP_BYTES] = {
		"shared_map_bytes",
		"bytes of the merged map that other devices use too" },
	[COUNTER_SHARED_TABLE_BYTES] = {
		"shared_table_bytes",
		"bytes of jump tables and gzip indexes that other devices use too" },
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
	[COUNTER_UNVERIFIED] = {
		"unverified_layers",
		"compressed layers read without checking CRCs" },
};

const struct counter_name upper_counter_names[NR_UPPER_COUNTERS] = {
	[UPPER_EXTENTS] = { "extents", "extents" },
	[UPPER_MAP_BYTES] = { "map_bytes", "most bytes of its map" },
	[UPPER_USED_SECTORS] = { "used_sectors", "sectors in use" },
	[UPPER_DATA_SECTORS] = { "data_sectors", "sectors there are" },
	[UPPER_LOG_ENTRIES] = { "log_entries", "log entries" },
	[UPPER_LOG_SLOTS] = { "log_slots", "log entries there is room for" },
	[UPPER_PENDING] = {
		"pending_entries", "log entries still to be written" },
	[UPPER_COMMITS] = { "commits", "commits of log entries or flushes" },
	[UPPER_COMPACTIONS] = { "compactions", "compactions of the log" },
};

static int too_short(const char *name, const char *text)
{
	complain("%s: the status line '%s' lacks fields: are the module and this program of one version?",
		 name, text);
	return EXIT_FAILED;
}

/* Returns how many of @nr numbers there are; @rest stands behind them. */
static int parse_numbers(uint64_t *counts, int nr, const char **rest)
{
	char *end;
	int i;

	for (i = 0; i < nr; i++) {
		counts[i] = strtoull(*rest, &end, 10);
		if (end == *rest)
			break;
		*rest = end;
	}
	return i;
}

int counters_parse(uint64_t *counts, const char *text, const char *name)
{
	const char *rest = text;

	if (parse_numbers(counts, NR_COUNTERS, &rest) == NR_COUNTERS)
		return EXIT_OK;
	return too_short(name, text);
}

int upper_status_parse(struct upper_status *status, const char *text,
		       const char *name)
{
	uint64_t counts[NR_COUNTERS];
	const char *rest = text;
	int len = 0;

	*status = (struct upper_status) {};
	if (parse_numbers(counts, NR_COUNTERS, &rest) == NR_COUNTERS)
		sscanf(rest, " %15s%n", status->mode, &len);
	rest += len;
	if (len && parse_numbers(status->counts, NR_UPPER_COUNTERS, &rest) ==
		   NR_UPPER_COUNTERS)
		return EXIT_OK;
	return too_short(name, text);
}

int counters_get(uint64_t *counts, const char *name, uint64_t *sectors)
{
	uint64_t length;
	char *text;
	int r;

	r = device_params(name, DM_DEVICE_STATUS, DEVICE_TARGET, &text,
			  sectors ? sectors : &length);
	if (r == EXIT_NO_DEVICE)
		return device_missing(name);
	if (r)
		return r;
	r = counters_parse(counts, text, name);
	free(text);
	return r;
}
