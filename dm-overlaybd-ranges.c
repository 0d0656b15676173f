// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sets of ranges of sectors.
 */
#include "dm-overlaybd-ranges.h"

void obd_ranges_init(struct obd_ranges *ranges, spinlock_t *lock)
{
	mt_init_flags(&ranges->tree, MT_FLAGS_LOCK_EXTERN);
	mt_set_external_lock(&ranges->tree, lock);
}

/* The lock, which a large set would hold for long, is there for checks only. */
void obd_ranges_exit(struct obd_ranges *ranges)
{
	static DEFINE_SPINLOCK(lock);

	spin_lock(&lock);
	mt_set_external_lock(&ranges->tree, &lock);
	__mt_destroy(&ranges->tree);
	spin_unlock(&lock);
}

int obd_ranges_add(struct obd_ranges *ranges, u64 first, u64 len)
{
	MA_STATE(mas, &ranges->tree, first, first);
	unsigned long from = first;
	unsigned long to = first + len - 1;
	int r;

	if (first)
		mas_set(&mas, first - 1);
	while (mas_find(&mas, first + len)) {
		from = min(from, mas.index);
		to = max(to, mas.last);
	}
	mas_set_range(&mas, from, to);
	r = obd_mas_store(&mas, xa_mk_value(0), OBD_GFP_TRY);
	if (r) {
		mas_set_range(&mas, from, to);
		r = obd_mas_store(&mas, xa_mk_value(0), OBD_GFP_RESERVES);
	}
	if (!r)
		ranges->sectors += len;
	return r;
}

bool obd_ranges_take(struct obd_ranges *ranges, u64 *first, u64 *len)
{
	MA_STATE(mas, &ranges->tree, 0, 0);

	if (!mas_find(&mas, ULONG_MAX))
		return false;
	*first = mas.index;
	*len = mas.last - mas.index + 1;
	mas_set_range(&mas, *first, *first + *len - 1);
	if (obd_mas_store(&mas, NULL, OBD_GFP_TRY))
		return false;
	ranges->sectors -= *len;
	return true;
}
