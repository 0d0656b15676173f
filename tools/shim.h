/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the format files need of the kernel, for user space: types, byte order,
 * checked arithmetic, allocation, CRC-32C and the decompressors.
 */
#ifndef OVERLAYBD_SHIM_H
#define OVERLAYBD_SHIM_H

#define ZSTD_STATIC_LINKING_ONLY	/* decompression in a given workspace */

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <isa-l/crc.h>
#include <limits.h>
#include <lz4.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <linux/types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;

#define le16_to_cpu(x)	le16toh(x)
#define le32_to_cpu(x)	le32toh(x)
#define le64_to_cpu(x)	le64toh(x)
#define cpu_to_le16(x)	htole16(x)
#define cpu_to_le32(x)	htole32(x)
#define cpu_to_le64(x)	htole64(x)

#ifndef __packed
#define __packed	__attribute__((__packed__))
#endif

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

#define min(a, b) ({						\
	__typeof__(a) a_ = (a);					\
	__typeof__(b) b_ = (b);					\
								\
	a_ < b_ ? a_ : b_;					\
})
#define max(a, b) ({						\
	__typeof__(a) a_ = (a);					\
	__typeof__(b) b_ = (b);					\
								\
	a_ > b_ ? a_ : b_;					\
})
#define min_t(t, a, b)	min((t)(a), (t)(b))
#define max_t(t, a, b)	max((t)(a), (t)(b))
#define swap(a, b) \
	do { __typeof__(a) t_ = (a); (a) = (b); (b) = t_; } while (0)
#define U8_MAX		UINT8_MAX
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define DIV_ROUND_UP(n, d)		(((n) + (d) - 1) / (d))
#define DIV_ROUND_UP_ULL(n, d)		DIV_ROUND_UP((u64)(n), (u64)(d))
#define round_up(x, y)	((((x) - 1) | ((__typeof__(x))(y) - 1)) + 1)
#define round_down(x, y)	((x) & ~((__typeof__(x))(y) - 1))
#define prefetch(p)	__builtin_prefetch(p)
#define READ_ONCE(x)	(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile __typeof__(x) *)&(x) = (v))

#define check_add_overflow(a, b, d)	__builtin_add_overflow(a, b, d)
#define check_sub_overflow(a, b, d)	__builtin_sub_overflow(a, b, d)
#define check_mul_overflow(a, b, d)	__builtin_mul_overflow(a, b, d)

#define IS_REACHABLE(option)	1
typedef unsigned int gfp_t;
#define GFP_KERNEL		0
#define __GFP_NOWARN		0
#define OBD_GFP_BLOB		0

#define scnprintf		snprintf

static inline void cond_resched(void)
{
}

static inline bool is_power_of_2(unsigned long n)
{
	return n && !(n & (n - 1));
}

static inline int ilog2(u64 n)
{
	return 63 - __builtin_clzll(n);
}

static inline unsigned long roundup_pow_of_two(unsigned long n)
{
	return n <= 1 ? 1 : 1UL << (ilog2(n - 1) + 1);
}

static inline int fls(unsigned int n)
{
	return n ? 32 - __builtin_clz(n) : 0;
}

static inline int fls64(u64 n)
{
	return n ? 64 - __builtin_clzll(n) : 0;
}

/* Aligned to cache lines, as in the kernel all that is large is. */
static inline void *kvmalloc(size_t size, gfp_t gfp)
{
	void *p;

	(void)gfp;
	return posix_memalign(&p, 64, size ? size : 1) ? NULL : p;
}

#define kmalloc			kvmalloc
#define kfree			kvfree

static inline void *kvzalloc(size_t size, gfp_t gfp)
{
	(void)gfp;
	return calloc(1, size ? size : 1);
}

static inline void *kvmalloc_array(size_t n, size_t size, gfp_t gfp)
{
	size_t bytes;

	if (check_mul_overflow(n, size, &bytes))
		return NULL;
	return kvmalloc(bytes, gfp);
}

static inline void *kvcalloc(size_t n, size_t size, gfp_t gfp)
{
	(void)gfp;
	return calloc(n ? n : 1, size);
}

static inline void kvfree(const void *p)
{
	free((void *)p);
}

static inline void kmemleak_ignore(const void *p)
{
	(void)p;
}

static inline void *memchr_inv(const void *start, int c, size_t bytes)
{
	const unsigned char *p = start;

	for (; bytes; bytes--, p++)
		if (*p != (unsigned char)c)
			return (void *)p;
	return NULL;
}

/* The CRC register as it is: no inversion before or after. */
static inline u32 crc32c(u32 crc, const void *data, unsigned int size)
{
	return crc32_iscsi((unsigned char *)data, size, crc);
}

/* User space's zlib allocates for itself. */
static inline int zlib_inflate_workspacesize(void)
{
	return 1;
}

static inline void obd_zlib_workspace(z_stream *stream, void *workspace)
{
	(void)stream;
	(void)workspace;
}

static inline int zlib_inflateInit2(z_stream *stream, int window_bits)
{
	return inflateInit2(stream, window_bits);
}

static inline int zlib_inflate(z_stream *stream, int flush)
{
	return inflate(stream, flush);
}

static inline int zlib_inflateEnd(z_stream *stream)
{
	return inflateEnd(stream);
}

/* What is at next_in becomes history. */
static inline int zlib_inflateIncomp(z_stream *stream)
{
	return inflateSetDictionary(stream, stream->next_in, stream->avail_in);
}

typedef ZSTD_DCtx zstd_dctx;

static inline size_t zstd_dctx_workspace_bound(void)
{
	return ZSTD_estimateDCtxSize();
}

static inline zstd_dctx *zstd_init_dctx(void *workspace, size_t size)
{
	return ZSTD_initStaticDCtx(workspace, size);
}

static inline size_t zstd_decompress_dctx(zstd_dctx *dctx, void *dst,
					  size_t capacity, const void *src,
					  size_t size)
{
	return ZSTD_decompressDCtx(dctx, dst, capacity, src, size);
}

static inline unsigned int zstd_is_error(size_t code)
{
	return ZSTD_isError(code);
}

#endif
