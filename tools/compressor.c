// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compression of single blocks.
 */
#include <lz4hc.h>

#include "dm-overlaybd-format.h"
#include "tools/compressor.h"

/* From this level on LZ4 is asked for its high compression, as lz4(1) does. */
#define LZ4_FIRST_HC_LEVEL	3

static u32 lz4_bound(u32 len)
{
	return LZ4_compressBound(len);
}

static void *lz4_begin(int level)
{
	return malloc(level < LZ4_FIRST_HC_LEVEL ? LZ4_sizeofState() :
						   LZ4_sizeofStateHC());
}

static u32 lz4_compress(void *state, int level, const void *src, u32 len,
			void *dst, u32 room)
{
	int n;

	if (level < LZ4_FIRST_HC_LEVEL)
		n = LZ4_compress_fast_extState(state, src, dst, len, room, 1);
	else
		n = LZ4_compress_HC_extStateHC(state, src, dst, len, room,
					       level);
	return max(n, 0);
}

static u32 zstd_bound(u32 len)
{
	return ZSTD_compressBound(len);
}

static void *zstd_begin(int level)
{
	(void)level;
	return ZSTD_createCCtx();
}

/* In one call: a single segment with its size in the frame, no checksum. */
static u32 zstd_compress(void *state, int level, const void *src, u32 len,
			 void *dst, u32 room)
{
	size_t n = ZSTD_compressCCtx(state, dst, room, src, len, level);

	return ZSTD_isError(n) ? 0 : n;
}

static void zstd_end(void *state)
{
	ZSTD_freeCCtx(state);
}

static const struct compressor compressors[] = {
	{
		.name = "lz4",
		.algorithm = ZFILE_ALGO_LZ4,
		.default_level = 1,
		.max_level = LZ4HC_CLEVEL_MAX,
		.bound = lz4_bound,
		.begin = lz4_begin,
		.compress = lz4_compress,
		.end = free,
	}, {
		.name = "zstd",
		.algorithm = ZFILE_ALGO_ZSTD,
		.default_level = ZSTD_CLEVEL_DEFAULT,
		.max_level = COMPRESSOR_LEVEL_MAX,
		.bound = zstd_bound,
		.begin = zstd_begin,
		.compress = zstd_compress,
		.end = zstd_end,
	},
};

const struct compressor *compressor_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(compressors); i++)
		if (!strcmp(compressors[i].name, name))
			return &compressors[i];
	return NULL;
}

const char *compressor_name(u8 algorithm)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(compressors); i++)
		if (compressors[i].algorithm == algorithm)
			return compressors[i].name;
	return "unknown";
}
