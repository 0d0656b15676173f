// SPDX-License-Identifier: GPL-2.0-only
/*
 * ZFiles: blocks lie within the data, reads give the same whatever their
 * buffers held before, and decompression stays within its memory.
 */
#include "tests/fuzz/fixup.h"

#define MAX_BLOCKS	24	/* to look at, of each input */
#define MAX_READ	(1U << 18)

/* Small blocks, so that there are some in a few kilobytes. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
			       unsigned int seed)
{
	struct buffer blob = {}, plain = {};
	struct zfile_spec spec = {
		.block_size = 512U << seed % 3,
		.algorithm = 1 + (seed >> 3) % 2,
		.verify = seed & 16,
		.trailer_only = seed & 32,
		.no_digest = seed & 64,
		.gap = seed & 128 ? 700 : 0,
	};

	if (size >= 2 * ZFILE_HEADER_SPACE)
		return mutate_blob(data, size, max_size, seed);
	buffer_add_zeros(&plain, 4096);
	pattern_fill(plain.data, seed, 0, 4096 / OBD_SECTOR_SIZE);
	plain.len -= (seed >> 8) % 600;
	build_zfile(&blob, &plain, &spec);
	buffer_release(&plain);
	return fuzz_seed(data, max_size, &blob);
}

/* Exactly sized memory, for ASan to guard. */
static void check_block(const struct obd_blob *blob, u32 block,
			struct obd_codec *codec)
{
	const struct obd_zfile *z = &blob->zfile;
	u32 stored = obd_zfile_stored(z, block);
	u32 len = obd_zfile_block_len(z, block);
	u64 at = blob->start + obd_zfile_offset(z, block);
	u8 *src = malloc(stored), *dst = malloc(len);

	fuzz_assert(src && dst && len && len <= z->block_size);
	fuzz_assert(stored > (z->verify ? ZFILE_CRC_SIZE : 0));
	fuzz_assert(stored <= z->stored_max);
	fuzz_assert(at + stored <= blob->start + z->index_offset);
	if (at + stored <= obd_dev_size(blob->dev)) {
		fuzz_assert(!obd_dev_read(blob->dev, at, src, stored));
		obd_zfile_check(z, src, stored);
		obd_zfile_decompress(z, codec, src, stored, dst, len);
	}
	free(src);
	free(dst);
}

static void check_blocks(const struct obd_blob *blob)
{
	const struct obd_zfile *z = &blob->zfile;
	u32 step = 1 + z->nr_blocks / MAX_BLOCKS;
	struct obd_codec codec = {};
	u32 block;

	fuzz_assert(!obd_codec_prepare(&codec, z->algorithm));
	for (block = 0; block < z->nr_blocks; block += step)
		check_block(blob, block, &codec);
	check_block(blob, z->nr_blocks - 1, &codec);
	obd_codec_release(&codec);
}

/* Twice, into memory of different content, each with scratch of its own. */
static void check_read(const struct obd_blob *blob, u64 pos, u32 len)
{
	u8 *a = malloc(len), *b = malloc(len);
	static struct obd_scratch sa, sb;
	struct obd_error err = {};
	int ra, rb;

	fuzz_assert(a && b);
	memset(a, 0x00, len);
	memset(b, 0xff, len);
	ra = obd_blob_read(blob, pos, a, len, &sa, &err);
	rb = obd_blob_read(blob, pos, b, len, &sb, &err);
	fuzz_assert(ra == rb && (!ra || err.text[0]));
	fuzz_assert(ra || !memcmp(a, b, len));
	free(a);
	free(b);
}

static void try_device(const u8 *data, size_t dev_size, size_t bytes)
{
	struct obd_error err = {};
	struct obd_blob blob;
	int r;

	r = obd_blob_open(&blob, fuzz_device(data, dev_size), bytes, &err);
	fuzz_assert(!r || (r < 0 && err.text[0]));
	if (!r) {
		u64 size = blob.data_size;
		u64 len = min(size, (u64)MAX_READ);

		if (blob.compressed)
			check_blocks(&blob);
		check_read(&blob, 0, len);
		check_read(&blob, size - len, len);
		check_read(&blob, size / 2, min(size - size / 2, 100ULL));
	}
	obd_blob_release(&blob);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_device(data, size, size);
	if (size % OBD_SECTOR_SIZE)
		try_device(data, round_down(size, OBD_SECTOR_SIZE), size);
	return 0;
}
