// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random operations of several threads on a disk, checked by its model.
 *
 * Threads take turns in two kinds of phases. In an ordered phase each holds
 * what it works on against the others, so that the model always knows what is
 * there. In a race nobody holds anything, and all work on few sectors: then
 * each sector must be from one of the writes that came last in their threads.
 */
#include "run.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ranges.h"

#define MAX_THREADS	64U
#define PAGE_SECTORS	8U
#define ALIGNED		8U	/* sectors that every other operation is aligned to */
#define HOT_SHARE	16U	/* of the disk, that a quarter of all go to */
#define RACE_SECTORS	256U
#define RACE_OPERATIONS	16U	/* of a thread in a race */

struct worker {
	pthread_t thread;
	uint64_t random;
	char *data;
	uint64_t done[OP_KINDS];
	uint64_t sectors;	/* read and written */
	uint64_t errors;
	uint32_t last[RACE_SECTORS];	/* write of each sector in this race */
};

static const struct run_options *opt;
static struct disk *disk;
static struct model *model;
static struct worker workers[MAX_THREADS];
static pthread_barrier_t barrier;
static volatile sig_atomic_t told_to_stop;
static time_t end_time;
static bool stopping;		/* changes between two barriers only */

/* The race; changes between two barriers only. */
static struct {
	uint64_t begin;
	uint32_t count;
	uint32_t first_id;
} race;

void run_stop(int signal)
{
	told_to_stop = 1;
}

static uint64_t random_below(struct worker *w, uint64_t limit)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return (w->random >> 11) % limit;
}

static bool percent(struct worker *w, uint64_t n)
{
	return random_below(w, 100) < n;
}

static enum op_kind random_kind(struct worker *w)
{
	unsigned int sum = 0, n, kind = 0;

	for (n = 0; n < OP_KINDS; n++)
		sum += opt->mix[n];
	n = random_below(w, sum);
	while (n >= opt->mix[kind])
		n -= opt->mix[kind++];
	return kind;
}

/* Small ones are as frequent as large ones. */
static uint32_t random_count(struct worker *w, uint32_t most)
{
	unsigned int bits = 32 - __builtin_clz(most);
	uint32_t count = 1 + random_below(w, 1U << random_below(w, bits));

	return count < most ? count : most;
}

static void random_extent(struct worker *w, struct op *op, uint64_t begin,
			  uint64_t length)
{
	uint32_t most = length < opt->max_sectors ? length : opt->max_sectors;
	uint64_t end = begin + length;

	op->count = random_count(w, most);
	op->sector = begin + random_below(w, length);
	if (random_below(w, 2)) {
		op->sector = (op->sector + ALIGNED - 1) / ALIGNED * ALIGNED;
		op->count = (op->count + ALIGNED - 1) / ALIGNED * ALIGNED;
	}
	if (op->count > most)
		op->count = most;
	if (op->sector + op->count > end)
		op->sector = end - op->count;
}

static bool writes(const struct op *op)
{
	return op->kind != OP_READ && op->kind != OP_FLUSH;
}

static void count(struct worker *w, const struct op *op)
{
	w->done[op->kind]++;
	if (op->kind == OP_READ || op->kind == OP_WRITE)
		w->sectors += op->count;
}

/* Make the content of a write, a few of which are zeros. */
static uint32_t prepare(struct worker *w, const struct op *op)
{
	uint32_t id = ID_ZERO;

	if (op->kind != OP_WRITE)
		return id;
	if (!percent(w, 3))
		id = model_new_id(model);
	model_fill(model, w->data, op->sector, op->count, id);
	return id;
}

static void fail_op(const struct op *op, int error)
{
	errno = -error;
	err(1, "one of the %s: %" PRIu32 " sectors from %" PRIu64 " on",
	    op_names[op->kind], op->count, op->sector);
}

/* What was there, or what was to be there, sector by sector. */
static void adopt(struct worker *w, const struct op *op, uint32_t id)
{
	struct op read = *op;
	const char *at = w->data;
	int r;

	read.kind = OP_READ;
	r = disk_do(disk, &read, w->data);
	if (r)
		fail_op(&read, r);
	for (uint64_t n = op->sector; n < op->sector + op->count; n++) {
		if (model_is(model, at, n, id)) {
			model->ids[n] = id;
		} else if (!model_is(model, at, n, model->ids[n])) {
			model_complain(model, at, n, "what was there before");
			exit(1);
		}
		at += SECTOR_SIZE;
	}
}

static void do_ordered(struct worker *w, const struct op *op)
{
	uint32_t id = prepare(w, op);
	int r = disk_do(disk, op, w->data);

	count(w, op);
	if (r) {
		if (!opt->errors)
			fail_op(op, r);
		w->errors++;
		if (writes(op))
			adopt(w, op, id);
	} else if (writes(op)) {
		model_set(model, op->sector, op->count, id);
	} else if (op->kind == OP_READ &&
		   !model_check(model, w->data, op->sector, op->count)) {
		exit(1);
	}
}

/* Buffered writes write whole pages. */
static void ordered(struct worker *w)
{
	uint64_t unit = opt->buffered ? PAGE_SECTORS : 1;
	struct op op = { .kind = random_kind(w) };
	uint64_t hot = opt->length / HOT_SHARE;
	struct range range;

	if (op.kind == OP_FLUSH) {
		do_ordered(w, &op);
		return;
	}
	random_extent(w, &op, opt->from,
		      hot && percent(w, 25) ? hot : opt->length);
	op.buffered = op.kind <= OP_WRITE && percent(w, opt->buffered);
	op.sync = percent(w, 3);
	range.begin = op.sector / unit * unit;
	range.end = (op.sector + op.count + unit - 1) / unit * unit;
	range.shared = op.kind == OP_READ;
	range_lock(&range);
	do_ordered(w, &op);
	range_unlock(&range);
}

/* During a race a sector is as it was before, or from the race. */
static void check_race_read(const struct worker *w, const struct op *op)
{
	const char *at = w->data;

	for (uint64_t n = op->sector; n < op->sector + op->count; n++) {
		uint32_t id = model_identify(model, at, n);

		if (id == ID_NONE || (id != ID_ZERO && id != model->ids[n] &&
				      id < race.first_id)) {
			model_complain(model, at, n, "a write of the race");
			exit(1);
		}
		at += SECTOR_SIZE;
	}
}

static void race_once(struct worker *w)
{
	struct op op = { .kind = random_kind(w) };
	uint32_t id;
	int r;

	random_extent(w, &op, race.begin, race.count);
	op.sync = percent(w, 3);
	id = prepare(w, &op);
	r = disk_do(disk, &op, w->data);
	if (r)
		fail_op(&op, r);
	count(w, &op);
	if (op.kind == OP_READ)
		check_race_read(w, &op);
	if (!writes(&op))
		return;
	for (uint32_t n = 0; n < op.count; n++)
		w->last[op.sector - race.begin + n] = id;
}

/* Called between two barriers, as are the two below. */
static void begin_race(struct worker *w)
{
	struct op flush = { .kind = OP_FLUSH };

	race.count = random_count(w, RACE_SECTORS);
	if (race.count > opt->length)
		race.count = opt->length;
	race.begin = opt->from +
		     random_below(w, opt->length - race.count + 1);
	race.first_id = model->next_id;
	for (unsigned int n = 0; n < opt->threads; n++)
		memset(workers[n].last, 0xff, sizeof(workers[n].last));
	if (opt->buffered && disk_do(disk, &flush, NULL))
		err(1, "flush before a race");
}

/* The write that has won, or the old content if there was none. */
static uint32_t winner(const char *data, uint32_t n)
{
	uint64_t sector = race.begin + n;
	bool written = false;

	for (unsigned int t = 0; t < opt->threads; t++) {
		uint32_t id = workers[t].last[n];

		written |= id != ID_NONE;
		if (id != ID_NONE && model_is(model, data, sector, id))
			return id;
	}
	if (!written && model_is(model, data, sector, model->ids[sector]))
		return model->ids[sector];
	model_complain(model, data, sector, written ?
		       "the last write of a thread in a race" :
		       "what no thread wrote to in a race");
	exit(1);
}

static void end_race(struct worker *w)
{
	struct op read = {
		.kind = OP_READ, .sector = race.begin, .count = race.count
	};
	int r = disk_do(disk, &read, w->data);

	if (r)
		fail_op(&read, r);
	for (uint32_t n = 0; n < race.count; n++)
		model->ids[race.begin + n] =
			winner(w->data + (size_t)n * SECTOR_SIZE, n);
}

static uint64_t operations_done(void)
{
	uint64_t sum = 0;

	for (unsigned int n = 0; n < opt->threads; n++)
		for (unsigned int kind = 0; kind < OP_KINDS; kind++)
			sum += workers[n].done[kind];
	return sum;
}

static void decide_to_stop(void)
{
	stopping = told_to_stop ||
		   (opt->seconds && time(NULL) >= end_time) ||
		   (opt->operations && operations_done() >= opt->operations);
}

/* The first worker does alone what is to be done between phases. */
static void between(struct worker *w, void (*what)(struct worker *w))
{
	pthread_barrier_wait(&barrier);
	if (w == workers)
		what(w);
	pthread_barrier_wait(&barrier);
}

static void between_rounds(struct worker *w)
{
	decide_to_stop();
	if (!stopping && opt->race)
		begin_race(w);
}

static unsigned int ordered_in_a_round(void)
{
	if (!opt->race)
		return RACE_OPERATIONS;
	return RACE_OPERATIONS * (100 - opt->race) / opt->race;
}

static void *work(void *arg)
{
	struct worker *w = arg;

	for (;;) {
		for (unsigned int n = 0; n < ordered_in_a_round(); n++)
			ordered(w);
		between(w, between_rounds);
		if (stopping)
			return NULL;
		if (!opt->race)
			continue;
		for (unsigned int n = 0; n < RACE_OPERATIONS; n++)
			race_once(w);
		between(w, end_race);
	}
}

static void report(void)
{
	uint64_t sum, errors = 0, sectors = 0;

	printf("model-disk: seed %" PRIu64 ", %" PRIu64 " operations:",
	       opt->seed, operations_done());
	for (unsigned int kind = 0; kind < OP_KINDS; kind++) {
		sum = 0;
		for (unsigned int n = 0; n < opt->threads; n++)
			sum += workers[n].done[kind];
		printf(" %" PRIu64 " %s,", sum, op_names[kind]);
	}
	for (unsigned int n = 0; n < opt->threads; n++) {
		errors += workers[n].errors;
		sectors += workers[n].sectors;
	}
	printf(" %" PRIu64 " MiB, %" PRIu64 " errors\n", sectors >> 11, errors);
}

static uint64_t data_sectors(void)
{
	return opt->max_sectors > RACE_SECTORS ? opt->max_sectors :
	       RACE_SECTORS;
}

static void start_workers(void)
{
	for (unsigned int n = 0; n < opt->threads; n++) {
		struct worker *w = &workers[n];

		w->random = (opt->seed + 1) * 0x9e3779b97f4a7c15ULL ^
			    (n + 1) * 0xbf58476d1ce4e5b9ULL;
		w->data = disk_memory(data_sectors());
		if (pthread_create(&w->thread, NULL, work, w))
			errx(2, "cannot start a thread");
	}
}

void run(const struct run_options *options, struct disk *the_disk,
	 struct model *the_model)
{
	opt = options;
	disk = the_disk;
	model = the_model;
	if (opt->threads < 1 || opt->threads > MAX_THREADS)
		errx(2, "1 to %u threads", MAX_THREADS);
	end_time = time(NULL) + opt->seconds;
	pthread_barrier_init(&barrier, NULL, opt->threads);
	start_workers();
	for (unsigned int n = 0; n < opt->threads; n++)
		pthread_join(workers[n].thread, NULL);
	report();
}

void run_verify(const struct disk *disk, const struct model *model,
		uint64_t from, uint64_t length)
{
	uint32_t most = 2048;
	void *data = disk_memory(most);
	struct op op = { .kind = OP_READ, .sector = from };
	uint64_t end = from + length;
	bool right = true;
	int r;

	for (; op.sector < end; op.sector += op.count) {
		op.count = end - op.sector < most ? end - op.sector : most;
		r = disk_do(disk, &op, data);
		if (r)
			fail_op(&op, r);
		right &= model_check(model, data, op.sector, op.count);
	}
	free(data);
	if (!right)
		exit(1);
}
