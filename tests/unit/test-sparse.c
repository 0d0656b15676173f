// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sparse writable layers: converted in place, whatever interrupts it.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/mman.h>

#include "tests/unit/interrupt.h"
#include "tests/unit/test.h"
#include "tests/unit/upper-model.h"
#include "tools/upper.h"

/* A file system that knows of no holes, if it is to be one. */
static bool blind;

static off_t blind_lseek(int fd, off_t pos, int whence)
{
	off_t end;

	if (!blind || (whence != SEEK_DATA && whence != SEEK_HOLE))
		return lseek(fd, pos, whence);
	end = lseek(fd, 0, SEEK_END);
	return whence == SEEK_DATA ? pos : end;
}

#define lseek	blind_lseek
#include "tools/upper-sparse.c"
#undef lseek

#define PAGES		2500U		/* of the disk */
#define CHANGES_MAX	20

struct sparse {
	struct lsmt_header header;
	bool pages[PAGES];
	int data;
	int index;
	struct obd_error err;
};

static void put(int fd, const void *buf, size_t len, u64 pos)
{
	assert_int_equal(pwrite(fd, buf, len, pos), len);
}

static void put_page(struct sparse *s, u32 page)
{
	u8 buf[4096];

	memset(buf, page, sizeof(buf));
	put(s->data, buf, sizeof(buf), LSMT_HEADER_SPACE + page * 4096ULL);
	s->pages[page] = true;
}

/* As others create it: with an index file of no length. */
static void make_sparse(struct sparse *s)
{
	struct upper_model m;

	upper_model_init(&m);
	*s = (struct sparse) { .header = m.data_header };
	s->header.flags = cpu_to_le32(0x13);
	s->header.virtual_size = cpu_to_le64(PAGES * 4096ULL);
	s->data = memfd_create("data", MFD_CLOEXEC);
	s->index = memfd_create("index", MFD_CLOEXEC);
	assert_int_equal(ftruncate(s->data, LSMT_HEADER_SPACE +
				   PAGES * 4096ULL), 0);
	put(s->data, &s->header, sizeof(s->header), 0);
}

static void fill_sparse(struct sparse *s, u64 *seed)
{
	u32 i, n, page;

	for (i = 0; i < 40; i++) {
		page = random_below(seed, PAGES);
		n = 1 + random_below(seed, 5);
		while (n-- && page < PAGES)
			put_page(s, page++);
	}
}

static void free_sparse(struct sparse *s)
{
	close(s->data);
	close(s->index);
}

/* An append-only layer that maps the pages, each where it always was. */
static void check_converted(struct sparse *s)
{
	bool mapped[PAGES] = {};
	struct upper upper;
	u32 i, k;

	if (upper_load(&upper, s->data, s->index, &s->err))
		fail_msg("%s", s->err.text);
	assert_string_equal(upper.writable.uuid, s->header.uuid);
	assert_string_equal(upper.writable.parent_uuid,
			    s->header.parent_uuid);
	assert_int_equal(upper.writable.virtual_sectors, PAGES * 8);
	for (i = 0; i < upper.replay.nr; i++) {
		const struct lsmt_entry *e = &upper.replay.entries[i];
		u64 offset = lsmt_entry_offset(e);

		assert_false(lsmt_entry_zeroed(e));
		assert_int_equal(lsmt_entry_moffset(e),
				 offset + OBD_DATA_START);
		for (k = 0; k < lsmt_entry_length(e); k++)
			mapped[(offset + k) / 8] = true;
	}
	assert_memory_equal(mapped, s->pages, sizeof(mapped));
	upper_close(&upper);
}

/* Of a page that the file ends in, the sectors that it has are mapped. */
static void check_last(struct sparse *s, u32 page, u64 bytes)
{
	struct upper upper;
	u8 byte;

	if (upper_load(&upper, s->data, s->index, &s->err))
		fail_msg("%s", s->err.text);
	assert_int_equal(upper.replay.nr, 1);
	assert_int_equal(lsmt_entry_offset(&upper.replay.entries[0]), page * 8);
	assert_int_equal(lsmt_entry_length(&upper.replay.entries[0]),
			 DIV_ROUND_UP(bytes, OBD_SECTOR_SIZE));
	upper_close(&upper);
	bytes += LSMT_HEADER_SPACE + page * 4096;
	assert_int_equal(pread(s->data, &byte, 1, bytes - 1), 1);
	assert_int_equal(byte, page);
	assert_int_equal(pread(s->data, &byte, 1, bytes), 1);
	assert_int_equal(byte, 0);
}

static int convert_whole(void *ctx)
{
	struct sparse *s = ctx;
	int r = upper_convert_sparse(s->data, s->index, &s->err);

	return r == 1 ? 0 : r ?: 2;
}

static void sparse_layers_are_converted(void **state)
{
	u64 seed = test_seed();
	struct sparse s;

	make_sparse(&s);
	fill_sparse(&s, &seed);
	assert_int_equal(convert_whole(&s), 0);
	check_converted(&s);
	/* There is nothing to do any more. */
	assert_int_equal(upper_convert_sparse(s.data, s.index, &s.err), 0);
	check_converted(&s);
	free_sparse(&s);
}

static void the_ends_of_the_disk_are_converted(void **state)
{
	struct sparse s;

	make_sparse(&s);
	assert_int_equal(convert_whole(&s), 0);
	check_converted(&s);
	free_sparse(&s);
	make_sparse(&s);
	put_page(&s, 0);
	put_page(&s, PAGES - 1);
	assert_int_equal(convert_whole(&s), 0);
	check_converted(&s);
	free_sparse(&s);
}

static void full_layers_are_converted(void **state)
{
	struct sparse s;
	u32 i;

	make_sparse(&s);
	for (i = 0; i < PAGES; i++)
		put_page(&s, i);
	assert_int_equal(convert_whole(&s), 0);
	check_converted(&s);
	free_sparse(&s);
}

/* What lies behind the disk is none of it. */
static void larger_files_are_cut_off(void **state)
{
	struct sparse s;
	u8 byte = 1;

	make_sparse(&s);
	put_page(&s, 7);
	put_page(&s, PAGES - 1);
	put(s.data, &byte, 1, LSMT_HEADER_SPACE + PAGES * 4096ULL);
	put(s.data, &byte, 1, LSMT_HEADER_SPACE + PAGES * 4096ULL + 50000);
	assert_int_equal(convert_whole(&s), 0);
	check_converted(&s);
	free_sparse(&s);
}

/* Others do not pad what they have written last. */
static void a_part_of_a_sector_is_converted(void **state)
{
	static const u64 ends[] = { 1, 511, 513, 4095 };
	struct sparse s;
	u32 i;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		make_sparse(&s);
		put_page(&s, 9);
		assert_int_equal(ftruncate(s.data, LSMT_HEADER_SPACE +
					   9 * 4096 + ends[i]), 0);
		assert_int_equal(convert_whole(&s), 0);
		assert_int_equal(lseek(s.data, 0, SEEK_END) % 512, 0);
		check_last(&s, 9, ends[i]);
		free_sparse(&s);
	}
}

static void conversion_is_restarted_anywhere(void **state)
{
	bool died = true;
	struct sparse s;
	u64 seed;
	int nr, half;

	for (nr = 0; died; nr++) {
		for (half = 0; half < 2; half++) {
			seed = test_seed();
			make_sparse(&s);
			fill_sparse(&s, &seed);
			died = interrupted(convert_whole, &s, nr, half);
			assert_true(upper_convert_sparse(s.data, s.index,
							 &s.err) >= 0);
			check_converted(&s);
			free_sparse(&s);
		}
		assert_true(nr < CHANGES_MAX);
	}
	/* Cut, header, sync, log, sync, flag, sync. */
	assert_int_equal(nr, 8);
}

static void other_indexes_are_kept(void **state)
{
	struct lsmt_header before, after;
	struct sparse s;

	make_sparse(&s);
	before = s.header;
	before.flags = cpu_to_le32(LSMT_FLAG_HEADER);
	before.uuid[0] = 'f';
	put(s.index, &before, sizeof(before), 0);
	assert_int_equal(upper_convert_sparse(s.data, s.index, &s.err),
			 -EINVAL);
	assert_non_null(strstr(s.err.text, "not that of the data"));
	assert_int_equal(pread(s.index, &after, sizeof(after), 0),
			 sizeof(after));
	assert_memory_equal(&before, &after, sizeof(before));
	free_sparse(&s);
}

/* A file system, say, begins with zeros. */
static void what_is_no_index_is_kept(void **state)
{
	static const u64 places[] = { 0, 600, 4096, 65535, 65536, 50000000 };
	struct sparse s;
	char byte;
	u32 i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		u64 at = places[i];

		make_sparse(&s);
		put_page(&s, 3);
		put(s.index, "x", 1, at);
		assert_int_equal(upper_convert_sparse(s.data, s.index, &s.err),
				 -EINVAL);
		assert_int_equal(lseek(s.index, 0, SEEK_END), at + 1);
		assert_int_equal(pread(s.index, &byte, 1, at), 1);
		assert_int_equal(byte, 'x');
		free_sparse(&s);
	}
}

static void zeros_are_no_index_yet(void **state)
{
	struct sparse s;

	make_sparse(&s);
	put_page(&s, 3);
	put(s.index, "", 1, 50000000);
	assert_int_equal(convert_whole(&s), 0);
	check_converted(&s);
	assert_int_equal(lseek(s.index, 0, SEEK_END), LSMT_HEADER_SPACE + 16);
	free_sparse(&s);
}

static void append_only_layers_are_left_alone(void **state)
{
	struct upper_model m;
	struct obd_error err;
	int data, index;

	upper_model_init(&m);
	upper_model_log(&m, 0, 4, 8);
	upper_model_files(&m, &data, &index);
	assert_int_equal(upper_convert_sparse(data, index, &err), 0);
	assert_int_equal(lseek(index, 0, SEEK_END), LSMT_HEADER_SPACE + 16);
	close(data);
	close(index);
	upper_model_release(&m);
}

static void unknown_holes_are_refused(void **state)
{
	struct sparse s;
	u32 i;

	make_sparse(&s);
	put_page(&s, 0);
	blind = true;
	assert_int_equal(upper_convert_sparse(s.data, s.index, &s.err),
			 -EOPNOTSUPP);
	assert_non_null(strstr(s.err.text, "does not tell holes from data"));
	assert_int_equal(lseek(s.index, 0, SEEK_END), 0);
	/* Without any it does not matter. */
	for (i = 0; i < PAGES; i++)
		put_page(&s, i);
	assert_int_equal(convert_whole(&s), 0);
	blind = false;
	check_converted(&s);
	free_sparse(&s);
}

static void what_is_no_layer_is_refused(void **state)
{
	struct sparse s;

	make_sparse(&s);
	put(s.data, "?", 1, 0);
	assert_int_equal(upper_convert_sparse(s.data, s.index, &s.err),
			 -EINVAL);
	assert_non_null(strstr(s.err.text, "LSMT data: bad magic"));
	assert_int_equal(ftruncate(s.data, 100), 0);
	assert_int_equal(upper_convert_sparse(s.data, s.index, &s.err),
			 -EINVAL);
	free_sparse(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sparse_layers_are_converted),
		cmocka_unit_test(the_ends_of_the_disk_are_converted),
		cmocka_unit_test(full_layers_are_converted),
		cmocka_unit_test(larger_files_are_cut_off),
		cmocka_unit_test(a_part_of_a_sector_is_converted),
		cmocka_unit_test(conversion_is_restarted_anywhere),
		cmocka_unit_test(other_indexes_are_kept),
		cmocka_unit_test(what_is_no_index_is_kept),
		cmocka_unit_test(zeros_are_no_index_yet),
		cmocka_unit_test(append_only_layers_are_left_alone),
		cmocka_unit_test(unknown_holes_are_refused),
		cmocka_unit_test(what_is_no_layer_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
