// SPDX-License-Identifier: GPL-2.0-only
/*
 * LSMT layers: parse and check.
 */
#include "dm-overlaybd-lsmt.h"

static int check_magic(const struct lsmt_header *h, const char *which,
		       struct obd_error *err)
{
	if (memcmp(h->magic0, LSMT_MAGIC0, LSMT_MAGIC0_SIZE) ||
	    memcmp(h->magic1, LSMT_MAGIC1, LSMT_MAGIC1_SIZE))
		return obd_fail(err, -EINVAL, "LSMT %s: bad magic", which);
	if (le32_to_cpu(h->size) != sizeof(*h))
		return obd_fail(err, -EINVAL,
				"LSMT %s: size is %u, expected %zu", which,
				le32_to_cpu(h->size), sizeof(*h));
	if (h->version != LSMT_VERSION)
		return obd_fail(err, -EINVAL,
				"LSMT %s: version is %u, expected %u", which,
				h->version, LSMT_VERSION);
	return 0;
}

static int check_flags(const struct lsmt_header *h, const char *which,
		       u32 must, u32 must_not, struct obd_error *err)
{
	u32 flags = le32_to_cpu(h->flags);

	if ((flags & must) != must || flags & must_not)
		return obd_fail(err, -EINVAL,
				"LSMT %s: flags are %#x, expected %#x set and %#x clear",
				which, flags, must, must_not);
	return 0;
}

int obd_lsmt_check_header(const struct lsmt_header *h, const char *which,
			  u32 must, u32 must_not, struct obd_error *err)
{
	return check_magic(h, which, err) ?:
	       check_flags(h, which, must, must_not, err);
}

static int check_extent_of_index(u64 offset, u64 nr, u64 size,
				 struct obd_error *err)
{
	u64 limit = size - LSMT_HEADER_SPACE;

	if (offset < LSMT_HEADER_SPACE || offset > limit)
		return obd_fail(err, -EINVAL,
				"LSMT trailer: index_offset is %llu, expected %u to %llu",
				(unsigned long long)offset, LSMT_HEADER_SPACE,
				(unsigned long long)limit);
	limit = min_t(u64, (limit - offset) / sizeof(struct lsmt_entry),
		      LSMT_MAX_ENTRIES);
	if (nr > limit)
		return obd_fail(err, -EINVAL,
				"LSMT trailer: index_size is %llu, expected at most %llu",
				(unsigned long long)nr,
				(unsigned long long)limit);
	return 0;
}

int obd_lsmt_check_virtual_size(const char *which, u64 size,
				struct obd_error *err)
{
	if (size % OBD_SECTOR_SIZE)
		return obd_fail(err, -EINVAL,
				"LSMT %s: virtual_size is %llu, expected a multiple of %u",
				which, (unsigned long long)size,
				OBD_SECTOR_SIZE);
	if (size >> OBD_SECTOR_SHIFT > LSMT_OFFSET_MASK)
		return obd_fail(err, -EINVAL,
				"LSMT %s: virtual_size is %llu, expected at most %llu",
				which, (unsigned long long)size,
				LSMT_OFFSET_MASK << OBD_SECTOR_SHIFT);
	return 0;
}

/* Blobs are not to be trusted to end their strings. */
void obd_lsmt_copy_uuid(char *to, const char *from)
{
	memcpy(to, from, LSMT_UUID_SIZE);
	to[LSMT_UUID_SIZE - 1] = '\0';
}

int obd_lsmt_parse(const struct lsmt_header *header,
		   const struct lsmt_header *trailer, u64 size,
		   struct obd_lsmt *lsmt, struct obd_error *err)
{
	u64 offset = le64_to_cpu(trailer->index_offset);
	u64 nr = le64_to_cpu(trailer->index_size);
	u64 virtual_size = le64_to_cpu(trailer->virtual_size);
	int r;

	r = obd_lsmt_check_header(header, "header",
				  LSMT_FLAG_HEADER | LSMT_FLAG_DATA,
				  LSMT_FLAG_SPARSE, err) ?:
	    obd_lsmt_check_header(trailer, "trailer",
				  LSMT_FLAG_DATA | LSMT_FLAG_SEALED,
				  LSMT_FLAG_HEADER | LSMT_FLAG_SPARSE, err) ?:
	    check_extent_of_index(offset, nr, size, err) ?:
	    obd_lsmt_check_virtual_size("trailer", virtual_size, err);
	if (r)
		return r;

	lsmt->virtual_sectors = virtual_size >> OBD_SECTOR_SHIFT;
	lsmt->index_offset = offset;
	lsmt->nr_entries = nr;
	obd_lsmt_copy_uuid(lsmt->uuid, trailer->uuid);
	obd_lsmt_copy_uuid(lsmt->parent_uuid, trailer->parent_uuid);
	return 0;
}

/*
 * Offsets have 50 bits, lengths 14 and moffsets 55: none of the sums below
 * can wrap.
 */
static int check_place(const struct lsmt_entry *e, u32 i, u64 end,
		       struct obd_error *err)
{
	u64 offset = lsmt_entry_offset(e);
	u32 len = lsmt_entry_length(e);

	if (!len)
		return obd_fail(err, -EINVAL,
				"index entry %u: length is 0", i);
	if (offset < end)
		return obd_fail(err, -EINVAL,
				"index entry %u overlaps its predecessor: offset is %llu, expected %llu or more",
				i, (unsigned long long)offset,
				(unsigned long long)end);
	if (offset + len > LSMT_OFFSET_MASK)
		return obd_fail(err, -EINVAL,
				"index entry %u: offset %llu, length %u pass the last sector",
				i, (unsigned long long)offset, len);
	return 0;
}

static int check_data(const struct obd_lsmt *lsmt, const struct lsmt_entry *e,
		      u32 i, struct obd_error *err)
{
	u64 data_end = lsmt->index_offset >> OBD_SECTOR_SHIFT;
	u64 moffset = lsmt_entry_moffset(e);
	u32 len = lsmt_entry_length(e);

	if (lsmt_entry_zeroed(e))
		return 0;
	if (moffset < LSMT_HEADER_SPACE / OBD_SECTOR_SIZE ||
	    moffset + len > data_end)
		return obd_fail(err, -EINVAL,
				"index entry %u: moffset %llu, length %u, expected within %u to %llu",
				i, (unsigned long long)moffset, len,
				LSMT_HEADER_SPACE / OBD_SECTOR_SIZE,
				(unsigned long long)data_end);
	return 0;
}

int obd_lsmt_check_index(struct obd_lsmt *lsmt, struct lsmt_entry *entries,
			 struct obd_error *err)
{
	u32 i, kept = 0;
	u64 end = 0;
	int r;

	for (i = 0; i < lsmt->nr_entries; i++) {
		const struct lsmt_entry *e = &entries[i];

		if (lsmt_entry_offset(e) == LSMT_OFFSET_PADDING)
			continue;
		r = check_place(e, i, end, err) ?: check_data(lsmt, e, i, err);
		if (r)
			return r;
		end = lsmt_entry_offset(e) + lsmt_entry_length(e);
		entries[kept++] = *e;
	}
	lsmt->nr_entries = kept;
	return 0;
}

/* Tags count from the smallest that there is, that of zeros, too. */
static u8 lowest_tag(const struct lsmt_entry *entries, u32 nr)
{
	u8 lowest = U8_MAX;
	u32 i;

	for (i = 0; i < nr; i++)
		if (lsmt_entry_offset(&entries[i]) != LSMT_OFFSET_PADDING)
			lowest = min(lowest, lsmt_entry_tag(&entries[i]));
	return lowest;
}

int obd_lsmt_split_index(struct obd_lsmt *lsmt, struct lsmt_entry *entries,
			 struct lsmt_entry *target, u32 *nr_target,
			 struct obd_error *err)
{
	u8 lowest = lowest_tag(entries, lsmt->nr_entries);
	u32 i, kept = 0, moved = 0;
	u64 end = 0;

	for (i = 0; i < lsmt->nr_entries; i++) {
		const struct lsmt_entry *e = &entries[i];
		u8 tag = lsmt_entry_zeroed(e) ? 0 : lsmt_entry_tag(e) - lowest;
		int r;

		if (lsmt_entry_offset(e) == LSMT_OFFSET_PADDING)
			continue;
		if (tag > LSMT_TAG_TARGET)
			return obd_fail(err, -EINVAL,
					"index entry %u: tag is %u, expected %u or %u",
					i, lsmt_entry_tag(e), lowest,
					lowest + LSMT_TAG_TARGET);
		r = check_place(e, i, end, err);
		if (!r && !tag)
			r = check_data(lsmt, e, i, err);
		if (r)
			return r;
		end = lsmt_entry_offset(e) + lsmt_entry_length(e);
		if (tag)
			target[moved++] = *e;
		else
			entries[kept++] = *e;
	}
	lsmt->nr_entries = kept;
	*nr_target = moved;
	return 0;
}

int obd_lsmt_check_target(const struct lsmt_entry *entries, u32 nr,
			  u64 sectors, struct obd_error *err)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		u64 moffset = lsmt_entry_moffset(&entries[i]);
		u32 len = lsmt_entry_length(&entries[i]);

		if (!lsmt_entry_zeroed(&entries[i]) && moffset + len > sectors)
			return obd_fail(err, -EINVAL,
					"index entry for sector %llu: moffset %llu, length %u, expected within the target's %llu sectors",
					(unsigned long long)
					lsmt_entry_offset(&entries[i]),
					(unsigned long long)moffset, len,
					(unsigned long long)sectors);
	}
	return 0;
}
