// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lay out a committed LSMT layer.
 */
#include <uuid/uuid.h>

#include "dm-overlaybd-lsmt.h"
#include "tools/writer-lsmt.h"

#define INDEX_ALIGN	4096U
#define ENTRIES_ALIGN	(INDEX_ALIGN / sizeof(struct lsmt_entry))

/* Where uuids that are derived from contents come from: chosen at random. */
static const uuid_t uuid_namespace = {
	0x6e, 0x2b, 0x91, 0x54, 0x0c, 0x7d, 0x4f, 0x38,
	0x9a, 0xe1, 0x53, 0xc6, 0x1f, 0x88, 0xd2, 0x47,
};

static void derive_uuid(const struct lsmt_image *image,
			const struct changes *changes, struct lsmt_info *info)
{
	__le64 size = cpu_to_le64(info->virtual_size);
	uuid_t uuid;

	uuid_generate_sha1(uuid, uuid_namespace, (char *)&size, sizeof(size));
	uuid_generate_sha1(uuid, uuid, info->parent_uuid,
			   sizeof(info->parent_uuid));
	uuid_generate_sha1(uuid, uuid, (char *)changes->sums,
			   changes->nr_sums * sizeof(*changes->sums));
	uuid_generate_sha1(uuid, uuid, (char *)image->index,
			   image->nr_used * sizeof(*image->index));
	uuid_unparse_lower(uuid, info->uuid);
}

static struct lsmt_entry make_entry(u64 offset, u64 len, u64 moffset,
				    u64 flags)
{
	return (struct lsmt_entry) {
		.where = cpu_to_le64(offset | len << LSMT_OFFSET_BITS),
		.what = cpu_to_le64(moffset | flags),
	};
}

/* Data in the order of the disk. Returns the sector where it ends. */
static u64 fill_data(struct lsmt_image *image, const struct changes *changes)
{
	u64 moffset = LSMT_HEADER_SPACE / OBD_SECTOR_SIZE;
	u64 i;

	for (i = 0; i < changes->nr; i++) {
		const struct change *c = &changes->list[i];
		u64 done, len;

		for (done = 0; done < c->len; done += len) {
			len = min_t(u64, c->len - done, LSMT_WRITE_MAX_LEN);
			image->data[image->nr_data++] =
				make_entry(c->sector + done, len, moffset,
					   c->zeroed ? LSMT_ZEROED : 0);
			moffset += c->zeroed ? 0 : len;
		}
	}
	return moffset;
}

static void fill_target(struct lsmt_image *image,
			const struct target_extent *extent)
{
	u64 tag = (u64)LSMT_TAG_TARGET << LSMT_TAG_SHIFT;
	u64 done, len;

	for (done = 0; done < extent->len; done += len) {
		len = min_t(u64, extent->len - done, LSMT_WRITE_MAX_LEN);
		image->index[image->nr_used++] =
			make_entry(extent->sector + done, len,
				   extent->at + done, tag);
	}
}

/* Both are in order, and do not overlap. */
static void fill_index(struct lsmt_image *image, const struct changes *changes)
{
	const struct lsmt_entry *data = image->data;
	const struct lsmt_entry *end = data + image->nr_data;
	u64 i;
	u32 n;

	for (i = 0; i < changes->nr_targets; i++) {
		const struct target_extent *extent = &changes->targets[i];

		while (data < end && lsmt_entry_offset(data) < extent->sector)
			image->index[image->nr_used++] = *data++;
		fill_target(image, extent);
	}
	while (data < end)
		image->index[image->nr_used++] = *data++;
	for (n = image->nr_used; n < image->nr_entries; n++)
		image->index[n] = make_entry(LSMT_OFFSET_PADDING, 0, 0, 0);
}

static int check_entries(u64 nr, const struct changes *changes,
			 u64 virtual_size, struct obd_error *err)
{
	if (nr <= LSMT_WRITE_MAX_ENTRIES)
		return 0;
	if (changes->nr_targets)
		return obd_fail(err, -E2BIG,
				"the files take %llu index entries, a layer holds %u: expected fewer files",
				(unsigned long long)nr,
				LSMT_WRITE_MAX_ENTRIES);
	if (changes->gaps_unknown)
		return obd_fail(err, -E2BIG,
				"%llu index entries are left, a layer holds %u: merge it with the layers below instead",
				(unsigned long long)nr,
				LSMT_WRITE_MAX_ENTRIES);
	return obd_fail(err, -E2BIG,
			"a disk of %llu bytes takes %llu index entries, a layer holds %u: make a smaller disk",
			(unsigned long long)virtual_size,
			(unsigned long long)nr, LSMT_WRITE_MAX_ENTRIES);
}

static int make_index(struct lsmt_image *image, struct changes *changes,
		      u64 virtual_size, struct obd_error *err)
{
	u64 nr;
	int r;

	changes_coarsen(changes, LSMT_WRITE_MAX_LEN, LSMT_WRITE_MAX_ENTRIES);
	nr = changes_entries(changes, LSMT_WRITE_MAX_LEN);
	r = check_entries(nr, changes, virtual_size, err);
	if (r)
		return r;
	image->nr_entries = round_up(max(nr, 1), ENTRIES_ALIGN);
	image->index = calloc(image->nr_entries, sizeof(*image->index));
	image->data = calloc(image->nr_entries, sizeof(*image->data));
	if (!image->index || !image->data)
		return obd_fail(err, -ENOMEM, "no memory for %u index entries",
				image->nr_entries);
	image->index_offset = fill_data(image, changes) << OBD_SECTOR_SHIFT;
	fill_index(image, changes);
	return 0;
}

void lsmt_fill_header(struct lsmt_header *h, const struct lsmt_info *info,
		      u32 flags)
{
	static const char no_uuid[] = "00000000-0000-0000-0000-000000000000";
	const char *parent = *info->parent_uuid ? info->parent_uuid : no_uuid;

	*h = (struct lsmt_header) {
		.size = cpu_to_le32(sizeof(*h)),
		.flags = cpu_to_le32(flags),
		.virtual_size = cpu_to_le64(info->virtual_size),
		.version = LSMT_VERSION,
		.sub_version = LSMT_SUB_VERSION,
	};
	memcpy(h->magic0, LSMT_MAGIC0, LSMT_MAGIC0_SIZE);
	memcpy(h->magic1, LSMT_MAGIC1, LSMT_MAGIC1_SIZE);
	memcpy(h->uuid, info->uuid, LSMT_UUID_SIZE);
	memcpy(h->parent_uuid, parent, LSMT_UUID_SIZE);
	if (info->user_tag)
		memcpy(h->user_tag, info->user_tag, strlen(info->user_tag));
}

int lsmt_image_init(struct lsmt_image *image, struct source disk,
		    struct changes *changes, struct lsmt_info *info,
		    struct obd_error *err)
{
	int r;

	*image = (struct lsmt_image) { .disk = disk };
	if (info->user_tag && strlen(info->user_tag) >= LSMT_USER_TAG_SIZE)
		return obd_fail(err, -EINVAL,
				"the user tag has %zu bytes, expected at most %u",
				strlen(info->user_tag),
				LSMT_USER_TAG_SIZE - 1);
	r = make_index(image, changes, info->virtual_size, err);
	if (r)
		return r;
	if (!*info->uuid)
		derive_uuid(image, changes, info);
	lsmt_fill_header(&image->header, info, LSMT_FLAG_HEADER |
			 LSMT_FLAG_DATA | LSMT_FLAG_SEALED);
	lsmt_fill_header(&image->trailer, info,
			 LSMT_FLAG_DATA | LSMT_FLAG_SEALED);
	image->trailer.index_offset = cpu_to_le64(image->index_offset);
	image->trailer.index_size = cpu_to_le64(image->nr_entries);
	image->size = image->index_offset + LSMT_HEADER_SPACE +
		      (u64)image->nr_entries * sizeof(*image->index);
	return 0;
}

void lsmt_image_release(struct lsmt_image *image)
{
	free(image->index);
	free(image->data);
	image->index = NULL;
	image->data = NULL;
}

/*
 * The entry whose data is at @sector. Zeroed entries tell where the data of
 * the next entry begins, so that the last candidate is always the one.
 */
static const struct lsmt_entry *find_data(const struct lsmt_image *image,
					  u64 sector)
{
	const struct lsmt_entry *e = image->data;
	u32 nr;

	for (nr = image->nr_data; nr > 1; nr -= nr / 2)
		if (lsmt_entry_moffset(&e[nr / 2]) <= sector)
			e += nr / 2;
	return e;
}

/* Data from @pos on that lies together on the disk. */
static int read_data(const struct lsmt_image *image, u64 pos, void *buf,
		     u64 *len, struct obd_error *err)
{
	const struct lsmt_entry *e = find_data(image, pos >> OBD_SECTOR_SHIFT);
	u64 begin = lsmt_entry_moffset(e) << OBD_SECTOR_SHIFT;
	u64 bytes = (u64)lsmt_entry_length(e) << OBD_SECTOR_SHIFT;
	u64 at = (lsmt_entry_offset(e) << OBD_SECTOR_SHIFT) + (pos - begin);

	*len = min(*len, bytes - (pos - begin));
	return image->disk.read(image->disk.ctx, at, buf, *len, err);
}

/* A part of the layer that is in memory, followed by zeros up to @space. */
static void read_memory(const void *part, u64 size, u64 space, u64 pos,
			u8 *buf, u64 *len)
{
	u64 n;

	*len = min(*len, space - pos);
	n = pos < size ? min(*len, size - pos) : 0;
	if (n)
		memcpy(buf, (const u8 *)part + pos, n);
	memset(buf + n, 0, *len - n);
}

/* Read up to the end of the part of the layer that @pos lies in. */
static int read_part(const struct lsmt_image *image, u64 pos, u8 *buf,
		     u64 *len, struct obd_error *err)
{
	u64 index_bytes = (u64)image->nr_entries * sizeof(*image->index);
	u64 index_end = image->index_offset + index_bytes;

	if (pos >= LSMT_HEADER_SPACE && pos < image->index_offset) {
		*len = min(*len, image->index_offset - pos);
		return read_data(image, pos, buf, len, err);
	}
	if (pos < LSMT_HEADER_SPACE)
		read_memory(&image->header, sizeof(image->header),
			    LSMT_HEADER_SPACE, pos, buf, len);
	else if (pos < index_end)
		read_memory(image->index, index_bytes, index_bytes,
			    pos - image->index_offset, buf, len);
	else
		read_memory(&image->trailer, sizeof(image->trailer),
			    LSMT_HEADER_SPACE, pos - index_end, buf, len);
	return 0;
}

static int read_image(const void *ctx, u64 pos, void *buf, u64 len,
		      struct obd_error *err)
{
	const struct lsmt_image *image = ctx;
	u8 *to = buf;
	int r = 0;

	while (!r && len) {
		u64 n = len;

		r = read_part(image, pos, to, &n, err);
		pos += n;
		to += n;
		len -= n;
	}
	return r;
}

struct source lsmt_image_source(const struct lsmt_image *image)
{
	return (struct source) {
		.size = image->size,
		.ctx = image,
		.read = read_image,
	};
}
