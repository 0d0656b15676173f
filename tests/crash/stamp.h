/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stamped sectors: each tells where it belongs and which write it is of, and a
 * checksum over all of it shows whether it is whole.
 */
#ifndef CRASH_STAMP_H
#define CRASH_STAMP_H

#include "tests/crash/util.h"

/*
 * What a sector holds, as one number: a write's, unique among all writes that
 * a disk has ever seen, or one of these.
 */
#define CONTENT_ZERO	0ULL
#define CONTENT_LOWER	1ULL	/* what the layer below has been filled with */
#define CONTENT_BROKEN	(~0ULL)	/* neither zeros nor whole */

/* Operation @nr of the @generation-th load that the same disk is put under. */
static inline u64 content_of(u32 generation, u32 nr)
{
	return (u64)generation << 32 | nr;
}

/* @buf: SECTOR bytes. */
void stamp_make(void *buf, u64 sector, u64 content);

/**
 * stamp_read - what a sector holds
 * @buf: SECTOR bytes
 * @sector: where it belongs, if it is a stamp; else untouched
 *
 * Return: its content.
 */
u64 stamp_read(const void *buf, u64 *sector);

/* For people: "zeros", "the lower layer", "write 2.17". */
const char *content_name(u64 content, char *buf, size_t size);

#endif
