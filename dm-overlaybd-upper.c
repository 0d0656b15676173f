// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writable layers: loading them, which tables have them, what happens when a
 * table begins and ends to be used.
 */
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "dm-overlaybd-upper.h"

#define DM_MSG_PREFIX "overlaybd"

#define LOAD_SLOTS	OBD_LOGGER_ROOM	/* read at a time */
#define MEMORY_TRIES	100
#define LOW_PART	8	/* of a data device that does not take all of the disk */

/* The last entries of a log that are in the order of their sectors. */
struct log_run {
	u64 from;	/* slot of the first */
	u64 next;	/* sector behind the last */
	u64 sectors;	/* of all */
};

static LIST_HEAD(uppers);
static DEFINE_MUTEX(uppers_lock);

static bool upper_uses(const struct obd_upper *u,
		       const struct block_device *bdev)
{
	return u->data == bdev || u->index == bdev;
}

/*
 * Find what uses one of the devices. Return: NULL if there is nothing, or a
 * layer that may be shared, or an ERR_PTR().
 */
static struct obd_upper *find_upper(struct dm_target *ti,
				    const struct block_device *data,
				    const struct block_device *index,
				    struct obd_error *err)
{
	struct mapped_device *md = dm_table_get_md(ti->table);
	struct obd_upper *u;
	int r;

	list_for_each_entry(u, &uppers, link) {
		if (!upper_uses(u, data) && !upper_uses(u, index))
			continue;
		if (u->md == md && u->data == data && u->index == index &&
		    u->ready)
			return u;
		r = obd_fail(err, -EBUSY,
			     "its devices are in use as a writable layer by %s",
			     u->device);
		return ERR_PTR(r);
	}
	return NULL;
}

static int init_log(struct obd_upper *u)
{
	return obd_logger_init(&u->logger, u->index) ?:
	       init_srcu_struct(&u->bios);
}

static void upper_free(struct obd_upper *u)
{
	if (u->wq)
		destroy_workqueue(u->wq);
	obd_upper_map_exit(&u->map);
	obd_space_exit(&u->space);
	kvfree(u->pending);
	obd_logger_exit(&u->logger);
	kfree(u);
}

static void upper_init(struct obd_upper *u)
{
	spin_lock_init(&u->lock);
	init_waitqueue_head(&u->wait);
	bio_list_init(&u->waiting);
	bio_list_init(&u->stalled);
	INIT_WORK(&u->commit_work, obd_upper_commit_work);
	INIT_WORK(&u->release_work, obd_upper_release_work);
	obd_upper_map_init(&u->map);
	obd_space_init(&u->space);
}

static struct obd_upper *upper_alloc(struct dm_target *ti,
				     struct block_device *data,
				     struct block_device *index, u8 tag)
{
	struct obd_upper *u = kzalloc(sizeof(*u), GFP_KERNEL);

	if (!u)
		return NULL;
	upper_init(u);
	u->users = 1;
	u->md = dm_table_get_md(ti->table);
	u->device = dm_table_device_name(ti->table);
	u->data = data;
	u->index = index;
	u->tag = tag;
	u->pending = kvmalloc_array(OBD_LOGGER_MAX, sizeof(*u->pending),
				    GFP_KERNEL);
	u->wq = alloc_workqueue("overlaybd-upper/%s",
				WQ_UNBOUND | WQ_MEM_RECLAIM, 0, u->device);
	if (u->pending && u->wq && !init_log(u))
		return u;
	upper_free(u);
	return NULL;
}

static int read_headers(struct obd_upper *u, struct lsmt_header *headers,
			struct obd_error *err)
{
	struct obd_dev data = { .bdev = u->data };
	struct obd_dev index = { .bdev = u->index };
	int r;

	if (obd_dev_size(&data) < LSMT_HEADER_SPACE ||
	    obd_dev_size(&index) < LSMT_HEADER_SPACE)
		return obd_fail(err, -EINVAL,
				"a device is too short for a header of %u bytes",
				LSMT_HEADER_SPACE);
	r = obd_dev_read(&data, 0, &headers[0], sizeof(headers[0])) ?:
	    obd_dev_read(&index, 0, &headers[1], sizeof(headers[1]));
	if (r)
		return obd_fail(err, r, "cannot read a header: error %d", r);
	return 0;
}

static int load_headers(struct obd_upper *u, struct obd_error *err)
{
	struct obd_writable writable;
	struct lsmt_header *headers;
	int r;

	headers = kmalloc_array(2, sizeof(*headers), GFP_KERNEL);
	if (!headers)
		return obd_fail(err, -ENOMEM, "no memory for headers");
	r = read_headers(u, headers, err) ?:
	    obd_writable_parse(&headers[0], &headers[1], &writable, err);
	if (!r) {
		u->virtual_sectors = writable.virtual_sectors;
		u->unequal = writable.unequal;
	}
	kfree(headers);
	return r;
}

/* Allocates as the write path does, but has the time to wait for memory. */
static int load_piece(struct obd_upper *u, u64 sector, struct obd_piece *piece)
{
	unsigned int try = 0;
	struct page *page;
	int r;

	for (;;) {
		spin_lock_irq(&u->lock);
		r = obd_upper_map_store(&u->map, sector, piece, &u->freed,
					OBD_GFP_TRY);
		spin_unlock_irq(&u->lock);
		if (!r || try++ == MEMORY_TRIES)
			return r;
		page = alloc_page(OBD_GFP_BLOB);
		if (!page)
			return -ENOMEM;
		__free_page(page);
	}
}

static bool is_mapped(struct obd_upper *u, u64 sector,
		      const struct obd_piece *piece)
{
	struct obd_piece old;

	obd_upper_map_lookup(&u->map, sector, piece->len, &old);
	return old.what == piece->what && old.len >= piece->len &&
	       (old.what == OBD_ZEROES || old.moffset == piece->moffset);
}

/*
 * The log is needed up to the last entry that says something new. What follows
 * is a copy of what it says that was not completed: it must not take the room
 * of the next.
 */
static int load_entry(struct obd_upper *u, const struct lsmt_entry *e)
{
	u64 sector = lsmt_entry_offset(e);
	u64 left = lsmt_entry_length(e);
	struct obd_piece piece = {
		.what = lsmt_entry_zeroed(e) ? OBD_ZEROES : OBD_DATA,
		.moffset = lsmt_entry_moffset(e),
		.len = left,
	};
	int r = 0;

	if (is_mapped(u, sector, &piece))
		return 0;
	u->logger.end = u->log_end + 1;
	while (!r && left) {
		piece.len = left;
		r = load_piece(u, sector, &piece);
		sector += piece.len;
		piece.moffset += piece.len;
		left -= piece.len;
	}
	return r;
}

static void note_run(struct log_run *run, u64 slot, const struct lsmt_entry *e)
{
	u64 sector = lsmt_entry_offset(e);
	u32 len = lsmt_entry_length(e);

	if (sector < run->next) {
		run->from = slot;
		run->sectors = 0;
	}
	run->next = sector + len;
	run->sectors += len;
}

static int load_slot(struct obd_upper *u, const struct lsmt_entry *e,
		     struct log_run *run, struct obd_error *err)
{
	note_run(run, u->log_end, e);
	if (load_entry(u, e))
		return obd_fail(err, -ENOMEM, "no memory for log entry %llu",
				(unsigned long long)u->log_end);
	return 0;
}

/* Return: 1 at the end of the log, 0 if it may go on, or a negative errno. */
static int load_entries(struct obd_upper *u, const struct lsmt_entry *e,
			u32 nr, struct log_run *run, struct obd_error *err)
{
	u64 data_sectors = bdev_nr_sectors(u->data);
	u32 i;
	int r;

	for (i = 0; i < nr; i++) {
		r = obd_log_check(&e[i], u->log_end, data_sectors, err);
		if (r == OBD_SLOT_END)
			return 1;
		if (r == OBD_SLOT_ENTRY)
			r = load_slot(u, &e[i], run, err);
		if (r < 0)
			return r;
		u->log_end++;
	}
	return 0;
}

/* Return: the number of slots read, 0 at the end of the device, or an errno. */
static int read_slots(struct obd_upper *u, struct lsmt_entry *e,
		      struct obd_error *err)
{
	struct obd_dev dev = { .bdev = u->index };
	u32 n = min_t(u64, LOAD_SLOTS, u->logger.slots - u->log_end);
	int r;

	if (!n)
		return 0;
	if (obd_interrupted())
		return obd_fail(err, -EINTR, "interrupted");
	r = obd_dev_read(&dev, LSMT_HEADER_SPACE + u->log_end * sizeof(*e), e,
			 n * sizeof(*e));
	if (r)
		return obd_fail(err, r, "cannot read the log: error %d", r);
	return n;
}

/*
 * If these say all that the log says, they are the copy that an interrupted
 * compaction has made: the room for another one may be gone, but the log can
 * begin there.
 */
static void find_copy(struct obd_upper *u, const struct log_run *run)
{
	if (run->sectors != u->map.sectors ||
	    !obd_logger_may_restart(u->log_end, run->from))
		return;
	u->copy = run->from;
	u->logger.end = u->log_end;
}

static int load_log(struct obd_upper *u, struct obd_error *err)
{
	struct log_run run = {};
	struct lsmt_entry *e;
	int n, r = 0;

	e = kvmalloc_array(LOAD_SLOTS, sizeof(*e), GFP_KERNEL);
	if (!e)
		return obd_fail(err, -ENOMEM, "no memory for the log");
	do {
		n = read_slots(u, e, err);
		if (n > 0)
			r = load_entries(u, e, n, &run, err);
	} while (n > 0 && !r);
	kvfree(e);
	find_copy(u, &run);
	return min3(n, r, 0);
}

static int upper_load(struct obd_upper *u, struct obd_error *err)
{
	int r;

	r = load_headers(u, err) ?: load_log(u, err);
	if (r)
		return r;
	u->log_end = u->logger.end;
	u->log_slots = u->logger.slots;
	u->space.sectors = bdev_nr_sectors(u->data);
	return obd_space_load(&u->space, &u->map, err);
}

/*
 * Find one that may be shared, or add one that is still to be loaded. A table of
 * a suspended device may wait for the lock: memory has to be had without I/O.
 */
static struct obd_upper *find_or_add(struct dm_target *ti,
				     struct block_device *data,
				     struct block_device *index, u8 tag,
				     struct obd_error *err)
{
	unsigned int noio = memalloc_noio_save();
	struct obd_upper *u;

	mutex_lock(&uppers_lock);
	u = find_upper(ti, data, index, err);
	if (!u) {
		u = upper_alloc(ti, data, index, tag);
		if (u)
			list_add(&u->link, &uppers);
		else
			u = ERR_PTR(obd_fail(err, -ENOMEM,
					     "no memory for a writable layer"));
	} else if (!IS_ERR(u)) {
		u->users++;
	}
	mutex_unlock(&uppers_lock);
	memalloc_noio_restore(noio);
	return u;
}

struct obd_upper *obd_upper_get(struct dm_target *ti, struct block_device *data,
				struct block_device *index, u8 tag,
				struct obd_error *err)
{
	struct obd_upper *u;
	int r;

	if (data == index) {
		r = obd_fail(err, -EINVAL,
			     "data and index are the same device");
		return ERR_PTR(r);
	}
	u = find_or_add(ti, data, index, tag, err);
	if (IS_ERR(u) || u->ready)
		return u;
	r = upper_load(u, err);
	mutex_lock(&uppers_lock);
	u->ready = !r;
	mutex_unlock(&uppers_lock);
	if (!r)
		return u;
	obd_upper_put(u);
	return ERR_PTR(r);
}

void obd_upper_put(struct obd_upper *u)
{
	bool last;

	if (!u)
		return;
	mutex_lock(&uppers_lock);
	last = !--u->users;
	if (last)
		list_del(&u->link);
	mutex_unlock(&uppers_lock);
	if (!last)
		return;
	cancel_work_sync(&u->commit_work);
	cancel_work_sync(&u->release_work);
	cleanup_srcu_struct(&u->bios);
	upper_free(u);
}

/* Changes a header. Return: is it another one now? */
typedef bool (*change_fn)(struct lsmt_header *header, u64 sectors);

static bool set_virtual_size(struct lsmt_header *header, u64 sectors)
{
	header->virtual_size = cpu_to_le64(sectors << SECTOR_SHIFT);
	return true;
}

static bool clear_sealed(struct lsmt_header *header, u64 sectors)
{
	bool sealed = header->flags & cpu_to_le32(LSMT_FLAG_SEALED);

	header->flags &= cpu_to_le32(~LSMT_FLAG_SEALED);
	return sealed;
}

/* The first sector of a device has all of a header that is used. */
static int change_header(struct block_device *bdev, change_fn change,
			 u64 sectors)
{
	struct lsmt_header *header = kmalloc(OBD_SECTOR_SIZE, GFP_NOIO);
	int r;

	if (!header)
		return -ENOMEM;
	r = obd_bdev_io(bdev, REQ_OP_READ, 0, header, OBD_SECTOR_SIZE);
	if (!r && change(header, sectors))
		r = obd_bdev_io(bdev, REQ_OP_WRITE | REQ_FUA, 0, header,
				OBD_SECTOR_SIZE);
	kfree(header);
	return r;
}

/*
 * Somebody was about to have the device go on with another upper, marked this
 * one as sealed, and came no further than that. It is going to be written.
 */
static int unseal(struct obd_upper *u)
{
	return change_header(u->index, clear_sealed, 0);
}

/* Also finishes what was interrupted. */
static int grow(struct obd_upper *u, u64 sectors)
{
	int r;

	if (sectors <= u->virtual_sectors && !u->unequal)
		return 0;
	sectors = max(sectors, u->virtual_sectors);
	u->unequal = true;
	r = change_header(u->index, set_virtual_size, sectors) ?:
	    change_header(u->data, set_virtual_size, sectors);
	if (r)
		return r;
	u->virtual_sectors = sectors;
	u->unequal = false;
	return 0;
}

static int finish_compaction(struct obd_upper *u)
{
	int r;

	if (!u->copy)
		return 0;
	r = obd_logger_restart(&u->logger, u->copy);
	if (r)
		return r;
	u->copy = 0;
	spin_lock_irq(&u->lock);
	u->log_end = u->logger.end;
	u->nr_compactions++;
	spin_unlock_irq(&u->lock);
	return 0;
}

static bool is_long_enough(const struct obd_upper *u, const char *what,
			   u64 sectors, u64 wanted)
{
	if (sectors >= wanted)
		return true;
	DMERR("%s: %s is %llu sectors, expected at least %llu", u->device, what,
	      (unsigned long long)sectors, (unsigned long long)wanted);
	return false;
}

int obd_upper_start(struct obd_upper *u, struct dm_target *ti, u64 low_water)
{
	u64 sectors = bdev_nr_sectors(u->data);
	int r;

	if (!is_long_enough(u, "length", ti->len, u->sectors) ||
	    !is_long_enough(u, "data", sectors, u->space.end))
		return -EINVAL;
	if (!READ_ONCE(u->failed)) {
		r = obd_logger_start(&u->logger) ?: unseal(u) ?:
		    finish_compaction(u) ?: grow(u, ti->len);
		if (r)
			return r;
	}
	spin_lock_irq(&u->lock);
	u->space.sectors = sectors;
	u->log_slots = u->logger.slots;
	u->full = false;
	u->low = false;
	spin_unlock_irq(&u->lock);
	u->sectors = ti->len;
	if (!low_water && sectors < OBD_DATA_START + ti->len)
		low_water = sectors / LOW_PART;
	u->low_water = low_water;
	WRITE_ONCE(u->ti, ti);
	return 0;
}

void obd_upper_stop(struct obd_upper *u)
{
	obd_upper_kick(u);
	flush_work(&u->commit_work);
	flush_work(&u->release_work);
	WRITE_ONCE(u->ti, NULL);
	flush_work(&u->commit_work);
}

void obd_upper_usage(struct obd_upper *u, struct obd_upper_usage *usage)
{
	spin_lock_irq(&u->lock);
	*usage = (struct obd_upper_usage) {
		.failed = u->failed,
		.extents = u->map.nr,
		.map_bytes = obd_upper_map_bytes(&u->map),
		.used_sectors = u->space.sectors -
				obd_space_available(&u->space),
		.data_sectors = u->space.sectors,
		.log_entries = u->log_end,
		.log_slots = u->log_slots,
		.pending = u->nr_pending,
		.commits = u->nr_commits,
		.compactions = u->nr_compactions,
	};
	spin_unlock_irq(&u->lock);
}
