// SPDX-License-Identifier: GPL-2.0-only
/*
 * Corrupt archives: header fields, PAX records. The checksum is right unless
 * it is what is wrong.
 */
#include "tests/hostile/corrupt.h"

#define TAR_FIELD(member)	{ FIELD(tar_header, member) }

#define NOT_A_TAR	"LSMT header: bad magic"

static const struct field ignored_fields[] = {
	TAR_FIELD(name),
	TAR_FIELD(mode),
	TAR_FIELD(uid),
	TAR_FIELD(gid),
	TAR_FIELD(mtime),
	TAR_FIELD(linkname),
	TAR_FIELD(version),
	TAR_FIELD(uname),
	TAR_FIELD(gname),
	TAR_FIELD(devmajor),
	TAR_FIELD(devminor),
	TAR_FIELD(prefix),
	TAR_FIELD(padding),
};

static struct tar_header *header_at(struct buffer *blob, size_t at)
{
	return (struct tar_header *)(blob->data + at);
}

/* The member's header lies right before the blob. */
static size_t member_at(const struct good *good)
{
	return good->start - TAR_BLOCK_SIZE;
}

static void corrupt_ignored(const struct good *good)
{
	struct buffer blob = {};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ignored_fields); i++) {
		buffer_copy(&blob, &good->blob);
		memset(blob.data + member_at(good) + ignored_fields[i].at,
		       0xff, ignored_fields[i].width);
		tar_set_checksum(header_at(&blob, member_at(good)));
		emit_read(good, &blob, NULL, "tar-header.%s.max",
			  ignored_fields[i].name);
	}
	buffer_release(&blob);
}

/* Put @len bytes at @at of the header at @header, NULL to read the same. */
static void set(const struct good *good, size_t header, size_t at,
		const void *bytes, size_t len, const char *label,
		const char *message)
{
	struct buffer blob = {};

	buffer_copy(&blob, &good->blob);
	memcpy(blob.data + header + at, bytes, len);
	tar_set_checksum(header_at(&blob, header));
	if (message)
		emit_refused(good, &blob, message, "tar-%s.%s",
			     header == member_at(good) ? "header" : "pax",
			     label);
	else
		emit_read(good, &blob, NULL, "tar-%s.%s",
			  header == member_at(good) ? "header" : "pax", label);
	buffer_release(&blob);
}

struct text_case {
	const char *label;
	const char *text;	/* 12 bytes */
	const char *message;
};

/* Where the size counts, in an archive without a PAX header. */
static void corrupt_member_size(const struct good *good)
{
	static const struct text_case cases[] = {
		{ "zero", "00000000000", "tar header: size is 0, expected 1" },
		{ "one", "00000000001", "blob of 1 bytes, expected 512" },
		{ "tiny", "00000000777", "blob of 511 bytes, expected 512" },
		{ "sector", "00000001000", "LSMT layer of 512 bytes" },
		{ "max", "777777777777", "tar header: size is 68719476735," },
		{ "no-number", "hello world", "size is not an octal number" },
		{ "decimal", "00000000999", "size is not an octal number" },
		{ "negative", "-0000000001", "size is not an octal number" },
		{ "empty", "\0\0\0\0\0\0\0\0\0\0\0",
		  "size is not an octal number" },
		{ "spaces", "            ", "size is not an octal number" },
		{ "base-256", "\x80\0\0\0\0\0\0\0\0\1\0",
		  "size is not an octal number" },
	};
	size_t at = offsetof(struct tar_header, size), i;
	int change;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		set(good, member_at(good), at, cases[i].text, 12,
		    cases[i].label, cases[i].message);
	for (change = -1; change <= 1; change += 2) {
		char text[24];

		snprintf(text, sizeof(text), "%011zo", good->size + change);
		set(good, member_at(good), at, text, 12,
		    change < 0 ? "less" : "more", "LSMT trailer: bad magic");
	}
}

static void corrupt_type_and_magic(const struct good *good)
{
	size_t type = offsetof(struct tar_header, type);
	size_t magic = offsetof(struct tar_header, magic);
	const char *no_file = "tar header: type is .*, expected a regular file";
	size_t at = member_at(good);
	const char *none = at ? "PAX header: no ustar header follows it" :
			   NOT_A_TAR;

	set(good, at, type, "\0", 1, "type.old", NULL);
	set(good, at, type, "5", 1, "type.directory", no_file);
	set(good, at, type, "2", 1, "type.symlink", no_file);
	set(good, at, type, "g", 1, "type.global", no_file);
	set(good, at, type, "\xff", 1, "type.max", no_file);
	set(good, at, magic, "ustar  ", 7, "magic.gnu", none);
	set(good, at, magic, "\0\0\0\0\0\0", 6, "magic.zero", none);
}

static void corrupt_checksum(const struct good *good, size_t at,
			     const char *message)
{
	static const char *const sums[] = {
		"0000000", "0000001", "7777777", "garbage", "       "
	};
	struct buffer blob = {};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sums); i++) {
		buffer_copy(&blob, &good->blob);
		memcpy(header_at(&blob, at)->checksum, sums[i], 8);
		emit_refused(good, &blob, message, "tar-%s.checksum.%zu",
			     at == member_at(good) ? "header" : "pax", i);
	}
	buffer_copy(&blob, &good->blob);
	header_at(&blob, at)->name[0] ^= 1;
	emit_refused(good, &blob, message, "tar-%s.checksum.stale",
		     at == member_at(good) ? "header" : "pax");
	buffer_release(&blob);
}

static void corrupt_pax_size(const struct good *good)
{
	static const struct text_case cases[] = {
		{ "zero", "00000000000", "PAX header: size is 0, expected 1" },
		{ "one", "00000000001", "PAX header: a record's length" },
		{ "sector", "00000001000", "PAX header: a record's length" },
		{ "4096", "00000010000", "PAX header: a record's length" },
		{ "4097", "00000010001", "PAX header: size is 4097, expected" },
		{ "max", "777777777777", "PAX header: size is 68719476735," },
		{ "no-number", "hello world", "size is not an octal number" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		set(good, 0, offsetof(struct tar_header, size), cases[i].text,
		    12, cases[i].label, cases[i].message);
}

/* The records of the PAX header are replaced, its size tells their length. */
static void set_records(const struct good *good, const char *records,
			const char *label, const char *message)
{
	size_t len = strlen(records);
	struct buffer blob = {};
	char size[24];

	buffer_copy(&blob, &good->blob);
	memset(blob.data + TAR_BLOCK_SIZE, 0, TAR_BLOCK_SIZE);
	memcpy(blob.data + TAR_BLOCK_SIZE, records, len);
	snprintf(size, sizeof(size), "%011zo", len);
	memcpy(header_at(&blob, 0)->size, size, 12);
	tar_set_checksum(header_at(&blob, 0));
	if (message)
		emit_refused(good, &blob, message, "tar-record.%s", label);
	else
		emit_read(good, &blob, NULL, "tar-record.%s", label);
	buffer_release(&blob);
}

static void corrupt_records(const struct good *good)
{
	const char *length = "PAX header: a record's length is wrong";
	const char *number = "PAX header: size is not a decimal number";
	static char many[1024];

	set_records(good, "8 size=0\n", "size-short-length", length);
	set_records(good, "10 size=0\n", "size-zero", "tar header: size is 0,");
	set_records(good, "10 size=1\n", "size-one", "blob of 1 bytes");
	set_records(good, "29 size=18446744073709551615\n", "size-max",
		    "tar header: size is 18446744073709551615, expected");
	set_records(good, "29 size=18446744073709551616\n", "size-overflows",
		    number);
	set_records(good, "28 size=9223372036854775808\n", "size-negative",
		    "tar header: size is 9223372036854775808, expected");
	set_records(good, "14 size=12 34\n", "size-garbage", number);
	set_records(good, "12 size=0x1\n", "size-hex", number);
	set_records(good, "8 size=\n", "size-empty", number);
	set_records(good, "0 size=1\n", "length-zero", length);
	set_records(good, "1 size=1\n", "length-one", length);
	set_records(good, "2 size=1\n", "length-two", length);
	set_records(good, "99 size=1\n", "length-behind", length);
	set_records(good, "4294967305 size=1\n", "length-wraps", length);
	set_records(good, "-9 size=1\n", "length-negative", length);
	set_records(good, "size=1\n", "no-length", length);
	set_records(good, "11 path=ab\n", "no-size",
		    "tar header: size is 0, expected 1");
	snprintf(many, sizeof(many), "11 path=ab\n10 size=0\n20 size=%011zu\n",
		 good->size);
	set_records(good, many, "last-size-counts", NULL);
}

void corrupt_tar(const struct good *good)
{
	corrupt_ignored(good);
	corrupt_type_and_magic(good);
	corrupt_checksum(good, member_at(good),
			 good->pax ? "PAX header: no ustar header follows it" :
			 NOT_A_TAR);
	if (!good->pax) {
		corrupt_member_size(good);
		return;
	}
	corrupt_checksum(good, 0, NOT_A_TAR);
	corrupt_pax_size(good);
	corrupt_records(good);
}
