// SPDX-License-Identifier: GPL-2.0-only
/*
 * Blobs cut off, and blobs under a wrong length.
 */
#include "tests/hostile/corrupt.h"

static void truncate_to(const struct good *good, u64 len, const char *message)
{
	struct buffer blob = {};

	buffer_add(&blob, good->blob.data, len);
	if (message)
		emit_refused(good, &blob, message, "truncated.%llu",
			     (unsigned long long)len);
	else
		emit_read(good, &blob, NULL, "truncated.%llu",
			  (unsigned long long)len);
	buffer_release(&blob);
}

/* The member's size passes the archive; what pads it need not be there. */
static void truncate_archive(const struct good *good)
{
	const char *message = "tar header: size is .*, expected 1 to";
	u64 end = good->start + good->size;

	truncate_to(good, 512, good->pax ? "PAX header: size is" : message);
	truncate_to(good, 1024, good->pax ? "PAX header: no member follows" :
		    message);
	truncate_to(good, 1536, message);
	truncate_to(good, 2048, message);
	truncate_to(good, end / 2, message);
	truncate_to(good, end - 512, message);
	truncate_to(good, end - 1, message);
	truncate_to(good, end, NULL);
	truncate_to(good, end + 1, NULL);
	truncate_to(good, good->blob.len - 512, NULL);
}

static void truncate_layer(const struct good *good)
{
	static const u64 tiny[] = { 512, 513, 4095, 4096, 8191 };
	u64 len = good->blob.len, i;
	const u64 cut[] = {
		8192, len / 2, len - 8192, len - 4097, len - 4096, len - 4095,
		len - 512, len - 16, len - 1
	};

	for (i = 0; i < ARRAY_SIZE(tiny); i++)
		truncate_to(good, tiny[i], "LSMT layer of .* bytes, expected");
	for (i = 0; i < ARRAY_SIZE(cut); i++)
		truncate_to(good, cut[i], "LSMT trailer: bad magic");
}

/* A header that is not complete wants the trailer at the end. */
static void truncate_trailer_only(const struct good *good)
{
	u64 len = good->blob.len, i;
	const u64 cut[] = { 1024, 4096, len / 2, len - 512, len - 16, len - 1 };

	truncate_to(good, 512, "ZFile of 512 bytes, expected 1024");
	truncate_to(good, 1023, "ZFile of 1023 bytes, expected 1024");
	for (i = 0; i < ARRAY_SIZE(cut); i++)
		truncate_to(good, cut[i], "ZFile trailer: bad magic");
}

/*
 * A complete header makes do without the trailer, but not without a part of
 * the jump table that is in the last partial sector.
 */
static void truncate_zfile(const struct good *good)
{
	u64 len = good->blob.len, table_end = len - ZFILE_HEADER_SPACE, i;
	const u64 cut[] = { 512, 513, 1023, 1024, 4096, len / 2, len - 513 };
	const u64 behind[] = { len - 512, len - 511, len - 100, len - 1 };

	for (i = 0; i < ARRAY_SIZE(cut); i++)
		truncate_to(good, cut[i],
			    "original_size is|index_offset is .*, expected");
	for (i = 0; i < ARRAY_SIZE(behind); i++)
		truncate_to(good, behind[i],
			    round_down(behind[i], OBD_SECTOR_SIZE) < table_end ?
			    "jump table passes the end of the device" : NULL);
}

/* The file is whole; what is wrong is what the table line says of it. */
static void wrong_lengths(const struct good *good)
{
	const char *message = "length is .* bytes, expected 512 to";
	u64 len = good->blob.len;
	u64 device = round_down(len, OBD_SECTOR_SIZE);

	emit_length(good, 1, message, "bytes.one");
	emit_length(good, 511, message, "bytes.less-than-a-sector");
	emit_length(good, device + 512, message, "bytes.sector-more");
	emit_length(good, 1ULL << 63, message, "bytes.negative");
	emit_length(good, ~0ULL, message, "bytes.max");
	emit_length(good, ~0ULL - 510, message, "bytes.wraps");
}

void corrupt_length(const struct good *good)
{
	wrong_lengths(good);
	if (good->tar)
		truncate_archive(good);
	else if (good->zfile && good->zfile->trailer_only)
		truncate_trailer_only(good);
	else if (good->zfile)
		truncate_zfile(good);
	else
		truncate_layer(good);
}
