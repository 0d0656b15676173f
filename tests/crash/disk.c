// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads a mapped device sector by sector, to judge it or to compare it.
 */
#define _GNU_SOURCE
#include "tests/crash/disk.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/unit/test.h"

#define READ_SECTORS	512
#define CHANGES		24
#define CHANGE_SECTORS	64
#define EXPLAINED_MAX	5
#define GENERATION	0x7fffffff	/* of changes: no load's */

typedef bool (*check_fn)(void *context, u64 sector, const void *buf);

/* Return: of how many sectors @check says no, or that cannot be read. */
static u64 check_sectors(const char *path, u64 sectors, check_fn check,
			 void *context)
{
	u8 *buf = alloc_direct(READ_SECTORS * SECTOR);
	int fd = open_direct(path, O_RDONLY);
	u64 wrong = 0, at, s;

	if (device_sectors(fd, path) != sectors)
		die("%s has not %" PRIu64 " sectors", path, sectors);
	for (at = 0; at < sectors; at += READ_SECTORS) {
		u64 n = min_t(u64, READ_SECTORS, sectors - at);

		if (pread(fd, buf, n * SECTOR, at * SECTOR) != n * SECTOR) {
			printf("  sectors %" PRIu64 " + %" PRIu64 ": %s\n",
			       at, n, strerror(errno));
			wrong += n;
			continue;
		}
		for (s = 0; s < n; s++)
			wrong += !check(context, at + s, buf + s * SECTOR);
	}
	close(fd);
	free(buf);
	return wrong;
}

struct judging {
	const struct judge *judge;
	u64 *contents;
	u8 *wrong;
	u32 explained;
};

static bool check_judge(void *context, u64 sector, const void *buf)
{
	struct judging *j = context;
	u64 at;

	if (j->contents)
		j->contents[sector] = stamp_read(buf, &at);
	if (judge_sector(j->judge, sector, buf) == VERDICT_RIGHT)
		return true;
	if (j->wrong && !j->explained)
		memcpy(j->wrong, buf, SECTOR);
	if (j->explained++ < EXPLAINED_MAX)
		judge_explain(j->judge, sector, buf);
	return false;
}

u64 disk_judge(const char *path, const struct judge *judge, u64 *contents,
	       u8 *wrong)
{
	struct judging j = {
		.judge = judge, .contents = contents, .wrong = wrong
	};

	return check_sectors(path, judge->history->sectors, check_judge, &j);
}

struct comparing {
	const u64 *contents;
	u32 explained;
};

static bool check_content(void *context, u64 sector, const void *buf)
{
	struct comparing *c = context;
	char name[2][64];
	u64 at = sector, content = stamp_read(buf, &at);

	if (content == c->contents[sector] && at == sector)
		return true;
	if (c->explained++ < EXPLAINED_MAX)
		printf("  sector %" PRIu64 ": %s of sector %" PRIu64
		       ", expected %s\n", sector,
		       content_name(content, name[0], sizeof(name[0])), at,
		       content_name(c->contents[sector], name[1],
				    sizeof(name[1])));
	return false;
}

u64 disk_compare(const char *path, const u64 *contents, u64 sectors)
{
	struct comparing c = { .contents = contents };

	return check_sectors(path, sectors, check_content, &c);
}

static bool change(int fd, u64 sector, u32 len, u64 content, u8 *buf)
{
	u64 range[2] = { sector * SECTOR, (u64)len * SECTOR };
	u32 i;

	if (content == CONTENT_ZERO)
		return !ioctl(fd, len % 2 ? BLKDISCARD : BLKZEROOUT, range);
	for (i = 0; i < len; i++)
		stamp_make(buf + i * SECTOR, sector + i, content);
	return pwrite(fd, buf, range[1], range[0]) == range[1];
}

bool disk_change(const char *path, u64 *contents, u64 sectors, u64 seed)
{
	u8 *buf = alloc_direct(CHANGE_SECTORS * SECTOR);
	int fd = open_direct(path, O_RDWR);
	bool ok = true;
	u32 i, n;

	for (n = 0; n < CHANGES && ok; n++) {
		u64 sector = random_below(&seed, sectors);
		u32 len = 1 + random_below(&seed, min_t(u64, CHANGE_SECTORS,
							sectors - sector));
		u64 content = one_in(&seed, 3) ? CONTENT_ZERO :
						 content_of(GENERATION, n);

		ok = change(fd, sector, len, content, buf) &&
		     (!one_in(&seed, 8) || !fsync(fd));
		for (i = 0; i < len; i++)
			contents[sector + i] = content;
	}
	if (!ok)
		printf("  change %u: %s\n", n, strerror(errno));
	close(fd);
	free(buf);
	return ok;
}
