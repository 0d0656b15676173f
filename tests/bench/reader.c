// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compares how fast devices are read, on a machine that others use, too.
 *
 * The work is cut into pieces of a millisecond or so. Every piece is done on
 * one device after the other, in one process, round after round. Of the times
 * a piece took, the median and the best are summed up over all pieces: the
 * median tells what a user sees, the best what is left when nobody gets in
 * between, which repeats far better.
 *
 * In place of a device there may be a file of the benchmark modules (see
 * module/): one writes to it where the piece begins, reading it does the piece
 * in the kernel, and gives the nanoseconds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "turns.h"

#define NSEC_PER_SEC	1000000000ULL
#define MAX_ROUNDS	1000U
#define MAX_PIECES	1000000U
#define MAX_THREADS	256U
#define MAX_DEPTH	256U
#define MAX_SIDES	12
#define WARM_ROUNDS	2U
#define ALIGNMENT	4096U
#define UNIT		4096.0	/* bytes that times are given for */

struct options {
	const char *group;
	const char *name;
	const char *cache;	/* a parameter: its megabytes, 0 empties it */
	char cache_size[32];
	const char *renew;	/* a command */
	int clock;		/* of the benchmark modules, or -1 */
	unsigned int size;	/* of a read */
	unsigned int reads;	/* that are a thread's part of a piece */
	unsigned int pieces;
	unsigned int threads;
	unsigned int depth;	/* reads that a thread submits at once */
	unsigned int rounds;
	bool random;
	bool drop;
};

struct side {
	const char *label;
	const char *path;
	int fd;
	bool device;
	uint64_t size;
	uint64_t *nsec;		/* [piece][round] */
};

struct thread {
	const struct options *options;
	unsigned int nr;
	pthread_t id;
	aio_context_t aio;
	struct iocb cbs[MAX_DEPTH];
	char *buf;
};

/* What the threads do next; NULL: nothing more. */
static const struct side *job_side;
static unsigned int job_piece;
static pthread_barrier_t job_begin, job_end;

static void die(const char *what)
{
	fprintf(stderr, "reader: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void usage(void)
{
	fputs("Usage: reader [OPTION...] LABEL=PATH...\n"
	      "\n"
	      "Read block devices by turns, and print as JSON what 4 KiB cost: the sum of\n"
	      "medians, and of the best. Any may be a file of the benchmark modules instead.\n"
	      "\n"
	      "  -g, --group NAME    what it belongs to\n"
	      "  -n, --name NAME     what to call it\n"
	      "  -s, --size BYTES    of a read (default 4096)\n"
	      "  -r, --random        in random order, not from the beginning to the end\n"
	      "  -b, --reads N       that a thread does for one piece (default 1)\n"
	      "  -p, --pieces N      pieces (default: the whole device once)\n"
	      "  -c, --rounds N      how often each piece is done (default 9)\n"
	      "  -t, --threads N     threads (default 1)\n"
	      "  -d, --depth N       reads a thread submits at once, by io_submit(2)\n"
	      "  -e, --empty FILE    before every piece set this cache's size to 0 and back\n"
	      "  -D, --drop          before every piece drop the kernel's caches\n"
	      "  -k, --clock FILE    where to read nanoseconds from\n"
	      "  -R, --renew COMMAND run it before every round\n",
	      stderr);
	exit(2);
}

static uint64_t read_number(int fd, const char *path)
{
	char text[64];
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);

	if (len <= 0)
		die(path);
	text[len] = '\0';
	return strtoull(text, NULL, 10);
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0 || close(fd))
		die(path);
}

/* Dropping the kernel's caches leaves it work to do while time is taken. */
static void make_cold(const struct options *o)
{
	if (o->drop)
		write_text("/proc/sys/vm/drop_caches", "3");
	if (!o->cache)
		return;
	write_text(o->cache, "0");
	write_text(o->cache, o->cache_size);
}

static uint64_t now(const struct options *o)
{
	struct timespec t;

	if (o->clock >= 0)
		return read_number(o->clock, "clock");

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

/* Where the @i-th read of the thread's part of a piece begins. */
static uint64_t read_offset(const struct thread *t, const struct side *side,
			    unsigned int piece, unsigned int i)
{
	const struct options *o = t->options;
	uint64_t part = (uint64_t)piece * o->threads + t->nr;
	uint64_t n = part * o->reads + i;

	if (o->random)
		n = mix(n + 1);
	return n % (side->size / o->size) * o->size;
}

static void read_alone(struct thread *t, const struct side *side,
		       unsigned int piece)
{
	const struct options *o = t->options;
	unsigned int i;

	for (i = 0; i < o->reads; i++) {
		uint64_t offset = read_offset(t, side, piece, i);

		if (pread(side->fd, t->buf, o->size, (off_t)offset) !=
		    (ssize_t)o->size)
			die(side->path);
	}
}

static void submit(struct thread *t, const struct side *side,
		   unsigned int piece, unsigned int first, long nr)
{
	struct iocb *list[MAX_DEPTH];
	long i;

	for (i = 0; i < nr; i++) {
		list[i] = &t->cbs[i];
		list[i]->aio_fildes = (uint32_t)side->fd;
		list[i]->aio_offset = (int64_t)read_offset(t, side, piece,
							   first + i);
	}
	if (syscall(SYS_io_submit, t->aio, nr, list) != nr)
		die("io_submit");
}

static void reap(struct thread *t, const struct side *side, long nr)
{
	struct io_event events[MAX_DEPTH];
	long i;

	if (syscall(SYS_io_getevents, t->aio, nr, nr, events, NULL) != nr)
		die("io_getevents");
	for (i = 0; i < nr; i++)
		if (events[i].res != (int64_t)t->options->size)
			die(side->path);
}

/* One call submits a batch, another one awaits all of it. */
static void read_batches(struct thread *t, const struct side *side,
			 unsigned int piece)
{
	const struct options *o = t->options;
	unsigned int i;

	for (i = 0; i < o->reads; i += o->depth) {
		unsigned int nr = o->reads - i < o->depth ? o->reads - i :
							    o->depth;

		submit(t, side, piece, i, nr);
		reap(t, side, nr);
	}
}

static void do_part(struct thread *t, const struct side *side,
		    unsigned int piece)
{
	if (t->options->depth > 1)
		read_batches(t, side, piece);
	else
		read_alone(t, side, piece);
}

static void *thread_main(void *arg)
{
	for (;;) {
		pthread_barrier_wait(&job_begin);
		if (!job_side)
			return NULL;
		do_part(arg, job_side, job_piece);
		pthread_barrier_wait(&job_end);
	}
}

static void thread_init(struct thread *t, const struct options *o,
			unsigned int nr)
{
	size_t bytes = (size_t)o->size * o->depth;
	unsigned int i;

	t->options = o;
	t->nr = nr;
	if (posix_memalign((void **)&t->buf, ALIGNMENT, bytes))
		die("buffer");
	memset(t->buf, 1, bytes);
	if (o->depth > 1 && syscall(SYS_io_setup, o->depth, &t->aio))
		die("io_setup");
	for (i = 0; i < o->depth; i++) {
		t->cbs[i].aio_lio_opcode = IOCB_CMD_PREAD;
		t->cbs[i].aio_buf = (uintptr_t)t->buf + (size_t)i * o->size;
		t->cbs[i].aio_nbytes = o->size;
	}
	/* The first is the main thread. */
	if (nr && pthread_create(&t->id, NULL, thread_main, t))
		die("thread");
}

/* Nanoseconds that all threads take for a piece of a device. */
static uint64_t time_device(struct thread *threads, const struct options *o,
			    const struct side *side, unsigned int piece)
{
	uint64_t begin;

	if (o->threads == 1) {
		begin = now(o);
		do_part(threads, side, piece);
		return now(o) - begin;
	}
	job_side = side;
	job_piece = piece;
	begin = now(o);
	pthread_barrier_wait(&job_begin);
	do_part(threads, side, piece);
	pthread_barrier_wait(&job_end);
	return now(o) - begin;
}

/* Nanoseconds that a module says it takes for the same piece. */
static uint64_t time_module(const struct options *o, const struct side *side,
			    unsigned int piece)
{
	uint64_t bytes = (uint64_t)o->size * o->reads * o->threads;
	char text[64];
	int len;

	len = snprintf(text, sizeof(text), "%" PRIu64, piece * bytes);
	if (write(side->fd, text, (size_t)len) != len)
		die(side->path);
	return read_number(side->fd, side->path);
}

static uint64_t time_piece(struct thread *threads, const struct options *o,
			   const struct side *side, unsigned int piece)
{
	make_cold(o);
	if (side->device)
		return time_device(threads, o, side, piece);
	return time_module(o, side, piece);
}

/* LABEL=PATH */
static void side_open(struct side *side, char *arg)
{
	char *path = strchr(arg, '=');
	struct stat st;

	if (!path)
		usage();
	*path++ = '\0';
	side->label = arg;
	side->path = path;
	if (stat(path, &st))
		die(path);
	side->device = S_ISBLK(st.st_mode);
	side->fd = open(path, side->device ? O_RDONLY | O_DIRECT : O_RDWR);
	if (side->fd < 0)
		die(path);
	side->size = UINT64_MAX;
	if (side->device && ioctl(side->fd, BLKGETSIZE64, &side->size))
		die(path);
}

static void side_prepare(struct side *side, const struct options *o,
			 uint64_t size)
{
	side->size = size;
	side->nsec = calloc((size_t)o->pieces * o->rounds,
			    sizeof(*side->nsec));
	if (!side->nsec)
		die("times");
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Sorts the times of every piece: afterwards rank 0 is the best. */
static void sort_times(const struct options *o, struct side *side)
{
	unsigned int i;

	for (i = 0; i < o->pieces; i++)
		qsort(side->nsec + (size_t)i * o->rounds, o->rounds,
		      sizeof(*side->nsec), compare);
}

/* Nanoseconds for a unit, of the times of one rank. */
static double cost(const struct options *o, const struct side *side,
		   unsigned int rank)
{
	double bytes = (double)o->size * o->reads * o->threads * o->pieces;
	double nsec = 0;
	unsigned int i;

	for (i = 0; i < o->pieces; i++)
		nsec += (double)side->nsec[(size_t)i * o->rounds + rank];
	return nsec / bytes * UNIT;
}

static void report(const struct options *o, struct side *sides, int nr)
{
	int i;

	printf("{\"group\": \"%s\", \"case\": \"%s\", \"unit\": \"ns/4KiB\", ",
	       o->group, o->name);
	printf("\"pieces\": %u, \"rounds\": %u, \"sides\": {", o->pieces,
	       o->rounds);
	for (i = 0; i < nr; i++) {
		sort_times(o, &sides[i]);
		printf("%s\"%s\": [%.1f, %.1f]", i ? ", " : "",
		       sides[i].label, cost(o, &sides[i], o->rounds / 2),
		       cost(o, &sides[i], 0));
	}
	puts("}}");
}

static void renew(const struct options *o)
{
	if (!o->renew || !system(o->renew))
		return;
	fprintf(stderr, "reader: %s has failed\n", o->renew);
	exit(1);
}

static void run_piece(const struct options *o, struct thread *threads,
		      struct side *sides, unsigned int nr, unsigned int round,
		      unsigned int piece)
{
	unsigned int order[MAX_SIDES], i;

	take_turns(order, nr, o->name, (uint64_t)round * o->pieces + piece);
	for (i = 0; i < nr; i++) {
		struct side *s = &sides[order[i]];
		uint64_t t = time_piece(threads, o, s, piece);

		if (round >= WARM_ROUNDS)
			s->nsec[(size_t)piece * o->rounds + round -
				WARM_ROUNDS] = t;
	}
}

/*
 * The first rounds warm up: there are caches that let in what comes again, not
 * what comes once.
 */
static void run(const struct options *o, struct thread *threads,
		struct side *sides, int nr)
{
	unsigned int round, piece;

	for (round = 0; round < o->rounds + WARM_ROUNDS; round++) {
		renew(o);
		for (piece = 0; piece < o->pieces; piece++)
			run_piece(o, threads, sides, (unsigned int)nr, round,
				  piece);
	}
}

static void stop_threads(const struct options *o, struct thread *threads)
{
	unsigned int i;

	job_side = NULL;
	pthread_barrier_wait(&job_begin);
	for (i = 1; i < o->threads; i++)
		pthread_join(threads[i].id, NULL);
}

static unsigned int number(const char *text, unsigned int max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end || end == text || !n || n > max) {
		fprintf(stderr, "reader: %s is not a number from 1 to %u\n",
			text, max);
		exit(2);
	}
	return (unsigned int)n;
}

/* A module without a cache has nothing to empty. */
static void cache_open(struct options *o, const char *path)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return;
	snprintf(o->cache_size, sizeof(o->cache_size), "%" PRIu64,
		 read_number(fd, path));
	close(fd);
	o->cache = path;
}

static void parse_option(struct options *o, int c)
{
	switch (c) {
	case 'g':
		o->group = optarg;
		break;
	case 'n':
		o->name = optarg;
		break;
	case 'e':
		cache_open(o, optarg);
		break;
	case 'k':
		o->clock = open(optarg, O_RDONLY);
		if (o->clock < 0)
			die(optarg);
		break;
	case 's':
		o->size = number(optarg, 1U << 30);
		break;
	case 'r':
		o->random = true;
		break;
	case 'b':
		o->reads = number(optarg, MAX_PIECES);
		break;
	case 'p':
		o->pieces = number(optarg, MAX_PIECES);
		break;
	case 'c':
		o->rounds = number(optarg, MAX_ROUNDS);
		break;
	case 't':
		o->threads = number(optarg, MAX_THREADS);
		break;
	case 'd':
		o->depth = number(optarg, MAX_DEPTH);
		break;
	case 'D':
		o->drop = true;
		break;
	case 'R':
		o->renew = optarg;
		break;
	default:
		usage();
	}
}

static void parse_options(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "group", required_argument, NULL, 'g' },
		{ "name", required_argument, NULL, 'n' },
		{ "size", required_argument, NULL, 's' },
		{ "random", no_argument, NULL, 'r' },
		{ "reads", required_argument, NULL, 'b' },
		{ "pieces", required_argument, NULL, 'p' },
		{ "rounds", required_argument, NULL, 'c' },
		{ "threads", required_argument, NULL, 't' },
		{ "depth", required_argument, NULL, 'd' },
		{ "empty", required_argument, NULL, 'e' },
		{ "drop", no_argument, NULL, 'D' },
		{ "clock", required_argument, NULL, 'k' },
		{ "renew", required_argument, NULL, 'R' },
		{}
	};
	int c;

	while ((c = getopt_long(argc, argv, "g:n:s:rb:p:c:t:d:e:Dk:R:", longs,
				NULL)) >= 0)
		parse_option(o, c);
	if (argc == optind || argc - optind > MAX_SIDES)
		usage();
}

/* All sides end where the smallest does. */
static void prepare(struct options *o, struct side *sides, int nr)
{
	uint64_t piece = (uint64_t)o->size * o->reads * o->threads;
	uint64_t size = UINT64_MAX;
	int i;

	for (i = 0; i < nr; i++)
		size = sides[i].size < size ? sides[i].size : size;
	if (!o->pieces)
		o->pieces = (unsigned int)(size / piece);
	if (!o->pieces || o->size > size) {
		fputs("reader: the devices are smaller than a piece\n", stderr);
		exit(2);
	}
	for (i = 0; i < nr; i++)
		side_prepare(&sides[i], o, size);
}

int main(int argc, char **argv)
{
	static struct thread threads[MAX_THREADS];
	static struct side sides[MAX_SIDES];
	struct options o = {
		.group = "", .name = "", .size = 4096, .reads = 1,
		.rounds = 9, .threads = 1, .depth = 1, .clock = -1,
	};
	unsigned int i;
	int nr;

	parse_options(&o, argc, argv);
	nr = argc - optind;
	for (i = 0; i < (unsigned int)nr; i++)
		side_open(&sides[i], argv[optind + (int)i]);
	prepare(&o, sides, nr);
	pthread_barrier_init(&job_begin, NULL, o.threads);
	pthread_barrier_init(&job_end, NULL, o.threads);
	for (i = 0; i < o.threads; i++)
		thread_init(&threads[i], &o, i);
	run(&o, threads, sides, nr);
	stop_threads(&o, threads);
	report(&o, sides, nr);
	return 0;
}
