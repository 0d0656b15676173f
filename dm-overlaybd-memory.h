/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory to read into from a device. Many kernels clear all memory that is
 * allocated; this is cleared when it comes from the system, but not when it is
 * used again.
 */
#ifndef DM_OVERLAYBD_MEMORY_H
#define DM_OVERLAYBD_MEMORY_H

#include "dm-overlaybd-compat.h"

/*
 * Bytes behind the memory for its user to take notes: both are a power of two with
 * the word that the allocator adds.
 */
#define OBD_NOTE_MAX	(SECTOR_SIZE - sizeof(void *))

/**
 * obd_memory_init - set up the caches that the memory comes from
 *
 * Return: 0 or -ENOMEM.
 */
int obd_memory_init(void);

/**
 * obd_memory_exit - undo obd_memory_init(); all memory has been freed
 */
void obd_memory_exit(void);

/**
 * obd_memory_hold - there will be somebody who allocates
 *
 * Any context.
 */
void obd_memory_hold(void);

/**
 * obd_memory_release - undo obd_memory_hold()
 *
 * Once nobody is left, what is free goes back to the system. May sleep.
 */
void obd_memory_release(void);

/**
 * obd_memory_alloc - allocate contiguous memory, aligned to a sector
 * @size: bytes, whole sectors
 * @note: the room for notes, OBD_NOTE_MAX bytes, which go with the memory
 * @cache: where both come from; for obd_memory_free()
 *
 * Does not sleep, see OBD_GFP_TRY.
 *
 * Return: the memory, or NULL.
 */
void *obd_memory_alloc(u32 size, void **note, struct kmem_cache **cache);

/**
 * obd_memory_free - free what obd_memory_alloc() has allocated
 * @memory: the memory
 * @cache: as it was told
 *
 * Any context.
 */
void obd_memory_free(void *memory, struct kmem_cache *cache);

#endif
