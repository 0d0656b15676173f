/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where does a sector that is wrong come from?
 */
#ifndef CRASH_ORIGIN_H
#define CRASH_ORIGIN_H

#include "tests/crash/rewrite.h"

/**
 * origin_explain - print where the content of a sector is to be found
 * @r: the log, replayed up to a point
 * @disk: the disk that was made of it
 * @sector: the content
 *
 * On the disk, on the disk without what the crash may have lost, and in which
 * entries of the log.
 */
void origin_explain(const struct rewrite *r, const u8 *disk, const u8 *sector);

#endif
