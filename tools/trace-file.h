/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The trace of a start: which blocks of which layers were read, in the order
 * of their first use. Documentation/trace-format.rst describes the file.
 */
#ifndef OVERLAYBD_TRACE_FILE_H
#define OVERLAYBD_TRACE_FILE_H

#include "dm-overlaybd-error.h"
#include "dm-overlaybd-format.h"

#define TRACE_MAGIC		"OBDTRACE"
#define TRACE_MAGIC_SIZE	8
#define TRACE_VERSION		1
#define TRACE_MAX_LAYERS	LSMT_MAX_LAYERS
#define TRACE_MAX_RANGES	0x200000U
#define TRACE_MAX_BLOCKS	0xffffffffULL	/* of a layer */
#define TRACE_MAX_SIZE		(64ULL << 20)	/* bytes of a file */

/* On disk; the ranges follow behind the layers. */
struct trace_header {
	char	magic[TRACE_MAGIC_SIZE];
	__le32	version;
	__le32	crc;		/* CRC-32C of what follows it */
	__le32	nr_layers;
	__le32	nr_ranges;
} __packed;

struct trace_layer_record {
	__le64	bytes;
	__le64	data_bytes;
	__le32	block_size;
	__le32	table_crc;
	char	uuid[LSMT_UUID_SIZE];
	u8	reserved[3];
} __packed;

static_assert(sizeof(struct trace_header) == 24, "trace_header");
static_assert(sizeof(struct trace_layer_record) == 64, "trace_layer_record");

/**
 * struct trace_layer - what a layer is known by
 * @bytes: exact length of the blob
 * @data_bytes: length when decompressed
 * @block_size: bytes that are compressed at a time, 0 if it is not compressed
 * @table_crc: what its ZFile header has in the place of the CRC of the jump table;
 *	of a gzip file, the CRC of its index's header; 0 if it is not compressed
 * @uuid: of the LSMT layer; ends with a NUL
 */
struct trace_layer {
	u64 bytes;
	u64 data_bytes;
	u32 block_size;
	u32 table_crc;
	char uuid[LSMT_UUID_SIZE + 1];
};

/**
 * struct trace_range - blocks that were read one after another
 * @layer: 0 is the lowest
 * @first: the first block
 * @count: how many, at least one
 */
struct trace_range {
	u32 layer;
	u32 first;
	u32 count;
};

/**
 * struct trace - a trace
 * @layers: of the device on which it was made, lowest first
 * @ranges: in the order of their first use
 * @nr_layers: 1 to TRACE_MAX_LAYERS
 * @nr_ranges: 0 to TRACE_MAX_RANGES
 * @room: how many ranges there is memory for
 *
 * Every range lies within its layer.
 */
struct trace {
	struct trace_layer *layers;
	struct trace_range *ranges;
	u32 nr_layers;
	u32 nr_ranges;
	u32 room;
};

/**
 * trace_blocks - number of blocks of a layer
 * @layer: the layer
 *
 * Return: 0 if it is not compressed, or has more than there can be.
 */
u64 trace_blocks(const struct trace_layer *layer);

/**
 * trace_layer_equal - is it the same layer?
 * @a: a layer
 * @b: another
 */
bool trace_layer_equal(const struct trace_layer *a,
		       const struct trace_layer *b);

/**
 * trace_add - add a range behind the others
 * @trace: the trace, with its layers
 * @range: the range
 *
 * Return: 0; -ERANGE if it is not within its layer, -E2BIG if there are too
 * many, or -ENOMEM.
 */
int trace_add(struct trace *trace, const struct trace_range *range);

/**
 * trace_normalise - keep of every block its first use
 * @trace: the trace; neighbours that follow one another become one
 *
 * Return: 0, -E2BIG, or -ENOMEM; the trace stays as it is then.
 */
int trace_normalise(struct trace *trace);

/**
 * trace_count - count the blocks of all ranges
 * @trace: the trace
 *
 * Return: how many.
 */
u64 trace_count(const struct trace *trace);

/**
 * trace_format - make the bytes of a file
 * @trace: the trace
 * @data: the bytes, to be freed
 * @size: how many
 *
 * Return: 0, or -ENOMEM.
 */
int trace_format(const struct trace *trace, u8 **data, size_t *size);

/**
 * trace_parse - read the bytes of a file
 * @trace: filled in; release with trace_release(), also after a failure
 * @data: the bytes
 * @size: how many
 * @err: the reason, on failure
 *
 * Return: 0, -EINVAL, -EBADMSG for a wrong checksum, -EOPNOTSUPP for a later
 * version, or -ENOMEM.
 */
int trace_parse(struct trace *trace, const u8 *data, size_t size,
		struct obd_error *err);

/**
 * trace_load - read a file
 * @trace: see trace_parse()
 * @path: its name
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno.
 */
int trace_load(struct trace *trace, const char *path, struct obd_error *err);

/**
 * trace_release - free what the other functions allocated
 * @trace: the trace; a zeroed one is fine
 */
void trace_release(struct trace *trace);

#endif
