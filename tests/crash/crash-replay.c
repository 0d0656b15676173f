// SPDX-License-Identifier: GPL-2.0-only
/*
 * Crashes a disk at many points of a log of writes, and has each judged. See
 * usage() below.
 */
#include "tests/crash/disk.h"
#include "tests/crash/mapper.h"
#include "tests/crash/origin.h"
#include "tests/crash/rewrite.h"

#include <getopt.h>
#include <inttypes.h>
#include <sys/wait.h>

#include "tests/unit/test.h"

#define DEVICE_NAME	"crash"
#define DEVICE_PATH	"/dev/mapper/" DEVICE_NAME
#define FAILURES_MAX	3	/* points that are told of before giving up */

struct options {
	const char *log;
	const char *start;
	const char *disk;
	const char *table;
	const char *history;
	const char *command;
	const char *mark;
	const char *marks;	/* file for them */
	u64 points;
	u64 seed;
	u64 near;
	u64 change_every;	/* points after which the device goes on */
	u64 only;		/* point; UINT64_MAX: all */
	u64 after;		/* entries; UINT64_MAX: as chosen */
	u64 whole;
	u32 forget_flushes;
	bool every_flush;
	bool list;
};

struct run {
	const struct options *o;
	struct writelog log;
	struct rewrite replay;
	struct crash_point *points;
	size_t nr_points;
	size_t judged;
	struct history history;
	struct judge judge;
	u64 *contents;
	u8 *disk;
};

static const char usage_text[] =
"Usage: crash-replay [OPTION]... LOG START DISK\n"
"\n"
"Replays the LOG of a device of the target log-writes, onto what START holds,\n"
"up to many points. At each of them DISK (a file that is behind a loop device)\n"
"becomes what the disk would be after a crash.\n"
"\n"
"  --points N         how many: half of them right after flushes and marks, at\n"
"                     the others some of the writes since the last flush are\n"
"                     missing or torn (default 100)\n"
"  --every-flush      right after all flushes and marks, and at so many others\n"
"  --seed N           for the choice of points, and of what is missing\n"
"  --whole N          writes are torn between blocks of so many sectors only\n"
"  --near SECTOR      many of the others are when that was written\n"
"  --only N           this point only; without --table and --run to have its DISK\n"
"  --after N          right after N entries of the log, and at no other point\n"
"  --list             print the log, and do nothing\n"
"  --table TABLE      make a device \"" DEVICE_NAME "\" with this table at each point\n"
"  --history HISTORY  judge its sectors by this, which crash-load wrote\n"
"  --change-every N   at one point of so many go on writing then, remove the\n"
"                     device, make it again and see all of it (default 4)\n"
"  --run COMMAND      have a shell run this at each point; it fails if something\n"
"                     is wrong\n"
"  --marks NAME FILE  FILE gets the numbers of all such marks up to the point\n"
"  --forget-flushes N see the check fail: let the last N flushes do nothing\n"
"\n"
"Exit status: 0, 1 if something was wrong at some point, 2 for other errors.\n";

static void usage(FILE *f)
{
	fputs(usage_text, f);
}

static void promise_marked(struct run *run, size_t cut)
{
	size_t i;
	u32 nr;

	judge_forget(&run->judge);
	for (i = 0; i < cut; i++)
		if (writelog_mark(&run->log.entries[i], "op", &nr))
			judge_promise(&run->judge, nr);
}

/* It must come back as what it was when it was removed. */
static bool go_on(struct run *run, u64 seed)
{
	u64 sectors = run->history.sectors;

	if (!disk_change(DEVICE_PATH, run->contents, sectors, seed))
		return false;
	if (!mapper_remove(DEVICE_NAME) ||
	    !mapper_create(DEVICE_NAME, run->o->table)) {
		printf("  the device does not open again\n");
		return false;
	}
	return !disk_compare(DEVICE_PATH, run->contents, sectors);
}

static bool judge_point(struct run *run, size_t n)
{
	const struct crash_point *point = &run->points[n];
	u64 every = run->o->change_every;
	u8 wrong[SECTOR] = {};

	promise_marked(run, point->cut);
	if (disk_judge(DEVICE_PATH, &run->judge, run->contents, wrong)) {
		origin_explain(&run->replay, run->disk, wrong);
		return false;
	}
	return !every || n % every || go_on(run, run->o->seed + n);
}

static void write_marks(const struct run *run, size_t cut)
{
	FILE *f = fopen(run->o->marks, "we");
	size_t i;
	u32 nr;

	if (!f)
		die_errno(run->o->marks);
	for (i = 0; i < cut; i++)
		if (writelog_mark(&run->log.entries[i], run->o->mark, &nr))
			fprintf(f, "%u\n", nr);
	if (ferror(f) | fclose(f))
		die("cannot write %s", run->o->marks);
}

static bool run_command(const struct run *run, size_t cut)
{
	int status;

	if (run->o->marks)
		write_marks(run, cut);
	fflush(stdout);
	status = system(run->o->command);
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

/* Fatal if the device stays: no other point could be built then. */
static bool check_point(struct run *run, size_t n)
{
	const struct options *o = run->o;
	bool ok = true;

	if (o->table && !mapper_create(DEVICE_NAME, o->table)) {
		printf("  the device does not open\n");
		return false;
	}
	if (o->history)
		ok = judge_point(run, n);
	if (ok && o->command)
		ok = run_command(run, run->points[n].cut);
	fflush(stdout);
	if (o->table && !mapper_remove(DEVICE_NAME))
		die("cannot remove the device");
	return ok;
}

static void print_point(const struct run *run, size_t n)
{
	const struct crash_point *p = &run->points[n];

	printf("point %zu (seed %" PRIu64 ", points %" PRIu64 "%s): after entry %zu of %zu, %s\n",
	       n, run->o->seed, run->o->points,
	       run->o->every_flush ? ", every flush" : "", p->cut, run->log.nr,
	       p->exact ? "exactly" : "at random");
}

static u64 check_points(struct run *run)
{
	u64 failures = 0, n;

	for (n = 0; n < run->nr_points && failures < FAILURES_MAX; n++) {
		if (run->o->only != UINT64_MAX && run->o->only != n)
			continue;
		rewrite_build(&run->replay, &run->points[n], run->disk);
		run->judged += run->o->history || run->o->command;
		if (check_point(run, n))
			continue;
		print_point(run, n);
		failures++;
	}
	return failures;
}

static void list_log(const struct writelog *log)
{
	static const char *const names[] = {
		"flush", "fua", "discard", "mark"
	};
	size_t i;
	u32 n;

	for (i = 0; i < log->nr; i++) {
		const struct writelog_entry *e = &log->entries[i];

		printf("%zu: %" PRIu64 " + %" PRIu64, i, e->sector,
		       e->nr_sectors);
		for (n = 0; n < ARRAY_SIZE(names); n++)
			if (e->flags & 1U << n)
				printf(" %s", names[n]);
		if (e->flags & WRITELOG_MARK)
			printf(" \"%.*s\"", (int)e->len, e->data);
		putchar('\n');
	}
}

static void read_log(struct run *run, const char *path, u64 disk_sectors)
{
	const char *reason;
	u64 size;
	u8 *p = map_file(path, &size);

	reason = writelog_parse(&run->log, p, size, disk_sectors);
	if (reason)
		die("%s: %s", path, reason);
}

static void choose_points(struct run *run)
{
	const struct options *o = run->o;

	if (o->after == UINT64_MAX) {
		run->nr_points = o->points;
		run->points = rewrite_points(&run->log, &run->nr_points,
					     o->every_flush, o->near, o->seed);
		return;
	}
	if (o->after > run->log.nr)
		die("%s has %zu entries only", o->log, run->log.nr);
	run->nr_points = 1;
	run->points = xcalloc(1, sizeof(*run->points));
	*run->points = (struct crash_point){ .cut = o->after, .exact = true };
}

static void prepare(struct run *run)
{
	const struct options *o = run->o;
	u64 size, disk_size;
	u8 *start = map_file(o->start, &size);

	read_log(run, o->log, size / SECTOR);
	if (o->list) {
		list_log(&run->log);
		exit(0);
	}
	if (writelog_unordered(&run->log))
		die("%s does not tell in what order overlapping writes were made",
		    o->log);
	run->disk = map_shared(o->disk, &disk_size);
	if (size != disk_size)
		die("%s and %s are not of one size", o->start, o->disk);
	rewrite_init(&run->replay, &run->log, start, size / SECTOR);
	run->replay.whole = max(o->whole, (u64)1);
	run->replay.forget_flushes = o->forget_flushes;
	choose_points(run);
	if (!o->history)
		return;
	history_load(&run->history, o->history);
	judge_init(&run->judge, &run->history);
	run->contents = xcalloc(run->history.sectors, sizeof(*run->contents));
}

static const struct option long_options[] = {
	{ "points", required_argument, NULL, 'p' },
	{ "every-flush", no_argument, NULL, 'e' },
	{ "seed", required_argument, NULL, 's' },
	{ "whole", required_argument, NULL, 'w' },
	{ "near", required_argument, NULL, 'n' },
	{ "only", required_argument, NULL, 'o' },
	{ "after", required_argument, NULL, 'a' },
	{ "list", no_argument, NULL, 'l' },
	{ "table", required_argument, NULL, 't' },
	{ "history", required_argument, NULL, 'H' },
	{ "change-every", required_argument, NULL, 'c' },
	{ "run", required_argument, NULL, 'r' },
	{ "marks", required_argument, NULL, 'm' },
	{ "forget-flushes", required_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{}
};

static void parse_option(struct options *o, int c, char **argv)
{
	switch (c) {
	case 'p':
		o->points = parse_number("--points", optarg);
		break;
	case 'e':
		o->every_flush = true;
		break;
	case 's':
		o->seed = parse_number("--seed", optarg);
		break;
	case 'w':
		o->whole = parse_number("--whole", optarg);
		break;
	case 'n':
		o->near = parse_number("--near", optarg);
		break;
	case 'o':
		o->only = parse_number("--only", optarg);
		break;
	case 'a':
		o->after = parse_number("--after", optarg);
		break;
	case 'l':
		o->list = true;
		break;
	case 't':
		o->table = optarg;
		break;
	case 'H':
		o->history = optarg;
		break;
	case 'c':
		o->change_every = parse_number("--change-every", optarg);
		break;
	case 'r':
		o->command = optarg;
		break;
	case 'm':
		o->mark = optarg;
		o->marks = argv[optind++];
		break;
	case 'f':
		o->forget_flushes = parse_number("--forget-flushes", optarg);
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
		.points = 100, .seed = 1, .change_every = 4, .whole = 1,
		.only = UINT64_MAX, .after = UINT64_MAX, .near = NEAR_NOTHING,
	};
	struct run run = { .o = &o };
	u64 failures;
	int c;

	/* In order: --marks has two arguments. */
	while ((c = getopt_long(argc, argv, "+", long_options, NULL)) != -1)
		parse_option(&o, c, argv);
	if (argc - optind != 3 || (o.history && !o.table)) {
		usage(stderr);
		return 2;
	}
	o.log = argv[optind];
	o.start = argv[optind + 1];
	o.disk = argv[optind + 2];
	prepare(&run);
	failures = check_points(&run);
	printf("%zu points of %zu entries, seed %" PRIu64 ": %" PRIu64 " wrong\n",
	       run.judged, run.log.nr, o.seed, failures);
	return failures != 0;
}
