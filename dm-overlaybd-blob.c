// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open a blob on a device: tar > ZFile > LSMT.
 */
#include "dm-overlaybd-blob.h"
#include "dm-overlaybd-tar.h"

/* What a read of compressed data gathers at once, and table pieces. */
#define READ_SIZE	(256U << 10)

/* Writers pad an index to LSMT_HEADER_SPACE. */
#define PADDING_MAX	((u32)(LSMT_HEADER_SPACE / sizeof(struct lsmt_entry)))

/* At either end of a blob: what tells one from another that took its place. */
#define STAMP_SIZE	4096U

static int read_device(struct obd_dev *dev, u64 pos, void *buf, u32 len,
		       const char *what, struct obd_error *err)
{
	int r = obd_dev_read(dev, pos, buf, len);

	if (r)
		return obd_fail(err, r, "cannot read the %s at byte %llu: error %d",
				what, (unsigned long long)pos, r);
	return 0;
}

/*
 * Read @len bytes of the blob as it is stored, of which at least @need must be
 * there: what a device's last partial sector hides reads as zeros.
 */
static int read_stored(const struct obd_blob *blob, u64 pos, void *buf,
		       u32 len, u32 need, const char *what,
		       struct obd_error *err)
{
	u64 dev_size = obd_dev_size(blob->dev);
	u64 have = 0;

	if (blob->start + pos < dev_size)
		have = min_t(u64, len, dev_size - blob->start - pos);
	if (have < need)
		return obd_fail(err, -EINVAL,
				"the %s passes the end of the device: a file's last partial sector must be joined to it",
				what);
	memset(buf + have, 0, len - have);
	return read_device(blob->dev, blob->start + pos, buf, have, what, err);
}

static int check_bytes(struct obd_dev *dev, u64 *bytes, struct obd_error *err)
{
	u64 dev_size = obd_dev_size(dev);

	if (dev_size < OBD_SECTOR_SIZE)
		return obd_fail(err, -EINVAL,
				"has %llu bytes, expected %u or more",
				(unsigned long long)dev_size, OBD_SECTOR_SIZE);
	if (!*bytes)
		*bytes = dev_size;
	if (*bytes < OBD_SECTOR_SIZE ||
	    round_down(*bytes, OBD_SECTOR_SIZE) > dev_size)
		return obd_fail(err, -EINVAL,
				"length is %llu bytes, expected %u to %llu, the device's size",
				(unsigned long long)*bytes, OBD_SECTOR_SIZE,
				(unsigned long long)dev_size);
	return 0;
}

/* @size is left alone where the PAX header does not tell it. */
static int read_pax(struct obd_dev *dev, u64 len, u64 *size,
		    struct obd_error *err)
{
	char *records;
	int r;

	if (!len || len > OBD_TAR_PAX_MAX ||
	    TAR_BLOCK_SIZE + len > obd_dev_size(dev))
		return obd_fail(err, -EINVAL,
				"PAX header: size is %llu, expected 1 to %u",
				(unsigned long long)len, OBD_TAR_PAX_MAX);
	records = kvmalloc(len, GFP_KERNEL);
	if (!records)
		return obd_fail(err, -ENOMEM, "no memory for a PAX header");
	r = read_device(dev, TAR_BLOCK_SIZE, records, len, "PAX header", err) ?:
	    obd_tar_pax_size(records, len, size, err);
	kvfree(records);
	return r;
}

static int check_member(const struct tar_header *tar, u64 start, u64 size,
			u64 bytes, struct obd_error *err)
{
	if (tar->type != TAR_TYPE_FILE && tar->type != TAR_TYPE_FILE_OLD)
		return obd_fail(err, -EINVAL,
				"tar header: type is %#x, expected a regular file",
				(u8)tar->type);
	if (!size || size > bytes - start)
		return obd_fail(err, -EINVAL,
				"tar header: size is %llu, expected 1 to %llu",
				(unsigned long long)size,
				(unsigned long long)(bytes - start));
	return 0;
}

/* Past the PAX header @tar there is the header of the member itself. */
static int skip_pax(struct obd_dev *dev, u64 bytes, struct tar_header *tar,
		    u64 *start, u64 *size, struct obd_error *err)
{
	u64 len;
	int r;

	r = obd_tar_size(tar, &len, err) ?: read_pax(dev, len, size, err);
	if (r)
		return r;
	*start = TAR_BLOCK_SIZE + round_up(len, TAR_BLOCK_SIZE);
	if (*start + TAR_BLOCK_SIZE > round_down(bytes, TAR_BLOCK_SIZE))
		return obd_fail(err, -EINVAL,
				"PAX header: no member follows it");
	r = read_device(dev, *start, tar, sizeof(*tar), "tar header", err);
	if (r)
		return r;
	if (!obd_tar_recognised(tar))
		return obd_fail(err, -EINVAL,
				"PAX header: no ustar header follows it");
	return 0;
}

/* Find the window of the device that is the blob: all of it, or a member. */
static int find_window(struct obd_blob *blob, u64 bytes, struct obd_error *err)
{
	struct tar_header tar;
	u64 size = 0, start = 0;
	int r;

	r = read_device(blob->dev, 0, &tar, sizeof(tar), "header", err);
	if (r)
		return r;
	blob->size = bytes;
	if (!obd_tar_recognised(&tar))
		return 0;
	if (tar.type == TAR_TYPE_PAX)
		r = skip_pax(blob->dev, bytes, &tar, &start, &size, err);
	if (!r && !size)
		r = obd_tar_size(&tar, &size, err);
	if (r)
		return r;
	blob->start = start + TAR_BLOCK_SIZE;
	blob->size = size;
	return check_member(&tar, blob->start, size, bytes, err);
}

static int load_table(struct obd_blob *blob, struct obd_error *err)
{
	struct obd_zfile *z = &blob->zfile;
	const u32 piece = READ_SIZE / sizeof(__le32);
	struct obd_zfile_load load;
	__le32 *sizes;
	int r;

	r = obd_zfile_load_begin(z, &load, err);
	if (r)
		return r;
	sizes = kvmalloc(READ_SIZE, GFP_KERNEL);
	if (!sizes)
		return obd_fail(err, -ENOMEM, "no memory for a jump table");
	while (!r && load.block < z->nr_blocks) {
		u64 pos = z->index_offset + (u64)load.block * sizeof(*sizes);
		u32 nr = min(piece, z->nr_blocks - load.block);
		u32 len = nr * sizeof(*sizes);

		r = read_stored(blob, pos, sizes, len, len, "jump table",
				err) ?:
		    obd_zfile_load_add(z, &load, sizes, nr, err);
		if (!r && obd_dev_interrupted(blob->dev))
			r = obd_fail(err, -EINTR, "interrupted");
	}
	kvfree(sizes);
	return r ?: obd_zfile_load_end(z, &load, err);
}

/* @raw holds the header, and receives the trailer where that is needed. */
static int open_zfile(struct obd_blob *blob, void *raw, struct obd_error *err)
{
	bool trailer = obd_zfile_needs_trailer(raw);
	int r = 0;

	if (trailer && blob->size < 2 * ZFILE_HEADER_SPACE)
		return obd_fail(err, -EINVAL,
				"ZFile of %llu bytes, expected %u or more",
				(unsigned long long)blob->size,
				2 * ZFILE_HEADER_SPACE);
	if (trailer)
		r = read_stored(blob, blob->size - ZFILE_HEADER_SPACE, raw,
				ZFILE_HEADER_SPACE, sizeof(struct zfile_header),
				"ZFile trailer", err);
	r = r ?: obd_zfile_parse(&blob->zfile, raw, trailer, blob->size, err) ?:
	    load_table(blob, err);
	if (r)
		return r;
	blob->compressed = true;
	blob->data_size = blob->zfile.original_size;
	return 0;
}

int obd_blob_open(struct obd_blob *blob, struct obd_dev *dev, u64 bytes,
		  struct obd_error *err)
{
	u8 raw[ZFILE_HEADER_SPACE];
	int r;

	*blob = (struct obd_blob) { .dev = dev };
	r = check_bytes(dev, &bytes, err) ?: find_window(blob, bytes, err);
	if (r)
		return r;
	blob->data_size = blob->size;
	if (blob->size < sizeof(raw))
		return obd_fail(err, -EINVAL,
				"blob of %llu bytes, expected %zu or more",
				(unsigned long long)blob->size, sizeof(raw));
	r = read_stored(blob, 0, raw, sizeof(raw), sizeof(raw), "header", err);
	if (r || !obd_zfile_recognised((struct zfile_header *)raw))
		return r;
	return open_zfile(blob, raw, err);
}

int obd_blob_stamp(struct obd_dev *dev, u64 bytes, u32 *stamp,
		   struct obd_error *err)
{
	u64 size = min(bytes, obd_dev_size(dev));
	u32 len = min_t(u64, size, STAMP_SIZE);
	u8 *buf = kvmalloc(STAMP_SIZE, GFP_KERNEL);
	int r;

	if (!buf)
		return obd_fail(err, -ENOMEM, "no memory for a header");
	r = read_device(dev, 0, buf, len, "header", err);
	if (!r) {
		*stamp = crc32c(0, buf, len);
		r = read_device(dev, size - len, buf, len, "trailer", err);
	}
	if (!r)
		*stamp = crc32c(*stamp, buf, len);
	kvfree(buf);
	return r;
}

void obd_blob_release(struct obd_blob *blob)
{
	obd_zfile_release(&blob->zfile);
}

static int grow(u8 **buf, u32 *size, u32 need)
{
	if (*size >= need)
		return 0;
	kvfree(*buf);
	*buf = kvmalloc(need, GFP_KERNEL);
	*size = *buf ? need : 0;
	return *buf ? 0 : -ENOMEM;
}

static int scratch_prepare(struct obd_scratch *scratch,
			   const struct obd_zfile *z, struct obd_error *err)
{
	if (obd_codec_prepare(&scratch->codec, z->algorithm) ||
	    grow(&scratch->in, &scratch->in_size,
		 max(READ_SIZE, z->stored_max)) ||
	    grow(&scratch->out, &scratch->out_size, z->block_size))
		return obd_fail(err, -ENOMEM, "no memory to decompress");
	return 0;
}

void obd_scratch_release(struct obd_scratch *scratch)
{
	obd_codec_release(&scratch->codec);
	kvfree(scratch->in);
	kvfree(scratch->out);
	*scratch = (struct obd_scratch) {};
}

static int read_block(const struct obd_zfile *z, u32 block, const u8 *src,
		      u8 *dst, struct obd_scratch *scratch,
		      struct obd_error *err)
{
	u32 stored = obd_zfile_stored(z, block);
	int r;

	r = obd_zfile_check(z, src, stored);
	if (r)
		return obd_fail(err, r, "block %u: wrong CRC", block);
	r = obd_zfile_decompress(z, &scratch->codec, src, stored, dst,
				 obd_zfile_block_len(z, block));
	if (r)
		return obd_fail(err, r, "block %u does not decompress to %u bytes",
				block, obd_zfile_block_len(z, block));
	return 0;
}

/* Copy what [@pos, @pos + @len) wants of the @n blocks in @scratch->in. */
static int copy_blocks(const struct obd_zfile *z, u32 block, u32 n, u64 pos,
		       u8 *buf, u64 len, struct obd_scratch *scratch,
		       struct obd_error *err)
{
	const u8 *src = scratch->in;
	u32 last = block + n;
	int r = 0;

	for (; !r && block < last; src += obd_zfile_stored(z, block++)) {
		u64 begin = (u64)block << z->block_shift;
		u64 end = begin + obd_zfile_block_len(z, block);
		u64 from = max(begin, pos), to = min(end, pos + len);
		bool whole = from == begin && to == end;
		u8 *dst = whole ? buf + (begin - pos) : scratch->out;

		r = read_block(z, block, src, dst, scratch, err);
		if (!r && !whole)
			memcpy(buf + (from - pos), dst + (from - begin),
			       to - from);
	}
	return r;
}

static int read_compressed(const struct obd_blob *blob, u64 pos, u8 *buf,
			   u64 len, struct obd_scratch *scratch,
			   struct obd_error *err)
{
	const struct obd_zfile *z = &blob->zfile;
	u32 block = pos >> z->block_shift;
	u32 last = (pos + len - 1) >> z->block_shift;
	u32 n, in_len;
	int r;

	r = scratch_prepare(scratch, z, err);
	for (; !r && block <= last; block += n) {
		n = obd_zfile_gather(z, block, last, scratch->in_size,
				     &in_len);
		r = read_stored(blob, obd_zfile_offset(z, block), scratch->in,
				in_len, in_len, "data", err) ?:
		    copy_blocks(z, block, n, pos, buf, len, scratch, err);
		if (!r && obd_dev_interrupted(blob->dev))
			r = obd_fail(err, -EINTR, "interrupted");
	}
	return r;
}

int obd_blob_read(const struct obd_blob *blob, u64 pos, void *buf, u64 len,
		  struct obd_scratch *scratch, struct obd_error *err)
{
	int r = 0;

	if (!len)
		return 0;
	if (blob->compressed)
		return read_compressed(blob, pos, buf, len, scratch, err);
	while (!r && len) {
		u32 n = min_t(u64, len, 1U << 30);

		r = read_stored(blob, pos, buf, n, n, "data", err);
		pos += n;
		buf += n;
		len -= n;
	}
	return r;
}

int obd_layer_count_entries(const struct obd_layer *layer, u64 *nr,
			    struct obd_error *err)
{
	*nr += layer->nr_stored - min(layer->nr_stored, PADDING_MAX);
	if (*nr <= OBD_MAP_MAX_ENTRIES)
		return 0;
	return obd_fail(err, -E2BIG,
			"the stack has %llu index entries or more, expected at most %u",
			(unsigned long long)*nr, OBD_MAP_MAX_ENTRIES);
}

static struct lsmt_entry *alloc_entries(const struct obd_layer *layer)
{
	return kvmalloc_array(layer->nr_stored, sizeof(*layer->entries),
			      OBD_GFP_BLOB);
}

static int read_index(struct obd_layer *layer, struct obd_scratch *scratch,
		      struct obd_error *err)
{
	struct obd_lsmt *lsmt = &layer->lsmt;
	int r;

	lsmt->nr_entries = layer->nr_stored;
	layer->entries = alloc_entries(layer);
	if (layer->turbo)
		layer->target = alloc_entries(layer);
	if (!layer->entries || (layer->turbo && !layer->target))
		return obd_fail(err, -ENOMEM,
				"no memory for %u index entries",
				lsmt->nr_entries);
	r = obd_blob_read(&layer->blob, lsmt->index_offset, layer->entries,
			  (u64)lsmt->nr_entries * sizeof(*layer->entries),
			  scratch, err);
	if (r)
		return r;
	if (layer->turbo)
		return obd_lsmt_split_index(lsmt, layer->entries, layer->target,
					    &layer->nr_target, err);
	return obd_lsmt_check_index(lsmt, layer->entries, err);
}

int obd_layer_load_index(struct obd_layer *layer, struct obd_error *err)
{
	struct obd_scratch scratch = {};
	int r;

	r = read_index(layer, &scratch, err);
	obd_scratch_release(&scratch);
	if (r)
		obd_layer_drop_index(layer);
	return r;
}

static int read_headers(struct obd_layer *layer, struct obd_scratch *scratch,
			struct obd_error *err)
{
	struct obd_blob *blob = &layer->blob;
	struct lsmt_header header, trailer;
	u64 at = blob->data_size - LSMT_HEADER_SPACE;
	int r;

	if (blob->data_size < 2 * LSMT_HEADER_SPACE)
		return obd_fail(err, -EINVAL,
				"LSMT layer of %llu bytes, expected %u or more",
				(unsigned long long)blob->data_size,
				2 * LSMT_HEADER_SPACE);
	r = obd_blob_read(blob, 0, &header, sizeof(header), scratch, err) ?:
	    obd_blob_read(blob, at, &trailer, sizeof(trailer), scratch, err) ?:
	    obd_lsmt_parse(&header, &trailer, blob->data_size, &layer->lsmt,
			   err);
	layer->nr_stored = layer->lsmt.nr_entries;
	return r;
}

int obd_layer_open_headers(struct obd_layer *layer, struct obd_dev *dev,
			   u64 bytes, struct obd_error *err)
{
	struct obd_scratch scratch = {};
	int r;

	*layer = (struct obd_layer) {};
	r = obd_blob_open(&layer->blob, dev, bytes, err) ?:
	    read_headers(layer, &scratch, err);
	obd_scratch_release(&scratch);
	return r;
}

int obd_layer_open(struct obd_layer *layer, struct obd_dev *dev, u64 bytes,
		   struct obd_error *err)
{
	return obd_layer_open_headers(layer, dev, bytes, err) ?:
	       obd_layer_load_index(layer, err);
}

void obd_layer_drop_index(struct obd_layer *layer)
{
	kvfree(layer->entries);
	kvfree(layer->target);
	layer->entries = NULL;
	layer->target = NULL;
}

void obd_layer_release(struct obd_layer *layer)
{
	obd_layer_drop_index(layer);
	obd_blob_release(&layer->blob);
}

u64 obd_stack_sectors(struct obd_layer *const *layers, unsigned int nr)
{
	while (nr--)
		if (layers[nr]->lsmt.virtual_sectors)
			return layers[nr]->lsmt.virtual_sectors;
	return 0;
}

struct obd_index obd_stack_index(struct obd_layer *const *layers,
				 unsigned int nr)
{
	const struct obd_layer *layer = layers[nr];
	const struct obd_layer *below = nr ? layers[nr - 1] : NULL;

	if (below && below->turbo)
		return (struct obd_index) { below->target, below->nr_target };
	return (struct obd_index) { layer->entries, layer->lsmt.nr_entries };
}

int obd_layer_check_target(const struct obd_layer *layer,
			   const struct obd_layer *target,
			   struct obd_error *err)
{
	u64 size = target->blob.data_size;

	if (!layer->turbo)
		return 0;
	return obd_lsmt_check_target(layer->target, layer->nr_target,
				     DIV_ROUND_UP_ULL(size, OBD_SECTOR_SIZE),
				     err);
}

/* Do the layers from @first on say of their targets what is true? */
static int check_targets(struct obd_layer *const *layers, unsigned int nr,
			 unsigned int first, struct obd_error *err)
{
	struct obd_error why;
	unsigned int i;
	int r;

	for (i = first; i + 1 < nr; i++) {
		r = obd_layer_check_target(layers[i], layers[i + 1], &why);
		if (r)
			return obd_fail(err, r, "layer %u: %.170s", i,
					why.text);
	}
	return 0;
}

/*
 * A layer may map more than it gives the disk: what is above, a writable layer,
 * too, may make the disk larger.
 */
static int merge_indexes(struct obd_map *map, const struct obd_index *indexes,
			 unsigned int nr, unsigned int first, u64 sectors,
			 struct obd_error *err)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		sectors = max(sectors, obd_index_end(&indexes[i]));
	return obd_map_build(map, indexes, nr, first, sectors, err);
}

int obd_stack_merge(struct obd_map *map, struct obd_layer *const *layers,
		    unsigned int nr, unsigned int first, u64 least,
		    struct obd_error *err)
{
	u64 sectors = obd_stack_sectors(layers, nr);
	struct obd_index *indexes;
	unsigned int i;
	int r;

	if (!sectors)
		return obd_fail(err, -EINVAL, "no layer has a virtual size");
	r = check_targets(layers, nr, first, err);
	if (r)
		return r;
	layers += first;
	nr -= first;
	indexes = kvmalloc_array(nr, sizeof(*indexes), GFP_KERNEL);
	if (!indexes)
		return obd_fail(err, -ENOMEM, "no memory for %u indexes", nr);
	for (i = 0; i < nr; i++)
		indexes[i] = obd_stack_index(layers, i);
	r = merge_indexes(map, indexes, nr, first, max(sectors, least), err);
	kvfree(indexes);
	return r;
}
