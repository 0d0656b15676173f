// SPDX-License-Identifier: GPL-2.0-only
/*
 * Convert sparse layers: write an index of what the file holds, and, when that
 * is on stable storage, take the flag out of the header of the data. The index
 * of a sparse layer is not used: until then it may be written anew, but only if
 * it is one.
 */
#define _GNU_SOURCE
#include <sys/stat.h>
#include <unistd.h>

#include "dm-overlaybd-log.h"
#include "tools/file.h"
#include "tools/store.h"
#include "tools/upper-sparse.h"
#include "tools/writer-lsmt.h"

#define CHUNK_SLOTS	4096U
#define READ_BYTES	(1U << 16)

/* On a device, what lies behind the log must not be taken for entries. */
#define CLEARED_BYTES	(1U << 20)

/* A header in the one sector that it takes. */
union sector {
	u8 raw[OBD_SECTOR_SIZE];
	struct lsmt_header header;
};

static_assert(sizeof(union sector) == OBD_SECTOR_SIZE, "header in a sector");

struct convert {
	int data_fd;
	int index_fd;
	u64 end;		/* of the data file, or of the disk in it */
	union sector header;	/* of the data */
	bool dry;		/* the slots are counted, not written */
	u64 written;		/* slots of the log */
	u32 nr;			/* more that are not written yet */
	struct lsmt_entry slots[CHUNK_SLOTS];
};

static int flush_slots(struct convert *c, struct obd_error *err)
{
	u64 pos = LSMT_HEADER_SPACE + c->written * sizeof(c->slots[0]);
	u32 bytes = c->nr * sizeof(c->slots[0]);

	c->written += c->nr;
	c->nr = 0;
	if (c->written > OBD_LOG_MAX)
		return obd_fail(err, -E2BIG,
				"data: more than %llu extents, which no index holds",
				OBD_LOG_MAX);
	if (c->dry)
		return 0;
	return store_write(c->index_fd, "index", pos, c->slots, bytes, err);
}

/* From byte @pos of the data file up to @end there is data. */
static int add_data(struct convert *c, u64 pos, u64 end, struct obd_error *err)
{
	u64 moffset = pos >> OBD_SECTOR_SHIFT;
	u64 moffset_end = DIV_ROUND_UP(end, OBD_SECTOR_SIZE);
	int r = 0;

	while (!r && moffset < moffset_end) {
		u32 len = min_t(u64, moffset_end - moffset,
				LSMT_WRITE_MAX_LEN);

		obd_log_entry(&c->slots[c->nr++], moffset - OBD_DATA_START,
			      len, moffset, 0);
		moffset += len;
		if (c->nr == CHUNK_SLOTS)
			r = flush_slots(c, err);
	}
	return r;
}

/*
 * Where a file system cannot tell, all of a file is said to be data. To believe
 * that would hide the layers below.
 */
static int check_belief(const struct convert *c, u64 data, u64 hole,
			struct obd_error *err)
{
	struct stat st;

	if (data > LSMT_HEADER_SPACE || hole < c->end)
		return 0;
	if (fstat(c->data_fd, &st))
		return obd_fail(err, -errno, "data: %s", strerror(errno));
	if (S_ISREG(st.st_mode) && (u64)st.st_blocks * 512 >= c->end)
		return 0;
	return obd_fail(err, -EOPNOTSUPP,
			"data: the layer is sparse, but what it lies on does not tell holes from data: copy it, with its holes, to a file system that does");
}

static int add_all(struct convert *c, struct obd_error *err)
{
	off_t data, hole = LSMT_HEADER_SPACE;
	int r = 0;

	while (!r && (u64)hole < c->end) {
		data = lseek(c->data_fd, hole, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			break;
		hole = data < 0 ? -1 : lseek(c->data_fd, data, SEEK_HOLE);
		if (hole < 0)
			return obd_fail(err, -EOPNOTSUPP,
					"data: the layer is sparse, but its holes cannot be found: %s",
					strerror(errno));
		if ((u64)data >= c->end)
			break;
		r = check_belief(c, data, hole, err) ?:
		    add_data(c, data, min((u64)hole, c->end), err);
	}
	return r ?: flush_slots(c, err);
}

/* All that can be wrong with the data is known before the index is touched. */
static int count_slots(struct convert *c, struct obd_error *err)
{
	int r;

	c->dry = true;
	r = add_all(c, err);
	c->dry = false;
	return r;
}

/* Files end with their log. */
static int clear_rest(struct convert *c, struct obd_error *err)
{
	static const u8 zeros[CLEARED_BYTES];
	u64 pos = LSMT_HEADER_SPACE + c->written * sizeof(c->slots[0]);
	off_t size = lseek(c->index_fd, 0, SEEK_END);

	if (size < 0)
		return obd_fail(err, -errno, "index: %s", strerror(errno));
	if ((u64)size <= pos)
		return 0;
	return store_write(c->index_fd, "index", pos, zeros,
			   min_t(u64, size - pos, sizeof(zeros)), err);
}

/* With its header on the disk it is known for what it is after a crash. */
static int write_index(struct convert *c, struct obd_error *err)
{
	union {
		u8 raw[LSMT_HEADER_SPACE];
		struct lsmt_header header;
	} h = {};

	h.header = c->header.header;
	h.header.flags = cpu_to_le32(LSMT_FLAG_HEADER);
	h.header.index_offset = cpu_to_le64(LSMT_HEADER_SPACE);
	c->written = 0;
	return store_cut(c->index_fd, "index", 0, err) ?:
	       store_write(c->index_fd, "index", 0, &h, sizeof(h), err) ?:
	       store_sync(c->index_fd, "index", err) ?:
	       add_all(c, err) ?: clear_rest(c, err) ?:
	       store_sync(c->index_fd, "index", err);
}

/*
 * A file may end within a sector, which an entry cannot. It has to be longer on
 * the disk before the header there says that there are entries.
 */
static int pad_data(struct convert *c, struct obd_error *err)
{
	u64 end = round_up(c->end, OBD_SECTOR_SIZE);

	if (end == c->end)
		return 0;
	c->end = end;
	return store_cut(c->data_fd, "data", end, err) ?:
	       store_sync(c->data_fd, "data", err);
}

static int clear_flag(struct convert *c, struct obd_error *err)
{
	c->header.header.flags &= ~cpu_to_le32(LSMT_FLAG_SPARSE);
	return store_write(c->data_fd, "data", 0, &c->header,
			   sizeof(c->header), err) ?:
	       store_sync(c->data_fd, "data", err);
}

static int read_header(struct convert *c, struct obd_error *err)
{
	struct obd_dev data = { .fd = c->data_fd };
	off_t size = lseek(c->data_fd, 0, SEEK_END);
	u64 virtual_size;
	int r;

	if (size < LSMT_HEADER_SPACE)
		return obd_fail(err, -EINVAL,
				"data: has %lld bytes, expected %u or more",
				(long long)size, LSMT_HEADER_SPACE);
	r = obd_dev_read(&data, 0, &c->header, sizeof(c->header));
	if (r)
		return obd_fail(err, r, "data: cannot read its header: %s",
				strerror(-r));
	virtual_size = le64_to_cpu(c->header.header.virtual_size);
	r = obd_lsmt_check_header(&c->header.header, "data",
				  LSMT_FLAG_HEADER | LSMT_FLAG_DATA,
				  LSMT_FLAG_SEALED, err) ?:
	    obd_lsmt_check_virtual_size("data", virtual_size, err);
	c->end = size;
	if (!r && virtual_size)
		c->end = min(c->end, LSMT_HEADER_SPACE + virtual_size);
	return r;
}

/* What is written over: files end with their log, devices do not. */
static int index_bytes(const struct convert *c, u64 *bytes,
		       struct obd_error *err)
{
	u64 log = LSMT_HEADER_SPACE + c->written * sizeof(c->slots[0]);
	off_t size = lseek(c->index_fd, 0, SEEK_END);
	struct stat st;

	if (size < 0 || fstat(c->index_fd, &st))
		return obd_fail(err, -errno, "index: %s", strerror(errno));
	*bytes = size;
	if (!S_ISREG(st.st_mode))
		*bytes = min(*bytes, log + CLEARED_BYTES);
	return 0;
}

/* Where holes cannot be told from data, all of it is. */
static u64 next_data(int fd, u64 pos, u64 end)
{
	off_t data = lseek(fd, pos, SEEK_DATA);

	if (data < 0)
		return errno == ENXIO ? end : pos;
	return min_t(u64, data, end);
}

static int check_zero(const struct convert *c, u64 end, struct obd_error *err)
{
	struct obd_dev index = { .fd = c->index_fd };
	u64 pos = next_data(c->index_fd, 0, end);
	u8 buf[READ_BYTES];
	int r;

	while (pos < end) {
		u32 len = min_t(u64, end - pos, sizeof(buf));

		r = obd_dev_read(&index, pos, buf, len);
		if (r)
			return obd_fail(err, r,
					"index: cannot read %u bytes at byte %llu: %s",
					len, (unsigned long long)pos,
					strerror(-r));
		if (memchr_inv(buf, 0, len))
			return obd_fail(err, -EINVAL,
					"index: is not that of the data, which is sparse, and holds something: give an empty file, or one of zeros");
		pos = next_data(c->index_fd, pos + len, end);
	}
	return 0;
}

/* Who named the wrong file must not lose it. */
static int check_index(const struct convert *c, struct obd_error *err)
{
	struct obd_dev index = { .fd = c->index_fd };
	union sector h = {};
	u64 bytes = 0;
	int r;

	r = index_bytes(c, &bytes, err);
	if (r)
		return r;
	r = obd_dev_read(&index, 0, &h, min_t(u64, bytes, sizeof(h)));
	if (r)
		return obd_fail(err, r, "index: cannot read its header: %s",
				strerror(-r));
	if (!obd_lsmt_check_header(&h.header, "index", LSMT_FLAG_HEADER,
				   LSMT_FLAG_DATA | LSMT_FLAG_SEALED, err) &&
	    !strncmp(h.header.uuid, c->header.header.uuid, LSMT_UUID_SIZE))
		return 0;
	return check_zero(c, bytes, err);
}

static int convert(struct convert *c, struct obd_error *err)
{
	int r = read_header(c, err);

	if (r || !(le32_to_cpu(c->header.header.flags) & LSMT_FLAG_SPARSE))
		return r;
	return count_slots(c, err) ?: check_index(c, err) ?:
	       pad_data(c, err) ?: write_index(c, err) ?:
	       clear_flag(c, err) ?: 1;
}

int upper_convert_sparse(int data_fd, int index_fd, struct obd_error *err)
{
	struct convert *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return obd_fail(err, -ENOMEM, "no memory to convert the layer");
	c->data_fd = data_fd;
	c->index_fd = index_fd;
	r = convert(c, err);
	free(c);
	return r;
}
