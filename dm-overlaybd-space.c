// SPDX-License-Identifier: GPL-2.0-only
/*
 * The space of a data device.
 */
#include <linux/sort.h>

#include "dm-overlaybd-log.h"
#include "dm-overlaybd-space.h"

#define STEP_SECTORS	2048U	/* that are taken at the end of all */

void obd_space_init(struct obd_space *space)
{
	space->end = OBD_DATA_START;
	obd_ranges_init(&space->free);
	obd_ranges_init(&space->limbo[0]);
	obd_ranges_init(&space->limbo[1]);
	obd_ranges_init(&space->suspect);
	space->pending = &space->limbo[0];
	space->settled = &space->limbo[1];
}

void obd_space_exit(struct obd_space *space)
{
	obd_ranges_exit(&space->free);
	obd_ranges_exit(&space->limbo[0]);
	obd_ranges_exit(&space->limbo[1]);
	obd_ranges_exit(&space->suspect);
}

struct used {
	u64 moffset;
	u64 len;
};

/* There may be many, and sort() does not let others run. */
static int compare_used(const void *a, const void *b)
{
	const struct used *x = a, *y = b;

	cond_resched();
	return x->moffset < y->moffset ? -1 : x->moffset > y->moffset;
}

static u64 collect_used(struct obd_upper_map *map, struct used *used, u64 max)
{
	struct obd_piece piece;
	u64 sector = 0, nr = 0, first;

	while (nr < max && obd_upper_map_next(map, &sector, &piece, &first)) {
		cond_resched();
		if (piece.what != OBD_DATA)
			continue;
		used[nr].moffset = piece.moffset;
		used[nr++].len = piece.len;
	}
	return nr;
}

static int load_free(struct obd_space *space, const struct used *used, u64 nr,
		     struct obd_error *err)
{
	u64 i, end = OBD_DATA_START;

	for (i = 0; i < nr; i++) {
		if (used[i].moffset < end)
			return obd_fail(err, -EINVAL,
					"log: sector %llu of the data is in use twice",
					(unsigned long long)used[i].moffset);
		if (used[i].moffset > end &&
		    obd_ranges_add(&space->free, end, used[i].moffset - end,
				   OBD_GFP_BLOB))
			return obd_fail(err, -ENOMEM,
					"no memory for what is free between %llu extents",
					(unsigned long long)nr);
		end = used[i].moffset + used[i].len;
		if (obd_interrupted())
			return obd_fail(err, -EINTR, "interrupted");
	}
	space->end = end;
	return 0;
}

int obd_space_load(struct obd_space *space, struct obd_upper_map *map,
		   struct obd_error *err)
{
	u64 nr = obd_upper_map_pieces(map);
	struct used *used;
	int r;

	used = kvmalloc_array(nr, sizeof(*used), OBD_GFP_BLOB);
	if (nr && !used)
		return obd_fail(err, -ENOMEM, "no memory for %llu extents",
				(unsigned long long)nr);
	nr = collect_used(map, used, nr);
	sort(used, nr, sizeof(*used), compare_used, NULL);
	r = load_free(space, used, nr, err);
	kvfree(used);
	return r;
}

static void take_at_end(struct obd_space *space)
{
	u64 len = min_t(u64, space->sectors - space->end, STEP_SECTORS);

	space->next = space->end;
	space->next_end = space->end + len;
	space->end += len;
}

static bool take_from(struct obd_space *space, struct obd_ranges *ranges)
{
	u64 len;

	if (!obd_ranges_take(ranges, &space->next, &len))
		return false;
	space->next_end = space->next + len;
	return true;
}

static void take_more(struct obd_space *space)
{
	if (take_from(space, &space->free))
		return;
	if (space->end < space->sectors)
		take_at_end(space);
	else
		take_from(space, &space->suspect);
}

u64 obd_space_alloc(struct obd_space *space, u64 want, u64 *moffset)
{
	u64 len;

	if (space->next == space->next_end)
		take_more(space);
	len = min(want, space->next_end - space->next);
	*moffset = space->next;
	space->next += len;
	return len;
}

void obd_space_return(struct obd_space *space, u64 moffset, u64 len)
{
	obd_ranges_add(&space->free, moffset, len, OBD_GFP_TRY);
}

void obd_space_suspect(struct obd_space *space, u64 moffset, u64 len)
{
	obd_ranges_add(&space->suspect, moffset, len, OBD_GFP_TRY);
}

void obd_space_free(struct obd_space *space, const struct obd_freed *freed)
{
	unsigned int i;

	for (i = 0; i < freed->nr; i++)
		obd_ranges_add(space->pending, freed->ranges[i].moffset,
			       freed->ranges[i].len, OBD_GFP_TRY);
}

void obd_space_settle(struct obd_space *space)
{
	if (space->due || !space->pending->sectors)
		return;
	swap(space->settled, space->pending);
	space->due = true;
	space->durable = false;
}

bool obd_space_release(struct obd_space *space)
{
	u64 first, len;

	if (obd_ranges_take(space->settled, &first, &len)) {
		obd_ranges_add(&space->free, first, len, OBD_GFP_TRY);
		WRITE_ONCE(space->released, space->released + len);
	}
	space->due = space->settled->sectors;
	return space->due;
}
