// SPDX-License-Identifier: GPL-2.0-only
/*
 * Access points of gzip files: parse their index, inflate from one of them.
 */
#include "dm-overlaybd-gzip.h"

#define RAW_DEFLATE		(-15)	/* no header, 32 KiB of history */
#define ZLIB_STREAM		15
#define DEFLATE_RATIO_MAX	1032U	/* no byte gives more than that */
#define READ_SIZE		(256U << 10)	/* of the index at a time */
#define LOAD_POINTS		2048U		/* at a time */
#define LEFT_BITS		63	/* of data_type: bits not used yet */
#define AT_BLOCK		128	/* of data_type: a block begins */

int obd_inflater_init(struct obd_inflater *inflater)
{
	if (!IS_REACHABLE(CONFIG_ZLIB_INFLATE))
		return -EOPNOTSUPP;
	memset(inflater, 0, sizeof(*inflater));
	inflater->workspace = kvzalloc(zlib_inflate_workspacesize(),
				       GFP_KERNEL);
	if (!inflater->workspace)
		return -ENOMEM;
	obd_zlib_workspace(&inflater->stream, inflater->workspace);
	return 0;
}

static void end_stream(struct obd_inflater *inflater)
{
	if (inflater->begun)
		zlib_inflateEnd(&inflater->stream);
	inflater->begun = false;
}

void obd_inflater_exit(struct obd_inflater *inflater)
{
	end_stream(inflater);
	kvfree(inflater->workspace);
	inflater->workspace = NULL;
}

static int begin_stream(struct obd_inflater *inflater, int window_bits)
{
	end_stream(inflater);
	if (zlib_inflateInit2(&inflater->stream, window_bits) != Z_OK)
		return -EILSEQ;
	inflater->begun = true;
	return 0;
}

static int begin_packed(struct obd_inflater *inflater, const void *stored,
			u32 size)
{
	int r = begin_stream(inflater, ZLIB_STREAM);

	inflater->stream.next_in = (void *)stored;
	inflater->stream.avail_in = size;
	return r;
}

/* A zlib stream of up to @room bytes. Return: how many, or -EILSEQ. */
static int unpack(struct obd_inflater *inflater, const void *stored, u32 size,
		  void *out, u32 room)
{
	z_stream *s = &inflater->stream;
	int r;

	r = begin_packed(inflater, stored, size);
	if (r)
		return r;
	s->next_out = out;
	s->avail_out = room;
	r = zlib_inflate(s, Z_FINISH);
	return r == Z_STREAM_END ? room - s->avail_out : -EILSEQ;
}

/* The next @len bytes of what begin_packed() has begun. */
static int unpack_some(struct obd_inflater *inflater, void *out, u32 len)
{
	z_stream *s = &inflater->stream;
	int r;

	s->next_out = out;
	s->avail_out = len;
	r = zlib_inflate(s, Z_SYNC_FLUSH);
	return (r == Z_OK || r == Z_STREAM_END) && !s->avail_out ? 0 : -EILSEQ;
}

static int unpack_end(struct obd_inflater *inflater)
{
	z_stream *s = &inflater->stream;
	u8 nothing;

	s->next_out = &nothing;
	s->avail_out = sizeof(nothing);
	return zlib_inflate(s, Z_SYNC_FLUSH) == Z_STREAM_END && s->avail_out ?
	       0 : -EILSEQ;
}

static u32 header_crc(const struct gzidx_header *header)
{
	return crc32c(0, header, offsetof(struct gzidx_header, crc));
}

static int check_header(const struct gzidx_header *h, struct obd_error *err)
{
	u32 crc = header_crc(h);

	if (memcmp(h->magic, GZIDX_MAGIC, GZIDX_MAGIC_SIZE))
		return obd_fail(err, -EINVAL, "gzip index: bad magic");
	if (crc != le32_to_cpu(h->crc))
		return obd_fail(err, -EINVAL,
				"gzip index: CRC of the header is %#x, expected %#x",
				le32_to_cpu(h->crc), crc);
	if (h->major != GZIDX_MAJOR)
		return obd_fail(err, -EOPNOTSUPP,
				"gzip index: version is %u, expected %u",
				h->major, GZIDX_MAJOR);
	if (h->algorithm > GZIDX_ALGO_ZLIB)
		return obd_fail(err, -EOPNOTSUPP,
				"gzip index: algorithm is %u, expected 0 or 1",
				h->algorithm);
	if (le32_to_cpu(h->window_size) != GZIDX_WINDOW_SIZE)
		return obd_fail(err, -EINVAL,
				"gzip index: window_size is %u, expected %u",
				le32_to_cpu(h->window_size), GZIDX_WINDOW_SIZE);
	if (le32_to_cpu(h->entry_size) != sizeof(struct gzidx_entry))
		return obd_fail(err, -EINVAL,
				"gzip index: entry_size is %u, expected %zu",
				le32_to_cpu(h->entry_size),
				sizeof(struct gzidx_entry));
	return 0;
}

static int check_size(const char *field, u64 value, u64 wanted,
		      struct obd_error *err)
{
	if (value == wanted)
		return 0;
	return obd_fail(err, -EINVAL, "gzip index: %s is %llu, expected %llu",
			field, (unsigned long long)value,
			(unsigned long long)wanted);
}

/*
 * A point takes a byte at least also in a packed table: of the most regular ones
 * that zlib has made it is nearly two. And it is at a byte of the gzip file where
 * no other is: a block of deflate has ten bits or more.
 */
static u64 points_max(const struct obd_gzip *gzip, u64 table_size)
{
	u64 nr = gzip->packed ? table_size :
				table_size / sizeof(struct gzidx_entry);

	return min_t(u64, min(nr, gzip->gzip_size), OBD_GZIP_ALL_POINTS_MAX);
}

static int check_table(const struct gzidx_header *h, struct obd_gzip *gzip,
		       struct obd_error *err)
{
	u64 size = le64_to_cpu(h->table_size), pos = gzip->table_pos;
	u64 nr = le64_to_cpu(h->nr_entries), max = points_max(gzip, size);

	if (pos < sizeof(*h) || pos > gzip->index_size ||
	    size > gzip->index_size - pos)
		return obd_fail(err, -EINVAL,
				"gzip index: table_offset %llu, table_size %llu, expected within %zu to %llu",
				(unsigned long long)pos,
				(unsigned long long)size, sizeof(*h),
				(unsigned long long)gzip->index_size);
	if (size > INT_MAX)
		return obd_fail(err, -EOPNOTSUPP,
				"gzip index: table_size is %llu, expected at most %d",
				(unsigned long long)size, INT_MAX);
	if (nr > max)
		return obd_fail(err, -EINVAL,
				"gzip index: nr_entries is %llu, expected at most %llu in a table of %llu bytes, for %llu bytes of gzip",
				(unsigned long long)nr, (unsigned long long)max,
				(unsigned long long)size,
				(unsigned long long)gzip->gzip_size);
	if (!nr && gzip->data_size)
		return obd_fail(err, -EINVAL,
				"gzip index: nr_entries is 0, expected 1 at least");
	gzip->nr_points = nr;
	gzip->table_size = size;
	return gzip->packed ? 0 :
	       check_size("table_size", size, nr * sizeof(struct gzidx_entry),
			  err);
}

/* Those of a later version are left alone. */
static int check_sums(const struct gzidx_header *h, struct obd_gzip *gzip,
		      struct obd_error *err)
{
	const struct gzidx_sums *sums = (const void *)h->reserved;
	u64 pos = le64_to_cpu(sums->offset);
	u64 nr = (gzip->data_size + (1U << OBD_GZIP_BLOCK_SHIFT) - 1) >>
		 OBD_GZIP_BLOCK_SHIFT;

	if (memcmp(sums->magic, GZIDX_SUMS_MAGIC, GZIDX_SUMS_MAGIC_SIZE) ||
	    sums->version != GZIDX_SUMS_VERSION)
		return 0;
	if (sums->block_shift != OBD_GZIP_BLOCK_SHIFT)
		return obd_fail(err, -EOPNOTSUPP,
				"gzip index: block_shift of the checksums is %u, expected %u",
				sums->block_shift, OBD_GZIP_BLOCK_SHIFT);
	if (pos < sizeof(*h) || pos > gzip->index_size ||
	    nr > (gzip->index_size - pos) / sizeof(*gzip->sums) ||
	    nr > INT_MAX / sizeof(*gzip->sums))
		return obd_fail(err, -EINVAL,
				"gzip index: %llu checksums at %llu, expected within %zu to %llu",
				(unsigned long long)nr, (unsigned long long)pos,
				sizeof(*h),
				(unsigned long long)gzip->index_size);
	gzip->sums_pos = pos;
	gzip->sums_crc = le32_to_cpu(sums->crc);
	gzip->nr_sums = nr;
	return 0;
}

int obd_gzip_parse(struct obd_gzip *gzip, const struct gzidx_header *header,
		   u64 gzip_size, u64 index_size, struct obd_error *err)
{
	int r;

	r = check_header(header, err) ?:
	    check_size("gzip_size", le64_to_cpu(header->gzip_size), gzip_size,
		       err) ?:
	    check_size("index_size", le64_to_cpu(header->index_size),
		       index_size, err);
	if (r)
		return r;
	*gzip = (struct obd_gzip) {
		.gzip_size = gzip_size,
		.index_size = index_size,
		.data_size = le64_to_cpu(header->data_size),
		.table_pos = le64_to_cpu(header->table_offset),
		.crc = le32_to_cpu(header->crc),
		.packed = header->algorithm == GZIDX_ALGO_ZLIB,
	};
	if (gzip->data_size / DEFLATE_RATIO_MAX > gzip_size)
		return obd_fail(err, -EINVAL,
				"gzip index: data_size is %llu, too much for %llu bytes of gzip",
				(unsigned long long)gzip->data_size,
				(unsigned long long)gzip_size);
	return check_table(header, gzip, err) ?: check_sums(header, gzip, err);
}

static int check_point(const struct obd_gzip *gzip, u32 nr,
		       struct obd_error *err)
{
	const struct obd_gzip_point *p = &gzip->points[nr];
	u64 data_min = nr ? p[-1].data_pos : 0;
	u64 gzip_min = nr ? p[-1].gzip_pos : 1;
	u32 stored_max = gzip->packed ? OBD_GZIP_STORED_MAX :
					GZIDX_WINDOW_SIZE;

	if (p->data_pos < data_min || p->data_pos > gzip->data_size)
		return obd_fail(err, -EINVAL,
				"gzip index: point %u: data position is %llu, expected %llu to %llu",
				nr, (unsigned long long)p->data_pos,
				(unsigned long long)data_min,
				(unsigned long long)gzip->data_size);
	if (p->gzip_pos < gzip_min || p->gzip_pos > gzip->gzip_size)
		return obd_fail(err, -EINVAL,
				"gzip index: point %u: gzip position is %llu, expected %llu to %llu",
				nr, (unsigned long long)p->gzip_pos,
				(unsigned long long)gzip_min,
				(unsigned long long)gzip->gzip_size);
	if (p->bits > 7)
		return obd_fail(err, -EINVAL,
				"gzip index: point %u: bits is %u, expected 0 to 7",
				nr, p->bits);
	if (p->window_size > stored_max)
		return obd_fail(err, -EINVAL,
				"gzip index: point %u: window has %u bytes, expected up to %u",
				nr, p->window_size, stored_max);
	if (p->window_pos > gzip->index_size ||
	    p->window_size > gzip->index_size - p->window_pos)
		return obd_fail(err, -EINVAL,
				"gzip index: point %u: window of %u bytes at %llu, expected within %llu",
				nr, p->window_size,
				(unsigned long long)p->window_pos,
				(unsigned long long)gzip->index_size);
	return 0;
}

/* Whoever wants the last byte before @data_end inflates all from the point on. */
static int check_gap(const struct obd_gzip *gzip, u32 nr, u64 data_end,
		     struct obd_error *err)
{
	u64 data = data_end - gzip->points[nr].data_pos;

	if (data <= OBD_GZIP_GAP_MAX)
		return 0;
	return obd_fail(err, -EOPNOTSUPP,
			"gzip index: point %u: %llu bytes of data follow without another, expected at most %llu",
			nr, (unsigned long long)data, OBD_GZIP_GAP_MAX);
}

/* Bytes that a gzip file may take for so much data. */
static u64 stored_max(u64 data)
{
	return 2 * data + OBD_GZIP_EXTRA_MAX;
}

/*
 * Whoever wants a block that ends before point @nr, or behind it, may begin at the
 * point @first and go by all that are between.
 */
static int check_way(const struct obd_gzip *gzip, u32 first, u32 nr,
		     struct obd_error *err)
{
	const struct obd_gzip_point *from = &gzip->points[first];
	const struct obd_gzip_point *to = &gzip->points[nr];
	u64 data = to->data_pos - from->data_pos;
	u64 stored = to->gzip_pos - from->gzip_pos;

	if (nr - first > OBD_GZIP_POINTS_MAX)
		return obd_fail(err, -EOPNOTSUPP,
				"gzip index: point %u: is number %u in one block of data, expected at most %u",
				nr, nr - first, OBD_GZIP_POINTS_MAX);
	if (stored > stored_max(data))
		return obd_fail(err, -EOPNOTSUPP,
				"gzip index: point %u: the %llu bytes of data before it take %llu of gzip, expected at most %llu",
				nr, (unsigned long long)data,
				(unsigned long long)stored,
				(unsigned long long)stored_max(data));
	return 0;
}

/* @first: of the block of data that the point before lies in, see check_way(). */
static int check_distance(const struct obd_gzip *gzip, u32 nr, u32 *first,
			  struct obd_error *err)
{
	const struct obd_gzip_point *p = &gzip->points[nr];
	int r;

	r = check_gap(gzip, nr - 1, p->data_pos, err) ?:
	    check_way(gzip, *first, nr, err);
	if (r || p[-1].data_pos >> OBD_GZIP_BLOCK_SHIFT ==
		 p->data_pos >> OBD_GZIP_BLOCK_SHIFT)
		return r;
	*first = nr - 1;
	return check_way(gzip, *first, nr, err);
}

/* More may follow the last member that is indexed, but nobody has to read it. */
static int check_end(struct obd_gzip *gzip, struct obd_error *err)
{
	u32 last = gzip->nr_points - 1;
	const struct obd_gzip_point *p = &gzip->points[last];
	int r = check_gap(gzip, last, gzip->data_size, err);

	if (r)
		return r;
	gzip->gzip_end = min(gzip->gzip_size, p->gzip_pos +
			     stored_max(gzip->data_size - p->data_pos));
	return 0;
}

static void load_point(struct obd_gzip_point *point,
		       const struct gzidx_entry *e)
{
	*point = (struct obd_gzip_point) {
		.data_pos = le64_to_cpu(e->data_pos),
		.gzip_pos = le64_to_cpu(e->gzip_pos),
		.window_pos = le64_to_cpu(e->window_pos),
		.window_size = le32_to_cpu(e->window_size),
		.bits = e->bits,
	};
}

/*
 * @table: as it is stored; @unpacked: LOAD_POINTS entries, if it is packed; @nr:
 * points that are there; @first: see check_distance().
 */
struct load {
	struct obd_gzip *gzip;
	const struct gzidx_entry *table;
	struct obd_dev *index;
	struct obd_inflater *inflater;
	u32 nr;
	u32 first;
	struct gzidx_entry *unpacked;
};

static int load_points(struct load *load, const struct gzidx_entry *e, u32 nr,
		       struct obd_error *err)
{
	struct obd_gzip *gzip = load->gzip;
	int r = 0;

	for (; !r && nr; nr--, e++, load->nr++) {
		load_point(&gzip->points[load->nr], e);
		r = check_point(gzip, load->nr, err);
		if (!r && load->nr)
			r = check_distance(gzip, load->nr, &load->first, err);
	}
	if (!r && obd_dev_interrupted(load->index))
		r = obd_fail(err, -EINTR, "interrupted");
	return r;
}

static int does_not_unpack(const struct obd_gzip *gzip, struct obd_error *err)
{
	return obd_fail(err, -EINVAL,
			"gzip index: the table does not unpack to %u points",
			gzip->nr_points);
}

static const struct gzidx_entry *next_entries(struct load *load, u32 nr)
{
	if (!load->gzip->packed)
		return load->table + load->nr;
	return unpack_some(load->inflater, load->unpacked,
			   nr * sizeof(*load->unpacked)) ?
	       NULL : load->unpacked;
}

static int load_table(struct load *load, struct obd_error *err)
{
	struct obd_gzip *gzip = load->gzip;
	int r = 0;

	while (!r && load->nr < gzip->nr_points) {
		u32 nr = min(LOAD_POINTS, gzip->nr_points - load->nr);
		const struct gzidx_entry *e = next_entries(load, nr);

		r = e ? load_points(load, e, nr, err) :
			does_not_unpack(gzip, err);
	}
	if (r)
		return r;
	if (gzip->packed && unpack_end(load->inflater))
		return does_not_unpack(gzip, err);
	if (gzip->points[0].data_pos)
		return obd_fail(err, -EINVAL,
				"gzip index: point 0: data position is %llu, expected 0",
				(unsigned long long)gzip->points[0].data_pos);
	return check_end(gzip, err);
}

static int load_begin(struct load *load, struct obd_error *err)
{
	struct obd_gzip *gzip = load->gzip;

	gzip->points = kvcalloc(gzip->nr_points, sizeof(*gzip->points),
				OBD_GFP_BLOB);
	if (gzip->packed)
		load->unpacked = kvmalloc_array(LOAD_POINTS,
						sizeof(*load->unpacked),
						GFP_KERNEL);
	if (!gzip->points || (gzip->packed && !load->unpacked))
		return obd_fail(err, -ENOMEM, "no memory for %u access points",
				gzip->nr_points);
	if (gzip->packed &&
	    begin_packed(load->inflater, load->table, gzip->table_size))
		return does_not_unpack(gzip, err);
	return 0;
}

int obd_gzip_load(struct obd_gzip *gzip, const void *table,
		  struct obd_dev *index, struct obd_inflater *inflater,
		  struct obd_error *err)
{
	struct load load = {
		.gzip = gzip, .table = table, .index = index,
		.inflater = inflater,
	};
	int r;

	if (!gzip->nr_points)
		return 0;
	r = load_begin(&load, err) ?: load_table(&load, err);
	kvfree(load.unpacked);
	if (r)
		obd_gzip_release(gzip);
	return r;
}

static int read_index(struct obd_dev *index, u64 pos, void *buf, u32 len,
		      struct obd_error *err)
{
	u32 n;
	int r = 0;

	for (; len; pos += n, buf += n, len -= n) {
		n = min(len, READ_SIZE);
		r = obd_dev_read(index, pos, buf, n);
		if (r)
			break;
		if (obd_dev_interrupted(index))
			return obd_fail(err, -EINTR, "interrupted");
	}
	return r ? obd_fail(err, r, "gzip index: cannot read %u bytes at byte %llu: error %d",
			    n, (unsigned long long)pos, r) : 0;
}

int obd_gzip_open_header(struct obd_gzip *gzip, struct obd_dev *index,
			 u64 index_size, u64 gzip_size, struct obd_error *err)
{
	struct gzidx_header header;

	if (index_size < sizeof(header))
		return obd_fail(err, -EINVAL,
				"gzip index: length is %llu bytes, expected %zu or more",
				(unsigned long long)index_size, sizeof(header));
	return read_index(index, 0, &header, sizeof(header), err) ?:
	       obd_gzip_parse(gzip, &header, gzip_size, index_size, err);
}

static int read_table(struct obd_gzip *gzip, struct obd_dev *index,
		      struct obd_error *err)
{
	void *table = kvmalloc(max(gzip->table_size, 1U), OBD_GFP_BLOB);
	struct obd_inflater inflater = {};
	int r;

	r = table ? obd_inflater_init(&inflater) : -ENOMEM;
	if (r)
		r = obd_fail(err, r, r == -ENOMEM ?
			     "gzip index: no memory to read it" :
			     "gzip: this kernel does not inflate");
	else
		r = read_index(index, gzip->table_pos, table, gzip->table_size,
			       err) ?:
		    obd_gzip_load(gzip, table, index, &inflater, err);
	obd_inflater_exit(&inflater);
	kvfree(table);
	return r;
}

static int read_sums(struct obd_gzip *gzip, struct obd_dev *index,
		     struct obd_error *err)
{
	u32 crc, size = gzip->nr_sums * sizeof(*gzip->sums);
	int r;

	if (!gzip->nr_sums)
		return 0;
	gzip->sums = kvmalloc(size, OBD_GFP_BLOB);
	if (!gzip->sums)
		return obd_fail(err, -ENOMEM, "no memory for %u checksums",
				gzip->nr_sums);
	r = read_index(index, gzip->sums_pos, gzip->sums, size, err);
	if (r)
		return r;
	crc = crc32c(0, gzip->sums, size);
	if (crc == gzip->sums_crc)
		return 0;
	return obd_fail(err, -EBADMSG,
			"gzip index: CRC of the checksums is %#x, expected %#x",
			crc, gzip->sums_crc);
}

int obd_gzip_open(struct obd_gzip *gzip, struct obd_dev *index, u64 index_size,
		  u64 gzip_size, struct obd_error *err)
{
	int r;

	r = obd_gzip_open_header(gzip, index, index_size, gzip_size, err) ?:
	    read_table(gzip, index, err) ?: read_sums(gzip, index, err);
	if (r)
		obd_gzip_release(gzip);
	return r;
}

void obd_gzip_release(struct obd_gzip *gzip)
{
	kvfree(gzip->points);
	kvfree(gzip->sums);
	gzip->points = NULL;
	gzip->sums = NULL;
}

int obd_gzip_check(const struct obd_gzip *gzip, u32 block, const void *data,
		   u32 len)
{
	return gzip->sums &&
	       le32_to_cpu(gzip->sums[block]) != crc32c(0, data, len) ?
	       -EBADMSG : 0;
}

const struct obd_gzip_point *obd_gzip_find(const struct obd_gzip *gzip,
					   u64 data_pos)
{
	u32 low = 0, high = gzip->nr_points;

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (gzip->points[middle].data_pos <= data_pos)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &gzip->points[low - 1] : NULL;
}

int obd_inflater_window(struct obd_inflater *inflater,
			const struct obd_gzip *gzip, const void *stored,
			u32 size, void *window, u32 *len)
{
	int r = size;

	if (size && gzip->packed)
		r = unpack(inflater, stored, size, window, GZIDX_WINDOW_SIZE);
	else
		memcpy(window, stored, size);
	if (r < 0)
		return r;
	*len = r;
	return 0;
}

#define PAD_BLOCKS_MAX		5

/* Bits in the order in which deflate has them. */
struct pad {
	u8 bytes[16];
	u32 bits;
};

static void pad_add(struct pad *pad, u32 value, u32 bits)
{
	for (; bits; bits--, value >>= 1, pad->bits++)
		pad->bytes[pad->bits / 8] |= (value & 1) << pad->bits % 8;
}

/* An empty block with fixed codes has 10 bits. */
static void pad_fixed(struct pad *pad)
{
	pad_add(pad, 1 << 1, 3);
	pad_add(pad, 0, 7);
}

/*
 * An empty block with codes of its own, of 91 bits: 257 codes for literals and 2
 * for distances, of which the lengths are 256 times 0, and three times 1. The
 * code for these lengths has 18 (many zeros) and 1.
 */
static void pad_dynamic(struct pad *pad)
{
	u32 i;

	pad_add(pad, 2 << 1, 3);
	pad_add(pad, 0, 5);
	pad_add(pad, 1, 5);
	pad_add(pad, 14, 4);
	for (i = 0; i < 18; i++)
		pad_add(pad, i == 2 || i == 17, 3);
	pad_add(pad, 1 | (138 - 11) << 1, 8);
	pad_add(pad, 1 | (118 - 11) << 1, 8);
	pad_add(pad, 0, 3);
	pad_add(pad, 0, 1);
}

/*
 * There is no function that gives a decoder single bits. Blocks without output
 * are of as many bits as to end where the first bit is in its byte.
 */
static void make_pad(struct pad *pad, u8 bits, u8 before)
{
	u32 skip = bits ? 8 - bits : 0;

	memset(pad, 0, sizeof(*pad));
	if (skip % 2)
		pad_dynamic(pad);
	while (pad->bits % 8 != skip || !pad->bits)
		pad_fixed(pad);
	if (skip)
		pad->bytes[pad->bits / 8] |= before & (0xff << skip);
}

/* The last blocks may be in what the decoder holds when all has been read. */
static int feed_pad(struct obd_inflater *inflater, struct pad *pad, u8 bits)
{
	z_stream *s = &inflater->stream;
	u32 blocks;
	u8 nothing;
	int r;

	s->next_in = pad->bytes;
	s->avail_in = DIV_ROUND_UP(pad->bits, 8);
	s->next_out = &nothing;
	s->avail_out = sizeof(nothing);
	for (blocks = 0; blocks <= PAD_BLOCKS_MAX; blocks++) {
		r = zlib_inflate(s, Z_BLOCK);
		if (r != Z_OK && r != Z_BUF_ERROR)
			break;
		if (!s->avail_in && (s->data_type & (LEFT_BITS | AT_BLOCK)) ==
				    (bits | AT_BLOCK))
			return 0;
	}
	return -EILSEQ;
}

int obd_inflater_start(struct obd_inflater *inflater,
		       const struct obd_gzip_point *point, u8 before,
		       const void *window, u32 len)
{
	z_stream *s = &inflater->stream;
	struct pad pad;
	int r;

	make_pad(&pad, point->bits, before);
	r = begin_stream(inflater, RAW_DEFLATE) ?:
	    feed_pad(inflater, &pad, point->bits);
	if (r || !len)
		return r;
	s->next_in = (void *)window;
	s->avail_in = len;
	return zlib_inflateIncomp(s) == Z_OK ? 0 : -EILSEQ;
}

bool obd_inflater_at_block(const struct obd_inflater *inflater, u8 *bits)
{
	*bits = inflater->stream.data_type & LEFT_BITS;
	return inflater->stream.data_type & AT_BLOCK;
}

/* Bits that it has already may be all that it takes to get on. */
int obd_inflater_run(struct obd_inflater *inflater, const void *in,
		     u32 *in_len, void *out, u32 *out_len, bool stop)
{
	z_stream *s = &inflater->stream;
	int r, before = s->data_type;

	s->next_in = (void *)in;
	s->avail_in = *in_len;
	s->next_out = out;
	s->avail_out = *out_len;
	r = zlib_inflate(s, stop ? Z_BLOCK : Z_SYNC_FLUSH);
	if ((r == Z_OK || r == Z_BUF_ERROR) && s->avail_in == *in_len &&
	    s->avail_out == *out_len)
		r = s->data_type == before ? Z_BUF_ERROR : Z_OK;
	*in_len = s->avail_in;
	*out_len = s->avail_out;
	if (r == Z_STREAM_END)
		return 1;
	return r == Z_OK ? 0 : -EILSEQ;
}
