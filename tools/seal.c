// SPDX-License-Identifier: GPL-2.0-only
/*
 * Seal writable layers.
 *
 * The index is on stable storage before the trailer is written, which fits
 * into a page: there is a whole layer or none.
 */
#include <unistd.h>

#include "tools/seal.h"
#include "tools/store.h"
#include "tools/upper.h"
#include "tools/writer-lsmt.h"

#define ENTRIES_ALIGN	(OBD_SECTOR_SIZE / sizeof(struct lsmt_entry))

/* To write these out may take long. */
#define MANY_EXTENTS	(1U << 18)
#define MUCH_DATA	(64ULL << 20)

/* The index as it is appended, padding included. */
struct tail {
	struct lsmt_entry *index;
	u32 nr;			/* entries that count; at least one */
	u32 nr_padded;
};

static int make_tail(struct tail *tail, const struct replay *replay,
		     struct obd_error *err)
{
	const struct lsmt_entry padding = {
		.where = cpu_to_le64(LSMT_OFFSET_PADDING),
	};
	u32 i;

	if (replay->nr > LSMT_WRITE_MAX_ENTRIES)
		return obd_fail(err, -E2BIG,
				"the layer has %u extents, a sealed layer holds %u: commit it, or merge it with those below",
				replay->nr, LSMT_WRITE_MAX_ENTRIES);
	/* Some readers take an empty index for a broken one. */
	tail->nr = max(replay->nr, 1U);
	tail->nr_padded = round_up(tail->nr, (u32)ENTRIES_ALIGN);
	tail->index = malloc(tail->nr_padded * sizeof(*tail->index));
	if (!tail->index)
		return obd_fail(err, -ENOMEM, "no memory for %u index entries",
				tail->nr_padded);
	for (i = 0; i < tail->nr_padded; i++)
		tail->index[i] = i < replay->nr ? replay->entries[i] : padding;
	return 0;
}

static int write_trailer(const struct upper *upper, const struct tail *tail,
			 u64 index_offset, u64 pos, struct obd_error *err)
{
	union {
		u8 raw[LSMT_HEADER_SPACE];
		struct lsmt_header header;
	} t = {};
	u64 size = upper->writable.virtual_sectors << OBD_SECTOR_SHIFT;

	t.header = upper->data_header;
	t.header.flags = cpu_to_le32(LSMT_FLAG_DATA | LSMT_FLAG_SEALED);
	t.header.index_offset = cpu_to_le64(index_offset);
	t.header.index_size = cpu_to_le64(tail->nr);
	t.header.virtual_size = cpu_to_le64(size);
	return store_write(upper->data.fd, "data", pos, &t, sizeof(t), err);
}

static int write_tail(const struct upper *upper, const struct tail *tail,
		      u64 *bytes, struct obd_error *err)
{
	u64 index_bytes = (u64)tail->nr_padded * sizeof(*tail->index);
	u64 index_offset = upper_live_end(upper);
	int fd = upper->data.fd;
	int r;

	*bytes = index_offset + index_bytes + LSMT_HEADER_SPACE;
	r = store_write(fd, "data", index_offset, tail->index, index_bytes,
			err) ?:
	    store_sync(fd, "data", err) ?:
	    write_trailer(upper, tail, index_offset,
			  index_offset + index_bytes, err) ?:
	    store_sync(fd, "data", err);
	return r;
}

int seal_loaded(const struct upper *upper, u64 *bytes, struct obd_error *err)
{
	struct tail tail = {};
	int r;

	*bytes = 0;
	r = make_tail(&tail, &upper->replay, err) ?:
	    write_tail(upper, &tail, bytes, err);
	free(tail.index);
	return r;
}

/* What takes long is to have the disk take the data, however little is new. */
static void say_writing(const struct upper *upper, struct progress *progress)
{
	u64 bytes = upper->replay.data_sectors << OBD_SECTOR_SHIFT;

	if (upper->replay.nr >= MANY_EXTENTS || bytes >= MUCH_DATA)
		progress_show(progress, "writing out %u extents, %llu MiB",
			      upper->replay.nr,
			      (unsigned long long)bytes >> 20);
}

/* On a full disk, what is of no use must not stay. Why is said already. */
static void cut_back(const struct upper *upper)
{
	off_t size = lseek(upper->data.fd, 0, SEEK_END);
	struct obd_error ignored;

	if (size > 0 && (u64)size > upper->data.size)
		store_cut(upper->data.fd, "data", upper->data.size, &ignored);
}

int seal_upper(int data_fd, int index_fd, u64 *bytes,
	       struct progress *progress, struct obd_error *err)
{
	struct upper upper;
	int r;

	r = upper_load_sealed(&upper, data_fd, index_fd, progress, err);
	if (!r) {
		say_writing(&upper, progress);
		r = seal_loaded(&upper, bytes, err);
		if (r)
			cut_back(&upper);
	}
	upper_close(&upper);
	return r;
}

int seal_mark(int index_fd, bool sealed, struct obd_error *err)
{
	struct obd_dev index = { .fd = index_fd, .size = OBD_SECTOR_SIZE };
	union {
		u8 raw[OBD_SECTOR_SIZE];
		struct lsmt_header header;
	} h;
	int r = obd_dev_read(&index, 0, &h, sizeof(h));

	if (r)
		return obd_fail(err, r, "index: cannot read its header: %s",
				strerror(-r));
	if (sealed)
		h.header.flags |= cpu_to_le32(LSMT_FLAG_SEALED);
	else
		h.header.flags &= cpu_to_le32(~LSMT_FLAG_SEALED);
	return store_write(index_fd, "index", 0, &h, sizeof(h), err) ?:
	       store_sync(index_fd, "index", err);
}

int seal_cut(int data_fd, u64 bytes, struct obd_error *err)
{
	return store_cut(data_fd, "data", bytes, err) ?:
	       store_sync(data_fd, "data", err);
}

int seal_finish(int data_fd, int index_fd, u64 bytes, struct obd_error *err)
{
	return seal_cut(data_fd, bytes, err) ?:
	       seal_mark(index_fd, true, err);
}

int seal_undo(int data_fd, int index_fd, u64 bytes, u64 size,
	      struct obd_error *err)
{
	static const u8 zeros[LSMT_HEADER_SPACE];

	return seal_mark(index_fd, false, err) ?:
	       store_write(data_fd, "data", bytes - sizeof(zeros), zeros,
			   sizeof(zeros), err) ?:
	       store_cut(data_fd, "data", size, err) ?:
	       store_sync(data_fd, "data", err);
}
