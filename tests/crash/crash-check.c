// SPDX-License-Identifier: GPL-2.0-only
/*
 * Judges what a device holds after a load. See usage() below.
 */
#include "tests/crash/disk.h"

#include <getopt.h>
#include <inttypes.h>

static const char usage_text[] =
"Usage: crash-check [--live|--honest] DEVICE HISTORY\n"
"\n"
"Reads every sector of a device that has come back after a crash, and says\n"
"whether it can hold that: all that was flushed before the crash, or before the\n"
"operation \"cut\", must be there, or what was written later.\n"
"\n"
"  --live    there was no crash: the last of all that succeeded must be there\n"
"  --honest  the operation \"cut\" began errors, not lies: what was flushed later\n"
"            counts, too\n"
"\n"
"Exit status: 0, 1 if sectors are wrong, 2 for other errors.\n";

static void usage(FILE *f)
{
	fputs(usage_text, f);
}

static const struct option long_options[] = {
	{ "live", no_argument, NULL, 'l' },
	{ "honest", no_argument, NULL, 'H' },
	{ "help", no_argument, NULL, 'h' },
	{}
};

static u64 check(const char *device, const char *file, bool live, bool honest)
{
	struct history history;
	struct judge judge;
	u64 wrong;

	history_load(&history, file);
	judge_init(&judge, &history);
	if (live)
		judge_promise_all(&judge);
	else
		judge_promise_flushed(&judge, honest);
	wrong = disk_judge(device, &judge, NULL, NULL);
	judge_release(&judge);
	history_release(&history);
	return wrong;
}

int main(int argc, char **argv)
{
	bool live = false, honest = false;
	u64 wrong;
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (c) {
		case 'l':
			live = true;
			break;
		case 'H':
			honest = true;
			break;
		default:
			usage(c == 'h' ? stdout : stderr);
			return c == 'h' ? 0 : 2;
		}
	}
	if (argc - optind != 2) {
		usage(stderr);
		return 2;
	}
	wrong = check(argv[optind], argv[optind + 1], live, honest);
	if (wrong)
		printf("%s: %" PRIu64 " sectors are wrong\n", argv[optind],
		       wrong);
	return wrong != 0;
}
