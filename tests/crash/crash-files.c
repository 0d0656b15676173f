// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes files and has them made durable, and checks after a crash that they
 * are whole. See usage() below.
 */
#define _GNU_SOURCE
#include "tests/crash/mapper.h"
#include "tests/crash/util.h"

#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/test.h"

#define MAGIC		0x73656c6966686372ULL
#define EVENTS_MAX	(1U << 20)
#define FILES		24	/* of each thread */
#define THREADS		3
#define SIZE_MAX_WRITE	(48U << 10)
#define SIZE_MAX_FILE	(160U << 10)
#define PATH_SIZE	64

enum event_type {
	EVENT_WRITE,	/* a new file takes the name, in one step */
	EVENT_APPEND,
	EVENT_UNLINK,
};

/* What is done to files, in an order that is certain for each of them. */
struct event {
	u32 file;
	u32 type;
	u32 version;	/* of the content */
	u32 size;	/* of the file, afterwards */
};

struct header {
	u64 magic;
	u64 nr;
};

struct writer {
	pthread_t thread;
	u64 random;
	u32 first_file;
	struct {
		u32 version;
		u32 size;
		bool exists;
	} files[FILES];
};

static const char *log_device;
static struct event *events;
static u32 nr_events, next_event;
static int dir;

static const char usage_text[] =
"Usage: crash-files write [--seed N] [--events N] [--log NAME] DIR HISTORY\n"
"       crash-files check TYPE DEVICE DIR HISTORY MARKS\n"
"\n"
"write: several threads write, append to, replace and remove files in DIR. What\n"
"they fsync is marked \"file\" in the log of NAME, of the target log-writes.\n"
"\n"
"check: mounts DEVICE, a file system of that TYPE, on DIR, and unmounts it. Of\n"
"each file what one of the MARKS (a number in each line) is for must be there, or\n"
"what came later, and be right.\n";

static void usage(FILE *f)
{
	fputs(usage_text, f);
}

static void file_name(char *name, u32 file)
{
	snprintf(name, PATH_SIZE, "file-%u", file);
}

/* Of any part of the content, whatever was read or written before. */
static void make_content(u8 *buf, u32 file, u32 version, u32 from, u32 to)
{
	u32 at;

	for (at = round_down(from, 8); at < to; at += 8) {
		u64 state = (u64)file << 48 ^ (u64)version << 24 ^ at / 8;
		u64 word = random_next(&state);

		memcpy(buf + at, &word, 8);
	}
}

static void write_range(int fd, u32 file, u32 version, u32 from, u32 to)
{
	static __thread u8 buf[SIZE_MAX_FILE + 8];

	make_content(buf, file, version, from, to);
	if (pwrite(fd, buf + from, to - from, from) != to - from)
		die_errno("write");
	if (fsync(fd))
		die_errno("fsync");
}

static void do_write(const struct event *e, bool is_first)
{
	char name[PATH_SIZE], temporary[PATH_SIZE];
	int fd;

	file_name(name, e->file);
	snprintf(temporary, sizeof(temporary), "new-%u", e->file);
	fd = openat(dir, is_first ? name : temporary,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		die_errno("create a file");
	write_range(fd, e->file, e->version, 0, e->size);
	close(fd);
	if (is_first)
		return;
	if (renameat(dir, temporary, dir, name) || fsync(dir))
		die_errno("rename");
}

static void do_append(const struct event *e, u32 from)
{
	char name[PATH_SIZE];
	int fd;

	file_name(name, e->file);
	fd = openat(dir, name, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		die_errno("append");
	write_range(fd, e->file, e->version, from, e->size);
	close(fd);
}

static void do_unlink(const struct event *e)
{
	char name[PATH_SIZE];

	file_name(name, e->file);
	if (unlinkat(dir, name, 0))
		die_errno("unlink");
}

static void choose_event(struct writer *w, struct event *e, u32 i)
{
	u32 size = w->files[i].size, n = random_below(&w->random, 10);

	e->file = w->first_file + i;
	e->version = w->files[i].version;
	if (w->files[i].exists && n < 2) {
		e->type = EVENT_UNLINK;
	} else if (w->files[i].exists && n < 6 &&
		   size + SIZE_MAX_WRITE <= SIZE_MAX_FILE) {
		e->type = EVENT_APPEND;
		e->size = size + 1 + random_below(&w->random, SIZE_MAX_WRITE);
	} else {
		e->type = EVENT_WRITE;
		e->version++;
		e->size = 1 + random_below(&w->random, SIZE_MAX_WRITE);
	}
}

static void run_event(struct writer *w, u32 nr)
{
	u32 i = random_below(&w->random, FILES);
	struct event *e = &events[nr];

	choose_event(w, e, i);
	switch (e->type) {
	case EVENT_WRITE:
		do_write(e, e->version == 1);
		break;
	case EVENT_APPEND:
		do_append(e, w->files[i].size);
		break;
	default:
		do_unlink(e);
	}
	w->files[i].exists = e->type != EVENT_UNLINK;
	w->files[i].version = e->version;
	w->files[i].size = e->size;
	if (log_device && e->type != EVENT_UNLINK &&
	    !mapper_mark(log_device, "file", nr))
		die("cannot mark the log %s", log_device);
}

static void *write_files(void *arg)
{
	struct writer *w = arg;
	u32 nr;

	for (;;) {
		nr = __atomic_fetch_add(&next_event, 1, __ATOMIC_RELAXED);
		if (nr >= nr_events)
			return NULL;
		run_event(w, nr);
	}
}

static void save_events(const char *path)
{
	const struct header header = { MAGIC, nr_events };
	FILE *f = fopen(path, "we");

	if (!f)
		die_errno(path);
	fwrite(&header, sizeof(header), 1, f);
	fwrite(events, sizeof(*events), nr_events, f);
	if (ferror(f) | fclose(f))
		die("cannot write %s", path);
}

static void load_events(const char *path)
{
	u64 size;
	const u8 *p = map_file(path, &size);
	const struct header *header = (const void *)p;

	if (size < sizeof(*header) || header->magic != MAGIC ||
	    header->nr > EVENTS_MAX ||
	    size != sizeof(*header) + header->nr * sizeof(*events))
		die("%s is no history of files", path);
	nr_events = header->nr;
	events = (struct event *)(header + 1);
}

static int cmd_write(const char *path, const char *history, u64 seed)
{
	static struct writer writers[THREADS];
	u32 i;

	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		die_errno(path);
	events = xcalloc(nr_events, sizeof(*events));
	for (i = 0; i < THREADS; i++) {
		writers[i].random = seed * THREADS + i;
		writers[i].first_file = i * FILES;
		if (pthread_create(&writers[i].thread, NULL, write_files,
				   &writers[i]))
			die("cannot start a thread");
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(writers[i].thread, NULL);
	save_events(history);
	return 0;
}

/* Return: does the file begin with what was there after that event? */
static bool matches(const struct event *e, const u8 *data, u32 size)
{
	static u8 wanted[SIZE_MAX_FILE + 8];

	if (e->type == EVENT_UNLINK || size < e->size)
		return false;
	make_content(wanted, e->file, e->version, 0, e->size);
	return !memcmp(data, wanted, e->size);
}

/* Return: its size, or -1 if it is not there. */
static ssize_t read_file(u32 file, u8 *data)
{
	char name[PATH_SIZE];
	ssize_t size;
	int fd;

	file_name(name, file);
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	size = read(fd, data, SIZE_MAX_FILE);
	if (size < 0)
		die_errno(name);
	close(fd);
	return size;
}

static bool check_file(u32 file, const bool *marked)
{
	static u8 data[SIZE_MAX_FILE];
	const struct event *durable = NULL;
	ssize_t size = read_file(file, data);
	bool ok = false;
	u32 i;

	for (i = 0; i < nr_events; i++)
		if (events[i].file == file && marked[i])
			durable = &events[i];
	if (!durable)
		return true;
	for (i = durable - events; i < nr_events && !ok; i++)
		ok = events[i].file == file &&
		     (size < 0 ? events[i].type == EVENT_UNLINK :
				 matches(&events[i], data, size));
	if (!ok)
		printf("  file %u is not as event %zu left it: size %zd, expected %u\n",
		       file, durable - events, size, durable->size);
	return ok;
}

static bool *read_marks(const char *path)
{
	bool *marked = xcalloc(nr_events, sizeof(*marked));
	FILE *f = fopen(path, "re");
	u32 nr;

	if (!f)
		die_errno(path);
	while (fscanf(f, "%u", &nr) == 1) {
		if (nr >= nr_events)
			die("%s: there is no event %u", path, nr);
		marked[nr] = true;
	}
	fclose(f);
	return marked;
}

static int cmd_check(char **argv)
{
	bool *marked;
	bool ok = true;
	u32 file;

	load_events(argv[3]);
	marked = read_marks(argv[4]);
	if (mount(argv[1], argv[2], argv[0], 0, NULL))
		die_errno("mount");
	dir = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		die_errno(argv[2]);
	for (file = 0; file < THREADS * FILES; file++)
		ok &= check_file(file, marked);
	close(dir);
	free(marked);
	if (umount(argv[2]))
		die_errno("umount");
	return !ok;
}

static const struct option long_options[] = {
	{ "seed", required_argument, NULL, 's' },
	{ "events", required_argument, NULL, 'e' },
	{ "log", required_argument, NULL, 'l' },
	{ "help", no_argument, NULL, 'h' },
	{}
};

int main(int argc, char **argv)
{
	u64 seed = 1, nr = 200;
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (c) {
		case 's':
			seed = parse_number("--seed", optarg);
			break;
		case 'e':
			nr = parse_number("--events", optarg);
			break;
		case 'l':
			log_device = optarg;
			break;
		default:
			usage(c == 'h' ? stdout : stderr);
			return c == 'h' ? 0 : 2;
		}
	}
	argc -= optind;
	argv += optind;
	nr_events = min_t(u64, nr, EVENTS_MAX);
	if (argc == 3 && !strcmp(argv[0], "write"))
		return cmd_write(argv[1], argv[2], seed);
	if (argc == 6 && !strcmp(argv[0], "check"))
		return cmd_check(argv + 1);
	usage(stderr);
	return 2;
}
