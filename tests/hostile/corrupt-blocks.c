// SPDX-License-Identifier: GPL-2.0-only
/*
 * Corrupt ZFile blocks: wrong CRCs, and right ones over what does not
 * decompress, or not to what it should.
 */
#include "tests/hostile/corrupt.h"

/* A blob to change blocks of, and where they lie. */
struct blocks {
	const struct good *good;
	struct obd_dev dev;
	struct obd_blob parsed;
	struct buffer blob;
};

static void blocks_begin(struct blocks *b, const struct good *good)
{
	struct obd_error err;

	*b = (struct blocks) { .good = good };
	buffer_copy(&b->blob, &good->blob);
	buffer_device(&b->blob, &b->dev);
	if (obd_blob_open(&b->parsed, &b->dev, good->blob.len, &err))
		abort();
}

static void blocks_end(struct blocks *b)
{
	obd_blob_release(&b->parsed);
	obd_file_close(&b->dev);
	buffer_release(&b->blob);
}

static u8 *block_at(struct blocks *b, u32 block, u32 *stored)
{
	*stored = obd_zfile_stored(&b->parsed.zfile, block);
	return b->blob.data + obd_zfile_offset(&b->parsed.zfile, block);
}

static void damage_blocks(struct damage *damage, const struct good *good,
			  u32 first, u32 nr)
{
	u64 size = good->zfile->block_size;

	damage_layer(damage, good, first * size, (first + nr) * size);
}

enum change { FLIP_FIRST, FLIP_LAST, FLIP_CRC, EE, ZEROS, NOISE, NR_CHANGES };

static const struct {
	const char *label;
	bool sealed;		/* the CRC is made right again */
} changes[NR_CHANGES] = {
	[FLIP_FIRST] = { "flip-first", false },
	[FLIP_LAST] = { "flip-last", false },
	[FLIP_CRC] = { "flip-crc", false },
	[EE] = { "garbage-ee", true },
	[ZEROS] = { "garbage-zero", true },
	[NOISE] = { "garbage-noise", true },
};

static void change_block(u8 *block, u32 stored, u32 len, enum change change)
{
	u8 noise[OBD_SECTOR_SIZE];
	u32 i;

	pattern_fill(noise, 99, 3, 1);
	switch (change) {
	case FLIP_FIRST:
		block[0] ^= 1;
		break;
	case FLIP_LAST:
		block[len - 1] ^= 0x80;
		break;
	case FLIP_CRC:
		block[stored - 1] ^= 1;
		break;
	case EE:
		memset(block, 0xee, len);
		break;
	case ZEROS:
		memset(block, 0, len);
		break;
	default:
		for (i = 0; i < len; i++)
			block[i] = noise[i % sizeof(noise)];
	}
}

/* Damage to data is confined; where metadata lies, the layer is refused. */
static void corrupt_block(const struct good *good, u32 block, bool metadata,
			  enum change change)
{
	bool verify = good->zfile->verify;
	struct damage damage = { .fails = verify };
	char message[64];
	struct blocks b;
	u32 stored;
	u8 *at;

	blocks_begin(&b, good);
	at = block_at(&b, block, &stored);
	change_block(at, stored, stored - (verify ? ZFILE_CRC_SIZE : 0),
		     change);
	if (verify && changes[change].sealed)
		zfile_set_block_crc(at, stored);
	damage_blocks(&damage, good, block, 1);
	snprintf(message, sizeof(message), "block %u%s", block,
		 changes[change].sealed ? " does not decompress to" :
		 ": wrong CRC");
	if (metadata)
		emit_refused(good, &b.blob, message, "block%u.%s", block,
			     changes[change].label);
	else
		emit_read(good, &b.blob, &damage, "block%u.%s", block,
			  changes[change].label);
	blocks_end(&b);
}

/* Blocks that hold nothing but data: from @first up to @end, not included. */
static void data_blocks(const struct good *good, u32 *first, u32 *end)
{
	const struct layer_spec *spec = &good->layer_spec;
	u64 bytes = LSMT_HEADER_SPACE;
	u32 i;

	for (i = 0; i < spec->nr; i++)
		if (!spec->extents[i].zeroed)
			bytes += spec->extents[i].len * OBD_SECTOR_SIZE;
	*first = DIV_ROUND_UP(LSMT_HEADER_SPACE, good->zfile->block_size);
	*end = bytes / good->zfile->block_size;
}

static void change_blocks(const struct good *good)
{
	bool verify = good->zfile->verify;
	u32 first, end;
	int i;

	data_blocks(good, &first, &end);
	for (i = 0; i < NR_CHANGES; i++) {
		if (!verify && i == FLIP_CRC)
			continue;
		corrupt_block(good, first, false, i);
		corrupt_block(good, (first + end) / 2, false, i);
		corrupt_block(good, end - 1, false, i);
		if (!verify)
			continue;
		corrupt_block(good, 0, true, i);
		corrupt_block(good, trailer_block(good), true, i);
	}
}

/* Two blocks, each intact, in each other's place. */
static void swap_blocks(const struct good *good)
{
	struct damage damage = {};
	struct blocks b;
	u32 n, m, first, end;
	u8 *at, *copy;

	data_blocks(good, &first, &end);
	blocks_begin(&b, good);
	while (first + 1 < end &&
	       obd_zfile_stored(&b.parsed.zfile, first) !=
	       obd_zfile_stored(&b.parsed.zfile, first + 1))
		first++;
	if (first + 1 < end) {
		at = block_at(&b, first, &n);
		block_at(&b, first + 1, &m);
		copy = malloc(n);
		if (!copy)
			abort();
		memcpy(copy, at, n);
		memcpy(at, at + n, m);
		memcpy(at + m, copy, n);
		free(copy);
		damage_blocks(&damage, good, first, 2);
		emit_read(good, &b.blob, &damage, "block%u.swapped", first);
	}
	blocks_end(&b);
}

/*
 * Blocks that are stored as something else, in a blob that is built anew.
 */
static u32 victim, substitute_len;
static u8 substitute[1 << 16];

static u32 encode_victim(u32 block, u8 *dst)
{
	if (block != victim)
		return 0;
	memcpy(dst, substitute, substitute_len);
	return substitute_len;
}

static void emit_substitute(const struct good *good, const char *label,
			    bool fails)
{
	struct zfile_spec spec = *good->zfile;
	struct damage damage = { .fails = fails };
	struct buffer blob = {};

	spec.encode = encode_victim;
	build_zfile(&blob, &good->layer, &spec);
	damage_blocks(&damage, good, victim, 1);
	emit_read(good, &blob, &damage, "block%u.%s", victim, label);
	buffer_release(&blob);
}

/* Compress the victim's data, but @len bytes of it: more or less than all. */
static void compress_victim(const struct good *good, u32 len)
{
	substitute_len = compress_block(good->zfile->algorithm,
					good->layer.data + victim *
					good->zfile->block_size, len,
					substitute);
}

static void substitute_lengths(const struct good *good)
{
	u32 bs = good->zfile->block_size;

	compress_victim(good, bs / 2);
	emit_substitute(good, "short", true);
	compress_victim(good, bs - 1);
	emit_substitute(good, "one-short", true);
	compress_victim(good, bs + 1);
	emit_substitute(good, "one-long", true);
	compress_victim(good, 2);
	emit_substitute(good, "tiny", true);
	compress_victim(good, bs);
	substitute[substitute_len++] = 0x42;
	emit_substitute(good, "trailing-garbage", true);
	compress_victim(good, bs);
	substitute_len--;
	emit_substitute(good, "truncated", true);
	substitute_len = 1;
	emit_substitute(good, "one-byte", true);
}

/*
 * @lit literals, one match of @offset that yields all but the last 12 bytes
 * of the block, 12 literals: valid, but for the offset.
 */
static void lz4_match(u32 size, u32 lit, u16 offset)
{
	u32 rest = size - 12 - lit - 4 - 15, i;
	u8 *to = substitute;

	*to++ = lit << 4 | 15;
	for (i = 0; i < lit; i++)
		*to++ = 'a' + i;
	*to++ = offset;
	*to++ = offset >> 8;
	for (; rest >= 255; rest -= 255)
		*to++ = 255;
	*to++ = rest;
	*to++ = 12 << 4;
	memset(to, 'x', 12);
	substitute_len = to + 12 - substitute;
}

/* Offset 0 may or may not fail; what lies before the block must. */
static void substitute_lz4(const struct good *good)
{
	u32 bs = good->zfile->block_size;

	lz4_match(bs, 0, 0);
	emit_substitute(good, "lz4-offset-zero-first", false);
	lz4_match(bs, 7, 0);
	emit_substitute(good, "lz4-offset-zero", false);
	lz4_match(bs, 7, 8);
	emit_substitute(good, "lz4-offset-before", true);
	lz4_match(bs, 0, 1);
	emit_substitute(good, "lz4-offset-before-first", true);
	lz4_match(bs, 14, 65535);
	emit_substitute(good, "lz4-offset-max", true);
	lz4_match(bs + 100, 7, 7);
	emit_substitute(good, "lz4-match-too-long", true);
	memset(substitute, 0xff, 1000);
	substitute_len = 1000;
	emit_substitute(good, "lz4-length-endless", true);
}

/* Bytes of a frame's header: descriptor, content size, a block's header. */
static void substitute_zstd(const struct good *good)
{
	static const struct {
		const char *label;
		u32 at;
		u8 value;
	} cases[] = {
		{ "zstd-magic", 0, 0x29 },
		{ "zstd-dictionary", 4, 0x63 },
		{ "zstd-checksum", 4, 0x64 },
		{ "zstd-reserved-bit", 4, 0x68 },
		{ "zstd-content-size", 5, 0xff },
		{ "zstd-block-type", 7, 0x07 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		compress_victim(good, good->zfile->block_size);
		substitute[cases[i].at] = cases[i].value;
		emit_substitute(good, cases[i].label, true);
	}
	memcpy(substitute, "\x50\x2a\x4d\x18\x04\0\0\0abcd", 12);
	substitute_len = 12;
	emit_substitute(good, "zstd-skippable", true);
}

void corrupt_blocks(const struct good *good)
{
	u32 first, end;

	change_blocks(good);
	swap_blocks(good);
	data_blocks(good, &first, &end);
	victim = (first + end) / 2;
	substitute_lengths(good);
	if (good->zfile->algorithm == ZFILE_ALGO_LZ4)
		substitute_lz4(good);
	else
		substitute_zstd(good);
}
