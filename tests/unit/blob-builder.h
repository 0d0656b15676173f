/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Build layer blobs from a description: LSMT layers, ZFiles around them, tar
 * archives around those. For tests, fuzzers and the makers of corrupt blobs;
 * what cannot happen (no memory, a compressor that fails) aborts.
 */
#ifndef BLOB_BUILDER_H
#define BLOB_BUILDER_H

#include "tools/file.h"

/* Bytes that grow. Begins zeroed. */
struct buffer {
	u8 *data;
	size_t len;
	size_t room;
};

void buffer_add(struct buffer *b, const void *data, size_t len);
void buffer_add_zeros(struct buffer *b, size_t len);
void buffer_copy(struct buffer *to, const struct buffer *from);
void buffer_release(struct buffer *b);

/**
 * buffer_device - put bytes behind a struct obd_dev, in a memory file
 * @b: the bytes
 * @dev: filled in; close with obd_file_close()
 */
void buffer_device(const struct buffer *b, struct obd_dev *dev);

/**
 * pattern_fill - the bytes that built layers hold
 * @buf: where to
 * @seed: layers of different seeds differ
 * @sector: sector of the layer, that is the moffset
 * @nr: sectors
 *
 * Every fourth sector is noise, the others compress; all of them differ.
 */
void pattern_fill(void *buf, u32 seed, u64 sector, size_t nr);

struct layer_extent {
	u64 offset;	/* sectors */
	u32 len;
	bool zeroed;
	u8 tag;
};

/**
 * struct layer_spec - an LSMT layer
 * @virtual_size: bytes
 * @extents: in order; their data is laid out one behind the other
 * @nr: how many
 * @seed: of the data, see pattern_fill()
 * @sealed: as a sealed writable layer has it: the header knows nothing of
 *	sealing and the index is padded with garbage that is not counted
 * @unpadded: as a TurboOCI metadata layer has it: the index is not padded, so
 *	that the layer's length is no multiple of 512
 */
struct layer_spec {
	u64 virtual_size;
	const struct layer_extent *extents;
	u32 nr;
	u32 seed;
	bool sealed;
	bool unpadded;
};

void build_layer(struct buffer *out, const struct layer_spec *spec);

/**
 * struct zfile_spec - a ZFile
 * @block_size: uncompressed bytes of a block
 * @algorithm: ZFILE_ALGO_*
 * @verify: a CRC follows each block
 * @trailer_only: the header is incomplete, the trailer must be read
 * @no_digest: header, trailer and jump table are without CRCs
 * @gap: bytes of zeros between the blocks and the jump table
 * @encode: NULL, or in place of the compressor: puts what block @block shall
 *	be stored as into @dst and returns its length, or 0 to compress it
 */
struct zfile_spec {
	u32 block_size;
	u8 algorithm;
	bool verify;
	bool trailer_only;
	bool no_digest;
	u32 gap;
	u32 (*encode)(u32 block, u8 *dst);
};

void build_zfile(struct buffer *out, const struct buffer *in,
		 const struct zfile_spec *spec);

enum tar_form {
	TAR_USTAR,
	TAR_PAX,
};

void build_tar(struct buffer *out, const struct buffer *in,
	       enum tar_form form);

/* Compress a block, as build_zfile() does, into compress_bound() bytes. */
u32 compress_block(u8 algorithm, const void *src, u32 len, void *dst);
u32 compress_bound(u32 block_size);

/* Make right again what was changed by hand. */
void zfile_set_digest(u8 raw[ZFILE_HEADER_SPACE]);
void zfile_set_block_crc(u8 *block, u32 stored);
void tar_set_checksum(struct tar_header *tar);

#endif
