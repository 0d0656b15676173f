// SPDX-License-Identifier: GPL-2.0-only
/*
 * New writable layers in the place of old ones: whoever comes in between, the
 * two files belong together.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "tests/unit/said.h"
#include "tests/unit/test.h"

#define STEPS_MAX	12

/* Before which of the steps something happens, or 0; it can make that fail. */
static int steps_left;
static int (*between)(void);

static int step(void)
{
	return steps_left && !--steps_left ? between() : 0;
}

static int slow_flock(int fd, int how)
{
	return step() ?: flock(fd, how);
}

static int slow_link(const char *from, const char *to)
{
	return step() ?: link(from, to);
}

static int slow_rename(const char *from, const char *to)
{
	return step() ?: rename(from, to);
}

#define flock	slow_flock
#include "tools/holders.c"
#undef flock
#undef FILE_NAME_SIZE
#undef LINE_SIZE
#define link	slow_link
#define rename	slow_rename
#include "tools/fresh.c"
#undef link
#undef rename

static int make(void)
{
	struct fresh fresh;
	int r;

	fresh_init(&fresh, "data", "index");
	fresh.force = true;
	fresh.info.virtual_size = 1 << 20;
	r = fresh_create(&fresh);
	if (!r)
		fresh_keep(&fresh);
	return r;
}

static void read_header(const char *path, struct lsmt_header *header)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, header, sizeof(*header), 0),
			 sizeof(*header));
	close(fd);
}

/* One layer, and no other file. */
static void check_pair(void)
{
	struct lsmt_header data, index;
	DIR *dir = opendir(".");
	int nr = 0;

	read_header("data", &data);
	read_header("index", &index);
	assert_string_equal(data.uuid, index.uuid);
	assert_non_null(dir);
	while (readdir(dir))
		nr++;
	closedir(dir);
	assert_int_equal(nr, 4);
}

static bool rival_came;

static int rival(void)
{
	rival_came = true;
	make();
	return 0;
}

static void two_at_once_do_not_mix(void **state)
{
	int nr;

	for (nr = 1; nr < STEPS_MAX; nr++) {
		assert_int_equal(make(), EXIT_OK);
		rival_came = false;
		steps_left = nr;
		between = rival;
		make();
		steps_left = 0;
		check_pair();
		if (!rival_came)
			break;
	}
	/* Two locks, two links, two names. */
	assert_int_equal(nr, 7);
}

static int replace_data(void)
{
	FILE *f = fopen("other", "w");

	assert_non_null(f);
	fputs("of somebody else", f);
	fclose(f);
	assert_int_equal(rename("other", "data"), 0);
	return 0;
}

static void what_has_just_come_is_not_replaced(void **state)
{
	char text[32] = "";
	int fd;

	assert_int_equal(make(), EXIT_OK);
	steps_left = 1;
	between = replace_data;
	assert_int_equal(make(), EXIT_BUSY);
	assert_non_null(strstr(said, "data: another program"));
	fd = open("data", O_RDONLY | O_CLOEXEC);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "of somebody else");
	close(fd);
}

static int fails(void)
{
	errno = EIO;
	return -1;
}

static void it_is_the_old_one_or_the_new(void **state)
{
	struct lsmt_header before, after;
	int nr, failures = 0;

	for (nr = 1; nr < STEPS_MAX; nr++) {
		assert_int_equal(make(), EXIT_OK);
		read_header("data", &before);
		steps_left = nr;
		between = fails;
		if (make()) {
			failures++;
			read_header("data", &after);
			assert_memory_equal(&before, &after, sizeof(before));
		}
		steps_left = 0;
		check_pair();
	}
	/* Files need not be locked, or linked, where that is not possible. */
	assert_int_equal(failures, 2);
}

static char folder[] = "/tmp/fresh.XXXXXX";

static int enter_folder(void **state)
{
	return mkdtemp(folder) && !chdir(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	unlink("data");
	unlink("index");
	return chdir("/") || rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_at_once_do_not_mix),
		cmocka_unit_test(what_has_just_come_is_not_replaced),
		cmocka_unit_test(it_is_the_old_one_or_the_new),
	};

	return cmocka_run_group_tests(tests, enter_folder, remove_folder);
}
