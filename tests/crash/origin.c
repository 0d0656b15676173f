// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looks for the content of a sector on the disk, and in the log.
 */
#include "tests/crash/origin.h"

#include <inttypes.h>

#define PLACES_MAX	4	/* that are told of each */

static void find_on_disk(const char *what, const u8 *disk, u64 sectors,
			 const u8 *sector)
{
	u64 s, found = 0;

	for (s = 0; s < sectors && found < PLACES_MAX; s++) {
		if (memcmp(disk + s * SECTOR, sector, SECTOR))
			continue;
		printf("    %s: sector %" PRIu64 "\n", what, s);
		found++;
	}
	if (!found)
		printf("    %s: nowhere\n", what);
}

static void find_in_log(const struct writelog *log, const u8 *sector)
{
	size_t i, found = 0;
	u64 s;

	for (i = 0; i < log->nr && found < PLACES_MAX; i++) {
		const struct writelog_entry *e = &log->entries[i];

		if (e->flags & (WRITELOG_MARK | WRITELOG_DISCARD))
			continue;
		for (s = 0; s < e->nr_sectors; s++)
			if (!memcmp(e->data + s * SECTOR, sector, SECTOR))
				break;
		if (s == e->nr_sectors)
			continue;
		printf("    log: entry %zu, sector %" PRIu64 "\n", i,
		       e->sector + s);
		found++;
	}
	if (!found)
		printf("    log: nowhere\n");
}

void origin_explain(const struct rewrite *r, const u8 *disk, const u8 *sector)
{
	printf("  where that of the first one is:\n");
	find_on_disk("disk", disk, r->sectors, sector);
	find_on_disk("disk without what was lost", r->base, r->sectors, sector);
	find_in_log(r->log, sector);
}
