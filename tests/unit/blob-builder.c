// SPDX-License-Identifier: GPL-2.0-only
/*
 * Build layer blobs from a description.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/blob-builder.h"

#define COMMIT_INDEX_PADDING	4096
#define SEALED_INDEX_PADDING	512
#define ZSTD_LEVEL		3

static void must(bool ok)
{
	if (!ok)
		abort();
}

static u8 *buffer_extend(struct buffer *b, size_t len)
{
	size_t need = b->len + len;

	if (need > b->room) {
		b->room = need + need / 2;
		b->data = realloc(b->data, b->room);
		must(b->data);
	}
	b->len = need;
	return b->data + need - len;
}

void buffer_add(struct buffer *b, const void *data, size_t len)
{
	if (len)
		memcpy(buffer_extend(b, len), data, len);
}

void buffer_add_zeros(struct buffer *b, size_t len)
{
	if (len)
		memset(buffer_extend(b, len), 0, len);
}

void buffer_copy(struct buffer *to, const struct buffer *from)
{
	to->len = 0;
	buffer_add(to, from->data, from->len);
}

void buffer_release(struct buffer *b)
{
	free(b->data);
	*b = (struct buffer) {};
}

void buffer_device(const struct buffer *b, struct obd_dev *dev)
{
	size_t done = 0;

	dev->fd = memfd_create("blob", MFD_CLOEXEC);
	must(dev->fd >= 0);
	while (done < b->len) {
		ssize_t n = write(dev->fd, b->data + done, b->len - done);

		must(n > 0);
		done += n;
	}
	dev->size = b->len;
}

static u64 scramble(u64 x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ULL;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static void fill_sector(u8 *buf, u32 seed, u64 sector)
{
	u64 base = scramble(((u64)seed << 40) + sector);
	size_t i;

	for (i = 0; i < OBD_SECTOR_SIZE; i += sizeof(u64)) {
		u64 word = sector % 4 == 3 ? scramble(base + i) :
			   base + i / 64;

		memcpy(buf + i, &word, sizeof(word));
	}
}

void pattern_fill(void *buf, u32 seed, u64 sector, size_t nr)
{
	u8 *to = buf;

	for (; nr; nr--, sector++, to += OBD_SECTOR_SIZE)
		fill_sector(to, seed, sector);
}

static void add_lsmt_header(struct buffer *out, const struct layer_spec *spec,
			    u32 flags, u64 index_offset, u64 index_size)
{
	struct lsmt_header h = {
		.size = cpu_to_le32(sizeof(h)),
		.flags = cpu_to_le32(flags),
		.index_offset = cpu_to_le64(index_offset),
		.index_size = cpu_to_le64(index_size),
		.virtual_size = cpu_to_le64(spec->virtual_size),
		.version = LSMT_VERSION,
		.sub_version = LSMT_SUB_VERSION,
	};

	memcpy(h.magic0, LSMT_MAGIC0, LSMT_MAGIC0_SIZE);
	memcpy(h.magic1, LSMT_MAGIC1, LSMT_MAGIC1_SIZE);
	snprintf(h.uuid, sizeof(h.uuid), "00000000-0000-4000-8000-%012x",
		 spec->seed);
	buffer_add(out, &h, sizeof(h));
	buffer_add_zeros(out, LSMT_HEADER_SPACE - sizeof(h));
}

static void add_entry(struct buffer *out, const struct layer_extent *x,
		      u64 moffset)
{
	struct lsmt_entry e = {
		.where = cpu_to_le64(x->offset |
				     (u64)x->len << LSMT_OFFSET_BITS),
		.what = cpu_to_le64((x->zeroed ? LSMT_ZEROED : moffset) |
				    (u64)x->tag << LSMT_TAG_SHIFT),
	};

	buffer_add(out, &e, sizeof(e));
}

static void add_data(struct buffer *out, const struct layer_spec *spec)
{
	u32 i;

	for (i = 0; i < spec->nr; i++) {
		const struct layer_extent *x = &spec->extents[i];
		u64 sector = out->len / OBD_SECTOR_SIZE;

		if (!x->zeroed)
			pattern_fill(buffer_extend(out, (size_t)x->len *
						   OBD_SECTOR_SIZE),
				     spec->seed, sector, x->len);
	}
}

/* Return: entries that count, padding included where that is the custom. */
static u64 add_index(struct buffer *out, const struct layer_spec *spec)
{
	const struct layer_extent padding = { .offset = LSMT_OFFSET_PADDING };
	u64 moffset = LSMT_HEADER_SPACE / OBD_SECTOR_SIZE;
	size_t begin = out->len;
	u32 i;

	for (i = 0; i < spec->nr; i++) {
		const struct layer_extent *x = &spec->extents[i];

		add_entry(out, x, moffset);
		moffset += x->zeroed ? 0 : x->len;
	}
	if (spec->sealed) {
		while ((out->len - begin) % SEALED_INDEX_PADDING)
			buffer_add(out, "garbage garbage ", 16);
		return spec->nr;
	}
	while (!spec->unpadded && (out->len - begin) % COMMIT_INDEX_PADDING)
		add_entry(out, &padding, 0);
	return (out->len - begin) / sizeof(struct lsmt_entry);
}

void build_layer(struct buffer *out, const struct layer_spec *spec)
{
	u32 flags = LSMT_FLAG_DATA | LSMT_FLAG_HEADER;
	u64 index_offset, index_size;

	out->len = 0;
	add_lsmt_header(out, spec,
			flags | (spec->sealed ? 0 : LSMT_FLAG_SEALED), 0, 0);
	add_data(out, spec);
	index_offset = out->len;
	index_size = add_index(out, spec);
	add_lsmt_header(out, spec, LSMT_FLAG_DATA | LSMT_FLAG_SEALED,
			index_offset, index_size);
}

u32 compress_bound(u32 block_size)
{
	return max((size_t)LZ4_compressBound(block_size),
		   ZSTD_compressBound(block_size));
}

u32 compress_block(u8 algorithm, const void *src, u32 len, void *dst)
{
	size_t n;

	if (algorithm == ZFILE_ALGO_LZ4)
		n = LZ4_compress_default(src, dst, len, compress_bound(len));
	else
		n = ZSTD_compress(dst, compress_bound(len), src, len,
				  ZSTD_LEVEL);
	must(n && !ZSTD_isError(n));
	return n;
}

void zfile_set_block_crc(u8 *block, u32 stored)
{
	u32 len = stored - ZFILE_CRC_SIZE;
	__le32 crc = cpu_to_le32(crc32c(ZFILE_CRC_SEED, block, len));

	memcpy(block + len, &crc, sizeof(crc));
}

void zfile_set_digest(u8 raw[ZFILE_HEADER_SPACE])
{
	__le32 digest = 0;

	memcpy(raw + offsetof(struct zfile_header, digest), &digest,
	       sizeof(digest));
	digest = cpu_to_le32(crc32c(ZFILE_META_CRC_SEED, raw,
				    ZFILE_HEADER_SPACE));
	memcpy(raw + offsetof(struct zfile_header, digest), &digest,
	       sizeof(digest));
}

static void add_block(struct buffer *out, const struct zfile_spec *spec,
		      u32 block, const u8 *src, u32 len, u8 *scratch)
{
	u32 n = spec->encode ? spec->encode(block, scratch) : 0;

	n = n ?: compress_block(spec->algorithm, src, len, scratch);
	buffer_add(out, scratch, n);
	if (!spec->verify)
		return;
	buffer_add_zeros(out, ZFILE_CRC_SIZE);
	n += ZFILE_CRC_SIZE;
	zfile_set_block_crc(out->data + out->len - n, n);
}

static void add_blocks(struct buffer *out, const struct buffer *in,
		       const struct zfile_spec *spec, struct buffer *table)
{
	u8 *scratch = malloc(compress_bound(spec->block_size));
	size_t pos, begin;

	must(scratch);
	for (pos = 0; pos < in->len; pos += spec->block_size) {
		size_t len = min((size_t)spec->block_size, in->len - pos);
		__le32 stored;

		begin = out->len;
		add_block(out, spec, pos / spec->block_size, in->data + pos,
			  len, scratch);
		stored = cpu_to_le32(out->len - begin);
		buffer_add(table, &stored, sizeof(stored));
	}
	free(scratch);
}

/* What header and trailer have in common; only one of them knows the index. */
static void put_zfile_header(u8 *raw, const struct buffer *in,
			     const struct zfile_spec *spec, u64 flags,
			     u64 index_offset, const struct buffer *table)
{
	struct zfile_header h = {
		.size = cpu_to_le32(sizeof(h)),
		.flags = cpu_to_le64(flags |
				     (spec->no_digest ? 0 : ZFILE_FLAG_DIGEST)),
		.block_size = cpu_to_le32(spec->block_size),
		.algorithm = spec->algorithm,
		.verify = spec->verify,
	};

	memcpy(h.magic0, ZFILE_MAGIC0, ZFILE_MAGIC0_SIZE);
	memcpy(h.magic1, ZFILE_MAGIC1, ZFILE_MAGIC1_SIZE);
	if (table) {
		h.index_offset = cpu_to_le64(index_offset);
		h.index_size = cpu_to_le64(table->len / sizeof(__le32));
		h.original_size = cpu_to_le64(in->len);
		h.index_crc = cpu_to_le32(crc32c(ZFILE_META_CRC_SEED,
						 table->data, table->len));
	}
	memset(raw, 0, ZFILE_HEADER_SPACE);
	memcpy(raw, &h, sizeof(h));
	if (!spec->no_digest)
		zfile_set_digest(raw);
}

void build_zfile(struct buffer *out, const struct buffer *in,
		 const struct zfile_spec *spec)
{
	const u64 common = ZFILE_FLAG_DATA;
	struct buffer table = {};
	u64 index_offset;

	out->len = 0;
	buffer_add_zeros(out, ZFILE_HEADER_SPACE);
	add_blocks(out, in, spec, &table);
	buffer_add_zeros(out, spec->gap);
	index_offset = out->len;
	buffer_add(out, table.data, table.len);
	buffer_add_zeros(out, ZFILE_HEADER_SPACE);
	put_zfile_header(out->data + out->len - ZFILE_HEADER_SPACE, in, spec,
			 common | ZFILE_FLAG_SEALED, index_offset, &table);
	put_zfile_header(out->data, in, spec, common | ZFILE_FLAG_HEADER |
			 (spec->trailer_only ? 0 : ZFILE_FLAG_OVERWRITTEN),
			 index_offset, spec->trailer_only ? NULL : &table);
	buffer_release(&table);
}

void tar_set_checksum(struct tar_header *tar)
{
	const u8 *raw = (const u8 *)tar;
	u32 i, sum = 0;

	memset(tar->checksum, ' ', sizeof(tar->checksum));
	for (i = 0; i < sizeof(*tar); i++)
		sum += raw[i];
	snprintf(tar->checksum, sizeof(tar->checksum) - 1, "%06o", sum);
}

static void add_tar_header(struct buffer *out, char type, const char *name,
			   u64 size)
{
	struct tar_header tar = { .type = type, .version = { '0', '0' } };

	must(size <= 077777777777ULL);
	snprintf(tar.name, sizeof(tar.name), "%s", name);
	snprintf(tar.mode, sizeof(tar.mode), "%07o", 0444);
	snprintf(tar.size, sizeof(tar.size), "%011llo",
		 (unsigned long long)size);
	snprintf(tar.mtime, sizeof(tar.mtime), "%011o", 0);
	memcpy(tar.magic, TAR_MAGIC, sizeof(tar.magic));
	tar_set_checksum(&tar);
	buffer_add(out, &tar, sizeof(tar));
}

static void add_pax(struct buffer *out, u64 size)
{
	char record[32];
	int len, total = 0;

	/* The length counts its own digits. */
	do {
		len = total;
		total = snprintf(record, sizeof(record), "%d %s=%llu\n", len,
				 TAR_PAX_SIZE_KEY, (unsigned long long)size);
	} while (total != len);
	add_tar_header(out, TAR_TYPE_PAX, "PaxHeaders/overlaybd.commit", len);
	buffer_add(out, record, len);
	buffer_add_zeros(out, TAR_BLOCK_SIZE - len);
}

void build_tar(struct buffer *out, const struct buffer *in,
	       enum tar_form form)
{
	out->len = 0;
	if (form == TAR_PAX)
		add_pax(out, in->len);
	add_tar_header(out, TAR_TYPE_FILE, TAR_MEMBER_NAME,
		       form == TAR_PAX ? 0 : in->len);
	buffer_add(out, in->data, in->len);
	buffer_add_zeros(out, -out->len % TAR_BLOCK_SIZE);
	buffer_add_zeros(out, 2 * TAR_BLOCK_SIZE);
}
