// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decompression slots.
 */
#include <linux/cpumask.h>
#include <linux/mutex.h>
#include <linux/sched/mm.h>
#include <linux/smp.h>
#include <linux/wait.h>

#include "dm-overlaybd-codec.h"

static struct obd_slot *slots;
static DECLARE_WAIT_QUEUE_HEAD(slot_free);
static unsigned int nr_slots;

/*
 * One table load at a time changes the slots. Comes before their locks. The load
 * for a suspended device may wait for it: memory has to be had without I/O.
 */
static DEFINE_MUTEX(prepare_lock);

int obd_slots_init(void)
{
	unsigned int i;

	nr_slots = num_online_cpus() + 1;
	slots = kvcalloc(nr_slots, sizeof(*slots), GFP_KERNEL);
	if (!slots)
		return -ENOMEM;
	for (i = 0; i < nr_slots; i++)
		sema_init(&slots[i].lock, 1);
	return 0;
}

unsigned int obd_slots_nr(void)
{
	return nr_slots;
}

void obd_slots_exit(void)
{
	unsigned int i;

	for (i = 0; i < nr_slots; i++) {
		obd_codec_release(&slots[i].codec);
		kvfree(slots[i].bounce);
		kfree(slots[i].pages);
	}
	kvfree(slots);
}

/* Who has the last slot maps no pages, so never waits for memory with it. */
static bool slot_maps(const struct obd_slot *slot)
{
	return slot != &slots[nr_slots - 1];
}

/* What a slot has in memory for blocks of one size. */
static int bounce_alloc(struct obd_slot *slot, u32 size, bool maps)
{
	slot->bounce_size = size;
	slot->bounce = kvmalloc(size, OBD_GFP_BLOB);
	if (maps)
		slot->pages = kmalloc_array(DIV_ROUND_UP(size, PAGE_SIZE),
					    sizeof(*slot->pages), OBD_GFP_BLOB);
	return slot->bounce && (slot->pages || !maps) ? 0 : -ENOMEM;
}

/*
 * The I/O path waits for a slot's lock: what is new is allocated before, and
 * what it replaces is freed after. The caller holds prepare_lock, so that
 * nobody else changes the slot.
 */
static int slot_prepare(struct obd_slot *slot, const struct obd_zfile *zfile)
{
	struct obd_slot new = {};
	int r = 0;

	if (zfile->algorithm != ZFILE_ALGO_ZSTD || !slot->codec.zstd)
		r = obd_codec_prepare(&new.codec, zfile->algorithm);
	if (!r && slot->bounce_size < zfile->block_size)
		r = bounce_alloc(&new, zfile->block_size, slot_maps(slot));
	down(&slot->lock);
	if (new.codec.zstd)
		swap(slot->codec, new.codec);
	if (!r && new.bounce) {
		swap(slot->bounce, new.bounce);
		swap(slot->pages, new.pages);
		slot->bounce_size = new.bounce_size;
	}
	obd_slot_put(slot);
	obd_codec_release(&new.codec);
	kvfree(new.bounce);
	kfree(new.pages);
	return r;
}

int obd_slots_prepare(const struct obd_zfile *zfile)
{
	unsigned int noio, i;
	int r = 0;

	mutex_lock(&prepare_lock);
	noio = memalloc_noio_save();
	for (i = 0; !r && i < nr_slots; i++)
		r = slot_prepare(&slots[i], zfile);
	memalloc_noio_restore(noio);
	mutex_unlock(&prepare_lock);
	return r;
}

/*
 * Any slot will do: one may be held by somebody who gets little of the CPU. The
 * one that maps nothing is the last that anybody tries.
 */
struct obd_slot *obd_slot_try(void)
{
	unsigned int first = raw_smp_processor_id() % (nr_slots - 1);
	unsigned int i;

	for (i = 0; i < nr_slots; i++) {
		struct obd_slot *slot = &slots[(first + i) % nr_slots];

		if (!down_trylock(&slot->lock))
			return slot;
	}
	return NULL;
}

struct obd_slot *obd_slot_get(void)
{
	struct obd_slot *slot;

	wait_event(slot_free, (slot = obd_slot_try()));
	return slot;
}

void obd_slot_put(struct obd_slot *slot)
{
	up(&slot->lock);
	if (wq_has_sleeper(&slot_free))
		wake_up(&slot_free);
}
