/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading ahead of those who read compressed data in small pieces, one after
 * the other: the larger the pieces that the device and the decompressor get,
 * the less each block costs. ZFiles on devices that answer at once, as ramdisks
 * do, are not read ahead.
 */
#ifndef DM_OVERLAYBD_AHEAD_H
#define DM_OVERLAYBD_AHEAD_H

#include "dm-overlaybd-read.h"

/**
 * obd_ahead - a read begins: bring what is likely to be read next
 * @reader: whose; it uses the cache
 * @first: first block of the read
 * @last: last block
 *
 * Never sleeps for memory; may submit a bio.
 */
void obd_ahead(struct obd_reader *reader, u32 first, u32 last);

#endif
