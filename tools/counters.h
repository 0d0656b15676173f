/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The counters of the overlaybd target's status line.
 */
#ifndef OVERLAYBD_COUNTERS_H
#define OVERLAYBD_COUNTERS_H

#include <stdint.h>

/* In the order of the status line; more may follow from a later module. */
enum counter {
	COUNTER_LAYERS,
	COUNTER_EXTENTS,
	COUNTER_MAP_BYTES,
	COUNTER_TABLE_BYTES,
	COUNTER_STORED_BYTES,
	COUNTER_BLOCKS,
	COUNTER_DEFERRED,
	COUNTER_READ_ERRORS,
	COUNTER_CRC_ERRORS,
	COUNTER_DECOMPRESS_ERRORS,
	COUNTER_SHARED_MAP_BYTES,
	COUNTER_SHARED_TABLE_BYTES,
	COUNTER_CACHE_BYTES,
	COUNTER_SHARED_CACHE_BYTES,
	COUNTER_CACHE_HITS,
	COUNTER_AHEAD_BLOCKS,
	COUNTER_AHEAD_USED,
	COUNTER_PREFETCH_BLOCKS,
	COUNTER_PREFETCH_USED,
	COUNTER_PREFETCH_PENDING,
	COUNTER_UNVERIFIED,
	NR_COUNTERS
};

/**
 * struct counter_name - what to call a counter
 * @key: in JSON
 * @words: for people
 */
struct counter_name {
	const char *key;
	const char *words;
};

extern const struct counter_name counter_names[NR_COUNTERS];

/* Of an upper, behind the others and a word, its mode. */
enum upper_counter {
	UPPER_EXTENTS,
	UPPER_MAP_BYTES,
	UPPER_USED_SECTORS,
	UPPER_DATA_SECTORS,
	UPPER_LOG_ENTRIES,
	UPPER_LOG_SLOTS,
	UPPER_PENDING,
	UPPER_COMMITS,
	UPPER_COMPACTIONS,
	NR_UPPER_COUNTERS
};

extern const struct counter_name upper_counter_names[NR_UPPER_COUNTERS];

#define UPPER_MODE_SIZE		16
#define UPPER_MODE_WRITABLE	"rw"

/**
 * struct upper_status - what the status line says of an upper
 * @mode: rw, ro or failed
 * @counts: the counters
 */
struct upper_status {
	char mode[UPPER_MODE_SIZE];
	uint64_t counts[NR_UPPER_COUNTERS];
};

/**
 * upper_status_parse - take what concerns the upper from a status line
 * @status: filled in
 * @text: the line, of a device that has an upper
 * @name: the device's
 *
 * Complains when it fails.
 *
 * Return: an exit code.
 */
int upper_status_parse(struct upper_status *status, const char *text,
		       const char *name);

/**
 * counters_parse - take the counters from a status line
 * @counts: NR_COUNTERS of them
 * @text: the line
 * @name: the device's
 *
 * Complains when it fails.
 *
 * Return: an exit code.
 */
int counters_parse(uint64_t *counts, const char *text, const char *name);

/**
 * counters_get - ask a device for its counters
 * @counts: NR_COUNTERS of them
 * @name: the device's
 * @sectors: its size; may be NULL
 *
 * Complains when it fails.
 *
 * Return: an exit code.
 */
int counters_get(uint64_t *counts, const char *name, uint64_t *sectors);

#endif
