// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mutate blobs, keep their checksums right.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <unistd.h>

#include "dm-overlaybd-tar.h"
#include "tests/fuzz/fixup.h"

static u32 next_random(u32 *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static bool is_tar(const u8 *data, size_t size)
{
	const struct tar_header *tar = (const struct tar_header *)data;

	return size >= sizeof(*tar) &&
	       !memcmp(tar->magic, TAR_MAGIC, sizeof(tar->magic));
}

/* Return: where the member begins, 0 if there is no archive. */
static size_t fixup_tar(u8 *data, size_t size)
{
	struct tar_header *tar = (struct tar_header *)data;
	struct obd_error err;
	size_t next;
	u64 len;

	if (!is_tar(data, size))
		return 0;
	tar_set_checksum(tar);
	if (tar->type != TAR_TYPE_PAX || obd_tar_size(tar, &len, &err) ||
	    len > OBD_TAR_PAX_MAX)
		return sizeof(*tar);
	next = sizeof(*tar) + round_up(len, TAR_BLOCK_SIZE);
	if (next < size && is_tar(data + next, size - next))
		tar_set_checksum((struct tar_header *)(data + next));
	return min(next + sizeof(*tar), size);
}

static void fixup_blocks(u8 *data, const u8 *table, u64 nr, u64 end)
{
	u64 at = ZFILE_HEADER_SPACE;
	u64 i;

	for (i = 0; i < nr; i++) {
		__le32 stored;
		u32 len;

		memcpy(&stored, table + i * sizeof(stored), sizeof(stored));
		len = le32_to_cpu(stored);
		if (len < ZFILE_CRC_SIZE || len > end - at)
			return;
		zfile_set_block_crc(data + at, len);
		at += len;
	}
}

/* @at is where the header or trailer lies that knows the index. */
static void fixup_index(u8 *data, size_t size, size_t at)
{
	struct zfile_header info;
	u64 offset, nr;

	memcpy(&info, data + at, sizeof(info));
	offset = le64_to_cpu(info.index_offset);
	nr = le64_to_cpu(info.index_size);
	if (offset >= ZFILE_HEADER_SPACE && offset <= size &&
	    nr <= (size - offset) / sizeof(__le32)) {
		if (info.verify)
			fixup_blocks(data, data + offset, nr, offset);
		info.index_crc = cpu_to_le32(crc32c(ZFILE_META_CRC_SEED,
						    data + offset,
						    nr * sizeof(__le32)));
		memcpy(data + at, &info, sizeof(info));
	}
	zfile_set_digest(data + at);
}

static void fixup_zfile(u8 *data, size_t size)
{
	struct zfile_header header;

	if (size < 2 * ZFILE_HEADER_SPACE)
		return;
	memcpy(&header, data, sizeof(header));
	if (!obd_zfile_recognised(&header))
		return;
	fixup_index(data, size, size - ZFILE_HEADER_SPACE);
	fixup_index(data, size, 0);
}

void fixup_blob(u8 *data, size_t size)
{
	size_t start = fixup_tar(data, size);
	struct obd_error err;
	u64 member;

	/* The trailer ends the member, whose last sector is padded. */
	if (start && start <= size &&
	    !obd_tar_size((struct tar_header *)(data + start - TAR_BLOCK_SIZE),
			  &member, &err) &&
	    member && member < size - start)
		size = start + member;
	fixup_zfile(data + start, size - start);
}

/* Values at which bounds are wrong by one, sums wrap and signs change. */
static u64 interesting(u64 old, u32 random)
{
	static const u64 values[] = {
		0, 1, 2, 4, 8, 16, 255, 256, 511, 512, 513, 4095, 4096, 4097,
		65535, 65536, 1ULL << 20, 1ULL << 31, (1ULL << 31) - 1,
		(1ULL << 32) - 1, 1ULL << 32, (1ULL << 50) - 1, 1ULL << 55,
		1ULL << 62, 1ULL << 63, (1ULL << 63) - 1, ~0ULL,
		~0ULL - 511, ~0ULL - 4095
	};
	u32 i = random % (ARRAY_SIZE(values) + 16);

	if (i < ARRAY_SIZE(values))
		return values[i];
	i -= ARRAY_SIZE(values);
	return i < 8 ? old + i + 1 : old - (i - 7);
}

/* Where a field may lie: behind a structure's beginning, or anywhere. */
static size_t choose_place(size_t size, u32 *seed)
{
	static const size_t from_begin[] = { 0, 512, 1024, 1536, 4096 };
	static const size_t from_end[] = {
		512, 1536, 2048, 4096, 5120, 5632, 8192
	};
	u32 i = next_random(seed) % 16;
	size_t at = next_random(seed) % 112;

	if (i < ARRAY_SIZE(from_begin))
		at += from_begin[i];
	else if (i - ARRAY_SIZE(from_begin) < ARRAY_SIZE(from_end))
		at += size - from_end[i - ARRAY_SIZE(from_begin)];
	else
		at = next_random(seed);
	return at % size & ~3UL;
}

static void mutate_field(u8 *data, size_t size, u32 *seed)
{
	size_t width = 1UL << next_random(seed) % 4;
	size_t at = choose_place(size, seed);
	u64 value = 0;

	width = min(width, size - at);
	memcpy(&value, data + at, width);
	value = interesting(value, next_random(seed));
	memcpy(data + at, &value, width);
}

size_t mutate_blob(u8 *data, size_t size, size_t max_size, u32 seed)
{
	if (size && next_random(&seed) % 2)
		mutate_field(data, size, &seed);
	else
		size = LLVMFuzzerMutate(data, size, max_size);
	if (next_random(&seed) % 16)
		fixup_blob(data, size);
	return size;
}

struct obd_dev *fuzz_device(const u8 *data, size_t size)
{
	static struct obd_dev dev = { .fd = -1 };
	ssize_t written;

	if (dev.fd < 0)
		dev.fd = memfd_create("blob", MFD_CLOEXEC);
	fuzz_assert(dev.fd >= 0);
	fuzz_assert(!ftruncate(dev.fd, size));
	written = pwrite(dev.fd, data, size, 0);
	fuzz_assert(written == (ssize_t)size);
	dev.size = size;
	return &dev;
}

size_t fuzz_seed(u8 *out, size_t max_size, struct buffer *blob)
{
	size_t size = blob->len <= max_size ? blob->len : 0;

	memcpy(out, blob->data, size);
	buffer_release(blob);
	return size;
}
