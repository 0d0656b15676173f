// SPDX-License-Identifier: GPL-2.0-only
/*
 * Puts a block device under a load whose every sector can be told apart
 * afterwards, and writes down what it did. See usage() below.
 */
#define _GNU_SOURCE
#include "tests/crash/history.h"
#include "tests/crash/mapper.h"

#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/aio_abi.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/unit/test.h"

#define THREADS_MAX	64
#define HOT_SPOTS	16	/* one part of so many gets half of the load */
#define READ_SECTORS	512
#define CUT_OVERLAP	64	/* operations that a cut may have beside it */

struct options {
	const char *device;
	const char *history;
	const char *log;	/* marks go there, or NULL */
	const char *cut_command;
	const char *fill;	/* a file to be made, in place of all that */
	u64 fill_sectors;
	u64 seed;
	u32 threads;
	u32 ops;
	u32 cut_at;		/* operation before which the command is run */
	u32 flush_every;
	u32 max_sectors;
	u32 generation;
	bool discard;
	bool fua;
	bool lone_flushes;
	bool may_fail;
};

struct load {
	const struct options *o;
	struct history history;
	u64 clock;
	u32 next_op;
	u32 failed;
	bool cut;		/* the command has been run */
	pthread_mutex_t flushing;	/* if flushes come one by one */
	int fd;
};

struct worker {
	struct load *load;
	pthread_t thread;
	aio_context_t aio;
	u64 random;
	u8 *buf;
};

static const char usage_text[] =
"Usage: crash-load [OPTION]... DEVICE HISTORY\n"
"       crash-load --fill FILE SECTORS\n"
"\n"
"Writes, discards, zeroes and flushes from several threads, in any mixture and\n"
"at any sector. HISTORY gets what was done. --fill makes a file with the stamps\n"
"of a lower layer and holes between them.\n"
"\n"
"  --seed N         for the choice of operations (default 1)\n"
"  --ops N          how many (default 1000)\n"
"  --threads N      that share them (default 4)\n"
"  --flush-every N  about one operation of so many (default 12)\n"
"  --max-sectors N  of one operation (default 512)\n"
"  --generation N   how many loads the disk has seen, with this (default 1)\n"
"  --log NAME       a device of the target log-writes: after each flush it gets\n"
"                   a mark \"op\" with the number of the operation\n"
"  --cut N COMMAND  before operation N, have a shell run that\n"
"  --no-discard     leave discards out\n"
"  --no-fua         leave FUA writes out\n"
"  --lone-flushes   one after another: when a flush ends, log-writes logs what was\n"
"                   written before it began, which is too late for one that\n"
"                   began behind it and has ended\n"
"  --may-fail       errors are not fatal, but written down\n";

static void usage(FILE *f)
{
	fputs(usage_text, f);
}

static u64 tick(struct load *load)
{
	return __atomic_add_fetch(&load->clock, 1, __ATOMIC_SEQ_CST);
}

/* A FUA write and nothing else: waiting for a synchronous one would flush. */
static ssize_t write_fua(struct worker *w, const struct op *op)
{
	struct iocb io = {
		.aio_fildes = w->load->fd,
		.aio_lio_opcode = IOCB_CMD_PWRITE,
		.aio_buf = (u64)(uintptr_t)w->buf,
		.aio_nbytes = (u64)op->len * SECTOR,
		.aio_offset = op->sector * SECTOR,
		.aio_rw_flags = RWF_DSYNC,
	};
	struct iocb *list = &io;
	struct io_event event;

	if (syscall(SYS_io_submit, w->aio, 1L, &list) != 1)
		return -1;
	if (syscall(SYS_io_getevents, w->aio, 1L, 1L, &event, NULL) != 1)
		die_errno("io_getevents");
	if (event.res < 0)
		errno = -event.res;
	return event.res < 0 ? -1 : event.res;
}

static int do_write(struct worker *w, const struct op *op, u32 nr)
{
	const struct iovec io = { w->buf, (u64)op->len * SECTOR };
	u64 content = history_content(&w->load->history, nr);
	ssize_t done;
	u32 i;

	for (i = 0; i < op->len; i++)
		stamp_make(w->buf + i * SECTOR, op->sector + i, content);
	if (op->flags & OP_FUA && one_in(&w->random, 2))
		done = write_fua(w, op);
	else
		done = pwritev2(w->load->fd, &io, 1, op->sector * SECTOR,
				op->flags & OP_FUA ? RWF_DSYNC : 0);
	if (done == io.iov_len)
		return 0;
	if (done >= 0)
		errno = EIO;
	return -1;
}

static int do_ioctl(struct worker *w, const struct op *op,
		    unsigned long command)
{
	u64 range[2] = { op->sector * SECTOR, (u64)op->len * SECTOR };

	return ioctl(w->load->fd, command, range);
}

static int do_zero(struct worker *w, const struct op *op)
{
	if (one_in(&w->random, 2))
		return do_ioctl(w, op, BLKZEROOUT);
	return fallocate(w->load->fd,
			 FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
			 op->sector * SECTOR, (u64)op->len * SECTOR);
}

static int do_flush(struct worker *w)
{
	struct load *load = w->load;
	int r;

	if (load->o->lone_flushes)
		pthread_mutex_lock(&load->flushing);
	r = one_in(&w->random, 2) ? fsync(load->fd) : fdatasync(load->fd);
	if (load->o->lone_flushes)
		pthread_mutex_unlock(&load->flushing);
	return r;
}

static int do_op(struct worker *w, const struct op *op, u32 nr)
{
	switch (op->type) {
	case OP_WRITE:
		return do_write(w, op, nr);
	case OP_DISCARD:
		return do_ioctl(w, op, BLKDISCARD);
	case OP_ZERO:
		return do_zero(w, op);
	case OP_FLUSH:
		return do_flush(w);
	default:
		return system(w->load->o->cut_command);
	}
}

static u32 choose_length(struct worker *w)
{
	u32 limit = w->load->o->max_sectors;

	switch (random_below(&w->random, 8)) {
	case 0:
		break;
	case 1:
	case 2:
		limit = min(limit, 64U);
		break;
	default:
		limit = min(limit, 8U);
	}
	return 1 + random_below(&w->random, limit);
}

/* The hot spot moves on slowly, so that all parts become old and new. */
static void choose_range(struct worker *w, struct op *op, u32 nr)
{
	u64 sectors = w->load->history.sectors, first = 0, span = sectors;
	u32 spot;

	op->len = choose_length(w);
	if (one_in(&w->random, 2)) {
		spot = (u64)nr * HOT_SPOTS / w->load->o->ops;
		span = sectors / HOT_SPOTS;
		first = spot * span;
	}
	op->sector = first + random_below(&w->random, span);
	op->len = min_t(u64, op->len, sectors - op->sector);
}

static void choose_op(struct worker *w, struct op *op, u32 nr)
{
	const struct options *o = w->load->o;
	u32 n = random_below(&w->random, 100);

	if (o->cut_command && nr == o->cut_at) {
		op->type = OP_CUT;
		return;
	}
	if (one_in(&w->random, o->flush_every)) {
		op->type = OP_FLUSH;
		return;
	}
	choose_range(w, op, nr);
	if (n < 15 && o->discard)
		op->type = OP_DISCARD;
	else if (n < 22)
		op->type = OP_ZERO;
	else if (n < 30 && o->fua)
		op->flags |= OP_FUA;
}

static bool is_promise(const struct op *op)
{
	return op->type == OP_FLUSH || op->flags & OP_FUA;
}

static void run_op(struct worker *w, u32 nr)
{
	struct load *load = w->load;
	struct op *op = &load->history.ops[nr];

	choose_op(w, op, nr);
	op->begin = tick(load);
	if (do_op(w, op, nr)) {
		if (!load->o->may_fail || op->type == OP_CUT)
			die("operation %u, type %u, sectors %" PRIu64 " + %u: %s",
			    nr, op->type, op->sector, op->len, strerror(errno));
		op->flags |= OP_FAILED;
		__atomic_add_fetch(&load->failed, 1, __ATOMIC_RELAXED);
	}
	op->end = tick(load);
	if (op->type == OP_CUT)
		__atomic_store_n(&load->cut, true, __ATOMIC_RELEASE);
	if (load->o->log && is_promise(op) && !(op->flags & OP_FAILED) &&
	    !mapper_mark(load->o->log, "op", nr))
		die("cannot mark the log %s", load->o->log);
}

/* Where starting a program takes long, all would be over before the cut. */
static void wait_for_cut(const struct load *load, u32 nr)
{
	const struct options *o = load->o;

	if (!o->cut_command || nr <= o->cut_at + CUT_OVERLAP)
		return;
	while (!__atomic_load_n(&load->cut, __ATOMIC_ACQUIRE))
		usleep(1000);
}

/*
 * The context of each thread goes before the process does: User Mode Linux
 * complains when its memory is still mapped then.
 */
static void *work(void *arg)
{
	struct worker *w = arg;
	u32 nr;

	for (;;) {
		nr = __atomic_fetch_add(&w->load->next_op, 1, __ATOMIC_RELAXED);
		if (nr >= w->load->o->ops)
			break;
		wait_for_cut(w->load, nr);
		run_op(w, nr);
	}
	syscall(SYS_io_destroy, w->aio);
	return NULL;
}

static void start_worker(struct load *load, struct worker *w, u32 i)
{
	w->load = load;
	w->random = load->o->seed * THREADS_MAX + i;
	w->buf = alloc_direct((size_t)load->o->max_sectors * SECTOR);
	if (syscall(SYS_io_setup, 1, &w->aio))
		die_errno("io_setup");
	if (pthread_create(&w->thread, NULL, work, w))
		die("cannot start a thread");
}

static void read_initial(struct load *load)
{
	u8 *buf = alloc_direct(READ_SECTORS * SECTOR);
	struct history *h = &load->history;
	u64 at, s, stamped;

	for (at = 0; at < h->sectors; at += READ_SECTORS) {
		u64 n = min_t(u64, READ_SECTORS, h->sectors - at);

		if (pread(load->fd, buf, n * SECTOR, at * SECTOR) != n * SECTOR)
			die_errno(load->o->device);
		for (s = at; s < at + n; s++) {
			stamped = s;
			h->initial[s] = stamp_read(buf + (s - at) * SECTOR,
						   &stamped);
			if (h->initial[s] == CONTENT_BROKEN || stamped != s)
				die("sector %" PRIu64 " is not in order before the load",
				    s);
		}
	}
	free(buf);
}

static void run_load(const struct options *o)
{
	struct worker workers[THREADS_MAX] = {};
	struct load load = { .o = o, .flushing = PTHREAD_MUTEX_INITIALIZER };
	u32 i;

	load.fd = open_direct(o->device, O_RDWR);
	history_init(&load.history, device_sectors(load.fd, o->device), o->ops,
		     o->generation);
	if (load.history.sectors < HOT_SPOTS)
		die("%s is too small", o->device);
	read_initial(&load);
	for (i = 0; i < o->threads; i++)
		start_worker(&load, &workers[i], i);
	for (i = 0; i < o->threads; i++)
		pthread_join(workers[i].thread, NULL);
	close(load.fd);
	history_save(&load.history, o->history);
	printf("%u operations, %u failed\n", o->ops, load.failed);
}

/* Stamps and holes, of a few sectors up to many. */
static void fill(const struct options *o)
{
	FILE *f = fopen(o->fill, "we");
	u64 random = o->seed, left = 0, s;
	u8 buf[SECTOR] __attribute__((aligned(8)));
	bool hole = true;

	if (!f)
		die_errno(o->fill);
	for (s = 0; s < o->fill_sectors; s++) {
		if (!left) {
			left = 1 + random_below(&random, 200);
			hole = !hole;
		}
		left--;
		if (hole)
			memset(buf, 0, SECTOR);
		else
			stamp_make(buf, s, CONTENT_LOWER);
		fwrite(buf, SECTOR, 1, f);
	}
	if (ferror(f) | fclose(f))
		die("cannot write %s", o->fill);
}

static const struct option long_options[] = {
	{ "fill", required_argument, NULL, 'F' },
	{ "seed", required_argument, NULL, 's' },
	{ "ops", required_argument, NULL, 'o' },
	{ "threads", required_argument, NULL, 't' },
	{ "flush-every", required_argument, NULL, 'f' },
	{ "max-sectors", required_argument, NULL, 'm' },
	{ "generation", required_argument, NULL, 'g' },
	{ "log", required_argument, NULL, 'l' },
	{ "cut", required_argument, NULL, 'c' },
	{ "no-discard", no_argument, NULL, 'D' },
	{ "no-fua", no_argument, NULL, 'U' },
	{ "lone-flushes", no_argument, NULL, 'L' },
	{ "may-fail", no_argument, NULL, 'e' },
	{ "help", no_argument, NULL, 'h' },
	{}
};

static u32 positive(const char *option, u64 limit)
{
	u64 n = parse_number(option, optarg);

	if (!n || n > limit)
		die("%s wants 1 to %" PRIu64, option, limit);
	return n;
}

static void parse_option(struct options *o, int c, char **argv)
{
	switch (c) {
	case 'F':
		o->fill = optarg;
		break;
	case 's':
		o->seed = parse_number("--seed", optarg);
		break;
	case 'o':
		o->ops = positive("--ops", 1U << 24);
		break;
	case 't':
		o->threads = positive("--threads", THREADS_MAX);
		break;
	case 'f':
		o->flush_every = positive("--flush-every", 1U << 24);
		break;
	case 'm':
		o->max_sectors = positive("--max-sectors", 1U << 16);
		break;
	case 'g':
		o->generation = positive("--generation", 1U << 20);
		break;
	case 'l':
		o->log = optarg;
		break;
	case 'c':
		o->cut_at = parse_number("--cut", optarg);
		o->cut_command = argv[optind++];
		break;
	case 'D':
		o->discard = false;
		break;
	case 'U':
		o->fua = false;
		break;
	case 'L':
		o->lone_flushes = true;
		break;
	case 'e':
		o->may_fail = true;
		break;
	case 'h':
		usage(stdout);
		exit(0);
	default:
		usage(stderr);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct options o = {
		.seed = 1, .ops = 1000, .threads = 4, .flush_every = 12,
		.max_sectors = 512, .generation = 1, .discard = true,
		.fua = true,
	};
	int c;

	/* In order: --cut has two arguments. */
	while ((c = getopt_long(argc, argv, "+", long_options, NULL)) != -1)
		parse_option(&o, c, argv);
	if (argc - optind != (o.fill ? 1 : 2)) {
		usage(stderr);
		return 2;
	}
	if (o.fill) {
		o.fill_sectors = parse_number("SECTORS", argv[optind]);
		fill(&o);
		return 0;
	}
	o.device = argv[optind];
	o.history = argv[optind + 1];
	run_load(&o);
	return 0;
}
