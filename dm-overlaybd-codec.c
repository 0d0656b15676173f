// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decompression slots.
 */
#include <linux/cpumask.h>
#include <linux/smp.h>

#include "dm-overlaybd-codec.h"

static struct obd_slot *slots;
static unsigned int nr_slots;

/* One table load at a time changes the slots. Comes before their locks. */
static DEFINE_MUTEX(prepare_lock);

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

/*
 * The I/O path waits for a slot's lock: what is new is allocated before, and
 * what it replaces is freed after. The caller holds prepare_lock, so that
 * nobody else changes the slot.
 */
static int slot_prepare(struct obd_slot *slot, const struct obd_zfile *zfile)
{
	struct obd_codec codec = {};
	u32 size = zfile->block_size;
	void *bounce = NULL;
	int r = 0;

	if (zfile->algorithm != ZFILE_ALGO_ZSTD || !slot->codec.zstd)
		r = obd_codec_prepare(&codec, zfile->algorithm);
	if (!r && slot->bounce_size < size) {
		bounce = kvmalloc(size, GFP_KERNEL);
		r = bounce ? 0 : -ENOMEM;
	}
	mutex_lock(&slot->lock);
	if (codec.zstd)
		swap(slot->codec, codec);
	if (bounce) {
		swap(slot->bounce, bounce);
		slot->bounce_size = size;
	}
	mutex_unlock(&slot->lock);
	obd_codec_release(&codec);
	kvfree(bounce);
	return r;
}

int obd_slots_prepare(const struct obd_zfile *zfile)
{
	unsigned int i;
	int r = 0;

	mutex_lock(&prepare_lock);
	for (i = 0; !r && i < nr_slots; i++)
		r = slot_prepare(&slots[i], zfile);
	mutex_unlock(&prepare_lock);
	return r;
}

struct obd_slot *obd_slot_get(void)
{
	unsigned int first = raw_smp_processor_id() % nr_slots;
	unsigned int i;

	for (i = 0; i < nr_slots; i++) {
		struct obd_slot *slot = &slots[(first + i) % nr_slots];

		if (mutex_trylock(&slot->lock))
			return slot;
	}
	mutex_lock(&slots[first].lock);
	return &slots[first];
}

void obd_slot_put(struct obd_slot *slot)
{
	mutex_unlock(&slot->lock);
}
