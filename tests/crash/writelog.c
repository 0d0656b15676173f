// SPDX-License-Identifier: GPL-2.0-only
/*
 * The log of the device-mapper target log-writes: read it. See the kernel's
 * Documentation/admin-guide/device-mapper/log-writes.rst.
 */
#include "tests/crash/writelog.h"

#define ENTRIES_MAX	(1ULL << 24)

struct reader {
	const u8 *p;
	u64 sectors;	/* of the log */
	u64 at;		/* sector of the next record */
	u64 disk_sectors;
};

static const char *check_super(const struct writelog_super *super, u64 size)
{
	if (size < SECTOR || le64_to_cpu(super->magic) != WRITELOG_MAGIC)
		return "this is no log of writes";
	if (le64_to_cpu(super->version) != WRITELOG_VERSION)
		return "the log's version is not 1";
	if (le32_to_cpu(super->sector_size) != SECTOR)
		return "the log's sectors are not of 512 bytes";
	if (le64_to_cpu(super->nr_entries) > min(size / SECTOR, ENTRIES_MAX))
		return "the log cannot hold so many entries";
	return NULL;
}

static const char *read_mark(struct writelog_entry *e,
			     const struct writelog_record *record)
{
	u64 len = le64_to_cpu(record->data_len);

	if (len > SECTOR - sizeof(*record))
		return "a mark is longer than its sector";
	e->data = (const u8 *)(record + 1);
	e->len = len;
	return NULL;
}

static const char *read_write(struct reader *r, struct writelog_entry *e)
{
	if (e->sector > r->disk_sectors ||
	    e->nr_sectors > r->disk_sectors - e->sector)
		return "a write is beyond the end of the disk";
	if (e->flags & WRITELOG_DISCARD)
		return NULL;
	if (e->nr_sectors > r->sectors - r->at)
		return "the log ends within a write";
	e->data = r->p + r->at * SECTOR;
	r->at += e->nr_sectors;
	return NULL;
}

static const char *read_entry(struct reader *r, struct writelog_entry *e)
{
	const struct writelog_record *record;

	if (r->at >= r->sectors)
		return "the log ends before its last entry";
	record = (const void *)(r->p + r->at++ * SECTOR);
	e->sector = le64_to_cpu(record->sector);
	e->nr_sectors = le64_to_cpu(record->nr_sectors);
	e->flags = le64_to_cpu(record->flags);
	if (e->flags & WRITELOG_MARK)
		return read_mark(e, record);
	return read_write(r, e);
}

const char *writelog_parse(struct writelog *log, const u8 *p, u64 size,
			   u64 disk_sectors)
{
	const struct writelog_super *super = (const void *)p;
	struct reader r = {
		.p = p,
		.sectors = size / SECTOR,
		.at = 1,
		.disk_sectors = disk_sectors,
	};
	const char *reason = check_super(super, size);
	size_t i;

	log->nr = reason ? 0 : le64_to_cpu(super->nr_entries);
	log->entries = xcalloc(log->nr, sizeof(*log->entries));
	for (i = 0; i < log->nr && !reason; i++)
		reason = read_entry(&r, &log->entries[i]);
	if (reason)
		writelog_release(log);
	return reason;
}

void writelog_release(struct writelog *log)
{
	free(log->entries);
	log->entries = NULL;
	log->nr = 0;
}

bool writelog_mark(const struct writelog_entry *e, const char *name, u32 *nr)
{
	char text[SECTOR], format[32];

	if (!(e->flags & WRITELOG_MARK))
		return false;
	memcpy(text, e->data, e->len);
	text[e->len] = '\0';
	snprintf(format, sizeof(format), "%s=%%u", name);
	return sscanf(text, format, nr) == 1;
}

static bool overlap(const struct writelog_entry *a,
		    const struct writelog_entry *b)
{
	return a->sector < b->sector + b->nr_sectors &&
	       b->sector < a->sector + a->nr_sectors;
}

static bool is_fua(const struct writelog_entry *e)
{
	return (e->flags & (WRITELOG_FUA | WRITELOG_MARK)) == WRITELOG_FUA;
}

size_t writelog_unordered(const struct writelog *log)
{
	size_t group = 0, found = 0, i, j;

	for (i = 0; i < log->nr; i++) {
		const struct writelog_entry *e = &log->entries[i];

		for (j = group; j < i && !(e->flags & WRITELOG_MARK); j++)
			found += is_fua(&log->entries[j]) && !is_fua(e) &&
				 overlap(&log->entries[j], e);
		if (e->flags & WRITELOG_FLUSH)
			group = i + 1;
	}
	return found;
}
