// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory to read into from a device.
 */
#include <linux/atomic.h>
#include <linux/blkdev.h>
#include <linux/sizes.h>

#include "dm-overlaybd-memory.h"

/* For the user's notes, and a word of the allocator's. */
#define ROOM_BEHIND	SECTOR_SIZE

static struct data_cache {
	const char *name;
	u32 size;
	struct kmem_cache *cache;
} caches[] = {
	{ .name = "overlaybd_data_8k", .size = SZ_8K - ROOM_BEHIND },
	{ .name = "overlaybd_data_32k", .size = SZ_32K - ROOM_BEHIND },
	{ .name = "overlaybd_data_128k", .size = SZ_128K - ROOM_BEHIND },
};

static atomic_t holders = ATOMIC_INIT(0);

/* The allocator does not clear what has one. */
static void construct_nothing(void *object)
{
}

/* Drivers below may copy from a user's memory. */
int obd_memory_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(caches); i++) {
		struct data_cache *c = &caches[i];

		c->cache = kmem_cache_create_usercopy(c->name,
						      c->size + OBD_NOTE_MAX,
						      SECTOR_SIZE, 0, 0,
						      c->size,
						      construct_nothing);
		if (!c->cache) {
			obd_memory_exit();
			return -ENOMEM;
		}
	}
	return 0;
}

void obd_memory_exit(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(caches); i++)
		kmem_cache_destroy(caches[i].cache);
}

void obd_memory_hold(void)
{
	atomic_inc(&holders);
}

void obd_memory_release(void)
{
	unsigned int i;

	if (!atomic_dec_and_test(&holders))
		return;
	for (i = 0; i < ARRAY_SIZE(caches); i++)
		kmem_cache_shrink(caches[i].cache);
}

/* Where memory is in pieces, less than the next larger cache has may be had. */
void *obd_memory_alloc(u32 size, void **note, struct kmem_cache **cache)
{
	unsigned int i = 0;
	void *memory;

	while (i < ARRAY_SIZE(caches) && caches[i].size < size)
		i++;
	*cache = NULL;
	if (i < ARRAY_SIZE(caches)) {
		memory = kmem_cache_alloc(caches[i].cache, OBD_GFP_TRY);
		if (memory) {
			*cache = caches[i].cache;
			*note = memory + caches[i].size;
			return memory;
		}
	}
	memory = kmalloc(size + ROOM_BEHIND, OBD_GFP_TRY);
	*note = memory + size;
	return memory;
}

void obd_memory_free(void *memory, struct kmem_cache *cache)
{
	if (cache)
		kmem_cache_free(cache, memory);
	else
		kfree(memory);
}
