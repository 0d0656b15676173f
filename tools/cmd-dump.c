// SPDX-License-Identifier: GPL-2.0-only
/*
 * overlaybdsetup dump: show everything that a blob says of itself. Of a broken
 * blob it shows what can be read, and why it stops there.
 */
#include <getopt.h>

#include "dm-overlaybd-tar.h"
#include "tools/commands.h"
#include "tools/compressor.h"
#include "tools/dump-gzip.h"
#include "tools/dump-lsmt.h"
#include "tools/dump-upper.h"
#include "tools/file.h"
#include "tools/report.h"
#include "tools/turbo.h"

static const char *const zfile_flags[] = {
	"header", "data", "sealed", "overwritten", "digest", "table-packed",
	NULL,
};

static const struct row tar_rows[] = {
	ROW(struct tar_header, name, ROW_TEXT),
	ROW(struct tar_header, mode, ROW_TEXT),
	ROW(struct tar_header, uid, ROW_TEXT),
	ROW(struct tar_header, gid, ROW_TEXT),
	ROW(struct tar_header, size, ROW_TEXT),
	ROW(struct tar_header, mtime, ROW_TEXT),
	ROW(struct tar_header, checksum, ROW_TEXT),
	ROW(struct tar_header, type, ROW_TEXT),
	ROW(struct tar_header, magic, ROW_TEXT),
	ROW(struct tar_header, version, ROW_TEXT),
};

static const struct row zfile_rows[] = {
	ROW(struct zfile_header, size, ROW_LE32),
	ROW(struct zfile_header, digest, ROW_HEX32),
	ROW_BITS(struct zfile_header, flags, ROW_FLAGS64, zfile_flags),
	ROW(struct zfile_header, index_offset, ROW_LE64),
	ROW(struct zfile_header, index_size, ROW_LE64),
	ROW(struct zfile_header, original_size, ROW_LE64),
	ROW(struct zfile_header, index_crc, ROW_HEX32),
	ROW(struct zfile_header, block_size, ROW_LE32),
	ROW(struct zfile_header, algorithm, ROW_U8),
	ROW(struct zfile_header, level, ROW_U8),
	ROW(struct zfile_header, use_dict, ROW_U8),
	ROW(struct zfile_header, dict_size, ROW_LE32),
	ROW(struct zfile_header, verify, ROW_U8),
};

/* Where the blob is in its file, and what it turned out to be. */
struct blob_facts {
	u64 file_size;
	u64 start;
	u64 size;
	u64 data_size;
	const char *form;
};

static const struct row blob_rows[] = {
	ROW(struct blob_facts, file_size, ROW_U64),
	ROW(struct blob_facts, start, ROW_U64),
	ROW(struct blob_facts, size, ROW_U64),
	ROW(struct blob_facts, data_size, ROW_U64),
	ROW(struct blob_facts, form, ROW_STRING),
};

struct table_facts {
	u64 blocks;
	u64 stored_bytes;
	u64 smallest;
	u64 largest;
	double mean;
	double ratio;
	const char *algorithm;
};

static const struct row table_rows[] = {
	ROW(struct table_facts, blocks, ROW_U64),
	ROW(struct table_facts, stored_bytes, ROW_U64),
	ROW(struct table_facts, smallest, ROW_U64),
	ROW(struct table_facts, largest, ROW_U64),
	ROW(struct table_facts, mean, ROW_DOUBLE),
	ROW(struct table_facts, ratio, ROW_DOUBLE),
	ROW(struct table_facts, algorithm, ROW_STRING),
};

struct dump {
	struct report report;
	bool entries;
	struct obd_dev dev;
	struct obd_blob blob;
	struct obd_scratch scratch;
	struct obd_lsmt lsmt;
	struct lsmt_entry *index;
	u32 nr_index;			/* entries in @index */
	struct obd_gzip gzip;
};

static bool read_file(struct dump *d, u64 pos, void *buf, u32 len)
{
	return pos <= d->dev.size && len <= d->dev.size - pos &&
	       !obd_dev_read(&d->dev, pos, buf, len);
}

static void dump_tar_header(struct dump *d, const struct tar_header *h,
			    const char *key, const char *title)
{
	report_section(&d->report, key, title, tar_rows, ARRAY_SIZE(tar_rows),
		       h);
}

/* The first header, and that of the member if they are not the same. */
static void dump_tar(struct dump *d)
{
	struct tar_header h;
	bool pax;

	if (!read_file(d, 0, &h, sizeof(h)) || !obd_tar_recognised(&h))
		return;
	pax = h.type == TAR_TYPE_PAX;
	dump_tar_header(d, &h, pax ? "pax" : "tar",
			pax ? "PAX header" : "tar header");
	if (pax && d->blob.start > TAR_BLOCK_SIZE &&
	    read_file(d, d->blob.start - TAR_BLOCK_SIZE, &h, sizeof(h)))
		dump_tar_header(d, &h, "tar", "tar header");
}

static const char *form_of(const struct dump *d)
{
	if (d->blob.compressed)
		return d->blob.start ? "ZFile in a tar" : "ZFile";
	return d->blob.start ? "plain in a tar" : "plain";
}

static void dump_blob(struct dump *d)
{
	const struct blob_facts facts = {
		.file_size = d->dev.size,
		.start = d->blob.start,
		.size = d->blob.size,
		.data_size = d->blob.data_size,
		.form = form_of(d),
	};

	report_section(&d->report, "blob", "blob", blob_rows,
		       ARRAY_SIZE(blob_rows), &facts);
}

static bool dump_zfile_header(struct dump *d, u64 pos, const char *key,
			      const char *title)
{
	struct zfile_header h;

	if (!read_file(d, pos, &h, sizeof(h)) || !obd_zfile_recognised(&h))
		return false;
	report_section(&d->report, key, title, zfile_rows,
		       ARRAY_SIZE(zfile_rows), &h);
	return true;
}

/* The window of the blob may be wrong if it could not be opened. */
static void dump_zfile(struct dump *d)
{
	u64 trailer;

	if (!dump_zfile_header(d, d->blob.start, "zfile_header",
			       "ZFile header"))
		return;
	if (!check_add_overflow(d->blob.start, d->blob.size, &trailer) &&
	    trailer >= ZFILE_HEADER_SPACE)
		dump_zfile_header(d, trailer - ZFILE_HEADER_SPACE,
				  "zfile_trailer", "ZFile trailer");
}

static void dump_table(struct dump *d)
{
	const struct obd_zfile *z = &d->blob.zfile;
	struct table_facts facts = {
		.blocks = z->nr_blocks,
		.smallest = UINT64_MAX,
		.algorithm = compressor_name(z->algorithm),
	};
	u32 i;

	for (i = 0; i < z->nr_blocks; i++) {
		u64 stored = obd_zfile_stored(z, i);

		facts.stored_bytes += stored;
		facts.smallest = min(facts.smallest, stored);
		facts.largest = max(facts.largest, stored);
	}
	facts.mean = (double)facts.stored_bytes / facts.blocks;
	facts.ratio = (double)facts.stored_bytes / z->original_size;
	report_section(&d->report, "jump_table", "jump table", table_rows,
		       ARRAY_SIZE(table_rows), &facts);
}

static int dump_lsmt(struct dump *d, struct obd_error *err)
{
	const struct obd_blob *blob = &d->blob;
	struct lsmt_header header, trailer;
	u64 at = blob->data_size - LSMT_HEADER_SPACE;
	int r;

	if (blob->data_size < 2 * LSMT_HEADER_SPACE)
		return obd_fail(err, -EINVAL,
				"LSMT layer of %llu bytes, expected %u or more",
				(unsigned long long)blob->data_size,
				2 * LSMT_HEADER_SPACE);
	r = obd_blob_read(blob, 0, &header, sizeof(header), &d->scratch, err);
	if (!r)
		dump_lsmt_header(&d->report, &header, "lsmt_header", "LSMT header");
	r = r ?: obd_blob_read(blob, at, &trailer, sizeof(trailer),
			       &d->scratch, err);
	if (!r)
		dump_lsmt_header(&d->report, &trailer, "lsmt_trailer",
				 "LSMT trailer");
	return r ?: obd_lsmt_parse(&header, &trailer, blob->data_size,
				   &d->lsmt, err);
}

/* As it is on disk, whether it is sane or not. */
static int read_index(struct dump *d, struct obd_error *err)
{
	size_t bytes = (size_t)d->lsmt.nr_entries * sizeof(*d->index);
	int r;

	d->index = malloc(max(bytes, sizeof(*d->index)));
	if (!d->index)
		return obd_fail(err, -ENOMEM, "no memory for %u index entries",
				d->lsmt.nr_entries);
	r = obd_blob_read(&d->blob, d->lsmt.index_offset, d->index, bytes,
			  &d->scratch, err);
	d->nr_index = r ? 0 : d->lsmt.nr_entries;
	return r;
}

/* The tag of what is in the target, if the layer is TurboOCI metadata. */
static u8 target_tag(const struct obd_layer *layer)
{
	return layer->nr_target ? lsmt_entry_tag(&layer->target[0]) : 0;
}

/* The check changes what it checks: let it have an index of its own. */
static int dump_index(struct dump *d, struct obd_error *err)
{
	struct obd_layer layer;
	int r = read_index(d, err);
	u8 tag;

	if (r)
		return r;
	r = turbo_open(&layer, &d->dev, 0, err);
	tag = target_tag(&layer);
	obd_layer_release(&layer);
	dump_lsmt_index(&d->report, d->index, d->nr_index, tag);
	if (d->entries)
		dump_lsmt_entries(&d->report, d->index, d->nr_index, tag);
	return r;
}

static int dump_blob_all(struct dump *d, struct obd_error *err)
{
	int r = obd_blob_open(&d->blob, &d->dev, 0, err);

	dump_tar(d);
	dump_blob(d);
	dump_zfile(d);
	if (r)
		return r;
	if (d->blob.compressed)
		dump_table(d);
	return dump_lsmt(d, err) ?: dump_index(d, err);
}

static int dump_all(struct dump *d, struct obd_error *err)
{
	return dump_gzip_recognised(&d->dev) ?
	       dump_gzip(&d->report, &d->gzip, &d->dev, d->entries, err) :
	       dump_blob_all(d, err);
}

static void dump_release(struct dump *d)
{
	report_end(&d->report);
	obd_scratch_release(&d->scratch);
	obd_blob_release(&d->blob);
	obd_gzip_release(&d->gzip);
	obd_file_close(&d->dev);
	free(d->index);
}

static int dump(const char *path, bool entries, bool json)
{
	struct dump d = { .entries = entries, .dev.fd = -1 };
	struct obd_error err;
	int r;

	r = obd_file_open(&d.dev, path);
	if (r) {
		complain("%s: %s", path, obd_file_error(r));
		obd_file_close(&d.dev);
		return EXIT_FAILED;
	}
	report_begin(&d.report, json);
	r = dump_all(&d, &err);
	if (r && json)
		json_object_object_add(d.report.json, "error",
				       json_text(err.text));
	dump_release(&d);
	if (!r)
		return EXIT_OK;
	fflush(stdout);
	complain("%s: %s", path, err.text);
	upper_suggest(path);
	return exit_code_of(r);
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "entries", no_argument, NULL, 'e' },
		{ "index", required_argument, NULL, 'i' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	bool entries = false, json = false;
	const char *index = NULL;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (c == 'h')
			return print_help(&cmd_dump);
		if (c != 'e' && c != 'j' && c != 'i')
			return option_error(&cmd_dump, c, argv);
		entries |= c == 'e';
		json |= c == 'j';
		index = c == 'i' ? optarg : index;
	}
	if (argc - optind != 1)
		return usage_error(&cmd_dump, "expected one file");
	if (index)
		return dump_upper(argv[optind], index, entries, json);
	return dump(argv[optind], entries, json);
}

const struct command cmd_dump = {
	.name = "dump",
	.args = "[--entries] [--json] (BLOB | GZIPINDEX | --index INDEX DATA)",
	.summary = "Show the headers and index statistics of a blob or writable layer",
	.help =
"Of a broken blob it shows what can be read, then what is wrong with it. Of a\n"
"writable layer, DATA with its INDEX, it shows the log, and what is live after\n"
"all that it says. While a device writes to it, that may be half of a change.\n"
"TurboOCI metadata is recognised by its index, which says of an entry whether the\n"
"data is in the layer or in its target. Of the index of a gzip file, GZIPINDEX, the\n"
"header, the checksums if it has some, and the access points are shown.\n"
"\n"
"Options:\n"
"      --entries      show all index entries; of a writable layer, the live ones; of\n"
"                     the index of a gzip file, the access points\n"
"      --index INDEX  the blob is the data of a writable layer, and this its index\n"
"      --json         print JSON\n"
"  -h, --help         print this\n",
	.run = run,
};
