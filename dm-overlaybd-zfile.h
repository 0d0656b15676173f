/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ZFile: header, trailer and jump table of a compressed blob; where a block
 * lies; decompression of one block. No I/O. Any context, unless a function
 * says that it allocates.
 */
#ifndef DM_OVERLAYBD_ZFILE_H
#define DM_OVERLAYBD_ZFILE_H

#include "dm-overlaybd-error.h"
#include "dm-overlaybd-format.h"

/* Blocks that share one absolute offset in the jump table. */
#define ZFILE_GROUP		32U

/**
 * struct obd_zfile - a ZFile whose header has been checked
 * @original_size: bytes when decompressed
 * @index_offset: byte where the jump table, and so the data's end, lies
 * @nr_blocks: blocks, each of @block_size bytes but for the last
 * @block_size: bytes, a power of two
 * @block_shift: its logarithm
 * @algorithm: ZFILE_ALGO_LZ4 or ZFILE_ALGO_ZSTD
 * @verify: a CRC follows every block
 * @check_table: @table_crc is valid
 * @table_crc: CRC of the jump table
 * @stored_max: the most bytes that a block may take, its CRC included
 * @bases: offset of every ZFILE_GROUP-th block
 * @narrow: stored sizes of all blocks, if @stored_max fits 16 bits
 * @wide: the same, if it does not
 *
 * Immutable once its jump table is loaded.
 */
struct obd_zfile {
	u64 original_size;
	u64 index_offset;
	u32 nr_blocks;
	u32 block_size;
	u8 block_shift;
	u8 algorithm;
	bool verify;
	bool check_table;
	u32 table_crc;
	u32 stored_max;
	u64 *bases;
	u16 *narrow;
	u32 *wide;
};

/* Progress of a jump table that is loaded piece by piece. */
struct obd_zfile_load {
	u64 offset;	/* of the next block */
	u32 block;
	u32 crc;
};

/* Memory that decompressing needs; one user at a time. */
struct obd_codec {
	void *workspace;
	zstd_dctx *zstd;
};

/**
 * obd_zfile_recognised - does a blob begin like a ZFile?
 * @header: its first ZFILE_HEADER_SPACE bytes
 *
 * Return: true if the magic is there.
 */
bool obd_zfile_recognised(const struct zfile_header *header);

/**
 * obd_zfile_needs_trailer - is the header incomplete?
 * @header: a recognised header
 *
 * Return: true if obd_zfile_parse() wants the trailer, the blob's last
 * ZFILE_HEADER_SPACE bytes, in place of the header.
 */
bool obd_zfile_needs_trailer(const struct zfile_header *header);

/**
 * obd_zfile_parse - check a header or trailer
 * @zfile: what it says
 * @info: ZFILE_HEADER_SPACE bytes
 * @trailer: whether these are the trailer
 * @size: bytes in the blob
 * @err: the reason, on failure
 *
 * Return: 0, -EINVAL, or -EOPNOTSUPP for what this kernel cannot decompress.
 */
int obd_zfile_parse(struct obd_zfile *zfile, const struct zfile_header *info,
		    bool trailer, u64 size, struct obd_error *err);

/**
 * obd_zfile_load_begin - make room for the jump table
 * @zfile: a parsed ZFile
 * @load: progress
 * @err: the reason, on failure
 *
 * Allocates 2.25 bytes a block, or 4.25 where blocks are 64 KiB and more; may
 * sleep. Release with obd_zfile_release().
 *
 * Return: 0 or -ENOMEM.
 */
int obd_zfile_load_begin(struct obd_zfile *zfile, struct obd_zfile_load *load,
			 struct obd_error *err);

/**
 * obd_zfile_load_add - add the next entries of the jump table
 * @zfile: the ZFile
 * @load: progress
 * @sizes: entries as they are on disk
 * @nr: how many; not more than are missing
 * @err: the reason, on failure
 *
 * Return: 0 or -EINVAL.
 */
int obd_zfile_load_add(struct obd_zfile *zfile, struct obd_zfile_load *load,
		       const __le32 *sizes, u32 nr, struct obd_error *err);

/**
 * obd_zfile_load_end - check the whole jump table
 * @zfile: the ZFile
 * @load: progress, all entries added
 * @err: the reason, on failure
 *
 * Return: 0 or -EINVAL.
 */
int obd_zfile_load_end(const struct obd_zfile *zfile,
		       const struct obd_zfile_load *load,
		       struct obd_error *err);

/**
 * obd_zfile_release - free the jump table
 * @zfile: the ZFile; one that was zeroed and never loaded is fine
 *
 * May sleep.
 */
void obd_zfile_release(struct obd_zfile *zfile);

/**
 * obd_zfile_stored - length of a block in the blob
 * @zfile: a loaded ZFile
 * @block: below @nr_blocks
 *
 * Return: bytes, CRC included.
 */
static inline u32 obd_zfile_stored(const struct obd_zfile *zfile, u32 block)
{
	return zfile->narrow ? zfile->narrow[block] : zfile->wide[block];
}

/**
 * obd_zfile_offset - where a block begins
 * @zfile: a loaded ZFile
 * @block: below @nr_blocks
 *
 * Return: byte offset in the blob.
 */
u64 obd_zfile_offset(const struct obd_zfile *zfile, u32 block);

/**
 * obd_zfile_gather - count blocks that can be read at once
 * @zfile: a loaded ZFile
 * @block: the first
 * @last: the last that is wanted; below @nr_blocks
 * @size: bytes that there is room for; @stored_max or more
 * @len: bytes that the blocks take
 *
 * Return: how many blocks from @block on; 1 or more.
 */
u32 obd_zfile_gather(const struct obd_zfile *zfile, u32 block, u32 last,
		     u32 size, u32 *len);

/**
 * obd_zfile_block_len - length of a block when decompressed
 * @zfile: the ZFile
 * @block: below @nr_blocks
 *
 * Return: bytes; less than @block_size for the last block only.
 */
static inline u32 obd_zfile_block_len(const struct obd_zfile *zfile, u32 block)
{
	u64 begin = (u64)block << zfile->block_shift;

	return min_t(u64, zfile->block_size, zfile->original_size - begin);
}

/**
 * obd_zfile_bytes - memory that the jump table holds
 * @zfile: a loaded ZFile
 *
 * Return: bytes.
 */
u64 obd_zfile_bytes(const struct obd_zfile *zfile);

/**
 * obd_codec_prepare - allocate what an algorithm needs
 * @codec: zeroed, or prepared before for this or another algorithm
 * @algorithm: ZFILE_ALGO_*
 *
 * May sleep. Release with obd_codec_release().
 *
 * Return: 0, -ENOMEM, or -EOPNOTSUPP.
 */
int obd_codec_prepare(struct obd_codec *codec, u8 algorithm);

/**
 * obd_codec_release - free what obd_codec_prepare() allocated
 * @codec: the codec; a zeroed one is fine
 */
void obd_codec_release(struct obd_codec *codec);

/**
 * obd_zfile_check - compare a block with its CRC
 * @zfile: the ZFile
 * @src: the block as it is stored
 * @stored: bytes of it, CRC included
 *
 * Return: 0, also where the ZFile has no CRCs, or -EBADMSG.
 */
int obd_zfile_check(const struct obd_zfile *zfile, const void *src,
		    u32 stored);

/**
 * obd_zfile_decompress - decompress one block
 * @zfile: the ZFile
 * @codec: prepared for its algorithm
 * @src: the block as it is stored
 * @stored: bytes of it, CRC included
 * @dst: where to
 * @len: the length the block must have, see obd_zfile_block_len()
 *
 * Whatever the block holds, @dst receives nothing but bytes made from it: no
 * byte that was in @dst before can be seen afterwards.
 *
 * Return: 0 or -EILSEQ.
 */
int obd_zfile_decompress(const struct obd_zfile *zfile,
			 struct obd_codec *codec, const void *src, u32 stored,
			 void *dst, u32 len);

#endif
