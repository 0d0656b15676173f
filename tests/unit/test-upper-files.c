// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files of a writable layer, extended and cut: what is in them stays, and
 * whatever interrupts it, they can be opened.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include "tests/unit/interrupt.h"
#include "tests/unit/said.h"
#include "tests/unit/test.h"
#include "tests/unit/upper-model.h"
#include "tools/commands.h"
#include "tools/seal.h"
#include "tools/upper-files.h"

#define ROUNDS		60
#define CHANGES_MAX	12
#define PATH_SIZE	64
#define GARBAGE		5000	/* behind the end of the log */
#define DATA_LONG	(3 * 1048576ULL)
#define INDEX_LONG	(2 * 1048576ULL)

static struct progress silent;

struct pair {
	struct upper_model model;
	int data;
	int index;
	char data_path[PATH_SIZE];
	char index_path[PATH_SIZE];
	u64 data_bytes;		/* in use */
	u64 index_bytes;
	struct upper_files files;
};

static u64 size_of(int fd)
{
	return lseek(fd, 0, SEEK_END);
}

static u64 used_data(const struct upper_model *m)
{
	u64 end = OBD_DATA_START;
	u64 i;

	for (i = 0; i < m->nr; i++) {
		const struct lsmt_entry *e = &m->log[i];

		if (lsmt_entry_offset(e) != LSMT_OFFSET_PADDING &&
		    !lsmt_entry_zeroed(e))
			end = max(end, lsmt_entry_moffset(e) +
				       lsmt_entry_length(e));
	}
	return end << OBD_SECTOR_SHIFT;
}

static void make_pair(struct pair *p, u64 *seed, u32 nr)
{
	upper_model_init(&p->model);
	upper_model_fill(&p->model, seed, nr);
	upper_model_files(&p->model, &p->data, &p->index);
	snprintf(p->data_path, PATH_SIZE, "/proc/self/fd/%d", p->data);
	snprintf(p->index_path, PATH_SIZE, "/proc/self/fd/%d", p->index);
	p->data_bytes = used_data(&p->model);
	p->index_bytes = size_of(p->index);
	p->files = (struct upper_files) {};
	*said = '\0';
}

static void free_pair(struct pair *p)
{
	upper_files_close(&p->files);
	upper_model_release(&p->model);
	close(p->data);
	close(p->index);
}

static int open_pair(struct pair *p, bool writable)
{
	return upper_files_open(&p->files, p->data_path, p->index_path,
				writable);
}

static void load_pair(struct pair *p)
{
	if (open_pair(p, true) || upper_files_load(&p->files))
		fail_msg("%s", said);
}

/* As a crash leaves it: long, an empty slot, and anything behind that. */
static void leave_long(const struct pair *p, u64 *seed)
{
	u8 garbage[GARBAGE];
	int i;

	for (i = 0; i < GARBAGE; i++)
		garbage[i] = random_next(seed);
	assert_int_equal(ftruncate(p->data, DATA_LONG), 0);
	assert_int_equal(ftruncate(p->index, INDEX_LONG), 0);
	assert_int_equal(pwrite(p->index, garbage, sizeof(garbage),
				p->index_bytes + sizeof(struct lsmt_entry)),
			 sizeof(garbage));
}

static void check_content(const struct pair *p)
{
	struct lsmt_entry *log = malloc(p->model.nr * sizeof(*log) + 1);
	ssize_t bytes = p->model.nr * sizeof(*log);

	assert_int_equal(pread(p->index, log, bytes, LSMT_HEADER_SPACE), bytes);
	assert_memory_equal(log, p->model.log, bytes);
	free(log);
}

static void check_cut(const struct pair *p)
{
	assert_int_equal(size_of(p->data), p->data_bytes);
	assert_int_equal(size_of(p->index), p->index_bytes);
	check_content(p);
}

static int cut_pair(void *ctx)
{
	return upper_files_cut(&((struct pair *)ctx)->files);
}

static void files_are_cut_to_what_is_used(void **state)
{
	u64 seed = test_seed();
	struct pair p;
	int i;

	(void)state;
	for (i = 0; i < ROUNDS; i++) {
		make_pair(&p, &seed, random_below(&seed, 100));
		leave_long(&p, &seed);
		load_pair(&p);
		assert_int_equal(cut_pair(&p), EXIT_OK);
		check_cut(&p);
		assert_int_equal(p.files.data.size, p.data_bytes);
		assert_int_equal(p.files.index.size, p.index_bytes);
		/* Once more changes nothing. */
		assert_int_equal(upper_files_settle(&p.files), EXIT_OK);
		check_cut(&p);
		free_pair(&p);
	}
}

static void interrupt_cut(u64 *seed, int change, bool *more)
{
	struct pair p;

	make_pair(&p, seed, 1 + random_below(seed, 60));
	p.model.data_header.virtual_size = cpu_to_le64(1 << 30);
	assert_int_equal(pwrite(p.data, &p.model.data_header,
				sizeof(p.model.data_header), 0),
			 sizeof(p.model.data_header));
	leave_long(&p, seed);
	load_pair(&p);
	*more = interrupted(cut_pair, &p, change, false);
	upper_files_close(&p.files);
	load_pair(&p);
	check_content(&p);
	assert_int_equal(p.files.upper.writable.virtual_sectors, 1 << 21);
	assert_int_equal(cut_pair(&p), EXIT_OK);
	check_cut(&p);
	free_pair(&p);
}

static void cutting_may_be_interrupted(void **state)
{
	u64 seed = test_seed();
	bool more = true;
	int change;

	(void)state;
	for (change = 0; more && change < CHANGES_MAX; change++)
		interrupt_cut(&seed, change, &more);
	/* A header, two lengths, and their syncs. */
	assert_int_equal(change, 7);
	assert_false(more);
}

static void the_larger_size_wins(void **state)
{
	u64 seed = test_seed();
	struct lsmt_header h;
	struct pair p;

	(void)state;
	make_pair(&p, &seed, 10);
	p.model.index_header.virtual_size = cpu_to_le64(1 << 30);
	assert_int_equal(pwrite(p.index, &p.model.index_header,
				sizeof(p.model.index_header), 0),
			 sizeof(p.model.index_header));
	load_pair(&p);
	assert_int_equal(cut_pair(&p), EXIT_OK);
	assert_int_equal(pread(p.data, &h, sizeof(h), 0), sizeof(h));
	p.model.data_header.virtual_size = cpu_to_le64(1 << 30);
	assert_memory_equal(&h, &p.model.data_header, sizeof(h));
	free_pair(&p);
}

static void files_are_extended_by_holes(void **state)
{
	u64 seed = test_seed();
	struct pair p;

	(void)state;
	make_pair(&p, &seed, 50);
	load_pair(&p);
	assert_int_equal(cut_pair(&p), EXIT_OK);
	assert_int_equal(upper_files_extend(&p.files, 1ULL << 40, 1ULL << 30),
			 EXIT_OK);
	assert_int_equal(size_of(p.data), 1ULL << 40);
	assert_int_equal(size_of(p.index), 1ULL << 30);
	assert_string_equal(said, "");
	/* Never shorter. */
	assert_int_equal(upper_files_extend(&p.files, 1 << 20, 1 << 20),
			 EXIT_OK);
	assert_int_equal(size_of(p.data), 1ULL << 40);
	assert_int_equal(upper_files_settle(&p.files), EXIT_OK);
	check_cut(&p);
	free_pair(&p);
}

/* The limit of the process stands for that of a file system. */
static void a_limit_of_length_is_lived_with(void **state)
{
	struct rlimit limit, old;
	u64 seed = test_seed();
	struct pair p;

	(void)state;
	make_pair(&p, &seed, 50);
	load_pair(&p);
	assert_int_equal(cut_pair(&p), EXIT_OK);
	getrlimit(RLIMIT_FSIZE, &old);
	limit = old;
	limit.rlim_cur = 100 << 20;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(upper_files_extend(&p.files, 1 << 30, 1 << 20),
			 EXIT_OK);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_non_null(strstr(said, "warning: upper (/proc/self/fd/"));
	assert_true(size_of(p.data) > 50 << 20 && size_of(p.data) <= 100 << 20);
	assert_int_equal(size_of(p.data) % 4096, 0);
	assert_int_equal(size_of(p.data), p.files.data.size);
	assert_int_equal(size_of(p.index), 1 << 20);
	free_pair(&p);
}

static void capacities_are_within_bounds(void **state)
{
	u64 most = LSMT_HEADER_SPACE + OBD_LOG_MAX * sizeof(struct lsmt_entry);
	u64 largest = LSMT_OFFSET_MASK << OBD_SECTOR_SHIFT;

	(void)state;
	assert_int_equal(upper_index_capacity(0, 4096), 1 << 20);
	assert_int_equal(upper_index_capacity(1 << 30, 4096),
			 (64 << 20) + 4096);
	assert_int_equal(upper_index_capacity(0, 10 << 20), (20 << 20) + 4096);
	assert_true(upper_index_capacity(largest, 4096) <= most);
	assert_true(upper_index_capacity(largest, 4096) > most - 4096);
	assert_int_equal(upper_data_capacity(1 << 30),
			 4096 + (1 << 30) + (1 << 26) + (64 << 20));
	assert_int_equal(upper_data_capacity(512) % 4096, 0);
	assert_true(upper_data_capacity(largest) > largest);
}

/* Its data ends as a sealed layer does. Return: the length of that. */
static u64 make_sealed(struct pair *p)
{
	u64 seed = test_seed(), bytes;
	struct obd_error err;

	make_pair(p, &seed, 50);
	assert_int_equal(seal_upper(p->data, p->index, &bytes, &silent, &err),
			 0);
	assert_int_equal(ftruncate(p->data, bytes), 0);
	return bytes;
}

static void check_refused(struct pair *p, u64 bytes, const char *text)
{
	assert_int_equal(open_pair(p, true), EXIT_OK);
	assert_int_equal(upper_files_load(&p->files), EXIT_FAILED);
	assert_non_null(strstr(said, text));
	assert_int_equal(size_of(p->data), bytes);
	free_pair(p);
}

static void a_sealed_layer_is_refused(void **state)
{
	struct pair p;
	u64 bytes;

	(void)state;
	bytes = make_sealed(&p);
	check_refused(&p, bytes, "ends as a sealed layer does: list it");
}

/* A device has gone on to write to it: a discard takes no data. */
static void what_was_written_after_sealing_is_not_lost(void **state)
{
	struct lsmt_entry e;
	struct pair p;
	u64 bytes;

	(void)state;
	bytes = make_sealed(&p);
	obd_log_entry(&e, 0, UPPER_MODEL_SECTORS, 0, 0);
	assert_int_equal(pwrite(p.index, &e, sizeof(e), p.index_bytes),
			 sizeof(e));
	check_refused(&p, bytes, "seal it again");
}

static void set_header(int fd, struct lsmt_header *h)
{
	assert_int_equal(pwrite(fd, h, sizeof(*h), 0), sizeof(*h));
}

/* The index of a sparse layer says nothing; that of another says a lot. */
static void a_sparse_layer_takes_its_own_index_only(void **state)
{
	u64 seed = test_seed();
	struct lsmt_header h;
	struct pair p;

	(void)state;
	make_pair(&p, &seed, 50);
	h = p.model.data_header;
	h.flags |= cpu_to_le32(LSMT_FLAG_SPARSE);
	h.uuid[0] ^= 1;
	set_header(p.data, &h);
	assert_int_equal(open_pair(&p, true), EXIT_OK);
	assert_int_equal(upper_files_load(&p.files), EXIT_INVALID);
	assert_non_null(strstr(said, "not that of the data"));
	check_content(&p);
	upper_files_close(&p.files);
	h.uuid[0] ^= 1;
	set_header(p.data, &h);
	load_pair(&p);
	assert_true(p.files.converted);
	upper_files_close(&p.files);
	load_pair(&p);
	assert_false(p.files.converted);
	free_pair(&p);
}

static void what_is_no_file_is_refused(void **state)
{
	u64 seed = test_seed();
	struct pair p;

	(void)state;
	make_pair(&p, &seed, 1);
	snprintf(p.data_path, PATH_SIZE, "/dev/null");
	assert_int_equal(open_pair(&p, true), EXIT_FAILED);
	assert_string_equal(said, "upper (/dev/null): neither a file nor a block device");
	upper_files_close(&p.files);
	snprintf(p.data_path, PATH_SIZE, "/nowhere/data");
	assert_int_equal(open_pair(&p, true), EXIT_FAILED);
	assert_non_null(strstr(said, "upper (/nowhere/data): cannot open it"));
	free_pair(&p);
}

static void readers_do_not_mind_each_other(void **state)
{
	u64 seed = test_seed();
	struct upper_files other;
	struct pair p;

	(void)state;
	make_pair(&p, &seed, 10);
	assert_int_equal(open_pair(&p, false), EXIT_OK);
	assert_int_equal(upper_files_load(&p.files), EXIT_OK);
	assert_int_equal(upper_files_open(&other, p.data_path, p.index_path,
					  false), EXIT_OK);
	assert_int_equal(upper_files_load(&other), EXIT_OK);
	upper_files_close(&other);
	free_pair(&p);
}

/* A child has the file, and lets go of it a little later. */
static void a_writer_is_waited_for(void **state)
{
	u64 seed = test_seed();
	struct pair p;
	int go[2], gone;
	char c;

	(void)state;
	make_pair(&p, &seed, 10);
	assert_int_equal(pipe(go), 0);
	if (!fork()) {
		load_pair(&p);
		if (write(go[1], "", 1) != 1)
			_exit(1);
		usleep(100000);
		_exit(write(go[1], "", 1) != 1);
	}
	assert_int_equal(read(go[0], &c, 1), 1);
	assert_int_equal(open_pair(&p, true), EXIT_OK);
	assert_int_equal(fcntl(go[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(read(go[0], &c, 1), -1);
	assert_int_equal(upper_files_load(&p.files), EXIT_OK);
	assert_int_equal(read(go[0], &c, 1), 1);
	wait(&gone);
	assert_int_equal(gone, 0);
	close(go[0]);
	close(go[1]);
	free_pair(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_cut_to_what_is_used),
		cmocka_unit_test(cutting_may_be_interrupted),
		cmocka_unit_test(the_larger_size_wins),
		cmocka_unit_test(files_are_extended_by_holes),
		cmocka_unit_test(a_limit_of_length_is_lived_with),
		cmocka_unit_test(capacities_are_within_bounds),
		cmocka_unit_test(a_sealed_layer_is_refused),
		cmocka_unit_test(what_was_written_after_sealing_is_not_lost),
		cmocka_unit_test(a_sparse_layer_takes_its_own_index_only),
		cmocka_unit_test(what_is_no_file_is_refused),
		cmocka_unit_test(readers_do_not_mind_each_other),
		cmocka_unit_test(a_writer_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
