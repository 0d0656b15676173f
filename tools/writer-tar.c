// SPDX-License-Identifier: GPL-2.0-only
/*
 * Wrap a blob in a tar archive.
 */
#include "dm-overlaybd-format.h"
#include "tools/writer-tar.h"

#define USTAR_SIZE_MAX	((1ULL << 33) - 1)	/* eleven octal digits */
#define PAX_NAME	"overlaybd.pax"
#define PAX_PREFIX	(3 * TAR_BLOCK_SIZE)
#define END_BLOCKS	2

u32 tar_prefix(u64 bound)
{
	return bound <= USTAR_SIZE_MAX ? TAR_BLOCK_SIZE : PAX_PREFIX;
}

/* Leading zeros, and a NUL behind them. */
static void put_octal(char *field, size_t size, u64 value)
{
	field[--size] = '\0';
	while (size--) {
		field[size] = '0' + value % 8;
		value /= 8;
	}
}

/* Neither times nor owners: the same blob makes the same archive. */
static void fill_header(struct tar_header *h, const char *name, char type,
			u64 size)
{
	const u8 *raw = (const u8 *)h;
	u32 i, sum = 0;

	memset(h, 0, sizeof(*h));
	memcpy(h->name, name, strlen(name));
	put_octal(h->mode, sizeof(h->mode), 0644);
	put_octal(h->uid, sizeof(h->uid), 0);
	put_octal(h->gid, sizeof(h->gid), 0);
	put_octal(h->size, sizeof(h->size), size);
	put_octal(h->mtime, sizeof(h->mtime), 0);
	memset(h->checksum, ' ', sizeof(h->checksum));
	h->type = type;
	memcpy(h->magic, TAR_MAGIC, sizeof(h->magic));
	memcpy(h->version, "00", sizeof(h->version));
	for (i = 0; i < sizeof(*h); i++)
		sum += raw[i];
	put_octal(h->checksum, sizeof(h->checksum) - 1, sum);
}

/* "LENGTH size=SIZE\n", where the length counts its own digits. */
static u32 format_record(char *record, size_t room, u64 size)
{
	int len = 0, last;

	do {
		last = len;
		len = snprintf(record, room, "%d " TAR_PAX_SIZE_KEY "=%llu\n",
			       last, (unsigned long long)size);
	} while (len != last);
	return len;
}

static int write_headers(const struct output *out, u32 prefix, u64 size,
			 struct obd_error *err)
{
	struct {
		struct tar_header pax;
		char record[TAR_BLOCK_SIZE];
		struct tar_header member;
	} h = {};
	u32 len;

	if (prefix == TAR_BLOCK_SIZE) {
		fill_header(&h.member, TAR_MEMBER_NAME, TAR_TYPE_FILE, size);
		return output_write(out, 0, &h.member, sizeof(h.member), err);
	}
	len = format_record(h.record, sizeof(h.record), size);
	fill_header(&h.pax, PAX_NAME, TAR_TYPE_PAX, len);
	fill_header(&h.member, TAR_MEMBER_NAME, TAR_TYPE_FILE, 0);
	return output_write(out, 0, &h, sizeof(h), err);
}

int tar_write(const struct output *out, u32 prefix, u64 size, u64 *total,
	      struct obd_error *err)
{
	*total = round_up(prefix + size, TAR_BLOCK_SIZE) +
		 END_BLOCKS * TAR_BLOCK_SIZE;
	/* What lies behind the blob reads as zeros without being written. */
	return write_headers(out, prefix, size, err) ?:
	       output_truncate(out, *total, err);
}
