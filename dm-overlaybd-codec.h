/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The module's decompression memory: a slot for each CPU that was there when it
 * was loaded, and one more, shared by all devices, so that what a device costs
 * does not depend on the number of CPUs.
 */
#ifndef DM_OVERLAYBD_CODEC_H
#define DM_OVERLAYBD_CODEC_H

#include <linux/semaphore.h>

#include "dm-overlaybd-zfile.h"

/**
 * struct obd_slot - what decompressing takes on one CPU
 * @lock: held while the slot is in use, for a chunk's worth of work at the
 *	most. Whoever holds it waits for nothing else but the CPU, and
 *	the little memory that mapping pages takes
 * @codec: prepared for every algorithm in use
 * @bounce: room for a block of the largest size in use
 * @pages: room for pointers to as many pages; NULL in the one more: while all
 *	others wait for the memory that mapping takes, reads get on through it
 * @bounce_size: the size of @bounce
 */
struct obd_slot {
	struct semaphore lock;	/* see above */
	struct obd_codec codec;
	void *bounce;
	struct page **pages;
	u32 bounce_size;
};

/**
 * obd_slots_init - set up the slots, still empty
 *
 * Return: 0 or -ENOMEM.
 */
int obd_slots_init(void);

/**
 * obd_slots_exit - free the slots
 */
void obd_slots_exit(void);

/**
 * obd_slots_nr - how many slots there are
 *
 * Return: the number; as many chunks may be decompressed at a time.
 */
unsigned int obd_slots_nr(void);

/**
 * obd_slots_prepare - make every slot fit for a ZFile
 * @zfile: a parsed ZFile
 *
 * What is allocated stays until the module goes. May sleep.
 *
 * Return: 0, -ENOMEM, or -EOPNOTSUPP.
 */
int obd_slots_prepare(const struct obd_zfile *zfile);

/**
 * obd_slot_get - take the slot that this CPU begins with, or another that is free
 *
 * May sleep when all are in use, for as long as one works on a chunk.
 *
 * Return: the slot, locked; never NULL.
 */
struct obd_slot *obd_slot_get(void);

/**
 * obd_slot_try - take the slot that this CPU begins with, or another, if one is free
 *
 * Does not sleep; any context.
 *
 * Return: the slot, locked, or NULL.
 */
struct obd_slot *obd_slot_try(void);

/**
 * obd_slot_put - give a slot back
 * @slot: the slot
 */
void obd_slot_put(struct obd_slot *slot);

#endif
