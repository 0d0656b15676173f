// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compares how long it takes to read trees of files that hold the same: all
 * files in the order of the directories, as tar does, or what a trace says. A
 * trace may also be read from block devices, past the page cache.
 *
 * With a file of bench-walk all files are read in the kernel, without system calls.
 *
 * The sides take turns, round after round. The first round is not counted: it
 * checks that all sides gave the same bytes. Cold means that before every run
 * the kernel's caches are dropped, and the module's emptied; hot, that the same
 * run went just before.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "turns.h"

#define NSEC_PER_SEC	1000000000ULL
#define MAX_SIDES	20
#define MAX_ROUNDS	1000U
#define MAX_OPEN_DIRS	32
#define READ_MAX	(128 << 10)
#define ALIGNMENT	4096

/* A line of a trace: "offset length path". */
struct entry {
	off_t offset;
	size_t length;
	char path[256];
};

struct side {
	const char *label;
	const char *path;
	bool device;
	uint64_t *nsec;		/* [round] */
};

struct options {
	const char *group;
	const char *name;
	const char *cache;	/* a parameter: its megabytes, 0 empties it */
	char cache_size[32];
	int clock;		/* of the benchmark modules, or -1 */
	const char *walker;	/* of bench-walk */
	unsigned int rounds;
	bool hot;
};

/* What a run read; sum does not depend on the order of files. */
struct total {
	uint64_t bytes;
	uint64_t reads;
	uint64_t sum;
};

static struct entry *trace;
static size_t trace_len;
static struct total total;
static bool summing;
static char *buffer;

static void die(const char *what)
{
	fprintf(stderr, "files: %s: %s\n", what, strerror(errno));
	exit(1);
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

static uint64_t now(const struct options *o)
{
	struct timespec t;

	if (o->clock >= 0)
		return read_number(o->clock, "clock");
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0 || close(fd))
		die(path);
}

static void make_cold(const struct options *o)
{
	write_text("/proc/sys/vm/drop_caches", "3");
	if (!o->cache)
		return;
	write_text(o->cache, "0");
	write_text(o->cache, o->cache_size);
}

static uint64_t sum_of(const char *data, size_t len)
{
	uint64_t sum = 0xcbf29ce484222325ULL, word;
	size_t i;

	for (i = 0; i + sizeof(word) <= len; i += sizeof(word)) {
		memcpy(&word, data + i, sizeof(word));
		sum = (sum ^ word) * 0x100000001b3ULL;
	}
	for (; i < len; i++)
		sum = (sum ^ (unsigned char)data[i]) * 0x100000001b3ULL;
	return sum;
}

/* Returns false at the end of the file. */
static bool read_piece(int fd, size_t len, off_t offset, const char *path)
{
	ssize_t n = pread(fd, buffer, len, offset);

	if (n < 0)
		die(path);
	total.reads++;
	total.bytes += (uint64_t)n;
	if (summing)
		total.sum += sum_of(buffer, (size_t)n) *
			     ((uint64_t)offset + 1);
	return n == (ssize_t)len;
}

static int visit(const char *path, const struct stat *st, int type,
		 struct FTW *ftw)
{
	off_t offset = 0;
	int fd;

	(void)st;
	(void)ftw;
	if (type != FTW_F)
		return 0;
	fd = open(path, O_RDONLY);
	if (fd < 0)
		die(path);
	while (read_piece(fd, READ_MAX, offset, path))
		offset += READ_MAX;
	close(fd);
	return 0;
}

static void read_entry(int fd, const struct entry *e)
{
	size_t done, n;

	for (done = 0; done < e->length; done += n) {
		n = e->length - done < READ_MAX ? e->length - done : READ_MAX;
		read_piece(fd, n, e->offset + (off_t)done, e->path);
	}
}

/* A file stays open for as long as the trace stays with it. */
static void replay_files(const struct side *side)
{
	char path[4096];
	int fd = -1;
	size_t i;

	for (i = 0; i < trace_len; i++) {
		if (!i || strcmp(trace[i].path, trace[i - 1].path)) {
			if (fd >= 0)
				close(fd);
			snprintf(path, sizeof(path), "%s/%s", side->path,
				 trace[i].path);
			fd = open(path, O_RDONLY);
			if (fd < 0)
				die(path);
		}
		read_entry(fd, &trace[i]);
	}
	close(fd);
}

static void replay_device(const struct side *side)
{
	int fd = open(side->path, O_RDONLY | O_DIRECT);
	size_t i;

	if (fd < 0)
		die(side->path);
	for (i = 0; i < trace_len; i++)
		read_entry(fd, &trace[i]);
	close(fd);
}

static void run_once(const struct side *side)
{
	total = (struct total) {};
	if (side->device)
		replay_device(side);
	else if (trace)
		replay_files(side);
	else if (nftw(side->path, visit, MAX_OPEN_DIRS, FTW_PHYS))
		die(side->path);
}

/* The bytes of the program's walk, which checked them, are those of all others. */
static uint64_t walk_in_kernel(const struct options *o, const struct side *side)
{
	uint64_t nsec = 0, bytes = 0;
	FILE *f;

	write_text(o->walker, side->path);
	f = fopen(o->walker, "r");
	if (!f || fscanf(f, "%" SCNu64 " %" SCNu64, &nsec, &bytes) != 2)
		die(o->walker);
	fclose(f);
	if (bytes == total.bytes)
		return nsec;
	fprintf(stderr, "files: %s: the kernel read %" PRIu64 " bytes of %"
		PRIu64 "\n", side->path, bytes, total.bytes);
	exit(1);
}

static uint64_t time_run(const struct options *o, const struct side *side)
{
	uint64_t begin;

	if (o->hot)
		run_once(side);
	else
		make_cold(o);
	if (o->walker)
		return walk_in_kernel(o, side);
	begin = now(o);
	run_once(side);
	return now(o) - begin;
}

static void check_sides(struct side *sides, int nr)
{
	struct total first = {};
	int i;

	summing = true;
	for (i = 0; i < nr; i++) {
		run_once(&sides[i]);
		if (!i)
			first = total;
		if (total.bytes != first.bytes || total.sum != first.sum) {
			fprintf(stderr, "files: %s and %s differ\n",
				sides[0].label, sides[i].label);
			exit(1);
		}
	}
	summing = false;
}

static void run(const struct options *o, struct side *sides, int nr)
{
	unsigned int order[MAX_SIDES], round;
	int i;

	check_sides(sides, nr);
	for (round = 0; round < o->rounds; round++) {
		take_turns(order, (unsigned int)nr, o->name, round);
		for (i = 0; i < nr; i++)
			sides[order[i]].nsec[round] =
				time_run(o, &sides[order[i]]);
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void report(const struct options *o, struct side *sides, int nr)
{
	int i;

	printf("{\"group\": \"%s\", \"case\": \"%s\", \"unit\": \"ms\", ",
	       o->group, o->name);
	printf("\"bytes\": %" PRIu64 ", \"reads\": %" PRIu64 ", ",
	       total.bytes, total.reads);
	printf("\"rounds\": %u, \"sides\": {", o->rounds);
	for (i = 0; i < nr; i++) {
		uint64_t *t = sides[i].nsec;

		qsort(t, o->rounds, sizeof(*t), compare);
		printf("%s\"%s\": [%.2f, %.2f]", i ? ", " : "",
		       sides[i].label, (double)t[o->rounds / 2] / 1e6,
		       (double)t[0] / 1e6);
	}
	puts("}}");
}

static void usage(void)
{
	fputs("Usage: files [OPTION...] LABEL=PATH...\n"
	      "\n"
	      "Read directories, or block devices by a trace, by turns, and print as JSON how\n"
	      "many milliseconds each takes: the median, and the best.\n"
	      "\n"
	      "  -g, --group NAME   what it belongs to\n"
	      "  -n, --name NAME    what to call it\n"
	      "  -t, --trace FILE   what to read: lines of \"offset length path\"\n"
	      "  -h, --hot          read once before; otherwise caches are dropped\n"
	      "  -c, --rounds N     runs of each (default 5)\n"
	      "  -e, --empty FILE   a cache's size: set to 0 and back to be cold\n"
	      "  -k, --clock FILE   where to read nanoseconds from\n"
	      "  -w, --walker FILE  have the kernel read all files: a file of bench-walk\n",
	      stderr);
	exit(2);
}

static void trace_load(const char *path)
{
	FILE *f = fopen(path, "r");
	struct entry e;

	if (!f)
		die(path);
	while (fscanf(f, "%" SCNd64 " %zu %255s", &e.offset, &e.length,
		      e.path) == 3) {
		trace = realloc(trace, (trace_len + 1) * sizeof(*trace));
		if (!trace)
			die("trace");
		trace[trace_len++] = e;
	}
	fclose(f);
	if (!trace_len) {
		fprintf(stderr, "files: %s: no trace\n", path);
		exit(1);
	}
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
	case 't':
		trace_load(optarg);
		break;
	case 'h':
		o->hot = true;
		break;
	case 'c':
		o->rounds = (unsigned int)strtoul(optarg, NULL, 10);
		break;
	case 'e':
		cache_open(o, optarg);
		break;
	case 'k':
		o->clock = open(optarg, O_RDONLY);
		if (o->clock < 0)
			die(optarg);
		break;
	case 'w':
		o->walker = optarg;
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
		{ "trace", required_argument, NULL, 't' },
		{ "hot", no_argument, NULL, 'h' },
		{ "rounds", required_argument, NULL, 'c' },
		{ "empty", required_argument, NULL, 'e' },
		{ "clock", required_argument, NULL, 'k' },
		{ "walker", required_argument, NULL, 'w' },
		{}
	};
	int c;

	while ((c = getopt_long(argc, argv, "g:n:t:hc:e:k:w:", longs,
				NULL)) >= 0)
		parse_option(o, c);
	if (argc == optind || argc - optind > MAX_SIDES || !o->rounds ||
	    o->rounds > MAX_ROUNDS)
		usage();
}

static void side_open(const struct options *o, struct side *side, char *arg)
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
	if (side->device && !trace)
		usage();
	side->nsec = calloc(o->rounds, sizeof(*side->nsec));
	if (!side->nsec)
		die("times");
}

int main(int argc, char **argv)
{
	static struct side sides[MAX_SIDES];
	struct options o = {
		.group = "", .name = "", .rounds = 5, .clock = -1,
	};
	int i, nr;

	parse_options(&o, argc, argv);
	if (posix_memalign((void **)&buffer, ALIGNMENT, READ_MAX))
		die("buffer");
	nr = argc - optind;
	for (i = 0; i < nr; i++)
		side_open(&o, &sides[i], argv[optind + i]);
	run(&o, sides, nr);
	report(&o, sides, nr);
	return 0;
}
