// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making layers: what is found to have changed, how it is laid out, and that
 * what is written can be read.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "dm-overlaybd-blob.h"
#include "dm-overlaybd-tar.h"
#include "tools/options.h"
#include "tools/workers.h"
#include "tools/writer-lsmt.h"
#include "tools/writer-plain.h"
#include "tools/writer-tar.h"
#include "tools/writer-zfile.h"

#define KIB		1024ULL
#define MIB		(1024 * KIB)
#define GIB		(1024 * MIB)
#define SECTOR		OBD_SECTOR_SIZE
#define PATH_SIZE	64

static struct obd_error err;

#define assert_ok(expression)						\
	do {								\
		int r_ = (expression);					\
									\
		if (r_)							\
			fail_msg("%s: %d: %s", #expression, r_, err.text); \
	} while (0)

/* A raw image in memory that has some bytes set. */
struct memory {
	char path[PATH_SIZE];
	int fd;
};

static void memory_begin(struct memory *m, u64 size)
{
	m->fd = memfd_create("raw", MFD_CLOEXEC);
	assert_true(m->fd >= 0);
	snprintf(m->path, sizeof(m->path), "/proc/self/fd/%d", m->fd);
	assert_int_equal(ftruncate(m->fd, size), 0);
}

static void memory_fill(struct memory *m, u64 pos, u64 len, u8 value)
{
	u8 *buf = malloc(len);

	memset(buf, value, len);
	assert_int_equal(pwrite(m->fd, buf, len, pos), len);
	free(buf);
}

static void find(struct changes *c, const struct memory *raw,
		 const struct memory *base, u64 size)
{
	struct raw r, b = { .dev.fd = -1 };
	struct progress progress;

	progress_begin(&progress, "test", size);
	assert_ok(raw_open(&r, raw->path, &err));
	if (base)
		assert_ok(raw_open(&b, base->path, &err));
	assert_ok(changes_find(c, &r, base ? &b : NULL, size / SECTOR, 3,
			       &progress, &err));
	raw_close(&r);
	raw_close(&b);
}

static void expect_change(const struct changes *c, u64 i, u64 sector, u64 len,
			  bool zeroed)
{
	assert_true(i < c->nr);
	assert_int_equal(c->list[i].sector, sector);
	assert_int_equal(c->list[i].len, len);
	assert_int_equal(c->list[i].zeroed, zeroed);
}

static void pages_of_zeros_are_left_out(void **state)
{
	struct memory raw;
	struct changes c;

	memory_begin(&raw, 3 * MIB + 700);
	memory_fill(&raw, 5000, 1, 1);		/* inside the second page */
	memory_fill(&raw, 8 * KIB, 4 * KIB, 0);	/* written, but zero */
	memory_fill(&raw, MIB - 1, 2, 1);	/* across two chunks */
	memory_fill(&raw, 3 * MIB + 699, 1, 1);	/* the last byte */
	find(&c, &raw, NULL, 3 * MIB + 1024);
	assert_int_equal(c.nr, 3);
	expect_change(&c, 0, 8, 8, false);
	expect_change(&c, 1, MIB / SECTOR - 8, 16, false);
	expect_change(&c, 2, 3 * MIB / SECTOR, 2, false);
	changes_release(&c);
	close(raw.fd);
}

static void differences_are_found_by_the_sector(void **state)
{
	struct memory raw, base;
	struct changes c;

	memory_begin(&raw, MIB);
	memory_begin(&base, MIB);
	memory_fill(&raw, 0, 64 * KIB, 7);
	memory_fill(&base, 0, 64 * KIB, 7);
	memory_fill(&raw, 3 * SECTOR, SECTOR, 8);
	memory_fill(&raw, 4 * SECTOR, 2 * SECTOR, 0);
	memory_fill(&base, 512 * KIB, SECTOR, 9);
	find(&c, &raw, &base, MIB);
	assert_int_equal(c.nr, 3);
	expect_change(&c, 0, 3, 1, false);
	expect_change(&c, 1, 4, 2, true);
	expect_change(&c, 2, 512 * KIB / SECTOR, 1, true);
	changes_release(&c);
	close(raw.fd);
	close(base.fd);
}

static void the_end_of_the_base_hides_what_is_below(void **state)
{
	struct memory raw, base;
	struct changes c;

	memory_begin(&raw, 3 * MIB);
	memory_begin(&base, 2048);
	memory_fill(&raw, 2 * MIB, SECTOR, 1);
	find(&c, &raw, &base, 4 * MIB);
	assert_int_equal(c.nr, 3);
	expect_change(&c, 0, 4, 4092, true);
	expect_change(&c, 1, 4096, 1, false);
	expect_change(&c, 2, 4097, 4095, true);
	changes_release(&c);

	/* A shorter image says nothing of what it cuts off. */
	find(&c, &base, &raw, 2048);
	assert_int_equal(c.nr, 0);
	changes_release(&c);
	close(raw.fd);
	close(base.fd);
}

/* Changes of @len sectors, every @step of them, each third one zeroed. */
static void comb(struct changes *c, u64 nr, u64 step, u64 len)
{
	u64 i;

	*c = (struct changes) {
		.list = calloc(nr, sizeof(*c->list)),
		.nr = nr,
		.max = nr,
	};
	for (i = 0; i < nr; i++)
		c->list[i] = (struct change) {
			.sector = i * step,
			.zeroed = i % 3 == 2,
			.len = len,
		};
}

static void too_many_changes_are_coarsened(void **state)
{
	const u64 nr = 5000, limit = 100;
	struct changes c;
	u64 i, at = 0;

	comb(&c, nr, 32, 8);
	changes_coarsen(&c, LSMT_WRITE_MAX_LEN, limit);
	assert_true(changes_entries(&c, LSMT_WRITE_MAX_LEN) <= limit);
	for (i = 0; i < nr; i++) {
		while (c.list[at].sector + c.list[at].len <= i * 32)
			at++;
		assert_true(at < c.nr && c.list[at].sector <= i * 32);
		assert_true(i * 32 + 8 <= c.list[at].sector + c.list[at].len);
	}
	changes_release(&c);

	comb(&c, 50, 32, 8);
	changes_coarsen(&c, LSMT_WRITE_MAX_LEN, limit);
	assert_int_equal(c.nr, 50);
	changes_release(&c);
}

static void small_gaps_go_first(void **state)
{
	struct changes c;

	comb(&c, 4, 1000, 8);
	c.list[1].sector = 16;
	c.list[2] = (struct change) { .sector = 2000, .zeroed = 1, .len = 900 };
	changes_coarsen(&c, LSMT_WRITE_MAX_LEN, 3);
	assert_int_equal(c.nr, 3);
	expect_change(&c, 0, 0, 24, false);
	expect_change(&c, 1, 2000, 900, true);
	expect_change(&c, 2, 3000, 8, false);
	changes_release(&c);
}

/* A layer of @raw, written without compression and read by the parser. */
static void check_layout(const struct lsmt_image *image, struct obd_lsmt *lsmt,
			 struct lsmt_entry *entries)
{
	struct source s = lsmt_image_source(image);
	struct lsmt_header header, trailer;
	u64 at = s.size - LSMT_HEADER_SPACE;

	assert_ok(s.read(s.ctx, 0, &header, sizeof(header), &err));
	assert_ok(s.read(s.ctx, at, &trailer, sizeof(trailer), &err));
	assert_int_equal(le32_to_cpu(header.flags), 7);
	assert_int_equal(le32_to_cpu(trailer.flags), 6);
	assert_int_equal(le64_to_cpu(header.index_offset), 0);
	assert_int_equal(le64_to_cpu(header.index_size), 0);
	assert_ok(obd_lsmt_parse(&header, &trailer, s.size, lsmt, &err));
	assert_int_equal(lsmt->nr_entries * sizeof(*entries) % 4096, 0);
	assert_ok(s.read(s.ctx, lsmt->index_offset, entries,
			 lsmt->nr_entries * sizeof(*entries), &err));
	assert_ok(obd_lsmt_check_index(lsmt, entries, &err));
}

static void large_extents_are_split(void **state)
{
	struct lsmt_info info = { .virtual_size = 20 * MIB };
	struct lsmt_entry entries[256];
	struct lsmt_image image;
	struct obd_lsmt lsmt;
	struct changes c;
	struct memory raw;
	struct raw r;
	u32 i;

	memory_begin(&raw, 20 * MIB);
	memory_fill(&raw, 0, 20 * MIB, 5);
	find(&c, &raw, NULL, 20 * MIB);
	assert_int_equal(c.nr, 1);
	assert_ok(raw_open(&r, raw.path, &err));
	assert_ok(lsmt_image_init(&image, raw_source(&r), &c, &info, &err));
	check_layout(&image, &lsmt, entries);
	assert_int_equal(lsmt.nr_entries, 3);
	for (i = 0; i < lsmt.nr_entries; i++)
		assert_int_equal(lsmt_entry_offset(&entries[i]) % 8, 0);
	lsmt_image_release(&image);
	changes_release(&c);
	raw_close(&r);
	close(raw.fd);
}

static void layers_read_the_same_in_any_pieces(void **state)
{
	struct lsmt_info info = { .virtual_size = MIB };
	struct lsmt_image image;
	struct memory raw, base;
	struct obd_lsmt lsmt;
	struct changes c;
	struct source s;
	struct raw r;
	u64 pos, n;
	u8 *whole;

	memory_begin(&raw, MIB);
	memory_begin(&base, MIB);
	for (pos = 0; pos < MIB; pos += 3 * SECTOR)
		memory_fill(pos / SECTOR % 2 ? &base : &raw, pos, SECTOR, pos / SECTOR);
	memory_fill(&base, 100 * KIB, 50 * KIB, 1);
	find(&c, &raw, &base, MIB);
	assert_ok(raw_open(&r, raw.path, &err));
	assert_ok(lsmt_image_init(&image, raw_source(&r), &c, &info, &err));
	s = lsmt_image_source(&image);
	whole = malloc(s.size);
	assert_ok(s.read(s.ctx, 0, whole, s.size, &err));
	for (pos = 0, n = 1; pos < s.size; pos += n, n = n % 9973 + 37) {
		u8 part[10240];

		n = min(n, s.size - pos);
		assert_ok(s.read(s.ctx, pos, part, n, &err));
		assert_memory_equal(part, whole + pos, n);
	}
	assert_ok(obd_lsmt_parse((struct lsmt_header *)whole,
				 (struct lsmt_header *)(whole + s.size -
							LSMT_HEADER_SPACE),
				 s.size, &lsmt, &err));
	free(whole);
	lsmt_image_release(&image);
	changes_release(&c);
	raw_close(&r);
	close(raw.fd);
	close(base.fd);
}

static void what_no_index_holds_is_refused(void **state)
{
	struct lsmt_info info = { .virtual_size = GIB };
	struct change huge = { .len = 1ULL << 40 };
	struct changes c = { .list = &huge, .nr = 1, .max = 1 };
	struct lsmt_image image;
	struct raw raw = {};

	assert_int_equal(lsmt_image_init(&image, raw_source(&raw), &c, &info,
					 &err),
			 -E2BIG);
	lsmt_image_release(&image);
}

/* A file in a folder of its own. */
struct place {
	char dir[PATH_SIZE];
	char path[PATH_SIZE];
};

static void place_begin(struct place *p)
{
	snprintf(p->dir, sizeof(p->dir), "/tmp/test-create.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->path, sizeof(p->path), "%.40s/out", p->dir);
}

/* Fails if anything but the file is there. */
static void place_end(struct place *p)
{
	unlink(p->path);
	assert_int_equal(rmdir(p->dir), 0);
}

static int read_bytes(const void *ctx, u64 pos, void *buf, u64 len,
		      struct obd_error *e)
{
	memcpy(buf, (const u8 *)ctx + pos, len);
	return 0;
}

/* Half of it compresses, half does not; no multiple of any block size. */
static struct source make_source(void)
{
	const u64 size = 3 * MIB + 321;
	u8 *data = malloc(size);
	u32 x = 1;
	u64 i;

	for (i = 0; i < size; i++) {
		x = x * 1664525 + 1013904223;
		data[i] = i & 64 * KIB ? x >> 24 : i / 100;
	}
	return (struct source) { .size = size, .ctx = data, .read = read_bytes };
}

static void read_back(const char *path, const struct source *source)
{
	struct obd_scratch scratch = {};
	struct obd_blob blob;
	struct obd_dev dev;
	u8 *data = malloc(source->size);

	assert_int_equal(obd_file_open(&dev, path), 0);
	assert_ok(obd_blob_open(&blob, &dev, 0, &err));
	assert_int_equal(blob.data_size, source->size);
	assert_ok(obd_blob_read(&blob, 0, data, source->size, &scratch, &err));
	assert_memory_equal(data, source->ctx, source->size);
	obd_blob_release(&blob);
	obd_scratch_release(&scratch);
	obd_file_close(&dev);
	free(data);
}

/* In a tar, on some number of threads. Returns a checksum of the file. */
static u32 write_and_read(const struct source *source,
			  const struct zfile_options *options,
			  unsigned int nr_threads)
{
	u32 prefix = tar_prefix(zfile_bound(options, source->size));
	struct zfile_result result;
	struct progress progress;
	struct output out;
	struct place place;
	u64 total;
	u32 crc;
	u8 *map;

	place_begin(&place);
	progress_begin(&progress, "test", source->size);
	assert_ok(output_open(&out, place.path, &err));
	assert_ok(zfile_write(&out, prefix, source, options, nr_threads,
			      &progress, &result, &err));
	assert_true(result.size <= zfile_bound(options, source->size));
	assert_ok(tar_write(&out, prefix, result.size, &total, &err));
	map = mmap(NULL, total, PROT_READ, MAP_SHARED, out.fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	crc = crc32c(0, map, total);
	munmap(map, total);
	assert_ok(output_commit(&out, &err));
	read_back(place.path, source);
	place_end(&place);
	return crc;
}

static void zfiles_of_all_block_sizes_are_read(void **state)
{
	static const char *const names[] = { "lz4", "zstd" };
	struct source source = make_source();
	struct zfile_options options = {};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		options.compressor = compressor_find(names[i]);
		options.level = options.compressor->default_level;
		for (options.block_size = ZFILE_BLOCK_SIZE_MIN;
		     options.block_size <= ZFILE_BLOCK_SIZE_MAX;
		     options.block_size *= 2) {
			u32 crc = write_and_read(&source, &options, 1);

			assert_int_equal(write_and_read(&source, &options, 3),
					 crc);
			options.verify = !options.verify;
		}
	}
	free((void *)source.ctx);
}

static void compressors_are_known_by_name(void **state)
{
	assert_null(compressor_find("gzip"));
	assert_string_equal(compressor_name(ZFILE_ALGO_ZSTD), "zstd");
	assert_string_equal(compressor_name(77), "unknown");
}

static int never_read(const void *ctx, u64 pos, void *buf, u64 len,
		      struct obd_error *e)
{
	return obd_fail(e, -EIO, "read at %llu", (unsigned long long)pos);
}

static void too_many_blocks_are_refused(void **state)
{
	const struct source source = {
		.size = (u64)ZFILE_MAX_BLOCKS * 512 + 1,
		.read = never_read,
	};
	const struct zfile_options options = {
		.compressor = compressor_find("lz4"),
		.block_size = 512,
	};
	struct zfile_result result;

	assert_int_equal(zfile_write(NULL, 0, &source, &options, 1, NULL,
				     &result, &err), -E2BIG);
	assert_non_null(strstr(err.text, "larger block size"));
}

static void failing_sources_end_the_work(void **state)
{
	const struct source source = { .size = 9 * MIB, .read = never_read };
	const struct zfile_options options = {
		.compressor = compressor_find("lz4"),
		.block_size = 4096,
	};
	struct zfile_result result;
	struct progress progress;
	struct output out;
	struct place place;

	place_begin(&place);
	progress_begin(&progress, "test", source.size);
	assert_ok(output_open(&out, place.path, &err));
	assert_int_equal(zfile_write(&out, 0, &source, &options, 2, &progress,
				     &result, &err), -EIO);
	assert_string_equal(err.text, "read at 0");
	assert_int_equal(plain_write(&out, 0, &source, 2, &progress, &err),
			 -EIO);
	output_discard(&out);
	place_end(&place);
}

static void check_archive(u64 size, u32 start)
{
	struct obd_blob blob;
	struct obd_dev dev;
	struct output out;
	struct place place;
	u64 total;

	assert_int_equal(tar_prefix(size), start);
	place_begin(&place);
	assert_ok(output_open(&out, place.path, &err));
	assert_ok(tar_write(&out, start, size, &total, &err));
	assert_ok(output_commit(&out, &err));
	assert_int_equal(obd_file_open(&dev, place.path), 0);
	assert_int_equal(dev.size, total);
	assert_int_equal(total % TAR_BLOCK_SIZE, 0);
	assert_true(total >= start + size + 2 * TAR_BLOCK_SIZE);
	assert_ok(obd_blob_open(&blob, &dev, 0, &err));
	assert_int_equal(blob.start, start);
	assert_int_equal(blob.size, size);
	obd_blob_release(&blob);
	obd_file_close(&dev);
	place_end(&place);
}

static void archives_of_any_size_are_read(void **state)
{
	check_archive(512, 512);
	check_archive(12345, 512);
	check_archive(8 * GIB - 1, 512);
	check_archive(8 * GIB, 1536);
	check_archive(10 * GIB - 1, 1536);
	check_archive(100 * GIB, 1536);
}

#define ORDER_ITEMS	1000

struct order {
	u64 next;
	u64 failing;
};

static int order_work(void *ctx, unsigned int thread, u64 item, void *slot,
		      struct obd_error *e)
{
	const struct order *order = ctx;

	*(u64 *)slot = item * 3;
	if (item >= order->failing)
		return obd_fail(e, -EIO, "item %llu",
				(unsigned long long)item);
	return 0;
}

static int order_finish(void *ctx, u64 item, void *slot, struct obd_error *e)
{
	struct order *order = ctx;

	assert_int_equal(item, order->next++);
	assert_int_equal(*(u64 *)slot, item * 3);
	return 0;
}

static void results_come_in_order(void **state)
{
	struct work work = {
		.nr_items = ORDER_ITEMS,
		.slot_size = sizeof(u64),
		.work = order_work,
		.finish = order_finish,
	};

	for (work.nr_threads = 1; work.nr_threads < 9; work.nr_threads++) {
		struct order order = { .failing = ORDER_ITEMS };

		work.ctx = &order;
		assert_ok(work_run(&work, &err));
		assert_int_equal(order.next, ORDER_ITEMS);

		/* Many fail, the first of them tells why. */
		order = (struct order) { .failing = 77 };
		assert_int_equal(work_run(&work, &err), -EIO);
		assert_string_equal(err.text, "item 77");
		assert_int_equal(order.next, 77);
	}
	work.nr_items = 0;
	assert_ok(work_run(&work, &err));
}

static void outputs_appear_when_they_are_complete(void **state)
{
	struct output out;
	struct place place;

	place_begin(&place);
	assert_ok(output_open(&out, place.path, &err));
	assert_ok(output_write(&out, 0, "one", 3, &err));
	assert_int_equal(access(place.path, F_OK), -1);
	output_discard(&out);
	assert_int_equal(access(place.path, F_OK), -1);

	assert_ok(output_open(&out, place.path, &err));
	assert_ok(output_write(&out, 0, "two", 3, &err));
	assert_ok(output_sync(&out, &err));
	assert_ok(output_commit(&out, &err));
	output_discard(&out);
	assert_int_equal(access(place.path, R_OK), 0);

	assert_int_equal(output_open(&out, place.dir, &err), -EEXIST);
	output_discard(&out);
	assert_int_equal(output_open(&out, "/tmp/no/such/folder", &err),
			 -ENOENT);
	output_discard(&out);
	place_end(&place);
}

static void zeros_stay_holes(void **state)
{
	struct output out;
	struct place place;
	u8 *data = calloc(1, MIB);
	u8 *back = malloc(MIB);
	struct stat st;

	data[0] = 1;
	data[500 * KIB] = 2;
	data[MIB - 1] = 3;
	place_begin(&place);
	assert_ok(output_open(&out, place.path, &err));
	assert_ok(output_truncate(&out, 2 * MIB, &err));
	assert_ok(output_write_sparse(&out, 1000, data, MIB, &err));
	assert_int_equal(pread(out.fd, back, MIB, 1000), MIB);
	assert_memory_equal(back, data, MIB);
	assert_int_equal(fstat(out.fd, &st), 0);
	assert_true(st.st_blocks <= 128 * KIB / SECTOR);
	output_discard(&out);
	place_end(&place);
	free(data);
	free(back);
}

static void sizes_have_suffixes(void **state)
{
	static const char *const wrong[] = {
		"", "K", "-1", "+1", " 1", "1 ", "1KB", "0x10", "1e3",
		"99999999999999999999", "18014398509481984K", "1P",
	};
	uint64_t value;
	u32 i;

	assert_true(parse_size("4096", &value) && value == 4096);
	assert_true(parse_size("64k", &value) && value == 64 * KIB);
	assert_true(parse_size("3M", &value) && value == 3 * MIB);
	assert_true(parse_size("5T", &value) && value == 5 * 1024 * GIB);
	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_false(parse_size(wrong[i], &value));
	assert_true(parse_u64("7", 7, 9, &value) && value == 7);
	assert_false(parse_u64("6", 7, 9, &value));
	assert_false(parse_u64("10", 7, 9, &value));
	assert_false(parse_u64("8k", 7, 9, &value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_of_zeros_are_left_out),
		cmocka_unit_test(differences_are_found_by_the_sector),
		cmocka_unit_test(the_end_of_the_base_hides_what_is_below),
		cmocka_unit_test(too_many_changes_are_coarsened),
		cmocka_unit_test(small_gaps_go_first),
		cmocka_unit_test(large_extents_are_split),
		cmocka_unit_test(layers_read_the_same_in_any_pieces),
		cmocka_unit_test(what_no_index_holds_is_refused),
		cmocka_unit_test(zfiles_of_all_block_sizes_are_read),
		cmocka_unit_test(compressors_are_known_by_name),
		cmocka_unit_test(too_many_blocks_are_refused),
		cmocka_unit_test(failing_sources_end_the_work),
		cmocka_unit_test(archives_of_any_size_are_read),
		cmocka_unit_test(results_come_in_order),
		cmocka_unit_test(outputs_appear_when_they_are_complete),
		cmocka_unit_test(zeros_stay_holes),
		cmocka_unit_test(sizes_have_suffixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
