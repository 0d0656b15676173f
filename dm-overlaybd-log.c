// SPDX-License-Identifier: GPL-2.0-only
/*
 * The writable layer as it is stored: check its headers and the slots of its
 * log, make entries.
 */
#include "dm-overlaybd-log.h"

static int check_sparse(const struct lsmt_header *data, struct obd_error *err)
{
	if (le32_to_cpu(data->flags) & LSMT_FLAG_SPARSE)
		return obd_fail(err, -EOPNOTSUPP,
				"data: the layer is sparse and has no log: \"overlaybdsetup repair\" converts it");
	return 0;
}

static int check_log_offset(const struct lsmt_header *index,
			    struct obd_error *err)
{
	u64 offset = le64_to_cpu(index->index_offset);

	if (offset != LSMT_HEADER_SPACE)
		return obd_fail(err, -EINVAL,
				"index: index_offset is %llu, expected %u",
				(unsigned long long)offset, LSMT_HEADER_SPACE);
	return 0;
}

static int check_same_uuid(const struct lsmt_header *data,
			   const struct lsmt_header *index,
			   struct obd_error *err)
{
	if (strncmp(data->uuid, index->uuid, LSMT_UUID_SIZE))
		return obd_fail(err, -EINVAL,
				"index: uuid is another than that of the data");
	return 0;
}

int obd_writable_parse(const struct lsmt_header *data,
		       const struct lsmt_header *index,
		       struct obd_writable *writable, struct obd_error *err)
{
	u64 size = max(le64_to_cpu(data->virtual_size),
		       le64_to_cpu(index->virtual_size));
	int r;

	r = obd_lsmt_check_header(data, "data",
				  LSMT_FLAG_HEADER | LSMT_FLAG_DATA,
				  LSMT_FLAG_SEALED, err) ?:
	    check_sparse(data, err) ?:
	    obd_lsmt_check_header(index, "index", LSMT_FLAG_HEADER,
				  LSMT_FLAG_DATA | LSMT_FLAG_SEALED, err) ?:
	    check_log_offset(index, err) ?:
	    check_same_uuid(data, index, err) ?:
	    obd_lsmt_check_virtual_size("header", size, err);
	if (r)
		return r;
	writable->virtual_sectors = size >> OBD_SECTOR_SHIFT;
	writable->unequal = data->virtual_size != index->virtual_size;
	obd_lsmt_copy_uuid(writable->uuid, data->uuid);
	obd_lsmt_copy_uuid(writable->parent_uuid, data->parent_uuid);
	return 0;
}

/*
 * Offsets have 50 bits, lengths 14 and moffsets 55: none of the sums below
 * can wrap.
 */
int obd_log_check(const struct lsmt_entry *e, u64 nr, u64 data_sectors,
		  struct obd_error *err)
{
	u64 moffset = lsmt_entry_moffset(e);
	u64 offset = lsmt_entry_offset(e);
	u32 len = lsmt_entry_length(e);

	if (!e->where && !e->what)
		return OBD_SLOT_END;
	if (offset == LSMT_OFFSET_PADDING)
		return OBD_SLOT_PADDING;
	if (!len)
		return obd_fail(err, -EINVAL, "log entry %llu: length is 0",
				(unsigned long long)nr);
	if (offset + len > LSMT_OFFSET_MASK)
		return obd_fail(err, -EINVAL,
				"log entry %llu: offset %llu, length %u pass the last sector",
				(unsigned long long)nr,
				(unsigned long long)offset, len);
	if (lsmt_entry_zeroed(e))
		return OBD_SLOT_ENTRY;
	if (moffset < OBD_DATA_START || moffset + len > data_sectors)
		return obd_fail(err, -EINVAL,
				"log entry %llu: moffset %llu, length %u, expected within %u to %llu",
				(unsigned long long)nr,
				(unsigned long long)moffset, len,
				OBD_DATA_START,
				(unsigned long long)data_sectors);
	return OBD_SLOT_ENTRY;
}

void obd_log_entry(struct lsmt_entry *e, u64 sector, u32 len, u64 moffset,
		   u8 tag)
{
	u64 what = moffset;

	/* Others demand a place within the data even of zeros. */
	if (!moffset)
		what = OBD_DATA_START | LSMT_ZEROED;
	e->where = cpu_to_le64(sector | (u64)len << LSMT_OFFSET_BITS);
	e->what = cpu_to_le64(what | (u64)tag << LSMT_TAG_SHIFT);
}
