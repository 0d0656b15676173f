// SPDX-License-Identifier: GPL-2.0-only
/*
 * Blobs on devices: every nesting, devices that end before the blob does,
 * windows, reads at every alignment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/blob-builder.h"

#define FIXTURES_DEFAULT	"../shared/fixtures"
#define SEED			3

static const struct layer_extent extents[] = {
	{ .offset = 0, .len = 7 },
	{ .offset = 16, .len = 100 },
	{ .offset = 120, .len = 8, .zeroed = true },
	{ .offset = 128, .len = 33 },
	{ .offset = 1000, .len = 1 },
};

#define DATA_SECTORS	(7 + 100 + 33 + 1)

static const struct layer_spec layer_spec = {
	.virtual_size = 1 << 20,
	.extents = extents,
	.nr = ARRAY_SIZE(extents),
	.seed = SEED,
};

enum wrapping { BARE, IN_TAR, IN_PAX_TAR, NR_WRAPPINGS };

static void wrap(struct buffer *b, enum wrapping wrapping)
{
	struct buffer archive = {};

	if (wrapping == BARE)
		return;
	build_tar(&archive, b, wrapping == IN_TAR ? TAR_USTAR : TAR_PAX);
	buffer_copy(b, &archive);
	buffer_release(&archive);
}

static void build(struct buffer *b, const struct zfile_spec *zfile,
		  enum wrapping wrapping)
{
	struct buffer layer = {};

	build_layer(&layer, &layer_spec);
	if (zfile)
		build_zfile(b, &layer, zfile);
	else
		buffer_copy(b, &layer);
	wrap(b, wrapping);
	buffer_release(&layer);
}

/* A blob, what lies behind it, and the layer opened from it. */
struct opened {
	struct obd_dev dev;
	struct obd_layer layer;
	struct obd_error err;
	int ret;
};

static void open_on(struct opened *o, const struct buffer *b, u64 dev_size,
		    u64 bytes)
{
	buffer_device(b, &o->dev);
	o->err.text[0] = '\0';
	assert_true(dev_size <= o->dev.size);
	assert_int_equal(ftruncate(o->dev.fd, dev_size), 0);
	o->dev.size = dev_size;
	o->ret = obd_layer_open(&o->layer, &o->dev, bytes, &o->err);
}

static void open_all(struct opened *o, const struct buffer *b)
{
	open_on(o, b, b->len, b->len);
}

static void close_it(struct opened *o)
{
	obd_layer_release(&o->layer);
	obd_file_close(&o->dev);
}

static void check_refused(const struct buffer *b, u64 dev_size, u64 bytes,
			  const char *message)
{
	struct opened o;

	open_on(&o, b, dev_size, bytes);
	assert_string_equal(o.err.text, message);
	assert_int_equal(o.ret, -EINVAL);
	close_it(&o);
}

/* Every byte between the header and the index must be the builder's. */
static void check_data(const struct opened *o)
{
	const u64 first = LSMT_HEADER_SPACE / OBD_SECTOR_SIZE;
	static u8 wanted[DATA_SECTORS * OBD_SECTOR_SIZE];
	static u8 got[sizeof(wanted)];
	struct obd_scratch scratch = {};
	struct obd_error err;

	pattern_fill(wanted, SEED, first, DATA_SECTORS);
	assert_int_equal(obd_blob_read(&o->layer.blob, LSMT_HEADER_SPACE, got,
				       sizeof(got), &scratch, &err), 0);
	assert_memory_equal(got, wanted, sizeof(got));
	obd_scratch_release(&scratch);
}

static void check_layer(const struct opened *o)
{
	const struct obd_lsmt *lsmt = &o->layer.lsmt;

	assert_string_equal(o->err.text, "");
	assert_int_equal(o->ret, 0);
	assert_int_equal(lsmt->virtual_sectors, 2048);
	assert_int_equal(lsmt->nr_entries, ARRAY_SIZE(extents));
	assert_string_equal(lsmt->uuid,
			    "00000000-0000-4000-8000-000000000003");
	assert_int_equal(lsmt_entry_offset(&o->layer.entries[4]), 1000);
	check_data(o);
}

/* The variants of one nesting: header flag, digests, CRCs, both codecs. */
static struct zfile_spec zfile_variant(u32 i, u32 block_size)
{
	return (struct zfile_spec) {
		.block_size = block_size,
		.algorithm = 1 + i % 2,
		.verify = i & 2,
		.trailer_only = i & 4,
		.no_digest = i & 8,
	};
}

#define NR_VARIANTS	16

static void every_nesting_opens(void **state)
{
	struct buffer b = {};
	struct opened o;
	u32 i, w;

	(void)state;
	for (w = 0; w < NR_WRAPPINGS; w++) {
		for (i = 0; i <= NR_VARIANTS; i++) {
			struct zfile_spec z = zfile_variant(i, 4096);

			build(&b, i < NR_VARIANTS ? &z : NULL, w);
			open_all(&o, &b);
			check_layer(&o);
			assert_int_equal(o.layer.blob.compressed,
					 i < NR_VARIANTS);
			assert_int_equal(o.layer.blob.start,
					 w == BARE ? 0 :
					 w == IN_TAR ? 512 : 1536);
			close_it(&o);
		}
	}
	buffer_release(&b);
}

static void every_block_size_opens(void **state)
{
	struct buffer b = {};
	struct opened o;
	u32 i, size;

	(void)state;
	for (size = 512; size <= 1 << 20; size *= 2) {
		for (i = 0; i < 4; i++) {
			struct zfile_spec z = zfile_variant(i, size);

			build(&b, &z, BARE);
			open_all(&o, &b);
			check_layer(&o);
			close_it(&o);
		}
	}
	buffer_release(&b);
}

static void sealed_writable_layer_opens(void **state)
{
	struct layer_spec spec = layer_spec;
	struct buffer b = {};
	struct opened o;

	(void)state;
	spec.sealed = true;
	build_layer(&b, &spec);
	open_all(&o, &b);
	check_layer(&o);
	close_it(&o);
	buffer_release(&b);
}

static void length_zero_means_the_device(void **state)
{
	struct zfile_spec z = zfile_variant(4, 4096);
	struct buffer b = {};
	struct opened o;
	u32 w;

	(void)state;
	for (w = 0; w < NR_WRAPPINGS; w++) {
		build(&b, &z, w);
		open_on(&o, &b, b.len, 0);
		check_layer(&o);
		close_it(&o);
	}
	buffer_release(&b);
}

/* A device may be larger than the blob: what lies behind is not looked at. */
static void larger_device_is_fine(void **state)
{
	struct buffer b = {};
	struct opened o;
	u32 i;

	(void)state;
	for (i = 0; i <= NR_VARIANTS; i++) {
		struct zfile_spec z = zfile_variant(i, 4096);
		u64 bytes;

		build(&b, i < NR_VARIANTS ? &z : NULL, BARE);
		bytes = b.len;
		buffer_add_zeros(&b, 12345);
		open_on(&o, &b, b.len, bytes);
		check_layer(&o);
		close_it(&o);
	}
	buffer_release(&b);
}

/* A ZFile of whose last sector @tail bytes are used. */
static void build_with_tail(struct buffer *b, bool trailer_only, u32 tail)
{
	struct zfile_spec z = zfile_variant(trailer_only ? 6 : 2, 4096);

	build(b, &z, BARE);
	z.gap = (tail - b->len) % OBD_SECTOR_SIZE;
	build(b, &z, BARE);
	assert_int_equal(b->len % OBD_SECTOR_SIZE, tail);
}

static void complete_header_needs_no_tail(void **state)
{
	static const u32 tails[] = { 1, 95, 96, 97, 300, 415, 416, 417, 511 };
	struct buffer b = {};
	struct opened o;
	u32 i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(tails); i++) {
		build_with_tail(&b, false, tails[i]);
		open_on(&o, &b, b.len - tails[i], b.len);
		check_layer(&o);
		close_it(&o);
	}
	buffer_release(&b);
}

/* Of the trailer's 512 bytes 96 must be on the device, the rest is zero. */
static void trailer_survives_a_short_hidden_tail(void **state)
{
	static const u32 tails[] = { 1, 96, 300, 415, 416 };
	struct buffer b = {};
	struct opened o;
	u32 i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(tails); i++) {
		build_with_tail(&b, true, tails[i]);
		/* What the header has there must not show through. */
		memset(b.data + 96, 0xee, ZFILE_HEADER_SPACE - 96);
		open_on(&o, &b, b.len - tails[i], b.len);
		check_layer(&o);
		close_it(&o);
	}
	buffer_release(&b);
}

static void trailer_behind_the_device_is_refused(void **state)
{
	static const u32 tails[] = { 417, 450, 511 };
	struct buffer b = {};
	u32 i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(tails); i++) {
		build_with_tail(&b, true, tails[i]);
		check_refused(&b, b.len - tails[i], b.len,
			      "the ZFile trailer passes the end of the device: a file's last partial sector must be joined to it");
	}
	buffer_release(&b);
}

/* An archive that ends within its jump table, of a size below a sector. */
static void table_behind_the_device_is_refused(void **state)
{
	struct zfile_spec z = zfile_variant(2, 4096);
	struct buffer b = {};
	struct opened o;
	u64 end;

	(void)state;
	build(&b, &z, BARE);
	open_all(&o, &b);
	z.gap = (8 - o.layer.blob.zfile.index_offset) % OBD_SECTOR_SIZE;
	close_it(&o);
	build(&b, &z, BARE);
	b.len -= ZFILE_HEADER_SPACE;
	end = TAR_BLOCK_SIZE + b.len;
	assert_true(end % OBD_SECTOR_SIZE);
	wrap(&b, IN_TAR);
	open_on(&o, &b, end, end);
	check_layer(&o);
	close_it(&o);
	check_refused(&b, round_down(end, OBD_SECTOR_SIZE), end,
		      "the jump table passes the end of the device: a file's last partial sector must be joined to it");
	buffer_release(&b);
}

static void device_shorter_by_a_sector_is_refused(void **state)
{
	char text[OBD_ERROR_SIZE];
	struct buffer b = {};

	(void)state;
	build(&b, NULL, BARE);
	snprintf(text, sizeof(text),
		 "length is %zu bytes, expected 512 to %zu, the device's size",
		 b.len, b.len - 512);
	check_refused(&b, b.len - 512, b.len, text);
	snprintf(text, sizeof(text),
		 "length is %zu bytes, expected 512 to %zu, the device's size",
		 b.len, b.len - 1);
	check_refused(&b, b.len - 1, b.len, text);
	buffer_release(&b);
}

/* What a plain layer's trailer has in its last sector is zeros. */
static void plain_layer_needs_no_tail(void **state)
{
	struct layer_spec spec = layer_spec;
	struct buffer b = {};
	struct opened o;

	(void)state;
	spec.unpadded = true;
	build_layer(&b, &spec);
	assert_int_equal(b.len % OBD_SECTOR_SIZE, 16 * ARRAY_SIZE(extents));
	open_on(&o, &b, round_down(b.len, OBD_SECTOR_SIZE), b.len);
	check_layer(&o);
	close_it(&o);
	buffer_release(&b);
}

static void absurd_lengths_are_refused(void **state)
{
	static const u64 lengths[] = {
		1, 511, 1ULL << 32, 1ULL << 63, ~0ULL, ~0ULL - 511
	};
	char text[OBD_ERROR_SIZE];
	struct buffer b = {};
	u32 i;

	(void)state;
	build(&b, NULL, BARE);
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		snprintf(text, sizeof(text),
			 "length is %llu bytes, expected 512 to %zu, the device's size",
			 (unsigned long long)lengths[i], b.len);
		check_refused(&b, b.len, lengths[i], text);
	}
	check_refused(&b, 0, 0,
		      "has 0 bytes, expected 512 or more");
	check_refused(&b, 511, 0,
		      "has 511 bytes, expected 512 or more");
	buffer_release(&b);
}

/* Every truncation is refused, or leaves everything as it was. */
static void check_truncations(const struct buffer *b, u64 step, u64 same_from)
{
	struct opened o;
	u64 len;

	for (len = 0; len < b->len; len += len < 2048 ? 1 : step) {
		open_on(&o, b, len, 0);
		if (len < same_from)
			assert_true(o.ret < 0);
		else
			check_layer(&o);
		assert_true(!o.ret || o.err.text[0]);
		close_it(&o);
	}
}

static void truncated_blobs_are_refused(void **state)
{
	struct zfile_spec z = zfile_variant(6, 4096);
	struct buffer b = {};

	(void)state;
	build(&b, NULL, BARE);
	check_truncations(&b, 509, b.len);
	build(&b, &z, BARE);
	check_truncations(&b, 251, b.len);
	/* Of an archive the padding and the two blocks at its end go unseen. */
	build(&b, NULL, IN_TAR);
	check_truncations(&b, 509, b.len - 1024);
	buffer_release(&b);
}

static void edit_tar(struct buffer *b, u32 at, const void *bytes, u32 len)
{
	struct tar_header *tar = (struct tar_header *)(b->data + at / 512 *
						       512);

	memcpy(b->data + at, bytes, len);
	tar_set_checksum(tar);
}

static void set_size(struct tar_header *tar, size_t size)
{
	char text[24];

	snprintf(text, sizeof(text), "%011zo", size);
	memcpy(tar->size, text, sizeof(tar->size));
	tar_set_checksum(tar);
}

#define TAR_SIZE_AT	offsetof(struct tar_header, size)
#define TAR_TYPE_AT	offsetof(struct tar_header, type)

static void member_size_is_a_window(void **state)
{
	struct buffer b = {};
	char text[OBD_ERROR_SIZE];

	(void)state;
	build(&b, NULL, IN_TAR);
	edit_tar(&b, TAR_SIZE_AT, "00000000000", 12);
	snprintf(text, sizeof(text),
		 "tar header: size is 0, expected 1 to %zu", b.len - 512);
	check_refused(&b, b.len, b.len, text);
	edit_tar(&b, TAR_SIZE_AT, "777777777777", 12);
	snprintf(text, sizeof(text),
		 "tar header: size is 68719476735, expected 1 to %zu",
		 b.len - 512);
	check_refused(&b, b.len, b.len, text);
	edit_tar(&b, TAR_SIZE_AT, "0000000077 ", 12);
	check_refused(&b, b.len, b.len,
		      "blob of 63 bytes, expected 512 or more");
	edit_tar(&b, TAR_SIZE_AT, "00000001000", 12);
	check_refused(&b, b.len, b.len,
		      "LSMT layer of 512 bytes, expected 8192 or more");
	edit_tar(&b, TAR_SIZE_AT, "0x000000000", 12);
	check_refused(&b, b.len, b.len,
		      "tar header: size is not an octal number");
	buffer_release(&b);
}

static void member_must_be_a_file(void **state)
{
	struct buffer b = {};
	struct opened o;

	(void)state;
	build(&b, NULL, IN_TAR);
	edit_tar(&b, TAR_TYPE_AT, "\0", 1);
	open_all(&o, &b);
	check_layer(&o);
	close_it(&o);
	edit_tar(&b, TAR_TYPE_AT, "5", 1);
	check_refused(&b, b.len, b.len,
		      "tar header: type is 0x35, expected a regular file");
	edit_tar(&b, TAR_TYPE_AT, "\xff", 1);
	check_refused(&b, b.len, b.len,
		      "tar header: type is 0xff, expected a regular file");
	build(&b, NULL, IN_PAX_TAR);
	edit_tar(&b, 1024 + TAR_TYPE_AT, "x", 1);
	check_refused(&b, b.len, b.len,
		      "tar header: type is 0x78, expected a regular file");
	buffer_release(&b);
}

/* What is no valid tar header is taken for the blob itself. */
static void other_archives_are_no_layers(void **state)
{
	const char *message = "LSMT header: bad magic";
	struct buffer b = {};

	(void)state;
	build(&b, NULL, IN_TAR);
	b.data[0] ^= 1;
	check_refused(&b, b.len, b.len, message);
	b.data[0] ^= 1;
	edit_tar(&b, offsetof(struct tar_header, magic), "ustar  ", 8);
	check_refused(&b, b.len, b.len, message);
	buffer_release(&b);
}

static void pax_header_is_bounded(void **state)
{
	struct buffer b = {};

	(void)state;
	build(&b, NULL, IN_PAX_TAR);
	edit_tar(&b, TAR_SIZE_AT, "00000000000", 12);
	check_refused(&b, b.len, b.len,
		      "PAX header: size is 0, expected 1 to 4096");
	edit_tar(&b, TAR_SIZE_AT, "00000010001", 12);
	check_refused(&b, b.len, b.len,
		      "PAX header: size is 4097, expected 1 to 4096");
	edit_tar(&b, TAR_SIZE_AT, "777777777777", 12);
	check_refused(&b, b.len, b.len,
		      "PAX header: size is 68719476735, expected 1 to 4096");
	edit_tar(&b, TAR_SIZE_AT, "00000001000", 12);
	check_refused(&b, b.len, b.len,
		      "PAX header: a record's length is wrong");
	build(&b, NULL, IN_PAX_TAR);
	b.data[1024] ^= 1;
	check_refused(&b, b.len, b.len,
		      "PAX header: no ustar header follows it");
	check_refused(&b, 1024, 0, "PAX header: no member follows it");
	check_refused(&b, 512, 0, "PAX header: size is 14, expected 1 to 4096");
	buffer_release(&b);
}

static void pax_size_passes_the_archive(void **state)
{
	char text[OBD_ERROR_SIZE], record[64];
	struct buffer b = {};

	(void)state;
	build(&b, NULL, IN_PAX_TAR);
	edit_tar(&b, TAR_SIZE_AT, "00000000035", 12);
	snprintf(record, sizeof(record), "29 size=18446744073709551615\n");
	memcpy(b.data + 512, record, 29);
	snprintf(text, sizeof(text),
		 "tar header: size is 18446744073709551615, expected 1 to %zu",
		 b.len - 1536);
	check_refused(&b, b.len, b.len, text);
	buffer_release(&b);
}

/* Without a size record the member's own header tells it. */
static void pax_header_may_tell_no_size(void **state)
{
	struct buffer layer = {}, b = {};
	struct opened o;

	(void)state;
	build(&layer, NULL, BARE);
	build_tar(&b, &layer, TAR_PAX);
	edit_tar(&b, TAR_SIZE_AT, "00000000013", 12);
	memcpy(b.data + 512, "11 path=ab\n", 11);
	set_size((struct tar_header *)(b.data + 1024), layer.len);
	open_all(&o, &b);
	check_layer(&o);
	close_it(&o);
	buffer_release(&layer);
	buffer_release(&b);
}

/* Records that fill several blocks push the member back. */
static void pax_header_may_fill_many_blocks(void **state)
{
	struct buffer layer = {}, records = {}, b = {};
	char record[64];
	struct opened o;
	int n;

	(void)state;
	build(&layer, NULL, BARE);
	build_tar(&b, &layer, TAR_PAX);
	n = snprintf(record, sizeof(record), "15 size=%zu\n", layer.len);
	assert_int_equal(n, strlen("15 size=123456\n") - (layer.len < 100000));
	record[1] = '0' + n - 10;
	buffer_add(&records, record, n);
	while (records.len < 2048)
		buffer_add(&records, "16 comment=abcd\n", 16);
	b.len = 512;
	set_size((struct tar_header *)b.data, records.len);
	buffer_add(&b, records.data, records.len);
	buffer_add_zeros(&b, -b.len % 512);
	build_tar(&records, &layer, TAR_USTAR);
	buffer_add(&b, records.data, records.len);
	open_all(&o, &b);
	check_layer(&o);
	close_it(&o);
	buffer_release(&layer);
	buffer_release(&records);
	buffer_release(&b);
}

/* ZFiles in ZFiles and archives in archives are not unpacked twice. */
static void nesting_is_not_recursive(void **state)
{
	struct zfile_spec z = zfile_variant(2, 4096);
	struct buffer b = {}, outer = {};

	(void)state;
	build(&b, &z, BARE);
	build_zfile(&outer, &b, &z);
	check_refused(&outer, outer.len, outer.len, "LSMT header: bad magic");
	build(&b, NULL, IN_TAR);
	build_tar(&outer, &b, TAR_USTAR);
	check_refused(&outer, outer.len, outer.len, "LSMT header: bad magic");
	buffer_release(&b);
	buffer_release(&outer);
}

static void small_zfile_is_refused(void **state)
{
	struct zfile_spec z = zfile_variant(6, 4096);
	struct buffer b = {};

	(void)state;
	build(&b, &z, BARE);
	check_refused(&b, 1023, 0, "ZFile of 1023 bytes, expected 1024 or more");
	build(&b, &z, IN_TAR);
	edit_tar(&b, TAR_SIZE_AT, "00000001777", 12);
	check_refused(&b, b.len, b.len,
		      "ZFile of 1023 bytes, expected 1024 or more");
	buffer_release(&b);
}

/* Reads of any length at any place, in a codec's scratch that is reused. */
static void check_reads(const struct obd_blob *blob, const u8 *wanted,
			struct obd_scratch *scratch)
{
	u64 size = blob->data_size;
	struct obd_error err;
	u32 i, seed = 5;

	for (i = 0; i < 300; i++) {
		u64 pos, len;
		u8 *got;

		seed = seed * 1664525 + 1013904223;
		pos = (seed >> 4) % size;
		seed = seed * 1664525 + 1013904223;
		len = (seed >> 4) % (min(size - pos, i % 3 ? 9000ULL : size) +
				     1);
		got = malloc(len + !len);
		assert_int_equal(obd_blob_read(blob, pos, got, len, scratch,
					       &err), 0);
		assert_memory_equal(got, wanted + pos, len);
		free(got);
	}
}

static void reads_at_every_alignment(void **state)
{
	struct obd_scratch scratch = {};
	struct buffer layer = {}, b = {};
	struct opened o;
	u32 i;

	(void)state;
	build(&layer, NULL, BARE);
	for (i = 0; i < 3 * NR_WRAPPINGS; i++) {
		struct zfile_spec z = zfile_variant(2 + i % 2,
						    i % 2 ? 16384 : 512);

		build(&b, i < NR_WRAPPINGS ? NULL : &z, i % NR_WRAPPINGS);
		open_all(&o, &b);
		check_layer(&o);
		check_reads(&o.layer.blob, layer.data, &scratch);
		close_it(&o);
	}
	obd_scratch_release(&scratch);
	buffer_release(&layer);
	buffer_release(&b);
}

/* A damaged block fails what touches it, by number, and nothing else. */
static void damage_is_confined_to_its_block(void **state)
{
	struct zfile_spec z = zfile_variant(2, 4096);
	struct obd_scratch scratch = {};
	struct buffer layer = {}, b = {};
	const struct obd_blob *blob;
	struct opened o;
	u8 got[4096];
	u8 byte;
	u32 i;

	(void)state;
	build(&layer, NULL, BARE);
	build_zfile(&b, &layer, &z);
	open_all(&o, &b);
	blob = &o.layer.blob;
	byte = b.data[obd_zfile_offset(&blob->zfile, 5) + 2] ^ 1;
	assert_int_equal(pwrite(o.dev.fd, &byte, 1,
				obd_zfile_offset(&blob->zfile, 5) + 2), 1);
	for (i = 0; i < 10; i++) {
		int r = obd_blob_read(blob, i * 4096, got, 4096, &scratch,
				      &o.err);

		assert_int_equal(r, i == 5 ? -EBADMSG : 0);
		if (r)
			assert_string_equal(o.err.text, "block 5: wrong CRC");
		else
			assert_memory_equal(got, layer.data + i * 4096, 4096);
	}
	obd_scratch_release(&scratch);
	close_it(&o);
	buffer_release(&layer);
	buffer_release(&b);
}

static u32 encode_garbage(u32 block, u8 *dst)
{
	if (block != 6)
		return 0;
	memset(dst, 0xee, 100);
	return 100;
}

static void garbage_behind_a_valid_crc_is_named(void **state)
{
	struct obd_scratch scratch = {};
	struct buffer b = {};
	struct opened o;
	u8 got[1];
	u32 i;

	(void)state;
	for (i = 2; i < 4; i++) {
		struct zfile_spec z = zfile_variant(i, 4096);

		z.encode = encode_garbage;
		build(&b, &z, BARE);
		open_all(&o, &b);
		assert_int_equal(o.ret, 0);
		assert_int_equal(obd_blob_read(&o.layer.blob, 6 * 4096 + 9, got,
					       1, &scratch, &o.err), -EILSEQ);
		assert_string_equal(o.err.text,
				    "block 6 does not decompress to 4096 bytes");
		close_it(&o);
	}
	obd_scratch_release(&scratch);
	buffer_release(&b);
}

#define HUGE_BLOCKS	4100
#define HUGE_BLOCK	(1U << 20)

/* Block 4097 holds the pattern, the others hold zeros. */
static u32 encode_huge(u32 block, u8 *dst)
{
	static u8 bytes[HUGE_BLOCK], packed_zeros[1024];
	static u32 zeros_len;

	if (!zeros_len) {
		zeros_len = compress_block(ZFILE_ALGO_ZSTD, bytes, HUGE_BLOCK,
					   dst);
		assert_true(zeros_len <= sizeof(packed_zeros));
		memcpy(packed_zeros, dst, zeros_len);
		pattern_fill(bytes, SEED, 0, HUGE_BLOCK / OBD_SECTOR_SIZE);
	}
	if (block == 4097)
		return compress_block(ZFILE_ALGO_ZSTD, bytes, HUGE_BLOCK, dst);
	memcpy(dst, packed_zeros, zeros_len);
	return zeros_len;
}

static void reads_beyond_four_gigabytes(void **state)
{
	static u8 got[3 * HUGE_BLOCK], wanted[sizeof(got)];
	/* Of the bytes to compress just the length is used. */
	struct buffer plain = { .data = got,
				.len = (size_t)HUGE_BLOCKS * HUGE_BLOCK };
	struct zfile_spec z = zfile_variant(3, HUGE_BLOCK);
	struct obd_scratch scratch = {};
	struct buffer b = {};
	struct obd_blob blob;
	struct obd_error err;
	struct obd_dev dev;
	u64 pos = 4096ULL * HUGE_BLOCK + 77;
	u32 len = 2 * HUGE_BLOCK + 1234;

	(void)state;
	z.encode = encode_huge;
	build_zfile(&b, &plain, &z);
	buffer_device(&b, &dev);
	assert_int_equal(obd_blob_open(&blob, &dev, b.len, &err), 0);
	pattern_fill(wanted + HUGE_BLOCK, SEED, 0,
		     HUGE_BLOCK / OBD_SECTOR_SIZE);
	assert_int_equal(obd_blob_read(&blob, pos, got, len, &scratch, &err),
			 0);
	assert_memory_equal(got, wanted + 77, len);
	obd_scratch_release(&scratch);
	obd_blob_release(&blob);
	obd_file_close(&dev);
	buffer_release(&b);
}

/* Where the file shrinks underneath, reads fail; nothing waits for more. */
static void failing_reads_are_reported(void **state)
{
	struct zfile_spec z = zfile_variant(2, 4096);
	struct obd_scratch scratch = {};
	struct buffer b = {};
	struct opened o;
	u8 got[512];

	(void)state;
	build(&b, &z, BARE);
	open_all(&o, &b);
	assert_int_equal(o.ret, 0);
	assert_int_equal(ftruncate(o.dev.fd, 1024), 0);
	assert_int_equal(obd_blob_read(&o.layer.blob, 20480, got, sizeof(got),
				       &scratch, &o.err), -ENODATA);
	assert_non_null(strstr(o.err.text, "cannot read the data at byte "));
	obd_scratch_release(&scratch);
	close_it(&o);
	buffer_release(&b);
}

struct fixture {
	const char *path;
	bool hide_tail;		/* the device ends at the last whole sector */
	const char *message;	/* NULL if it opens */
};

#define TRAILER_HIDDEN \
	"the ZFile trailer passes the end of the device: a file's last partial sector must be joined to it"

static const struct fixture fixtures[] = {
	{ "base64/ext4_64", true, NULL },
	{ "merged/merged.lz4-4k", true, NULL },
	{ "ops3/layer0.lsmt", true, NULL },
	{ "ops3/layer1.lz4-4k", true, NULL },
	{ "ops3/layer2.zstd-4k.tar", true, NULL },
	{ "sealed/layer0.lz4-4k", true, NULL },
	{ "sealed/layer1.sealed", true, NULL },
	{ "trailer-only-0/layer0.lz4-4k", true, NULL },
	{ "trailer-only-0/layer1.zstd-16k", true, NULL },
	{ "trailer-only-low/layer0.lz4-4k", true, NULL },
	{ "trailer-only-low/layer1.zstd-16k", true, NULL },
	{ "trailer-only-high/layer0.lz4-4k", false, NULL },
	{ "trailer-only-high/layer1.zstd-16k", false, NULL },
	{ "trailer-only-high/layer0.lz4-4k", true, TRAILER_HIDDEN },
	{ "trailer-only-high/layer1.zstd-16k", true, TRAILER_HIDDEN },
	{ "trailer-only-tar/layer0.lz4-4k.tar", true, NULL },
	{ "zfile3/layer2.lz4-8k-nocrc", true, NULL },
};

static void check_fixture(const char *folder, const struct fixture *f)
{
	struct obd_layer layer;
	struct obd_error err;
	struct obd_dev dev;
	char path[4096];
	u64 bytes;
	int r;

	snprintf(path, sizeof(path), "%s/%s", folder, f->path);
	assert_int_equal(obd_file_open(&dev, path), 0);
	bytes = dev.size;
	if (f->hide_tail)
		dev.size = round_down(dev.size, OBD_SECTOR_SIZE);
	err.text[0] = '\0';
	r = obd_layer_open(&layer, &dev, bytes, &err);
	assert_string_equal(err.text, f->message ? f->message : "");
	assert_int_equal(r, f->message ? -EINVAL : 0);
	obd_layer_release(&layer);
	obd_file_close(&dev);
}

static void fixtures_open(void **state)
{
	const char *folder = getenv("OVERLAYBD_FIXTURES");
	size_t i;

	(void)state;
	folder = folder ? folder : FIXTURES_DEFAULT;
	if (access(folder, R_OK)) {
		print_message("no fixtures in %s\n", folder);
		skip();
	}
	for (i = 0; i < ARRAY_SIZE(fixtures); i++)
		check_fixture(folder, &fixtures[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_nesting_opens),
		cmocka_unit_test(every_block_size_opens),
		cmocka_unit_test(sealed_writable_layer_opens),
		cmocka_unit_test(length_zero_means_the_device),
		cmocka_unit_test(larger_device_is_fine),
		cmocka_unit_test(complete_header_needs_no_tail),
		cmocka_unit_test(trailer_survives_a_short_hidden_tail),
		cmocka_unit_test(trailer_behind_the_device_is_refused),
		cmocka_unit_test(table_behind_the_device_is_refused),
		cmocka_unit_test(device_shorter_by_a_sector_is_refused),
		cmocka_unit_test(plain_layer_needs_no_tail),
		cmocka_unit_test(absurd_lengths_are_refused),
		cmocka_unit_test(truncated_blobs_are_refused),
		cmocka_unit_test(member_size_is_a_window),
		cmocka_unit_test(member_must_be_a_file),
		cmocka_unit_test(other_archives_are_no_layers),
		cmocka_unit_test(pax_header_is_bounded),
		cmocka_unit_test(pax_size_passes_the_archive),
		cmocka_unit_test(pax_header_may_tell_no_size),
		cmocka_unit_test(pax_header_may_fill_many_blocks),
		cmocka_unit_test(nesting_is_not_recursive),
		cmocka_unit_test(small_zfile_is_refused),
		cmocka_unit_test(reads_at_every_alignment),
		cmocka_unit_test(damage_is_confined_to_its_block),
		cmocka_unit_test(garbage_behind_a_valid_crc_is_named),
		cmocka_unit_test(reads_beyond_four_gigabytes),
		cmocka_unit_test(failing_reads_are_reported),
		cmocka_unit_test(fixtures_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
