// SPDX-License-Identifier: GPL-2.0-only
/*
 * ZFile: parse, find a block, decompress it.
 */
#include "dm-overlaybd-zfile.h"

bool obd_zfile_recognised(const struct zfile_header *header)
{
	return !memcmp(header->magic0, ZFILE_MAGIC0, ZFILE_MAGIC0_SIZE) &&
	       !memcmp(header->magic1, ZFILE_MAGIC1, ZFILE_MAGIC1_SIZE);
}

bool obd_zfile_needs_trailer(const struct zfile_header *header)
{
	return !(le64_to_cpu(header->flags) & ZFILE_FLAG_OVERWRITTEN);
}

static u32 header_digest(const struct zfile_header *info)
{
	const __le32 zero = 0;
	const u8 *raw = (const u8 *)info;
	size_t at = offsetof(struct zfile_header, digest);
	u32 crc;

	crc = crc32c(ZFILE_META_CRC_SEED, raw, at);
	crc = crc32c(crc, &zero, sizeof(zero));
	at += sizeof(zero);
	return crc32c(crc, raw + at, ZFILE_HEADER_SPACE - at);
}

static int check_integrity(const struct zfile_header *info, bool trailer,
			   const char *which, struct obd_error *err)
{
	u64 flags = le64_to_cpu(info->flags);
	u64 kind = ZFILE_FLAG_DATA | (trailer ? ZFILE_FLAG_SEALED :
						ZFILE_FLAG_HEADER);
	u64 mask = kind | ZFILE_FLAG_HEADER;
	u32 digest;

	if (!obd_zfile_recognised(info))
		return obd_fail(err, -EINVAL, "ZFile %s: bad magic", which);
	if (le32_to_cpu(info->size) != sizeof(*info))
		return obd_fail(err, -EINVAL,
				"ZFile %s: size is %u, expected %zu", which,
				le32_to_cpu(info->size), sizeof(*info));
	if ((flags & mask) != kind)
		return obd_fail(err, -EINVAL,
				"ZFile %s: flags are %#llx, expected %#llx of %#llx",
				which, (unsigned long long)flags,
				(unsigned long long)kind,
				(unsigned long long)mask);
	if (flags & ZFILE_FLAG_TABLE_PACKED)
		return obd_fail(err, -EOPNOTSUPP,
				"ZFile %s: flags are %#llx: compressed jump tables are not supported",
				which, (unsigned long long)flags);
	if (!(flags & ZFILE_FLAG_DIGEST))
		return 0;
	digest = header_digest(info);
	if (digest != le32_to_cpu(info->digest))
		return obd_fail(err, -EINVAL,
				"ZFile %s: digest is %#x, expected %#x", which,
				le32_to_cpu(info->digest), digest);
	return 0;
}

static int check_algorithm(u8 algorithm, const char *which,
			   struct obd_error *err)
{
	const char *name = algorithm == ZFILE_ALGO_LZ4 ? "LZ4" : "Zstandard";
	bool have = algorithm == ZFILE_ALGO_LZ4 ?
		    IS_REACHABLE(CONFIG_LZ4_DECOMPRESS) :
		    IS_REACHABLE(CONFIG_ZSTD_DECOMPRESS);

	if (algorithm != ZFILE_ALGO_LZ4 && algorithm != ZFILE_ALGO_ZSTD)
		return obd_fail(err, -EINVAL,
				"ZFile %s: algorithm is %u, expected %u (LZ4) or %u (Zstandard)",
				which, algorithm, ZFILE_ALGO_LZ4,
				ZFILE_ALGO_ZSTD);
	if (!have)
		return obd_fail(err, -EOPNOTSUPP,
				"ZFile %s: algorithm is %u: this kernel is built without %s",
				which, algorithm, name);
	return 0;
}

static int check_coding(const struct zfile_header *info, const char *which,
			struct obd_error *err)
{
	u32 block_size = le32_to_cpu(info->block_size);

	if (block_size < ZFILE_BLOCK_SIZE_MIN ||
	    block_size > ZFILE_BLOCK_SIZE_MAX || !is_power_of_2(block_size))
		return obd_fail(err, -EINVAL,
				"ZFile %s: block_size is %u, expected a power of two from %u to %u",
				which, block_size, ZFILE_BLOCK_SIZE_MIN,
				ZFILE_BLOCK_SIZE_MAX);
	if (info->use_dict || info->dict_size)
		return obd_fail(err, -EOPNOTSUPP,
				"ZFile %s: use_dict is %u, dict_size is %u: dictionaries are not supported",
				which, info->use_dict,
				le32_to_cpu(info->dict_size));
	return check_algorithm(info->algorithm, which, err);
}

/*
 * The table lies in front of the trailer. With a complete header the blob's
 * end may be cut off, as by a device that ends at a whole sector.
 */
static int check_table(const struct zfile_header *info, const char *which,
		       u64 size, struct obd_error *err)
{
	u64 offset = le64_to_cpu(info->index_offset);
	u64 nr = le64_to_cpu(info->index_size);
	u32 block_size = le32_to_cpu(info->block_size);
	u64 original = le64_to_cpu(info->original_size);
	u64 expected = (original >> ilog2(block_size)) +
		       !!(original & (block_size - 1));
	u64 limit = min_t(u64, ZFILE_MAX_BLOCKS, size / sizeof(__le32));

	if (!original || expected > limit)
		return obd_fail(err, -EINVAL,
				"ZFile %s: original_size is %llu, expected 1 to %llu",
				which, (unsigned long long)original,
				(unsigned long long)(limit * block_size));
	if (nr != expected)
		return obd_fail(err, -EINVAL,
				"ZFile %s: index_size is %llu, expected %llu",
				which, (unsigned long long)nr,
				(unsigned long long)expected);
	limit = size - nr * sizeof(__le32);
	if (offset < ZFILE_HEADER_SPACE || offset > limit)
		return obd_fail(err, -EINVAL,
				"ZFile %s: index_offset is %llu, expected %u to %llu",
				which, (unsigned long long)offset,
				ZFILE_HEADER_SPACE, (unsigned long long)limit);
	return 0;
}

/*
 * Neither format has a stored form: a block that cannot be compressed grows.
 * These are the compressors' own worst cases, whichever is larger.
 */
static u32 stored_max(u32 block_size)
{
	u32 lz4 = block_size + block_size / 255 + 16;
	u32 zstd = block_size + (block_size >> 8) + 64;

	return max(lz4, zstd) + ZFILE_CRC_SIZE;
}

int obd_zfile_parse(struct obd_zfile *zfile, const struct zfile_header *info,
		    bool trailer, u64 size, struct obd_error *err)
{
	const char *which = trailer ? "trailer" : "header";
	u64 table_end = trailer ? size - ZFILE_HEADER_SPACE : size;
	int r;

	r = check_integrity(info, trailer, which, err) ?:
	    check_coding(info, which, err) ?:
	    check_table(info, which, table_end, err);
	if (r)
		return r;

	*zfile = (struct obd_zfile) {
		.original_size = le64_to_cpu(info->original_size),
		.index_offset = le64_to_cpu(info->index_offset),
		.nr_blocks = le64_to_cpu(info->index_size),
		.block_size = le32_to_cpu(info->block_size),
		.block_shift = ilog2(le32_to_cpu(info->block_size)),
		.algorithm = info->algorithm,
		.verify = info->verify,
		.check_table = le64_to_cpu(info->flags) & ZFILE_FLAG_DIGEST,
		.table_crc = le32_to_cpu(info->index_crc),
		.stored_max = stored_max(le32_to_cpu(info->block_size)),
	};
	return 0;
}

static u32 nr_groups(const struct obd_zfile *zfile)
{
	return DIV_ROUND_UP(zfile->nr_blocks, ZFILE_GROUP);
}

static bool is_narrow(const struct obd_zfile *zfile)
{
	return zfile->stored_max <= 0xffff;
}

int obd_zfile_load_begin(struct obd_zfile *zfile, struct obd_zfile_load *load,
			 struct obd_error *err)
{
	const gfp_t gfp = OBD_GFP_BLOB;

	*load = (struct obd_zfile_load) {
		.offset = ZFILE_HEADER_SPACE,
		.crc = ZFILE_META_CRC_SEED,
	};
	zfile->bases = kvmalloc_array(nr_groups(zfile), sizeof(u64), gfp);
	if (is_narrow(zfile))
		zfile->narrow = kvmalloc_array(zfile->nr_blocks, sizeof(u16),
					       gfp);
	else
		zfile->wide = kvmalloc_array(zfile->nr_blocks, sizeof(u32),
					     gfp);
	if (!zfile->bases || (!zfile->narrow && !zfile->wide))
		return obd_fail(err, -ENOMEM,
				"no memory for a jump table of %u blocks",
				zfile->nr_blocks);
	return 0;
}

int obd_zfile_load_add(struct obd_zfile *zfile, struct obd_zfile_load *load,
		       const __le32 *sizes, u32 nr, struct obd_error *err)
{
	u32 least = 1 + (zfile->verify ? ZFILE_CRC_SIZE : 0);
	u32 i;

	for (i = 0; i < nr; i++, load->block++) {
		u32 stored = le32_to_cpu(sizes[i]);

		if (stored < least || stored > zfile->stored_max)
			return obd_fail(err, -EINVAL,
					"jump table entry %u is %u, expected %u to %u",
					load->block, stored, least,
					zfile->stored_max);
		if (!(load->block % ZFILE_GROUP))
			zfile->bases[load->block / ZFILE_GROUP] = load->offset;
		if (zfile->narrow)
			zfile->narrow[load->block] = stored;
		else
			zfile->wide[load->block] = stored;
		load->offset += stored;
	}
	load->crc = crc32c(load->crc, sizes, nr * sizeof(*sizes));
	return 0;
}

int obd_zfile_load_end(const struct obd_zfile *zfile,
		       const struct obd_zfile_load *load,
		       struct obd_error *err)
{
	if (load->offset > zfile->index_offset)
		return obd_fail(err, -EINVAL,
				"jump table: blocks end at byte %llu, expected at most %llu",
				(unsigned long long)load->offset,
				(unsigned long long)zfile->index_offset);
	if (zfile->check_table && load->crc != zfile->table_crc)
		return obd_fail(err, -EINVAL,
				"jump table: index_crc is %#x, expected %#x",
				zfile->table_crc, load->crc);
	return 0;
}

void obd_zfile_release(struct obd_zfile *zfile)
{
	kvfree(zfile->bases);
	kvfree(zfile->narrow);
	kvfree(zfile->wide);
	zfile->bases = NULL;
	zfile->narrow = NULL;
	zfile->wide = NULL;
}

u64 obd_zfile_offset(const struct obd_zfile *zfile, u32 block)
{
	u64 offset = zfile->bases[block / ZFILE_GROUP];
	u32 i = round_down(block, ZFILE_GROUP);

	if (zfile->narrow)
		for (; i < block; i++)
			offset += zfile->narrow[i];
	else
		for (; i < block; i++)
			offset += zfile->wide[i];
	return offset;
}

u32 obd_zfile_gather(const struct obd_zfile *zfile, u32 block, u32 last,
		     u32 size, u32 *len)
{
	u32 n;

	*len = 0;
	for (n = 0; block + n <= last; n++) {
		u32 stored = obd_zfile_stored(zfile, block + n);

		if (stored > size - *len)
			break;
		*len += stored;
	}
	return n;
}

u64 obd_zfile_bytes(const struct obd_zfile *zfile)
{
	u64 entry = is_narrow(zfile) ? sizeof(u16) : sizeof(u32);

	return nr_groups(zfile) * sizeof(u64) + zfile->nr_blocks * entry;
}

/*
 * A match of offset 0 makes LZ4 copy what it finds in @dst: a hostile block
 * would publish what the memory held before. All releases since 1.8 write zeros
 * there first. Whether this one does is tried out, for clearing @dst costs up to
 * a tenth of the decompression; until that is known, @dst is cleared.
 */
static bool lz4_clears;

#define PROBE_POISON		0xa5
#define PROBE_MATCH_MIN		4U
#define PROBE_MATCH_MAX		80U	/* beyond all that is copied at once */
#define PROBE_LITERALS_MAX	14U	/* what a token can tell */
#define PROBE_TAIL_MIN		5U	/* what LZ4 wants behind a match */
#define PROBE_SRC_SIZE		(2 * PROBE_LITERALS_MAX + 5)
#define PROBE_DST_SIZE		(2 * PROBE_LITERALS_MAX + PROBE_MATCH_MAX)

/* Literals, a match of offset 0, more literals; all of them are zeros. */
static u32 probe_build(u8 *src, u32 literals, u32 match, u32 tail)
{
	u32 extra = match - PROBE_MATCH_MIN, n = 0;

	memset(src, 0, PROBE_SRC_SIZE);
	src[n++] = literals << 4 | min(extra, 15U);
	n += literals + sizeof(__le16);
	if (extra >= 15)
		src[n++] = extra - 15;
	src[n++] = tail << 4;
	return n + tail;
}

/* Does a byte come out that was in the memory before? */
static bool probe_leaks(u32 literals, u32 match, u32 tail)
{
	u8 src[PROBE_SRC_SIZE], dst[PROBE_DST_SIZE];
	u32 n = probe_build(src, literals, match, tail);
	u32 len = literals + match + tail;

	memset(dst, PROBE_POISON, sizeof(dst));
	return LZ4_decompress_safe((void *)src, (void *)dst, n, len) >= 0 &&
	       memchr_inv(dst, 0, len);
}

/* Near the block's beginning and its end LZ4 goes other ways. */
static void probe_lz4(void)
{
	u32 literals, match, tail;

	if (!IS_REACHABLE(CONFIG_LZ4_DECOMPRESS) || READ_ONCE(lz4_clears))
		return;
	for (literals = 0; literals <= PROBE_LITERALS_MAX; literals++)
		for (match = PROBE_MATCH_MIN; match <= PROBE_MATCH_MAX; match++)
			for (tail = PROBE_TAIL_MIN; tail <= PROBE_LITERALS_MAX;
			     tail++)
				if (probe_leaks(literals, match, tail))
					return;
	WRITE_ONCE(lz4_clears, true);
}

int obd_codec_prepare(struct obd_codec *codec, u8 algorithm)
{
	size_t size;

	if (algorithm == ZFILE_ALGO_LZ4)
		probe_lz4();
	if (algorithm != ZFILE_ALGO_ZSTD || codec->zstd)
		return 0;
	if (!IS_REACHABLE(CONFIG_ZSTD_DECOMPRESS))
		return -EOPNOTSUPP;
	size = zstd_dctx_workspace_bound();
	codec->workspace = kvmalloc(size, GFP_KERNEL);
	if (!codec->workspace)
		return -ENOMEM;
	codec->zstd = zstd_init_dctx(codec->workspace, size);
	if (!codec->zstd) {
		obd_codec_release(codec);
		return -ENOMEM;
	}
	return 0;
}

void obd_codec_release(struct obd_codec *codec)
{
	kvfree(codec->workspace);
	codec->workspace = NULL;
	codec->zstd = NULL;
}

int obd_zfile_check(const struct obd_zfile *zfile, const void *src,
		    u32 stored)
{
	u32 len = stored - ZFILE_CRC_SIZE;
	__le32 crc;

	if (!zfile->verify)
		return 0;
	memcpy(&crc, src + len, sizeof(crc));
	return crc32c(ZFILE_CRC_SEED, src, len) == le32_to_cpu(crc) ?
	       0 : -EBADMSG;
}

static int decompress_lz4(const void *src, u32 n, void *dst, u32 len)
{
	if (!IS_REACHABLE(CONFIG_LZ4_DECOMPRESS))
		return -EOPNOTSUPP;
	if (!READ_ONCE(lz4_clears))
		memset(dst, 0, len);
	return LZ4_decompress_safe(src, dst, n, len) == (int)len ? 0 : -EILSEQ;
}

static int decompress_zstd(struct obd_codec *codec, const void *src, u32 n,
			   void *dst, u32 len)
{
	size_t got;

	if (!IS_REACHABLE(CONFIG_ZSTD_DECOMPRESS))
		return -EOPNOTSUPP;
	got = zstd_decompress_dctx(codec->zstd, dst, len, src, n);
	return !zstd_is_error(got) && got == len ? 0 : -EILSEQ;
}

int obd_zfile_decompress(const struct obd_zfile *zfile,
			 struct obd_codec *codec, const void *src, u32 stored,
			 void *dst, u32 len)
{
	u32 n = stored - (zfile->verify ? ZFILE_CRC_SIZE : 0);

	if (zfile->algorithm == ZFILE_ALGO_LZ4)
		return decompress_lz4(src, n, dst, len);
	return decompress_zstd(codec, src, n, dst, len);
}
