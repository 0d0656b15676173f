// SPDX-License-Identifier: GPL-2.0-only
/*
 * A model of a whole disk, for a mapped device and for raw images: see usage().
 */
#define _GNU_SOURCE
#include <err.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run.h"

enum { MAX_MIX = 1000000 };

static const char * const usage_text =
	"model-disk run [OPTION]... DEVICE\n"
	"    random operations of several threads, each checked; reads the whole\n"
	"    device before and after them\n"
	"model-disk compare --model FILE [--base FILE] [--since FILE] DEVICE|RAW\n"
	"    only reads it, all or from --from on\n"
	"\n"
	"  --model FILE       what is on the disk, if it is there; kept there\n"
	"  --base FILE        what was on it at first, if not zeros (a longer disk\n"
	"                     has zeros behind it)\n"
	"  --since FILE       an earlier model: the disk is but what has changed since,\n"
	"                     and zeros elsewhere\n"
	"  --seed N           default: another one each time\n"
	"  --threads N        default 4\n"
	"  --ops N            of all threads together, default 10000; 0: until SIGTERM\n"
	"  --seconds N        at most\n"
	"  --max BYTES        of an operation, default 1 MiB\n"
	"  --buffered PERCENT of reads and writes through the page cache, default 0\n"
	"  --race PERCENT     of the operations at once in the same place, default 0\n"
	"  --mix R,W,D,Z,F    weights of reads, writes, discards, zeroings, flushes,\n"
	"                     default 35,45,8,7,5\n"
	"  --from BYTES, --length BYTES\n"
	"                     where to work, default everywhere\n"
	"  --errors           operations may fail, and then have been done sector by\n"
	"                     sector or not\n"
	"\n"
	"Exit status: 0 if all was right, 1 if something differed or failed, 2 for\n"
	"wrong arguments and when the test itself cannot go on.\n";

static const struct option long_options[] = {
	{ "model", required_argument, NULL, 'm' },
	{ "base", required_argument, NULL, 'b' },
	{ "since", required_argument, NULL, 'c' },
	{ "seed", required_argument, NULL, 's' },
	{ "threads", required_argument, NULL, 't' },
	{ "ops", required_argument, NULL, 'o' },
	{ "seconds", required_argument, NULL, 'S' },
	{ "max", required_argument, NULL, 'x' },
	{ "buffered", required_argument, NULL, 'B' },
	{ "race", required_argument, NULL, 'r' },
	{ "mix", required_argument, NULL, 'M' },
	{ "from", required_argument, NULL, 'f' },
	{ "length", required_argument, NULL, 'l' },
	{ "errors", no_argument, NULL, 'e' },
	{ }
};

static struct run_options options = {
	.threads = 4,
	.operations = 10000,
	.max_sectors = 2048,
	.mix = { 35, 45, 8, 7, 5 },
};

static const char *model_file;
static const char *base_file;
static const char *since_file;

static void usage(void)
{
	fputs(usage_text, stderr);
	exit(2);
}

static uint64_t number(const char *text, uint64_t most)
{
	char *end;
	uint64_t n = strtoull(text, &end, 10);

	if (end == text || *end || n > most)
		errx(2, "'%s': expected a number up to %" PRIu64, text, most);
	return n;
}

static void parse_mix(char *text)
{
	unsigned int sum = 0;

	for (unsigned int n = 0; n < OP_KINDS; n++) {
		char *word = strsep(&text, ",");

		if (!word)
			errx(2, "--mix wants %u numbers", OP_KINDS);
		options.mix[n] = number(word, MAX_MIX);
		sum += options.mix[n];
	}
	if (text || !sum)
		errx(2, "--mix wants %u numbers, not all 0", OP_KINDS);
}

/* Those that are numbers, or bytes that are kept as sectors. */
static const struct {
	int c;
	unsigned int unit;
	uint64_t most;
	uint64_t *to;
} numbers[] = {
	{ 's', 1, UINT64_MAX, &options.seed },
	{ 't', 1, UINT32_MAX, &options.threads },
	{ 'o', 1, UINT64_MAX, &options.operations },
	{ 'S', 1, UINT32_MAX, &options.seconds },
	{ 'x', SECTOR_SIZE, UINT32_MAX, &options.max_sectors },
	{ 'B', 1, 100, &options.buffered },
	{ 'r', 1, 99, &options.race },
	{ 'f', SECTOR_SIZE, INT64_MAX, &options.from },
	{ 'l', SECTOR_SIZE, INT64_MAX, &options.length },
};

static void parse_number(int c)
{
	uint64_t n;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (numbers[i].c != c)
			continue;
		n = number(optarg, numbers[i].most);
		if (n % numbers[i].unit)
			errx(2, "'%s': expected whole sectors", optarg);
		*numbers[i].to = n / numbers[i].unit;
		return;
	}
	usage();
}

static void parse_option(int c)
{
	switch (c) {
	case 'm':
		model_file = optarg;
		break;
	case 'b':
		base_file = optarg;
		break;
	case 'c':
		since_file = optarg;
		break;
	case 'M':
		parse_mix(optarg);
		break;
	case 'e':
		options.errors = true;
		break;
	default:
		parse_number(c);
	}
}

static uint64_t random_seed(void)
{
	uint32_t seed;

	if (getentropy(&seed, sizeof(seed)))
		err(2, "getentropy");
	return seed;
}

static void check_options(const struct disk *disk)
{
	if (options.from >= disk->sectors)
		errx(2, "--from is beyond the end");
	if (!options.length)
		options.length = disk->sectors - options.from;
	if (options.length > disk->sectors - options.from)
		errx(2, "--length is beyond the end");
	if (!options.max_sectors)
		errx(2, "--max is 0");
	if (options.errors && (options.buffered || options.race))
		errx(2, "--errors is for direct and ordered operations only");
}

static void run_command(const char *path)
{
	bool saved = model_file && !access(model_file, R_OK);
	struct sigaction stop = { .sa_handler = run_stop };
	struct model model;
	struct disk disk;

	if (since_file)
		usage();
	disk_open(&disk, path, true);
	check_options(&disk);
	sigaction(SIGTERM, &stop, NULL);
	model_open(&model, disk.sectors, base_file,
		   saved ? model_file : NULL, options.seed);
	run_verify(&disk, &model, 0, disk.sectors);
	run(&options, &disk, &model);
	run_verify(&disk, &model, 0, disk.sectors);
	if (model_file)
		model_save(&model, model_file);
}

static void compare_command(const char *path)
{
	struct model model;
	struct disk disk;

	if (!model_file)
		usage();
	disk_open(&disk, path, false);
	check_options(&disk);
	model_open(&model, disk.sectors, base_file, model_file, 0);
	if (since_file)
		model_subtract(&model, since_file);
	run_verify(&disk, &model, options.from, options.length);
}

int main(int argc, char **argv)
{
	int c;

	options.seed = random_seed();
	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		parse_option(c);
	if (argc - optind != 2)
		usage();
	setlinebuf(stdout);
	if (!strcmp(argv[optind], "run")) {
		/* Where it stops shows in a log even if it never ends. */
		printf("model-disk: seed %" PRIu64 "\n", options.seed);
		run_command(argv[optind + 1]);
	} else if (!strcmp(argv[optind], "compare")) {
		compare_command(argv[optind + 1]);
	} else {
		usage();
	}
	return 0;
}
