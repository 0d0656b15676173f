/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * OverlayBD on-disk formats: LSMT layers, ZFile compressed blobs and the tar
 * wrapper that registries put around them.
 *
 * Integers are little-endian. A sector is 512 bytes. A layer blob is nested,
 * outermost first; every level but LSMT is optional:
 *
 *	tar member > ZFile > LSMT layer
 */
#ifndef DM_OVERLAYBD_FORMAT_H
#define DM_OVERLAYBD_FORMAT_H

#include <linux/types.h>
#ifdef __KERNEL__
#include <linux/build_bug.h>
#else
#include "tools/shim.h"
#endif

#define OBD_SECTOR_SHIFT	9
#define OBD_SECTOR_SIZE		512

/*
 * LSMT layer:
 *
 *	| header 4096 | data | index, 16 bytes an entry | trailer 4096 |
 *
 * Header and trailer share one structure; the trailer is authoritative.
 */
#define LSMT_MAGIC0		"LSMT\0\1\2"
#define LSMT_MAGIC1		"\x65\x7e\x63\xd2\x94\x44\x08\x4c" \
				"\xa2\xd2\xc8\xec\x4f\xcf\xae\x8a"
#define LSMT_MAGIC0_SIZE	8
#define LSMT_MAGIC1_SIZE	16
#define LSMT_HEADER_SPACE	4096
#define LSMT_UUID_SIZE		37
#define LSMT_USER_TAG_SIZE	256

#define LSMT_FLAG_HEADER	0x01U	/* clear: a trailer */
#define LSMT_FLAG_DATA		0x02U	/* clear: an index file */
#define LSMT_FLAG_SEALED	0x04U
#define LSMT_FLAG_GC		0x08U
#define LSMT_FLAG_SPARSE	0x10U
#define LSMT_FLAG_INFO_VALID	0x20U

#define LSMT_VERSION		1
#define LSMT_SUB_VERSION	1

struct lsmt_header {
	__u8	magic0[LSMT_MAGIC0_SIZE];
	__u8	magic1[LSMT_MAGIC1_SIZE];
	__le32	size;			/* of this structure */
	__le32	flags;
	__le64	index_offset;		/* bytes */
	__le64	index_size;		/* entries */
	__le64	virtual_size;		/* bytes */
	char	uuid[LSMT_UUID_SIZE];
	char	parent_uuid[LSMT_UUID_SIZE];
	__le16	reserved;
	__u8	version;
	__u8	sub_version;
	char	user_tag[LSMT_USER_TAG_SIZE];
} __packed;

static_assert(sizeof(struct lsmt_header) == 390, "LSMT header");

/*
 * Index entry. Offsets and lengths are in sectors: @where maps virtual
 * sectors, @what says which sectors of the blob hold their data.
 */
struct lsmt_entry {
	__le64	where;		/* offset:50, length:14 */
	__le64	what;		/* moffset:55, zeroed:1, tag:8 */
};

static_assert(sizeof(struct lsmt_entry) == 16, "LSMT index entry");

#define LSMT_OFFSET_BITS	50
#define LSMT_OFFSET_MASK	((1ULL << LSMT_OFFSET_BITS) - 1)
#define LSMT_OFFSET_PADDING	LSMT_OFFSET_MASK
#define LSMT_LENGTH_MAX		((1U << 14) - 1)
#define LSMT_MOFFSET_BITS	55
#define LSMT_MOFFSET_MASK	(0x0080000000000000ULL - 1)
#define LSMT_ZEROED		0x0080000000000000ULL
#define LSMT_TAG_SHIFT		56
#define LSMT_TAG_TARGET		1	/* above the lowest: the data is elsewhere */

#define LSMT_MAX_LAYERS		255
#define LSMT_MAX_ENTRIES	0x100000U	/* of a sealed layer */

/*
 * ZFile:
 *
 *	| header 512 | block [crc] | block [crc] | ... | jump table | trailer 512 |
 *
 * Header and trailer share one structure. Writers leave whatever they found in
 * memory in what is called reserved here, and in @digest, @index_crc and the
 * high bits of @flags where flag ZFILE_FLAG_DIGEST is clear.
 */
#define ZFILE_MAGIC0		"ZFile\0\1"
#define ZFILE_MAGIC1		"tuji.yyf@Alibaba"
#define ZFILE_MAGIC0_SIZE	8
#define ZFILE_MAGIC1_SIZE	16
#define ZFILE_HEADER_SPACE	512

#define ZFILE_FLAG_HEADER	0x01ULL	/* clear: a trailer */
#define ZFILE_FLAG_DATA		0x02ULL
#define ZFILE_FLAG_SEALED	0x04ULL
#define ZFILE_FLAG_OVERWRITTEN	0x08ULL	/* header is complete */
#define ZFILE_FLAG_DIGEST	0x10ULL	/* digest, index_crc valid */
#define ZFILE_FLAG_TABLE_PACKED	0x20ULL	/* jump table compressed */

#define ZFILE_ALGO_LZ4		1
#define ZFILE_ALGO_ZSTD		2

#define ZFILE_CRC_SIZE		4
#define ZFILE_CRC_SEED		100007U		/* of a block's CRC-32C */
#define ZFILE_META_CRC_SEED	0U		/* of header and jump table */

#define ZFILE_BLOCK_SIZE_MIN	512U
#define ZFILE_BLOCK_SIZE_MAX	0x100000U
#define ZFILE_MAX_BLOCKS	0x10000000U

struct zfile_header {
	__u8	magic0[ZFILE_MAGIC0_SIZE];
	__u8	magic1[ZFILE_MAGIC1_SIZE];
	__le32	size;			/* of this structure: 96 */
	__le32	digest;			/* CRC of the 512 bytes, itself zero */
	__le64	flags;
	__le64	index_offset;		/* bytes */
	__le64	index_size;		/* __le32 entries */
	__le64	original_size;		/* bytes, uncompressed */
	__le32	index_crc;
	__le32	reserved0;
	__le32	block_size;		/* bytes, uncompressed */
	__u8	algorithm;
	__u8	level;
	__u8	use_dict;
	__u8	reserved1;
	__le32	reserved2;
	__le32	dict_size;
	__u8	verify;			/* a CRC follows every block */
	__u8	reserved3[7];
} __packed;

static_assert(sizeof(struct zfile_header) == 96, "ZFile header");

/*
 * Index of access points of a gzip file:
 *
 *	| header 333 | window | window | ... | table of points |
 *
 * To read from the middle of the gzip file, inflate from the last point at or
 * before the position, with the 32 KiB before it as the history.
 */
#define GZIDX_MAGIC		"ddgzidx\0"
#define GZIDX_MAGIC_SIZE	8
#define GZIDX_MAJOR		1
#define GZIDX_ALGO_NONE		0
#define GZIDX_ALGO_ZLIB		1	/* windows and table are zlib streams */
#define GZIDX_WINDOW_SIZE	32768U
#define GZIDX_SPAN_DEFAULT	0x100000U

struct gzidx_header {
	__u8	magic[GZIDX_MAGIC_SIZE];
	__u8	major;
	__u8	minor;
	__u8	algorithm;
	__s8	level;
	__u8	flag;
	__le32	span;		/* bytes between points, about */
	__le32	window_size;
	__le32	entry_size;	/* 29 */
	__le64	nr_entries;
	__le64	gzip_size;	/* bytes */
	__le64	index_size;	/* bytes of this file */
	__le64	data_size;	/* bytes, uncompressed */
	__u8	reserved[256];
	__le64	table_offset;	/* bytes */
	__le64	table_size;	/* bytes, as stored */
	__le32	crc;		/* CRC-32C of all before, seed 0 */
} __packed;

static_assert(sizeof(struct gzidx_header) == 333, "gzip index header");

struct gzidx_entry {
	__le64	data_pos;	/* bytes, uncompressed */
	__le64	gzip_pos;	/* bytes; a block begins there, or in the byte before */
	__le64	window_pos;	/* bytes, in the index file */
	__u8	bits;		/* of the byte before, the high ones */
	__le32	window_size;	/* bytes, as stored */
} __packed;

static_assert(sizeof(struct gzidx_entry) == 29, "gzip index entry");

/*
 * An extension: if the reserved bytes of the header begin with this, the index
 * has a CRC-32C for each block of the data, the last being shorter, in an array
 * of __le32. Those who do not know it read the index as any other.
 */
#define GZIDX_SUMS_MAGIC	"obdcrc32"
#define GZIDX_SUMS_MAGIC_SIZE	8
#define GZIDX_SUMS_VERSION	1
#define GZIDX_SUMS_BLOCK_SHIFT	16

struct gzidx_sums {
	__u8	magic[GZIDX_SUMS_MAGIC_SIZE];
	__u8	version;
	__u8	block_shift;	/* blocks have 2^block_shift bytes */
	__u8	zero[2];
	__le32	crc;		/* CRC-32C of the array, seed 0, as all of them */
	__le64	offset;		/* bytes, of the array in the index file */
} __packed;

static_assert(sizeof(struct gzidx_sums) == 24, "gzip index sums");

/* POSIX ustar header, and the records of a PAX extended header. */
#define TAR_BLOCK_SIZE		512
#define TAR_MAGIC		"ustar"		/* NUL included; GNU's differs */
#define TAR_TYPE_FILE		'0'
#define TAR_TYPE_FILE_OLD	'\0'
#define TAR_TYPE_PAX		'x'
#define TAR_PAX_SIZE_KEY	"size"
#define TAR_MEMBER_NAME		"overlaybd.commit"

struct tar_header {
	char	name[100];
	char	mode[8];
	char	uid[8];
	char	gid[8];
	char	size[12];
	char	mtime[12];
	char	checksum[8];
	char	type;
	char	linkname[100];
	char	magic[6];
	char	version[2];
	char	uname[32];
	char	gname[32];
	char	devmajor[8];
	char	devminor[8];
	char	prefix[155];
	char	padding[12];
} __packed;

static_assert(sizeof(struct tar_header) == 512, "tar header");

#endif
