// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decompression slots.
 */
#include <linux/cpumask.h>
#include <linux/sched/mm.h>
#include <linux/smp.h>

#include "dm-overlaybd-codec.h"

static struct obd_slot *slots;
static unsigned int nr_slots;

int obd_slots_init(void)
{
	unsigned int i;

	nr_slots = num_online_cpus();
	slots = kvcalloc(nr_slots, sizeof(*slots), GFP_KERNEL);
	if (!slots)
		return -ENOMEM;
	for (i = 0; i < nr_slots; i++)
		mutex_init(&slots[i].lock);
	return 0;
}

void obd_slots_exit(void)
{
	unsigned int i;

	for (i = 0; i < nr_slots; i++) {
		obd_codec_release(&slots[i].codec);
		kvfree(slots[i].bounce);
		mutex_destroy(&slots[i].lock);
	}
	kvfree(slots);
}

static int prepare_bounce(struct obd_slot *slot, u32 size)
{
	void *bounce;

	if (slot->bounce_size >= size)
		return 0;
	bounce = kvmalloc(size, GFP_KERNEL);
	if (!bounce)
		return -ENOMEM;
	kvfree(slot->bounce);
	slot->bounce = bounce;
	slot->bounce_size = size;
	return 0;
}

/*
 * The I/O path waits for these locks: no memory reclaim may wait for I/O while
 * one is held.
 */
int obd_slots_prepare(const struct obd_zfile *zfile)
{
	unsigned int i, noio;
	int r = 0;

	noio = memalloc_noio_save();
	for (i = 0; !r && i < nr_slots; i++) {
		mutex_lock(&slots[i].lock);
		r = obd_codec_prepare(&slots[i].codec, zfile->algorithm) ?:
		    prepare_bounce(&slots[i], zfile->block_size);
		mutex_unlock(&slots[i].lock);
	}
	memalloc_noio_restore(noio);
	return r;
}

struct obd_slot *obd_slot_get(void)
{
	struct obd_slot *slot = &slots[raw_smp_processor_id() % nr_slots];

	mutex_lock(&slot->lock);
	return slot;
}

void obd_slot_put(struct obd_slot *slot)
{
	mutex_unlock(&slot->lock);
}
