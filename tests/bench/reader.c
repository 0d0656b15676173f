// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compares how fast two devices are read, on a machine that others use, too.
 *
 * The work is cut into pieces of a millisecond or so. Every piece is done on
 * one device and then on the other, in one process, round after round. Of the
 * times a piece took, the median and the best are summed up over all pieces:
 * the median tells what a user sees, the best what is left when nobody gets in
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

#define NSEC_PER_SEC	1000000000ULL
#define MAX_ROUNDS	1000U
#define MAX_PIECES	1000000U
#define MAX_THREADS	256U
#define MAX_DEPTH	256U
#define ALIGNMENT	4096U

struct options {
	const char *name;
	unsigned int size;	/* of a read */
	unsigned int reads;	/* that are a thread's part of a piece */
	unsigned int pieces;
	unsigned int threads;
	unsigned int depth;	/* reads that a thread submits at once */
	unsigned int rounds;
	bool random;
};

struct side {
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

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

/* SplitMix64: the same for the same piece in every round, and cheap. */
static uint64_t mix(uint64_t n)
{
	n *= 0x9e3779b97f4a7c15ULL;
	n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9ULL;
	n = (n ^ n >> 27) * 0x94d049bb133111ebULL;
	return n ^ n >> 31;
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
		begin = now();
		do_part(threads, side, piece);
		return now() - begin;
	}
	job_side = side;
	job_piece = piece;
	begin = now();
	pthread_barrier_wait(&job_begin);
	do_part(threads, side, piece);
	pthread_barrier_wait(&job_end);
	return now() - begin;
}

/* Nanoseconds that a module says it takes for the same piece. */
static uint64_t time_module(const struct options *o, const struct side *side,
			    unsigned int piece)
{
	uint64_t bytes = (uint64_t)o->size * o->reads * o->threads;
	char text[64];
	ssize_t len;

	len = snprintf(text, sizeof(text), "%" PRIu64, piece * bytes);
	if (write(side->fd, text, (size_t)len) != len)
		die(side->path);
	len = pread(side->fd, text, sizeof(text) - 1, 0);
	if (len <= 0)
		die(side->path);
	text[len] = '\0';
	return strtoull(text, NULL, 10);
}

static uint64_t time_piece(struct thread *threads, const struct options *o,
			   const struct side *side, unsigned int piece)
{
	if (side->device)
		return time_device(threads, o, side, piece);
	return time_module(o, side, piece);
}

static void side_open(struct side *side, const char *path)
{
	struct stat st;

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

/* Bytes a second, of the times of one rank. */
static double rate(const struct options *o, const struct side *side,
		   unsigned int rank)
{
	double bytes = (double)o->size * o->reads * o->threads * o->pieces;
	double nsec = 0;
	unsigned int i;

	for (i = 0; i < o->pieces; i++)
		nsec += (double)side->nsec[(size_t)i * o->rounds + rank];
	return bytes * NSEC_PER_SEC / nsec;
}

static void report(const struct options *o, const struct side *a,
		   const struct side *b)
{
	unsigned int middle = o->rounds / 2;

	printf("{\"bench\": \"%s\", \"read_bytes\": %u, \"random\": %s, ",
	       o->name, o->size, o->random ? "true" : "false");
	printf("\"threads\": %u, \"depth\": %u, \"pieces\": %u, ",
	       o->threads, o->depth, o->pieces);
	printf("\"rounds\": %u, \"a_median_mb_s\": %.1f, ",
	       o->rounds, rate(o, a, middle) / 1e6);
	printf("\"b_median_mb_s\": %.1f, \"median_ratio\": %.3f, ",
	       rate(o, b, middle) / 1e6, rate(o, b, middle) /
	       rate(o, a, middle));
	printf("\"a_best_mb_s\": %.1f, \"b_best_mb_s\": %.1f, ",
	       rate(o, a, 0) / 1e6, rate(o, b, 0) / 1e6);
	printf("\"best_ratio\": %.3f}\n", rate(o, b, 0) / rate(o, a, 0));
}

/* Who begins changes with every piece and round. The first round warms up. */
static void run(const struct options *o, struct thread *threads,
		struct side *a, struct side *b)
{
	struct side *sides[] = { a, b };
	unsigned int round, piece, i;

	for (round = 0; round <= o->rounds; round++)
		for (piece = 0; piece < o->pieces; piece++)
			for (i = 0; i < 2; i++) {
				struct side *s = sides[(round + piece + i) % 2];
				uint64_t t = time_piece(threads, o, s, piece);

				if (round)
					s->nsec[(size_t)piece * o->rounds +
						round - 1] = t;
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

static void usage(void)
{
	fputs("Usage: reader [OPTION...] A B\n"
	      "\n"
	      "Read two block devices by turns, and print as JSON how fast B is in\n"
	      "proportion to A. Either may be a file of the benchmark modules instead.\n"
	      "\n"
	      "  -n, --name NAME     what to call it\n"
	      "  -s, --size BYTES    of a read (default 4096)\n"
	      "  -r, --random        in random order, not from the beginning to the end\n"
	      "  -b, --reads N       that a thread does for one piece (default 1)\n"
	      "  -p, --pieces N      pieces (default: the whole device once)\n"
	      "  -c, --rounds N      how often each piece is done (default 9)\n"
	      "  -t, --threads N     threads (default 1)\n"
	      "  -d, --depth N       reads a thread submits at once, by io_submit(2)\n",
	      stderr);
	exit(2);
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

static void parse_option(struct options *o, int c)
{
	switch (c) {
	case 'n':
		o->name = optarg;
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
	default:
		usage();
	}
}

static void parse_options(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "name", required_argument, NULL, 'n' },
		{ "size", required_argument, NULL, 's' },
		{ "random", no_argument, NULL, 'r' },
		{ "reads", required_argument, NULL, 'b' },
		{ "pieces", required_argument, NULL, 'p' },
		{ "rounds", required_argument, NULL, 'c' },
		{ "threads", required_argument, NULL, 't' },
		{ "depth", required_argument, NULL, 'd' },
		{}
	};
	int c;

	while ((c = getopt_long(argc, argv, "n:s:rb:p:c:t:d:", longs,
				NULL)) >= 0)
		parse_option(o, c);
	if (argc - optind != 2)
		usage();
}

/* Both sides end where the smaller one does. */
static void prepare(struct options *o, struct side *a, struct side *b)
{
	uint64_t size = a->size < b->size ? a->size : b->size;
	uint64_t piece = (uint64_t)o->size * o->reads * o->threads;

	if (!o->pieces)
		o->pieces = (unsigned int)(size / piece);
	if (!o->pieces || o->size > size) {
		fputs("reader: the devices are smaller than a piece\n", stderr);
		exit(2);
	}
	side_prepare(a, o, size);
	side_prepare(b, o, size);
}

int main(int argc, char **argv)
{
	static struct thread threads[MAX_THREADS];
	static struct side a, b;
	struct options o = {
		.name = "", .size = 4096, .reads = 1, .rounds = 9,
		.threads = 1, .depth = 1,
	};
	unsigned int i;

	parse_options(&o, argc, argv);
	side_open(&a, argv[optind]);
	side_open(&b, argv[optind + 1]);
	prepare(&o, &a, &b);
	pthread_barrier_init(&job_begin, NULL, o.threads);
	pthread_barrier_init(&job_end, NULL, o.threads);
	for (i = 0; i < o.threads; i++)
		thread_init(&threads[i], &o, i);
	run(&o, threads, &a, &b);
	stop_threads(&o, threads);
	sort_times(&o, &a);
	sort_times(&o, &b);
	report(&o, &a, &b);
	return 0;
}
