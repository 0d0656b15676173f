/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The log that the device-mapper target log-writes keeps: of each write, where
 * it went and what it carried, in the order in which a flush made them last.
 */
#ifndef CRASH_WRITELOG_H
#define CRASH_WRITELOG_H

#include "tests/crash/util.h"

#define WRITELOG_FLUSH		(1U << 0)	/* all before it is durable */
#define WRITELOG_FUA		(1U << 1)	/* this is durable */
#define WRITELOG_DISCARD	(1U << 2)	/* carries nothing */
#define WRITELOG_MARK		(1U << 3)	/* a message's text, no write */

#define WRITELOG_MAGIC		0x6a736677736872ULL
#define WRITELOG_VERSION	1ULL

/* As stored: in the first sector, and in that before what a write carried. */
struct writelog_super {
	__le64 magic;
	__le64 version;
	__le64 nr_entries;
	__le32 sector_size;
};

struct writelog_record {
	__le64 sector;
	__le64 nr_sectors;
	__le64 flags;
	__le64 data_len;	/* of a mark: its text follows the record */
};

/**
 * struct writelog_entry - an entry of a log
 * @sector: where it went
 * @nr_sectors: how many it changed
 * @flags: WRITELOG_*
 * @len: of a mark's text
 * @data: what it carried, or a mark's text; within the log's memory
 */
struct writelog_entry {
	u64 sector;
	u64 nr_sectors;
	u32 flags;
	u32 len;
	const u8 *data;
};

struct writelog {
	size_t nr;
	struct writelog_entry *entries;
};

/**
 * writelog_parse - read a log
 * @log: the result; writelog_release() it
 * @p: the log, which has to stay
 * @size: its length
 * @disk_sectors: size of the disk that was written to
 *
 * Return: NULL, or what is wrong with it.
 */
const char *writelog_parse(struct writelog *log, const u8 *p, u64 size,
			   u64 disk_sectors);
void writelog_release(struct writelog *log);

/**
 * writelog_mark - the number in a mark "NAME=NUMBER"
 * @e: an entry
 * @name: the name
 * @nr: the number
 *
 * Return: is it such a mark?
 */
bool writelog_mark(const struct writelog_entry *e, const char *name, u32 *nr);

/**
 * writelog_unordered - count overlapping writes whose order is not known
 * @log: the log
 *
 * The target logs FUA writes at once and others with the next flush, so that
 * of an FUA write and another that overlap between two flushes the log does
 * not say which was first.
 *
 * Return: the number of such entries.
 */
size_t writelog_unordered(const struct writelog *log);

#endif
