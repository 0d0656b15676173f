// SPDX-License-Identifier: GPL-2.0-only
/*
 * ZFile: header fields, jump table arithmetic, decompression of single blocks.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/blob-builder.h"

#define BLOB_SIZE	65536		/* that the headers below speak of */
#define TABLE_AT	60000
#define NR_BLOCKS	3
#define SECRET		0xa5

/* A header and the rest of its 512 bytes. */
union info {
	struct zfile_header header;
	u8 raw[ZFILE_HEADER_SPACE];
};

static void good_info(union info *info, bool trailer)
{
	u64 flags = ZFILE_FLAG_DATA | ZFILE_FLAG_DIGEST |
		    (trailer ? ZFILE_FLAG_SEALED :
		     ZFILE_FLAG_HEADER | ZFILE_FLAG_OVERWRITTEN);

	memset(info, 0, sizeof(*info));
	info->header = (struct zfile_header) {
		.size = cpu_to_le32(sizeof(info->header)),
		.flags = cpu_to_le64(flags),
		.index_offset = cpu_to_le64(TABLE_AT),
		.index_size = cpu_to_le64(NR_BLOCKS),
		.original_size = cpu_to_le64(10000),
		.index_crc = cpu_to_le32(0x12345678),
		.block_size = cpu_to_le32(4096),
		.algorithm = ZFILE_ALGO_LZ4,
		.verify = 1,
	};
	memcpy(info->header.magic0, ZFILE_MAGIC0, ZFILE_MAGIC0_SIZE);
	memcpy(info->header.magic1, ZFILE_MAGIC1, ZFILE_MAGIC1_SIZE);
	zfile_set_digest(info->raw);
}

static int parse(const union info *info, bool trailer, struct obd_zfile *z,
		 struct obd_error *err)
{
	memset(z, 0, sizeof(*z));
	err->text[0] = '\0';
	return obd_zfile_parse(z, &info->header, trailer, BLOB_SIZE, err);
}

static void crc_matches_known_vectors(void **state)
{
	const __le32 sizes[] = {
		cpu_to_le32(1000), cpu_to_le32(2000), cpu_to_le32(3000)
	};

	(void)state;
	assert_int_equal(~crc32c(~0U, "123456789", 9), 0xe3069283);
	assert_int_equal(crc32c(ZFILE_META_CRC_SEED, "123456789", 9),
			 0x58e3fa20);
	assert_int_equal(crc32c(ZFILE_CRC_SEED, "123456789", 9), 0x3c9bd4e0);
	assert_int_equal(crc32c(ZFILE_META_CRC_SEED, sizes, sizeof(sizes)),
			 0x52eebc83);
}

/* The expected digest comes from an implementation bit by bit. */
static void digest_matches_known_vector(void **state)
{
	struct obd_error err;
	struct obd_zfile z;
	union info info;

	(void)state;
	good_info(&info, false);
	info.header.index_offset = cpu_to_le64(ZFILE_HEADER_SPACE + 100);
	info.header.digest = cpu_to_le32(0x8db0b763);
	assert_int_equal(parse(&info, false, &z, &err), 0);
	info.header.digest = cpu_to_le32(0x8db0b764);
	assert_int_equal(parse(&info, false, &z, &err), -EINVAL);
	assert_string_equal(err.text,
			    "ZFile header: digest is 0x8db0b764, expected 0x8db0b763");
}

static void parse_tells_what_the_header_says(void **state)
{
	struct obd_error err;
	struct obd_zfile z;
	union info info;
	int trailer;

	(void)state;
	for (trailer = 0; trailer < 2; trailer++) {
		good_info(&info, trailer);
		assert_int_equal(parse(&info, trailer, &z, &err), 0);
		assert_int_equal(z.original_size, 10000);
		assert_int_equal(z.index_offset, TABLE_AT);
		assert_int_equal(z.nr_blocks, NR_BLOCKS);
		assert_int_equal(z.block_size, 4096);
		assert_int_equal(z.block_shift, 12);
		assert_int_equal(z.algorithm, ZFILE_ALGO_LZ4);
		assert_true(z.verify);
		assert_true(z.check_table);
		assert_int_equal(z.table_crc, 0x12345678);
		assert_int_equal(z.stored_max, 4096 + 16 + 64 + 4);
	}
}

#define FIELD(name) \
	offsetof(struct zfile_header, name), \
	sizeof(((struct zfile_header *)0)->name)

struct bad_field {
	size_t at, width;
	u64 value;
	const char *message;	/* behind "ZFile header: " or "... trailer: " */
	bool unsupported;
};

static const struct bad_field bad_fields[] = {
	{ FIELD(magic0), 0, "bad magic", false },
	{ FIELD(magic1), 0, "bad magic", false },
	{ FIELD(size), 0, "size is 0, expected 96", false },
	{ FIELD(size), 95, "size is 95, expected 96", false },
	{ FIELD(size), 97, "size is 97, expected 96", false },
	{ FIELD(size), ~0U, "size is 4294967295, expected 96", false },
	{ FIELD(block_size), 0,
	  "block_size is 0, expected a power of two from 512 to 1048576",
	  false },
	{ FIELD(block_size), 256,
	  "block_size is 256, expected a power of two from 512 to 1048576",
	  false },
	{ FIELD(block_size), 4095,
	  "block_size is 4095, expected a power of two from 512 to 1048576",
	  false },
	{ FIELD(block_size), 4097,
	  "block_size is 4097, expected a power of two from 512 to 1048576",
	  false },
	{ FIELD(block_size), 2 << 20,
	  "block_size is 2097152, expected a power of two from 512 to 1048576",
	  false },
	{ FIELD(block_size), 1U << 31,
	  "block_size is 2147483648, expected a power of two from 512 to 1048576",
	  false },
	{ FIELD(block_size), 8192, "index_size is 3, expected 2", false },
	{ FIELD(block_size), 2048, "index_size is 3, expected 5", false },
	{ FIELD(algorithm), 0,
	  "algorithm is 0, expected 1 (LZ4) or 2 (Zstandard)", false },
	{ FIELD(algorithm), 3,
	  "algorithm is 3, expected 1 (LZ4) or 2 (Zstandard)", false },
	{ FIELD(algorithm), 255,
	  "algorithm is 255, expected 1 (LZ4) or 2 (Zstandard)", false },
	{ FIELD(use_dict), 1,
	  "use_dict is 1, dict_size is 0: dictionaries are not supported",
	  true },
	{ FIELD(dict_size), 1,
	  "use_dict is 0, dict_size is 1: dictionaries are not supported",
	  true },
	{ FIELD(dict_size), ~0U,
	  "use_dict is 0, dict_size is 4294967295: dictionaries are not supported",
	  true },
	{ FIELD(index_size), 0, "index_size is 0, expected 3", false },
	{ FIELD(index_size), 2, "index_size is 2, expected 3", false },
	{ FIELD(index_size), 4, "index_size is 4, expected 3", false },
	{ FIELD(index_size), 1ULL << 32 | 3,
	  "index_size is 4294967299, expected 3", false },
	{ FIELD(index_size), ~0ULL,
	  "index_size is 18446744073709551615, expected 3", false },
	{ FIELD(original_size), 8192, "index_size is 3, expected 2", false },
	{ FIELD(original_size), 12289, "index_size is 3, expected 4", false },
};

static void put_field(union info *info, size_t at, size_t width, u64 value)
{
	__le64 le = cpu_to_le64(value);

	memcpy(info->raw + at, &le, min(width, sizeof(le)));
	zfile_set_digest(info->raw);
}

static void check_refusal(const union info *info, bool trailer, int expected,
			  const char *message)
{
	char text[OBD_ERROR_SIZE];
	struct obd_error err;
	struct obd_zfile z;

	snprintf(text, sizeof(text), "ZFile %s: %s",
		 trailer ? "trailer" : "header", message);
	assert_int_equal(parse(info, trailer, &z, &err), expected);
	assert_string_equal(err.text, text);
}

static void bad_fields_are_refused_by_name(void **state)
{
	union info info;
	size_t i;

	(void)state;
	for (i = 0; i < 2 * ARRAY_SIZE(bad_fields); i++) {
		const struct bad_field *f = &bad_fields[i / 2];

		good_info(&info, i % 2);
		put_field(&info, f->at, f->width, f->value);
		check_refusal(&info, i % 2,
			      f->unsupported ? -EOPNOTSUPP : -EINVAL,
			      f->message);
	}
}

/* A trailer ends the blob, so that the table must end before it. */
static void index_offset_is_bounded_by_both_ends(void **state)
{
	u64 limit[] = { BLOB_SIZE - 12, BLOB_SIZE - 12 - 512 };
	char text[OBD_ERROR_SIZE];
	struct obd_error err;
	struct obd_zfile z;
	union info info;
	int trailer;
	size_t i;

	(void)state;
	for (trailer = 0; trailer < 2; trailer++) {
		u64 bad[] = { 0, 511, limit[trailer] + 1, BLOB_SIZE,
			      1ULL << 63, ~0ULL, ~0ULL - 11 };
		u64 good[] = { 512, limit[trailer] };

		good_info(&info, trailer);
		for (i = 0; i < ARRAY_SIZE(bad); i++) {
			put_field(&info, FIELD(index_offset), bad[i]);
			snprintf(text, sizeof(text),
				 "index_offset is %llu, expected 512 to %llu",
				 (unsigned long long)bad[i],
				 (unsigned long long)limit[trailer]);
			check_refusal(&info, trailer, -EINVAL, text);
		}
		for (i = 0; i < ARRAY_SIZE(good); i++) {
			put_field(&info, FIELD(index_offset), good[i]);
			assert_int_equal(parse(&info, trailer, &z, &err), 0);
		}
	}
}

/* A table cannot have more entries than the blob has room for. */
static void original_size_is_bounded_by_the_blob(void **state)
{
	u64 limit = BLOB_SIZE / 4 * 4096ULL;
	u64 bad[] = { 0, limit + 1, 1ULL << 32, 1ULL << 63, ~0ULL,
		      ~0ULL - 4095 };
	char text[OBD_ERROR_SIZE];
	union info info;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		good_info(&info, false);
		put_field(&info, FIELD(original_size), bad[i]);
		snprintf(text, sizeof(text),
			 "original_size is %llu, expected 1 to %llu",
			 (unsigned long long)bad[i],
			 (unsigned long long)limit);
		check_refusal(&info, false, -EINVAL, text);
	}
}

static void tiny_blobs_are_refused(void **state)
{
	struct obd_error err;
	struct obd_zfile z;
	union info info;
	u64 size;

	(void)state;
	for (size = ZFILE_HEADER_SPACE; size < 2 * ZFILE_HEADER_SPACE; size++) {
		good_info(&info, false);
		put_field(&info, FIELD(index_offset), ZFILE_HEADER_SPACE);
		assert_int_equal(obd_zfile_parse(&z, &info.header, false, size,
						 &err),
				 size < ZFILE_HEADER_SPACE + 12 ? -EINVAL : 0);
	}
	good_info(&info, true);
	assert_int_equal(obd_zfile_parse(&z, &info.header, true, size, &err),
			 -EINVAL);
}

static void flags_must_say_what_it_is(void **state)
{
	union info info;

	(void)state;
	good_info(&info, false);
	put_field(&info, FIELD(flags), 0x1a);
	check_refusal(&info, false, -EINVAL,
		      "flags are 0x1a, expected 0x3 of 0x3");
	put_field(&info, FIELD(flags), 0x19);
	check_refusal(&info, false, -EINVAL,
		      "flags are 0x19, expected 0x3 of 0x3");
	put_field(&info, FIELD(flags), 0x3b);
	check_refusal(&info, false, -EOPNOTSUPP,
		      "flags are 0x3b: compressed jump tables are not supported");
	good_info(&info, true);
	put_field(&info, FIELD(flags), 0x17);
	check_refusal(&info, true, -EINVAL,
		      "flags are 0x17, expected 0x6 of 0x7");
	put_field(&info, FIELD(flags), 0x14);
	check_refusal(&info, true, -EINVAL,
		      "flags are 0x14, expected 0x6 of 0x7");
	put_field(&info, FIELD(flags), 0x12);
	check_refusal(&info, true, -EINVAL,
		      "flags are 0x12, expected 0x6 of 0x7");
	put_field(&info, FIELD(flags), 0x36);
	check_refusal(&info, true, -EOPNOTSUPP,
		      "flags are 0x36: compressed jump tables are not supported");
}

static void flag_says_whether_the_header_is_complete(void **state)
{
	union info info;

	(void)state;
	good_info(&info, false);
	assert_false(obd_zfile_needs_trailer(&info.header));
	put_field(&info, FIELD(flags), 0x13);
	assert_true(obd_zfile_needs_trailer(&info.header));
}

/* Every byte of the 512 is covered by the digest, the digest's own excepted. */
static void digest_covers_every_byte(void **state)
{
	struct obd_error err;
	struct obd_zfile z;
	union info info;
	size_t i;

	(void)state;
	for (i = 96; i < ZFILE_HEADER_SPACE; i++) {
		good_info(&info, false);
		info.raw[i] ^= 0x40;
		assert_int_equal(parse(&info, false, &z, &err), -EINVAL);
		assert_non_null(strstr(err.text, "ZFile header: digest is "));
	}
}

/* Without the flag, writers left garbage in everything that is reserved. */
static void reserved_garbage_is_ignored(void **state)
{
	struct obd_error err;
	struct obd_zfile z;
	union info info;
	size_t i;

	(void)state;
	good_info(&info, false);
	info.header.flags = cpu_to_le64(0x00007ffea4640b4b);
	info.header.digest = cpu_to_le32(0xdeadbeef);
	info.header.index_crc = cpu_to_le32(0xdeadbeef);
	info.header.reserved0 = cpu_to_le32(0xdeadbeef);
	info.header.level = 0xee;
	info.header.reserved1 = 0xee;
	info.header.reserved2 = cpu_to_le32(0xdeadbeef);
	for (i = 89; i < ZFILE_HEADER_SPACE; i++)
		info.raw[i] = i;
	assert_int_equal(parse(&info, false, &z, &err), 0);
	assert_false(z.check_table);
	assert_true(z.verify);
}

/*
 * Jump tables.
 */

static void make_zfile(struct obd_zfile *z, u32 nr, u32 block_size, u32 last,
		       bool verify)
{
	u32 bound = compress_bound(block_size) + ZFILE_CRC_SIZE;

	*z = (struct obd_zfile) {
		.original_size = (u64)(nr - 1) * block_size + last,
		.index_offset = ~0ULL,
		.nr_blocks = nr,
		.block_size = block_size,
		.block_shift = __builtin_ctz(block_size),
		.algorithm = ZFILE_ALGO_LZ4,
		.verify = verify,
		.stored_max = max(bound, block_size + block_size / 256 + 68),
	};
}

static u32 next_random(u32 *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static __le32 *random_sizes(const struct obd_zfile *z, u32 seed)
{
	u32 least = z->verify ? 5 : 1;
	__le32 *sizes = calloc(z->nr_blocks, sizeof(*sizes));
	u32 i;

	assert_non_null(sizes);
	for (i = 0; i < z->nr_blocks; i++) {
		u32 r = next_random(&seed);
		u32 size = least + r % (z->stored_max - least + 1);

		size = r % 16 == 1 ? least : r % 16 == 2 ? z->stored_max : size;
		sizes[i] = cpu_to_le32(size);
	}
	return sizes;
}

static int load(struct obd_zfile *z, const __le32 *sizes, u32 piece,
		struct obd_error *err)
{
	struct obd_zfile_load progress;
	int r = obd_zfile_load_begin(z, &progress, err);

	while (!r && progress.block < z->nr_blocks)
		r = obd_zfile_load_add(z, &progress, sizes + progress.block,
				       min(piece,
					   z->nr_blocks - progress.block),
				       err);
	return r ?: obd_zfile_load_end(z, &progress, err);
}

static void check_arithmetic(u32 nr, u32 block_size, u32 last, bool verify,
			     u32 piece)
{
	u64 offset = ZFILE_HEADER_SPACE;
	struct obd_error err;
	struct obd_zfile z;
	__le32 *sizes;
	u32 i;

	make_zfile(&z, nr, block_size, last, verify);
	sizes = random_sizes(&z, nr + block_size);
	assert_int_equal(load(&z, sizes, piece, &err), 0);
	for (i = 0; i < nr; i++) {
		u32 stored = le32_to_cpu(sizes[i]);

		assert_int_equal(obd_zfile_offset(&z, i), offset);
		assert_int_equal(obd_zfile_stored(&z, i), stored);
		assert_int_equal(obd_zfile_block_len(&z, i),
				 i < nr - 1 ? block_size : last);
		offset += stored;
	}
	assert_int_equal(!!z.wide, z.stored_max > 0xffff);
	assert_int_equal(!z.narrow, z.stored_max > 0xffff);
	assert_int_equal(obd_zfile_bytes(&z),
			 (nr + 31) / 32 * 8ULL + nr * (z.wide ? 4ULL : 2ULL));
	obd_zfile_release(&z);
	free(sizes);
}

static void offsets_add_up_in_every_table(void **state)
{
	static const u32 counts[] = { 1, 2, 31, 32, 33, 63, 64, 65, 1000 };
	u32 i, size;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		for (size = 512; size <= 1 << 20; size *= 2) {
			check_arithmetic(counts[i], size, size, true, 1000);
			check_arithmetic(counts[i], size, 1, false, 7);
			check_arithmetic(counts[i], size, size - 1, true, 32);
		}
	}
}

/* 200,000 blocks of a MiB: offsets beyond 32 bits. */
static void offsets_pass_four_gigabytes(void **state)
{
	(void)state;
	check_arithmetic(200000, 1 << 20, 12345, true, 65536);
}

static void check_entry(u32 block_size, bool verify, u32 value,
			const char *message)
{
	__le32 sizes[40];
	struct obd_error err;
	struct obd_zfile z;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		sizes[i] = cpu_to_le32(100);
	sizes[33] = cpu_to_le32(value);
	make_zfile(&z, ARRAY_SIZE(sizes), block_size, 17, verify);
	assert_int_equal(load(&z, sizes, 40, &err), message ? -EINVAL : 0);
	if (message)
		assert_string_equal(err.text, message);
	obd_zfile_release(&z);
}

static void stored_sizes_are_bounded(void **state)
{
	(void)state;
	check_entry(4096, true, 5, NULL);
	check_entry(4096, true, 4,
		    "jump table entry 33 is 4, expected 5 to 4180");
	check_entry(4096, true, 0,
		    "jump table entry 33 is 0, expected 5 to 4180");
	check_entry(4096, false, 1, NULL);
	check_entry(4096, false, 0,
		    "jump table entry 33 is 0, expected 1 to 4180");
	check_entry(4096, true, 4180, NULL);
	check_entry(4096, true, 4181,
		    "jump table entry 33 is 4181, expected 5 to 4180");
	check_entry(4096, true, 65536 + 100,
		    "jump table entry 33 is 65636, expected 5 to 4180");
	check_entry(65536, true, 65536 + 256 + 64 + 4, NULL);
	check_entry(65536, true, ~0U,
		    "jump table entry 33 is 4294967295, expected 5 to 65860");
}

/* The bound that parsing finds lets both compressors' worst cases pass. */
static void stored_max_covers_both_compressors(void **state)
{
	struct obd_error err;
	struct obd_zfile z;
	union info info;
	u32 size;

	(void)state;
	for (size = 512; size <= 1 << 20; size *= 2) {
		good_info(&info, false);
		put_field(&info, FIELD(block_size), size);
		put_field(&info, FIELD(original_size), size * 3ULL);
		assert_int_equal(parse(&info, false, &z, &err), 0);
		assert_true(z.stored_max >= compress_bound(size) + 4);
		assert_true(z.stored_max <= size + size / 255 + 84);
	}
}

static void blocks_must_end_before_the_table(void **state)
{
	__le32 sizes[] = { cpu_to_le32(1000), cpu_to_le32(2000),
			   cpu_to_le32(3000) };
	struct obd_error err;
	struct obd_zfile z;

	(void)state;
	make_zfile(&z, 3, 4096, 4096, true);
	z.index_offset = 6512;
	assert_int_equal(load(&z, sizes, 1, &err), 0);
	obd_zfile_release(&z);
	z.index_offset = 6511;
	assert_int_equal(load(&z, sizes, 3, &err), -EINVAL);
	assert_string_equal(err.text,
			    "jump table: blocks end at byte 6512, expected at most 6511");
	obd_zfile_release(&z);
}

static void table_crc_is_checked_if_it_is_valid(void **state)
{
	__le32 sizes[] = { cpu_to_le32(1000), cpu_to_le32(2000),
			   cpu_to_le32(3000) };
	struct obd_error err;
	struct obd_zfile z;
	u32 piece;

	(void)state;
	for (piece = 1; piece <= 3; piece++) {
		make_zfile(&z, 3, 4096, 4096, true);
		z.table_crc = 0x52eebc83;
		z.check_table = true;
		assert_int_equal(load(&z, sizes, piece, &err), 0);
		obd_zfile_release(&z);
		z.table_crc++;
		assert_int_equal(load(&z, sizes, piece, &err), -EINVAL);
		assert_string_equal(err.text,
				    "jump table: index_crc is 0x52eebc84, expected 0x52eebc83");
		obd_zfile_release(&z);
		z.check_table = false;
		assert_int_equal(load(&z, sizes, piece, &err), 0);
		obd_zfile_release(&z);
	}
}

/* As many blocks as fit, and never none: each alone fits. */
static void blocks_are_gathered(void **state)
{
	__le32 sizes[100];
	struct obd_error err;
	struct obd_zfile z;
	u32 i, n, len;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		sizes[i] = cpu_to_le32(1000 + i);
	make_zfile(&z, ARRAY_SIZE(sizes), 4096, 4096, true);
	assert_int_equal(load(&z, sizes, 100, &err), 0);
	n = obd_zfile_gather(&z, 10, 99, z.stored_max, &len);
	assert_int_equal(n, 4);
	assert_int_equal(len, 1010 + 1011 + 1012 + 1013);
	n = obd_zfile_gather(&z, 10, 99, 1010 + 1011 + 1012, &len);
	assert_int_equal(n, 3);
	n = obd_zfile_gather(&z, 10, 11, 1 << 20, &len);
	assert_int_equal(n, 2);
	assert_int_equal(len, 1010 + 1011);
	n = obd_zfile_gather(&z, 99, 99, z.stored_max, &len);
	assert_int_equal(n, 1);
	assert_int_equal(len, 1099);
	obd_zfile_release(&z);
}

/*
 * Decompression.
 */

struct block {
	struct obd_zfile z;
	struct obd_codec codec;
	u32 len;	/* uncompressed */
	u32 stored;
	u8 *src;	/* exactly @stored bytes, so that ASan guards its end */
	u8 *dst;	/* exactly @len bytes */
};

static void block_begin(struct block *b, u8 algorithm, bool verify,
			u32 block_size, u32 len)
{
	*b = (struct block) { .len = len };
	make_zfile(&b->z, 1, block_size, len, verify);
	b->z.algorithm = algorithm;
	b->dst = malloc(len);
	assert_non_null(b->dst);
	memset(b->dst, SECRET, len);
	assert_int_equal(obd_codec_prepare(&b->codec, algorithm), 0);
}

/* Store @n bytes as the block, behind which a CRC goes where there is one. */
static void block_store(struct block *b, const void *bytes, u32 n)
{
	u32 crc = b->z.verify ? ZFILE_CRC_SIZE : 0;

	free(b->src);
	b->stored = n + crc;
	b->src = malloc(b->stored);
	assert_non_null(b->src);
	memcpy(b->src, bytes, n);
	if (crc)
		zfile_set_block_crc(b->src, b->stored);
}

static int block_check(const struct block *b)
{
	return obd_zfile_check(&b->z, b->src, b->stored);
}

static int block_decompress(struct block *b)
{
	return obd_zfile_decompress(&b->z, &b->codec, b->src, b->stored,
				    b->dst, b->len);
}

static void block_end(struct block *b)
{
	obd_codec_release(&b->codec);
	free(b->src);
	free(b->dst);
}

enum content { ZEROS, PATTERN, NOISE, NR_CONTENTS };

static u8 *make_content(enum content content, u32 len)
{
	u8 *bytes = calloc(1, round_up(len, OBD_SECTOR_SIZE));
	u32 i;

	assert_non_null(bytes);
	for (i = 0; content != ZEROS && i < len; i += OBD_SECTOR_SIZE)
		pattern_fill(bytes + i, 7, content == NOISE ? i * 4 + 3 :
			     i / OBD_SECTOR_SIZE, 1);
	return bytes;
}

static void check_round_trip(u8 algorithm, bool verify, u32 block_size,
			     u32 len, enum content content)
{
	u8 *packed = malloc(compress_bound(block_size));
	u8 *bytes = make_content(content, len);
	struct block b;
	u32 n;

	assert_non_null(packed);
	n = compress_block(algorithm, bytes, len, packed);
	if (content == NOISE)
		assert_true(n > len);
	block_begin(&b, algorithm, verify, block_size, len);
	block_store(&b, packed, n);
	assert_true(b.stored <= b.z.stored_max);
	assert_int_equal(block_check(&b), 0);
	assert_int_equal(block_decompress(&b), 0);
	assert_memory_equal(b.dst, bytes, len);
	block_end(&b);
	free(bytes);
	free(packed);
}

static void every_block_size_makes_the_round_trip(void **state)
{
	u32 size, i;

	(void)state;
	for (size = 512; size <= 1 << 20; size *= 2) {
		for (i = 0; i < 2 * NR_CONTENTS; i++) {
			u8 algorithm = 1 + i % 2;

			check_round_trip(algorithm, true, size, size, i / 2);
			check_round_trip(algorithm, false, size, size - 1,
					 i / 2);
			check_round_trip(algorithm, true, size, 1, i / 2);
		}
	}
}

/* One codec serves ZFiles of both algorithms, one after the other. */
static void codec_is_prepared_once(void **state)
{
	struct obd_codec codec = {};
	void *workspace;

	(void)state;
	assert_int_equal(obd_codec_prepare(&codec, ZFILE_ALGO_LZ4), 0);
	assert_null(codec.workspace);
	assert_int_equal(obd_codec_prepare(&codec, ZFILE_ALGO_ZSTD), 0);
	workspace = codec.workspace;
	assert_non_null(workspace);
	assert_int_equal(obd_codec_prepare(&codec, ZFILE_ALGO_LZ4), 0);
	assert_int_equal(obd_codec_prepare(&codec, ZFILE_ALGO_ZSTD), 0);
	assert_ptr_equal(codec.workspace, workspace);
	obd_codec_release(&codec);
	obd_codec_release(&codec);
}

static u32 pattern_block(struct block *b, u8 algorithm, bool verify)
{
	u8 packed[8192];
	u8 *bytes = make_content(PATTERN, 4096);
	u32 n = compress_block(algorithm, bytes, 4096, packed);

	block_begin(b, algorithm, verify, 4096, 4096);
	block_store(b, packed, n);
	free(bytes);
	return n;
}

static void every_flipped_bit_breaks_the_crc(void **state)
{
	struct block b;
	u32 i;

	(void)state;
	pattern_block(&b, ZFILE_ALGO_LZ4, true);
	for (i = 0; i < b.stored * 8; i++) {
		b.src[i / 8] ^= 1 << i % 8;
		assert_int_equal(block_check(&b), -EBADMSG);
		b.src[i / 8] ^= 1 << i % 8;
	}
	assert_int_equal(block_check(&b), 0);
	block_end(&b);
}

static void blocks_without_crc_pass(void **state)
{
	struct block b;

	(void)state;
	pattern_block(&b, ZFILE_ALGO_LZ4, false);
	b.src[0] ^= 1;
	assert_int_equal(block_check(&b), 0);
	block_end(&b);
}

/* The length that a block decompresses to is right or it is corrupt. */
static void wrong_length_is_corrupt(void **state)
{
	static const u32 lens[] = { 1, 2048, 4095, 4097, 5000, 8192 };
	struct block b;
	u32 i;

	(void)state;
	for (i = 0; i < 2 * ARRAY_SIZE(lens); i++) {
		pattern_block(&b, 1 + i % 2, true);
		free(b.dst);
		b.len = lens[i / 2];
		b.dst = malloc(b.len);
		assert_int_equal(block_decompress(&b), -EILSEQ);
		block_end(&b);
	}
}

static void truncated_block_is_corrupt(void **state)
{
	struct block b;
	u32 i, n, cut;

	(void)state;
	for (i = 0; i < 2; i++) {
		n = pattern_block(&b, 1 + i, true);
		for (cut = 1; cut < n; cut++) {
			u8 *all = malloc(n);

			memcpy(all, b.src, n);
			block_store(&b, all, n - cut);
			assert_int_equal(block_decompress(&b), -EILSEQ);
			block_store(&b, all, n);
			free(all);
		}
		assert_int_equal(block_decompress(&b), 0);
		block_end(&b);
	}
}

static void trailing_garbage_is_corrupt(void **state)
{
	u8 bytes[8192 + 1];
	struct block b;
	u32 i, n;

	(void)state;
	for (i = 0; i < 2; i++) {
		n = pattern_block(&b, 1 + i, true);
		memcpy(bytes, b.src, n);
		bytes[n] = 0x42;
		block_store(&b, bytes, n + 1);
		assert_int_equal(block_check(&b), 0);
		assert_int_equal(block_decompress(&b), -EILSEQ);
		block_end(&b);
	}
}

/* Decode twice, over different old content: the results must not differ. */
static void check_independence(struct block *b)
{
	u8 *first = malloc(b->len);
	int r1, r2;

	assert_non_null(first);
	memset(b->dst, SECRET, b->len);
	r1 = block_decompress(b);
	memcpy(first, b->dst, b->len);
	memset(b->dst, (u8)~SECRET, b->len);
	r2 = block_decompress(b);
	assert_int_equal(r1, r2);
	if (!r1)
		assert_memory_equal(first, b->dst, b->len);
	free(first);
}

/*
 * An LZ4 block of @lit literals, then one match of offset 0 that yields all
 * but the last 12 bytes of 4096, then literals again.
 */
static u32 offset_zero_block(u8 *to, u32 lit)
{
	u32 match = 4096 - 12 - lit, n = 0, i;
	u32 rest = match - 4 - 15;

	assert_true(lit < 15 && match >= 4 + 15);
	to[n++] = lit << 4 | 15;
	for (i = 0; i < lit; i++)
		to[n++] = 'a' + i;
	to[n++] = 0;
	to[n++] = 0;
	for (; rest >= 255; rest -= 255)
		to[n++] = 255;
	to[n++] = rest;
	to[n++] = 12 << 4;
	for (i = 0; i < 12; i++)
		to[n++] = 'x';
	return n;
}

static void offset_zero_shows_nothing_old(void **state)
{
	u8 bytes[256];
	struct block b;
	u32 lit;

	(void)state;
	for (lit = 0; lit < 15; lit++) {
		block_begin(&b, ZFILE_ALGO_LZ4, true, 4096, 4096);
		block_store(&b, bytes, offset_zero_block(bytes, lit));
		if (!block_decompress(&b))
			assert_null(memchr(b.dst, SECRET, b.len));
		check_independence(&b);
		block_end(&b);
	}
}

/*
 * liblz4 takes care of offset 0 itself, another decoder need not: here is one
 * that writes nothing at all where a test asks for it.
 */
static bool lazy_decoder;

int LZ4_decompress_safe(const char *src, char *dst, int n, int capacity)
{
	int (*real)(const char *, char *, int, int);

	if (lazy_decoder)
		return capacity;
	*(void **)&real = dlsym(RTLD_NEXT, "LZ4_decompress_safe");
	return real(src, dst, n, capacity);
}

static void lazy_decoder_shows_nothing_old(void **state)
{
	struct block b;

	(void)state;
	lazy_decoder = true;
	pattern_block(&b, ZFILE_ALGO_LZ4, true);
	assert_int_equal(block_decompress(&b), 0);
	lazy_decoder = false;
	assert_null(memchr(b.dst, SECRET, b.len));
	block_end(&b);
}

/* Whatever the bytes are: no read outside, and nothing old in the output. */
static void mutated_blocks_show_nothing_old(void **state)
{
	u32 seed = 1, i, k, decoded = 0;
	struct block b;
	u8 *good;

	(void)state;
	for (i = 0; i < 6000; i++) {
		u32 n = pattern_block(&b, 1 + i % 2, false);

		good = malloc(n);
		memcpy(good, b.src, n);
		for (k = next_random(&seed) % 4; k < 4; k++)
			good[next_random(&seed) % n] =
				next_random(&seed) % 3 ? next_random(&seed) : 0;
		block_store(&b, good, n);
		check_independence(&b);
		decoded += !block_decompress(&b);
		block_end(&b);
		free(good);
	}
	assert_true(decoded > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* First: no codec has been prepared with the real one yet. */
		cmocka_unit_test(lazy_decoder_shows_nothing_old),
		cmocka_unit_test(crc_matches_known_vectors),
		cmocka_unit_test(digest_matches_known_vector),
		cmocka_unit_test(parse_tells_what_the_header_says),
		cmocka_unit_test(bad_fields_are_refused_by_name),
		cmocka_unit_test(index_offset_is_bounded_by_both_ends),
		cmocka_unit_test(original_size_is_bounded_by_the_blob),
		cmocka_unit_test(tiny_blobs_are_refused),
		cmocka_unit_test(flags_must_say_what_it_is),
		cmocka_unit_test(flag_says_whether_the_header_is_complete),
		cmocka_unit_test(digest_covers_every_byte),
		cmocka_unit_test(reserved_garbage_is_ignored),
		cmocka_unit_test(offsets_add_up_in_every_table),
		cmocka_unit_test(offsets_pass_four_gigabytes),
		cmocka_unit_test(stored_sizes_are_bounded),
		cmocka_unit_test(stored_max_covers_both_compressors),
		cmocka_unit_test(blocks_must_end_before_the_table),
		cmocka_unit_test(table_crc_is_checked_if_it_is_valid),
		cmocka_unit_test(blocks_are_gathered),
		cmocka_unit_test(every_block_size_makes_the_round_trip),
		cmocka_unit_test(codec_is_prepared_once),
		cmocka_unit_test(every_flipped_bit_breaks_the_crc),
		cmocka_unit_test(blocks_without_crc_pass),
		cmocka_unit_test(wrong_length_is_corrupt),
		cmocka_unit_test(truncated_block_is_corrupt),
		cmocka_unit_test(trailing_garbage_is_corrupt),
		cmocka_unit_test(offset_zero_shows_nothing_old),
		cmocka_unit_test(mutated_blocks_show_nothing_old),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
