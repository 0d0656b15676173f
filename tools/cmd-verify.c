// SPDX-License-Identifier: GPL-2.0-only
/*
 * overlaybdsetup verify: check everything in a blob that can be checked.
 */
#include <getopt.h>
#include <isa-l/mem_routines.h>
#include <json-c/json.h>

#include "dm-overlaybd-tar.h"
#include "tools/commands.h"
#include "tools/compressor.h"
#include "tools/dump-upper.h"
#include "tools/options.h"
#include "tools/progress.h"
#include "tools/reader.h"
#include "tools/report.h"
#include "tools/file.h"
#include "tools/verify-upper.h"
#include "tools/workers.h"

#define PIECE_BYTES	(1U << 20)
#define ZEROS_BYTES	(64U << 10)	/* of padding, read at a time */
#define MAX_SHOWN	16	/* errors of a blob; all are counted */

struct options {
	unsigned int nr_threads;
	bool zfile;
	bool json;
};

/* One blob. */
struct verify {
	const struct options *options;
	const char *path;
	struct obd_dev dev;
	struct obd_blob blob;
	u64 nr_entries;
	u64 nr_bad;			/* blocks */
	u64 nr_errors;			/* shown or not */
	bool failed;			/* could not be checked */
	struct json_object *errors;	/* NULL for text */
	struct reader *readers;		/* one a thread */
	u8 **blocks;			/* one a thread */
	u32 blocks_per_piece;
	struct progress progress;
};

struct bad_block {
	u32 block;
	int r;
};

/* What one piece has of bad blocks. */
struct piece {
	u32 nr_bad;
	struct bad_block bad[MAX_SHOWN];
};

static void report_error(struct verify *v, int r, const char *text)
{
	if (exit_code_of(r) == EXIT_FAILED)
		v->failed = true;
	if (v->nr_errors++ >= MAX_SHOWN)
		return;
	progress_end(&v->progress);
	if (v->errors)
		json_object_array_add(v->errors, json_object_new_string(text));
	else
		complain("%s: %s", v->path, text);
}

static void add_bad(struct piece *p, u32 block, int r)
{
	if (p->nr_bad < MAX_SHOWN)
		p->bad[p->nr_bad] = (struct bad_block) { block, r };
	p->nr_bad++;
}

static void check_run(const struct verify *v, unsigned int thread, u32 block,
		      struct reader_run run, struct piece *p)
{
	const struct obd_zfile *z = &v->blob.zfile;
	u32 end = block + run.nr;
	int r;

	for (; block < end; block++) {
		u32 stored = obd_zfile_stored(z, block);

		r = obd_zfile_check(z, run.src, stored) ?:
		    obd_zfile_decompress(z, &v->readers[thread].codec, run.src,
					 stored, v->blocks[thread],
					 obd_zfile_block_len(z, block));
		if (r)
			add_bad(p, block, r);
		run.src += stored;
	}
}

/* Where a long read fails, shorter ones tell which block it is. */
static int check_piece(void *ctx, unsigned int thread, u64 item, void *slot,
		       struct obd_error *err)
{
	const struct verify *v = ctx;
	const struct obd_zfile *z = &v->blob.zfile;
	u32 block = item * v->blocks_per_piece;
	u32 end = min_t(u64, (u64)block + v->blocks_per_piece, z->nr_blocks);
	u32 nr = end - block;
	struct reader_run run;
	struct piece *p = slot;

	p->nr_bad = 0;
	while (block < end) {
		int r = reader_read_run(&v->readers[thread], &v->blob, block,
					min(nr, end - block), &run, err);

		if (r == -ENOMEM)
			return r;
		if (r && run.nr > 1) {
			nr = 1;
			continue;
		}
		if (r)
			add_bad(p, block, r);
		else
			check_run(v, thread, block, run, p);
		block += run.nr;
	}
	return 0;
}

static const char *what_is_wrong(int r)
{
	switch (r) {
	case -EBADMSG:
		return "wrong CRC";
	case -EILSEQ:
		return "does not decompress to its size";
	default:
		return strerror(-r);
	}
}

static int take_piece(void *ctx, u64 item, void *slot, struct obd_error *err)
{
	struct verify *v = ctx;
	const struct piece *p = slot;
	char text[OBD_ERROR_SIZE];
	u32 i;

	(void)item;
	(void)err;
	for (i = 0; i < p->nr_bad && i < MAX_SHOWN; i++) {
		const struct bad_block *bad = &p->bad[i];
		u64 at = v->blob.start +
			 obd_zfile_offset(&v->blob.zfile, bad->block);

		snprintf(text, sizeof(text), "block %u, %u bytes at byte %llu: %s",
			 bad->block,
			 obd_zfile_stored(&v->blob.zfile, bad->block),
			 (unsigned long long)at, what_is_wrong(bad->r));
		report_error(v, bad->r, text);
	}
	if (p->nr_bad > MAX_SHOWN)
		v->nr_errors += p->nr_bad - MAX_SHOWN;
	v->nr_bad += p->nr_bad;
	progress_add(&v->progress, (u64)v->blocks_per_piece <<
				   v->blob.zfile.block_shift);
	return 0;
}

static int alloc_threads(struct verify *v, struct obd_error *err)
{
	unsigned int i, nr = v->options->nr_threads;

	v->readers = calloc(nr, sizeof(*v->readers));
	v->blocks = calloc(nr, sizeof(*v->blocks));
	for (i = 0; v->blocks && i < nr; i++) {
		v->blocks[i] = malloc(v->blob.zfile.block_size);
		if (!v->blocks[i])
			break;
	}
	if (!v->readers || !v->blocks || i < nr)
		return obd_fail(err, -ENOMEM, "no memory for %u threads", nr);
	return 0;
}

static void free_threads(struct verify *v)
{
	unsigned int i, nr = v->options->nr_threads;

	for (i = 0; v->readers && i < nr; i++)
		reader_release(&v->readers[i]);
	for (i = 0; v->blocks && i < nr; i++)
		free(v->blocks[i]);
	free(v->readers);
	free(v->blocks);
}

static void check_blocks(struct verify *v)
{
	const struct obd_zfile *z = &v->blob.zfile;
	struct work work = {
		.nr_threads = v->options->nr_threads,
		.slot_size = sizeof(struct piece),
		.ctx = v,
		.work = check_piece,
		.finish = take_piece,
	};
	struct obd_error err;
	int r;

	v->blocks_per_piece = max(PIECE_BYTES >> z->block_shift, 1U);
	work.nr_items = DIV_ROUND_UP(z->nr_blocks, v->blocks_per_piece);
	progress_begin(&v->progress, v->path, z->original_size);
	r = alloc_threads(v, &err) ?: work_run(&work, &err);
	progress_end(&v->progress);
	free_threads(v);
	if (r)
		report_error(v, r, err.text);
}

static int read_trailer(struct verify *v, u64 at, void *buf, u32 len,
			struct obd_error *err)
{
	int r = obd_dev_read(&v->dev, at, buf, len);

	return r ? obd_fail(err, r, "ZFile trailer: cannot read it: %s",
			    strerror(-r)) : 0;
}

/*
 * A complete header makes the trailer superfluous for readers, but not for
 * those that rely on it: both must be right, and say the same.
 */
static void check_trailer(struct verify *v)
{
	const struct obd_zfile *z = &v->blob.zfile;
	u8 raw[ZFILE_HEADER_SPACE];
	struct obd_zfile t;
	struct obd_error err;
	u64 at;
	int r;

	at = v->blob.start + v->blob.size - sizeof(raw);
	if (v->blob.size < 2 * sizeof(raw))
		r = obd_fail(&err, -EINVAL, "ZFile trailer: there is none");
	else
		r = read_trailer(v, at, raw, sizeof(raw), &err);
	r = r ?: obd_zfile_parse(&t, (struct zfile_header *)raw, true,
				 v->blob.size, &err);
	if (!r && (t.original_size != z->original_size ||
		   t.index_offset != z->index_offset ||
		   t.block_size != z->block_size ||
		   t.algorithm != z->algorithm || t.verify != z->verify ||
		   t.check_table != z->check_table ||
		   t.table_crc != z->table_crc))
		r = obd_fail(&err, -EINVAL,
			     "ZFile trailer: differs from the header");
	if (r)
		report_error(v, r, err.text);
}

/* What fills a tar up must be zero. */
static void check_zeros(struct verify *v, u64 pos, u64 end, const char *what)
{
	u8 buf[ZEROS_BYTES];
	char text[OBD_ERROR_SIZE];

	while (pos < end) {
		u32 n = min(sizeof(buf), end - pos);
		int r = obd_dev_read(&v->dev, pos, buf, n);

		if (!r && !isal_zero_detect(buf, n)) {
			pos += n;
			continue;
		}
		if (!r)
			pos += (u8 *)memchr_inv(buf, 0, n) - buf;
		snprintf(text, sizeof(text), "%s at byte %llu: %s", what,
			 (unsigned long long)pos,
			 r ? strerror(-r) : "expected zeros");
		report_error(v, r ?: -EINVAL, text);
		return;
	}
}

static void check_tar(struct verify *v)
{
	u64 end = v->blob.start + v->blob.size;
	struct tar_header h;
	struct obd_error err;
	u64 len;

	if (!v->blob.start)
		return;
	check_zeros(v, end, v->dev.size, "tar padding");
	if (obd_dev_read(&v->dev, 0, &h, sizeof(h)) ||
	    h.type != TAR_TYPE_PAX || obd_tar_size(&h, &len, &err))
		return;
	check_zeros(v, TAR_BLOCK_SIZE + len,
		    TAR_BLOCK_SIZE + round_up(len, TAR_BLOCK_SIZE),
		    "PAX padding");
}

static void check_layer(struct verify *v)
{
	struct obd_layer layer;
	struct obd_error err;
	int r;

	r = obd_layer_open(&layer, &v->dev, 0, &err);
	if (r)
		report_error(v, r, err.text);
	else
		v->nr_entries = layer.lsmt.nr_entries;
	obd_layer_release(&layer);
}

static void verify_blob(struct verify *v)
{
	struct obd_error err;
	int r;

	r = obd_blob_open(&v->blob, &v->dev, 0, &err);
	if (!r && v->options->zfile && !v->blob.compressed)
		r = obd_fail(&err, -EINVAL, "is no ZFile");
	if (r) {
		report_error(v, r, err.text);
		return;
	}
	check_tar(v);
	if (v->blob.compressed) {
		check_trailer(v);
		check_blocks(v);
	}
	if (!v->options->zfile)
		check_layer(v);
}

static const char *verdict(const struct verify *v)
{
	if (v->failed)
		return "COULD NOT BE CHECKED";
	return v->nr_errors ? "INVALID" : "valid";
}

static void print_text(const struct verify *v)
{
	const struct obd_zfile *z = &v->blob.zfile;

	if (v->nr_errors > MAX_SHOWN)
		complain("%s: %llu more errors", v->path,
			 (unsigned long long)(v->nr_errors - MAX_SHOWN));
	printf("%s: %s", v->path, verdict(v));
	if (v->blob.compressed)
		printf(", %s, %u blocks of %u bytes%s, %llu bad",
		       compressor_name(z->algorithm), z->nr_blocks,
		       z->block_size, z->verify ? "" : " without CRC",
		       (unsigned long long)v->nr_bad);
	else if (!v->nr_errors)
		printf(", plain: holds no checksums, only its structure was checked");
	if (!v->options->zfile && !v->nr_errors)
		printf(", %llu index entries",
		       (unsigned long long)v->nr_entries);
	putchar('\n');
}

static void add_u64(struct json_object *o, const char *key, u64 value)
{
	json_object_object_add(o, key, json_object_new_uint64(value));
}

static void add_bool(struct json_object *o, const char *key, bool value)
{
	json_object_object_add(o, key, json_object_new_boolean(value));
}

static struct json_object *to_json(const struct verify *v)
{
	const struct obd_blob *blob = &v->blob;
	struct json_object *o = json_object_new_object();
	const char *algorithm = blob->compressed ?
				compressor_name(blob->zfile.algorithm) : "none";

	json_object_object_add(o, "file", json_object_new_string(v->path));
	add_bool(o, "valid", !v->nr_errors);
	add_bool(o, "tar", blob->start);
	json_object_object_add(o, "algorithm",
			       json_object_new_string(algorithm));
	add_u64(o, "bytes", blob->data_size);
	add_bool(o, "checksums", blob->compressed && blob->zfile.verify);
	add_u64(o, "blocks", blob->compressed ? blob->zfile.nr_blocks : 0);
	add_u64(o, "bad_blocks", v->nr_bad);
	add_u64(o, "entries", v->nr_entries);
	add_u64(o, "nr_errors", v->nr_errors);
	json_object_object_add(o, "errors", json_object_get(v->errors));
	return o;
}

static int verify(const char *path, const struct options *options,
		  struct json_object *results)
{
	struct verify v = {
		.options = options,
		.path = path,
		.errors = results ? json_object_new_array() : NULL,
	};
	int r;

	r = obd_file_open(&v.dev, path);
	if (r)
		report_error(&v, r, strerror(-r));
	else
		verify_blob(&v);
	if (results)
		json_object_array_add(results, to_json(&v));
	else
		print_text(&v);
	if (v.nr_errors)
		upper_suggest(path);
	json_object_put(v.errors);
	obd_blob_release(&v.blob);
	obd_file_close(&v.dev);
	if (!v.nr_errors)
		return EXIT_OK;
	return v.failed ? EXIT_FAILED : EXIT_INVALID;
}

static int verify_all(char **paths, int nr, const struct options *options)
{
	struct json_object *results = NULL;
	int i, r = EXIT_OK;

	if (options->json)
		results = json_object_new_array();
	for (i = 0; i < nr; i++) {
		int one = verify(paths[i], options, results);

		r = max(r, one);
	}
	if (results)
		print_json(results);
	json_object_put(results);
	return r;
}

static int run(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "zfile", no_argument, NULL, 'z' },
		{ "index", required_argument, NULL, 'i' },
		{ "json", no_argument, NULL, 'j' },
		{ "threads", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	const char *index = NULL;
	struct options options = {};
	uint64_t threads = work_default_threads();
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		if (c == 'h')
			return print_help(&cmd_verify);
		if (c == '?' || c == ':')
			return usage_error(&cmd_verify, "wrong option '%s'",
					   argv[optind - 1]);
		if (c == 't' && !parse_u64(optarg, 1, THREADS_MAX, &threads))
			return usage_error(&cmd_verify,
					   "--threads is '%s', expected 1 to %u",
					   optarg, THREADS_MAX);
		index = c == 'i' ? optarg : index;
		options.zfile |= c == 'z';
		options.json |= c == 'j';
	}
	if (optind == argc)
		return usage_error(&cmd_verify, "expected a blob");
	if (index && argc - optind != 1)
		return usage_error(&cmd_verify,
				   "--index goes with the data of one writable layer");
	if (index)
		return verify_upper(argv[optind], index, options.json);
	options.nr_threads = threads;
	return verify_all(argv + optind, argc - optind, &options);
}

const struct command cmd_verify = {
	.name = "verify",
	.args = "[--json] ([--zfile] [--threads N] BLOB... | --index INDEX DATA)",
	.summary = "Check everything in blobs that can be checked",
	.help =
"Checks bounds and order of the index, all checksums, and that every block\n"
"decompresses. Goes on after an error; shows the first 16 of a blob, and counts\n"
"all. Layers that are not compressed hold no checksums: only their structure\n"
"can be checked. So it is of a writable layer, DATA with its INDEX, which must not\n"
"be in use. TurboOCI metadata is not supported by this version.\n"
"\n"
"Options:\n"
"      --zfile        check only the compressed blocks, whether or not there is a\n"
"                     layer in them; without it, a ZFile that holds no layer is\n"
"                     invalid\n"
"      --index INDEX  the blob is the data of a writable layer, and this its index\n"
"      --json         print JSON\n"
"      --threads N    use N threads, not all CPUs\n"
"  -h, --help         print this\n",
	.run = run,
};
