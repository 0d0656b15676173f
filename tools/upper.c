// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open writable layers: check the headers, read the log up to its end.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/upper.h"

#define CHUNK_SLOTS	65536U		/* read at a time */
#define MANY_SLOTS	(1U << 20)	/* take long to sort */

/* The slots from @from on. */
struct log {
	struct lsmt_entry *slots;
	u64 nr;
	u64 room;
	u64 from;
	struct progress *progress;	/* may be NULL */
};

static void say_read(const struct log *log)
{
	if (log->progress)
		progress_say(log->progress, "%llu log entries read",
			     (unsigned long long)log->nr);
}

static void say_sorting(const struct log *log)
{
	if (log->progress && log->nr >= MANY_SLOTS)
		progress_show(log->progress, "sorting %llu log entries",
			      (unsigned long long)log->nr);
}

static u64 next_slot(const struct log *log)
{
	return log->from + log->nr;
}

static int read_part(struct obd_dev *dev, const char *what, u64 pos, void *buf,
		     u32 len, struct obd_error *err)
{
	int r = obd_dev_read(dev, pos, buf, len);

	return r ? obd_fail(err, r, "%s: cannot read %u bytes at byte %llu: %s",
			    what, len, (unsigned long long)pos,
			    strerror(-r)) : 0;
}

static int read_header(struct obd_dev *dev, const char *what,
		       struct lsmt_header *h, struct obd_error *err)
{
	if (dev->size < LSMT_HEADER_SPACE)
		return obd_fail(err, -EINVAL,
				"%s: has %llu bytes, expected %u or more",
				what, (unsigned long long)dev->size,
				LSMT_HEADER_SPACE);
	return read_part(dev, what, 0, h, sizeof(*h), err);
}

/* A sparse layer, which will be refused as such, may have an empty index file. */
static int read_headers(struct upper *upper, struct obd_error *err)
{
	int r = read_header(&upper->data, "data", &upper->data_header, err);

	if (r || le32_to_cpu(upper->data_header.flags) & LSMT_FLAG_SPARSE)
		return r;
	return read_header(&upper->index, "index", &upper->index_header, err);
}

static int parse_headers(struct upper *upper, bool sealed,
			 struct obd_error *err)
{
	struct lsmt_header index = upper->index_header;
	u32 flags = le32_to_cpu(index.flags);

	if (flags == (LSMT_FLAG_HEADER | LSMT_FLAG_SEALED)) {
		if (!sealed)
			return obd_fail(err, -EINVAL,
					"index: the layer has been sealed: its data alone is the layer, to be listed as a lower, or sealed again if that was interrupted");
		index.flags = cpu_to_le32(flags & ~LSMT_FLAG_SEALED);
	}
	return obd_writable_parse(&upper->data_header, &index,
				  &upper->writable, err);
}

/* No more than the file can hold, however large that is. */
static int make_room(struct log *log, u64 nr, u64 most, struct obd_error *err)
{
	u64 room = min(most, max(2 * log->room, log->nr + nr));
	struct lsmt_entry *more;

	if (log->nr + nr <= log->room)
		return 0;
	more = reallocarray(log->slots, room, sizeof(*more));
	if (!more)
		return obd_fail(err, -ENOMEM, "no memory for %llu log entries",
				(unsigned long long)room);
	log->slots = more;
	log->room = room;
	return 0;
}

static u64 data_sectors(const struct upper *upper)
{
	return upper->data.size >> OBD_SECTOR_SHIFT;
}

/* Take @nr more slots. Returns 1 if the log ends with or within them. */
static int check_slots(struct upper *upper, struct log *log, u32 nr,
		       struct obd_error *err)
{
	u64 sectors = upper->log_data_end >> OBD_SECTOR_SHIFT;
	int r = OBD_SLOT_ENTRY;

	for (; nr; nr--) {
		const struct lsmt_entry *e = &log->slots[log->nr];

		r = obd_log_check(e, next_slot(log), REPLAY_DATA_MAX, err);
		if (r < 0 || r == OBD_SLOT_END)
			break;
		if (r == OBD_SLOT_ENTRY && !lsmt_entry_zeroed(e))
			sectors = max(sectors, lsmt_entry_moffset(e) +
					       lsmt_entry_length(e));
		log->nr++;
	}
	upper->log_data_end = min(sectors, data_sectors(upper))
			      << OBD_SECTOR_SHIFT;
	return r < 0 ? r : r == OBD_SLOT_END;
}

/* Take the slots up to @slots, or to the end of the log. */
static int read_log(struct upper *upper, struct log *log, u64 slots,
		    struct obd_error *err)
{
	u64 most = min(slots, OBD_LOG_MAX + 1);
	int r = 0;

	while (!r && next_slot(log) < most) {
		u64 slot = next_slot(log);
		u32 nr = min_t(u64, CHUNK_SLOTS, most - slot);
		u64 pos = LSMT_HEADER_SPACE + slot * sizeof(*log->slots);

		r = make_room(log, nr, log->nr + most - slot, err) ?:
		    read_part(&upper->index, "index", pos,
			      log->slots + log->nr, nr * sizeof(*log->slots),
			      err) ?:
		    check_slots(upper, log, nr, err);
		say_read(log);
	}
	upper->log_slots = next_slot(log);
	if (r >= 0 && upper->log_slots > OBD_LOG_MAX)
		r = obd_fail(err, -E2BIG,
			     "index: the log has more than %llu entries",
			     OBD_LOG_MAX);
	return min(r, 0);
}

static u64 slots_of(const struct upper *upper)
{
	return (upper->index.size - LSMT_HEADER_SPACE) /
	       sizeof(struct lsmt_entry);
}

static int load_log(struct upper *upper, u64 slots, struct progress *progress,
		    struct obd_error *err)
{
	struct log log = { .progress = progress };
	int r;

	upper->log_data_end = LSMT_HEADER_SPACE;
	r = read_log(upper, &log, slots, err);
	if (!r) {
		say_sorting(&log);
		r = replay_log(&upper->replay, log.slots, log.nr,
			       data_sectors(upper), err);
	}
	free(log.slots);
	return r;
}

static int load_rest(struct upper *upper, struct obd_error *err)
{
	struct log log = { .from = upper->log_slots };
	int r;

	r = read_log(upper, &log, slots_of(upper), err) ?:
	    replay_more(&upper->replay, log.slots, log.nr,
			data_sectors(upper), err);
	free(log.slots);
	return r;
}

/* The kernel sees to it that files are the same whoever writes them. */
static void forget_cached(int fd)
{
	struct stat st;

	if (!fstat(fd, &st) && S_ISBLK(st.st_mode))
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

static int take_fd(struct obd_dev *dev, int fd, const char *what,
		   struct obd_error *err)
{
	off_t size = lseek(fd, 0, SEEK_END);

	if (size < 0)
		return obd_fail(err, -errno, "%s: %s", what, strerror(errno));
	forget_cached(fd);
	*dev = (struct obd_dev) { .fd = fd, .size = size };
	return 0;
}

static int look_again(struct upper *upper, int data_fd, int index_fd,
		      bool sealed, struct obd_error *err)
{
	return take_fd(&upper->data, data_fd, "data", err) ?:
	       take_fd(&upper->index, index_fd, "index", err) ?:
	       read_headers(upper, err) ?: parse_headers(upper, sealed, err);
}

static int look(struct upper *upper, int data_fd, int index_fd, bool sealed,
		struct obd_error *err)
{
	*upper = (struct upper) {};
	return look_again(upper, data_fd, index_fd, sealed, err);
}

int upper_look(struct upper *upper, int data_fd, int index_fd,
	       struct obd_error *err)
{
	return look(upper, data_fd, index_fd, false, err);
}

int upper_load(struct upper *upper, int data_fd, int index_fd,
	       struct obd_error *err)
{
	return look(upper, data_fd, index_fd, false, err) ?:
	       load_log(upper, slots_of(upper), NULL, err);
}

int upper_load_sealed(struct upper *upper, int data_fd, int index_fd,
		      struct progress *progress, struct obd_error *err)
{
	return look(upper, data_fd, index_fd, true, err) ?:
	       load_log(upper, slots_of(upper), progress, err);
}

int upper_load_begin(struct upper *upper, int data_fd, int index_fd, u64 slots,
		     struct obd_error *err)
{
	return look(upper, data_fd, index_fd, false, err) ?:
	       load_log(upper, min(slots, slots_of(upper)), NULL, err);
}

int upper_load_rest(struct upper *upper, struct obd_error *err)
{
	return look_again(upper, upper->data.fd, upper->index.fd, false, err) ?:
	       load_rest(upper, err);
}

static int open_part(struct obd_dev *dev, const char *path, const char *what,
		     struct obd_error *err)
{
	int r = obd_file_open(dev, path);

	return r ? obd_fail(err, r, "%s: %s: %s", what, path,
			    obd_file_error(r)) : 0;
}

int upper_open(struct upper *upper, const char *data, const char *index,
	       struct obd_error *err)
{
	struct obd_dev data_dev = { .fd = -1 }, index_dev = { .fd = -1 };
	int r;

	r = open_part(&data_dev, data, "data", err) ?:
	    open_part(&index_dev, index, "index", err);
	if (r) {
		*upper = (struct upper) {};
		obd_file_close(&data_dev);
		obd_file_close(&index_dev);
		return r;
	}
	r = upper_load(upper, data_dev.fd, index_dev.fd, err);
	upper->owns = true;
	return r;
}

u64 upper_live_end(const struct upper *upper)
{
	return upper->replay.data_end << OBD_SECTOR_SHIFT;
}

u64 upper_log_end(const struct upper *upper)
{
	return LSMT_HEADER_SPACE +
	       upper->log_slots * sizeof(struct lsmt_entry);
}

void upper_close(struct upper *upper)
{
	if (upper->owns) {
		obd_file_close(&upper->data);
		obd_file_close(&upper->index);
	}
	replay_release(&upper->replay);
	*upper = (struct upper) {};
}
