// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tar wrapper of a blob.
 */
#include "dm-overlaybd-tar.h"

/* @len digits of @base, one at least. */
static int parse_digits(const char *digits, u32 len, u32 base, u64 *value)
{
	u64 v = 0;
	u32 i;

	if (!len)
		return -EINVAL;
	for (i = 0; i < len; i++) {
		u32 digit = (u8)digits[i] - '0';

		if (digit >= base || check_mul_overflow(v, (u64)base, &v) ||
		    check_add_overflow(v, (u64)digit, &v))
			return -EINVAL;
	}
	*value = v;
	return 0;
}

/* A header field: octal, perhaps behind spaces, ended by a space or NUL. */
static int parse_field(const char *field, u32 len, u64 *value)
{
	u32 begin = 0, end;

	while (begin < len && field[begin] == ' ')
		begin++;
	for (end = begin; end < len && field[end] && field[end] != ' ';)
		end++;
	return parse_digits(field + begin, end - begin, 8, value);
}

/* The checksum field itself counts as spaces. */
static u32 header_sum(const struct tar_header *header)
{
	const u8 *raw = (const u8 *)header;
	size_t begin = offsetof(struct tar_header, checksum);
	size_t end = begin + sizeof(header->checksum);
	u32 i, sum = 0;

	for (i = 0; i < sizeof(*header); i++)
		sum += i >= begin && i < end ? ' ' : raw[i];
	return sum;
}

bool obd_tar_recognised(const struct tar_header *header)
{
	u64 sum;

	return !memcmp(header->magic, TAR_MAGIC, sizeof(header->magic)) &&
	       !parse_field(header->checksum, sizeof(header->checksum),
			    &sum) &&
	       sum == header_sum(header);
}

int obd_tar_size(const struct tar_header *header, u64 *size,
		 struct obd_error *err)
{
	if (parse_field(header->size, sizeof(header->size), size))
		return obd_fail(err, -EINVAL,
				"tar header: size is not an octal number");
	return 0;
}

/* One record is "LENGTH KEY=VALUE\n"; the length counts all of it. */
static int parse_record(const char *record, u32 left, u32 *record_len,
			u64 *size, struct obd_error *err)
{
	static const char key[] = TAR_PAX_SIZE_KEY "=";
	const char *space = memchr(record, ' ', min(left, 8U));
	const char *body;
	u32 body_len;
	u64 len;

	if (!space || parse_digits(record, space - record, 10, &len) ||
	    len > left || len <= (u64)(space + 1 - record) ||
	    record[len - 1] != '\n')
		return obd_fail(err, -EINVAL,
				"PAX header: a record's length is wrong");
	*record_len = len;
	body = space + 1;
	body_len = record + len - 1 - body;
	if (body_len < sizeof(key) - 1 || memcmp(body, key, sizeof(key) - 1))
		return 0;
	if (parse_digits(body + sizeof(key) - 1, body_len - (sizeof(key) - 1),
			 10, size))
		return obd_fail(err, -EINVAL,
				"PAX header: size is not a decimal number");
	return 0;
}

int obd_tar_pax_size(const char *records, u32 len, u64 *size,
		     struct obd_error *err)
{
	while (len) {
		u32 record_len;
		int r;

		r = parse_record(records, len, &record_len, size, err);
		if (r)
			return r;
		records += record_len;
		len -= record_len;
	}
	return 0;
}
