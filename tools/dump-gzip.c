// SPDX-License-Identifier: GPL-2.0-only
/*
 * Show header, checksums and access points of the index of a gzip file.
 */
#include "tools/dump-gzip.h"
#include "tools/file.h"

static const struct row header_rows[] = {
	ROW(struct gzidx_header, major, ROW_U8),
	ROW(struct gzidx_header, minor, ROW_U8),
	ROW(struct gzidx_header, algorithm, ROW_U8),
	ROW(struct gzidx_header, level, ROW_S8),
	ROW(struct gzidx_header, flag, ROW_U8),
	ROW(struct gzidx_header, span, ROW_LE32),
	ROW(struct gzidx_header, window_size, ROW_LE32),
	ROW(struct gzidx_header, entry_size, ROW_LE32),
	ROW(struct gzidx_header, nr_entries, ROW_LE64),
	ROW(struct gzidx_header, gzip_size, ROW_LE64),
	ROW(struct gzidx_header, index_size, ROW_LE64),
	ROW(struct gzidx_header, data_size, ROW_LE64),
	ROW(struct gzidx_header, table_offset, ROW_LE64),
	ROW(struct gzidx_header, table_size, ROW_LE64),
	ROW(struct gzidx_header, crc, ROW_HEX32),
};

static const struct row sums_rows[] = {
	ROW(struct gzidx_sums, version, ROW_U8),
	ROW(struct gzidx_sums, block_shift, ROW_U8),
	ROW(struct gzidx_sums, crc, ROW_HEX32),
	ROW(struct gzidx_sums, offset, ROW_LE64),
};

struct points_facts {
	u64 points;
	u64 window_bytes;
	u64 no_window;
	u64 largest_gap;
	u64 checksums;
};

static const struct row points_rows[] = {
	ROW(struct points_facts, points, ROW_U64),
	ROW(struct points_facts, window_bytes, ROW_U64),
	ROW(struct points_facts, no_window, ROW_U64),
	ROW(struct points_facts, largest_gap, ROW_U64),
	ROW(struct points_facts, checksums, ROW_U64),
};

static bool read_header(struct obd_dev *dev, struct gzidx_header *h)
{
	return dev->size >= sizeof(*h) &&
	       !obd_dev_read(dev, 0, h, sizeof(*h)) &&
	       !memcmp(h->magic, GZIDX_MAGIC, GZIDX_MAGIC_SIZE);
}

bool dump_gzip_recognised(struct obd_dev *dev)
{
	struct gzidx_header h;

	return read_header(dev, &h);
}

static void dump_header(struct report *report, const struct gzidx_header *h)
{
	const struct gzidx_sums *sums = (const void *)h->reserved;

	report_section(report, "gzip_index_header", "gzip index header",
		       header_rows, ARRAY_SIZE(header_rows), h);
	if (!memcmp(sums->magic, GZIDX_SUMS_MAGIC, GZIDX_SUMS_MAGIC_SIZE))
		report_section(report, "checksums", "checksums", sums_rows,
			       ARRAY_SIZE(sums_rows), sums);
}

static void dump_points(struct report *report, const struct obd_gzip *gzip)
{
	struct points_facts facts = {
		.points = gzip->nr_points,
		.checksums = gzip->nr_sums,
	};
	u64 end = gzip->data_size;
	u32 i;

	for (i = gzip->nr_points; i--; end = gzip->points[i].data_pos) {
		const struct obd_gzip_point *p = &gzip->points[i];

		facts.window_bytes += p->window_size;
		facts.no_window += !p->window_size;
		facts.largest_gap = max(facts.largest_gap, end - p->data_pos);
	}
	report_section(report, "points", "access points", points_rows,
		       ARRAY_SIZE(points_rows), &facts);
}

static bool put_point(struct printbuf *pb, const void *ctx, u32 nr, bool json)
{
	const struct obd_gzip_point *const *points = ctx;
	const struct obd_gzip_point *p = &(*points)[nr];

	sprintbuf(pb, json ? "{ \"data_pos\": %llu, \"gzip_pos\": %llu, \"bits\": %u, \"window_pos\": %llu, \"window_size\": %u }" :
			     "%llu %llu %u %llu %u",
		  (unsigned long long)p->data_pos,
		  (unsigned long long)p->gzip_pos, p->bits,
		  (unsigned long long)p->window_pos, p->window_size);
	return true;
}

int dump_gzip(struct report *report, struct obd_gzip *gzip, struct obd_dev *dev,
	      bool entries, struct obd_error *err)
{
	struct gzidx_header h;
	int r;

	if (!read_header(dev, &h))
		return obd_fail(err, -EINVAL, "is no index of a gzip file");
	dump_header(report, &h);
	/* The gzip file is not there: what is said of its size is believed. */
	r = obd_gzip_open(gzip, dev, dev->size, le64_to_cpu(h.gzip_size), err);
	if (r)
		return r;
	dump_points(report, gzip);
	if (entries)
		report_list(report, "entries",
			    "entries (bytes: data and gzip position, bits, window position and stored size)",
			    gzip->nr_points, put_point, &gzip->points,
			    sizeof(gzip->points));
	return 0;
}
