// SPDX-License-Identifier: GPL-2.0-only
/*
 * overlaybdsetup export: flatten an image into a file.
 */
#include <getopt.h>

#include "tools/array.h"
#include "tools/commands.h"
#include "tools/layer-options.h"
#include "tools/flat.h"
#include "tools/options.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/workers.h"

/* Small enough to stay in a CPU's cache until it is written. */
#define PIECE_BYTES	(256U << 10)

/* What one thread does at a time: extents, or a part of one. */
struct piece {
	u64 sector;		/* first virtual sector */
	u64 end;		/* one past the last */
	u64 bytes;		/* of data, holes between extents left out */
};

struct export {
	struct flat flat;
	struct piece *pieces;
	u64 nr_pieces;
	u64 max_pieces;
	struct output out;
	struct reader *readers;	/* one a thread */
	u8 **buffers;		/* one a thread */
	unsigned int nr_threads;
	u32 piece_bytes;	/* at most; no less than any layer's block */
	struct progress progress;
};

static u64 mapped_bytes(const struct export *ex)
{
	u64 i, sum = 0;

	for (i = 0; i < ex->nr_pieces; i++)
		sum += ex->pieces[i].bytes;
	return sum;
}

/*
 * A piece of a compressed layer should end with a block, or two threads
 * decompress it.
 */
static u64 piece_sectors(const struct export *ex,
			 const struct obd_range *range)
{
	const struct obd_blob *blob = flat_blob(&ex->flat, range->layer);
	u64 sectors = ex->piece_bytes >> OBD_SECTOR_SHIFT;
	u64 end = range->moffset + sectors;
	u64 block;

	if (!blob->compressed)
		return min(sectors, range->len);
	block = max(blob->zfile.block_size >> OBD_SECTOR_SHIFT, 1U);
	if (range->moffset / block != end / block)
		end = round_down(end, block);
	return min(end - range->moffset, range->len);
}

/* Small extents that follow one another share a piece. */
static int add_piece(struct export *ex, u64 sector, u64 len)
{
	struct piece *last = &ex->pieces[ex->nr_pieces];
	u64 bytes = len << OBD_SECTOR_SHIFT;

	if (ex->nr_pieces && last[-1].bytes + bytes <= ex->piece_bytes) {
		last[-1].end = sector + len;
		last[-1].bytes += bytes;
		return 0;
	}
	if (array_room((void **)&ex->pieces, &ex->max_pieces, ex->nr_pieces,
		       sizeof(*ex->pieces)))
		return -ENOMEM;
	ex->pieces[ex->nr_pieces++] =
		(struct piece) { sector, sector + len, bytes };
	return 0;
}

static u32 choose_piece_bytes(const struct stack *stack)
{
	u32 bytes = PIECE_BYTES;
	unsigned int i;

	for (i = 0; i < stack->nr; i++)
		bytes = max(bytes, stack->layers[i]->blob.zfile.block_size);
	return bytes;
}

static int cut_pieces(struct export *ex, struct obd_error *err)
{
	struct obd_range range;
	u64 sector;
	int r = 0;

	ex->piece_bytes = choose_piece_bytes(ex->flat.stack);
	for (sector = 0; !r && sector < ex->flat.map.nr_sectors;
	     sector += range.len) {
		flat_lookup(&ex->flat, sector, &range);
		if (range.layer == OBD_HOLE)
			continue;
		range.len = piece_sectors(ex, &range);
		r = add_piece(ex, sector, range.len);
	}
	return r ? obd_fail(err, r, "no memory for %llu pieces",
			    (unsigned long long)ex->nr_pieces) : 0;
}

static int copy_extent(struct export *ex, unsigned int thread, u64 sector,
		       const struct obd_range *range, struct obd_error *err)
{
	return flat_read_range(&ex->flat, &ex->readers[thread], range,
			       ex->buffers[thread], err) ?:
	       output_write_sparse(&ex->out, sector << OBD_SECTOR_SHIFT,
				   ex->buffers[thread],
				   range->len << OBD_SECTOR_SHIFT, err);
}

static int copy_piece(void *ctx, unsigned int thread, u64 item, void *slot,
		      struct obd_error *err)
{
	struct export *ex = ctx;
	const struct piece *piece = &ex->pieces[item];
	struct obd_range range;
	u64 sector;
	int r = 0;

	(void)slot;
	for (sector = piece->sector; !r && sector < piece->end;
	     sector += range.len) {
		flat_lookup(&ex->flat, sector, &range);
		range.len = min(range.len, piece->end - sector);
		if (range.layer != OBD_HOLE)
			r = copy_extent(ex, thread, sector, &range, err);
	}
	return r;
}

static int count_piece(void *ctx, u64 item, void *slot, struct obd_error *err)
{
	struct export *ex = ctx;

	(void)slot;
	(void)err;
	progress_add(&ex->progress, ex->pieces[item].bytes);
	return 0;
}

static int alloc_threads(struct export *ex, struct obd_error *err)
{
	unsigned int i;

	ex->readers = calloc(ex->nr_threads, sizeof(*ex->readers));
	ex->buffers = calloc(ex->nr_threads, sizeof(*ex->buffers));
	for (i = 0; ex->buffers && i < ex->nr_threads; i++) {
		ex->buffers[i] = malloc(ex->piece_bytes);
		if (!ex->buffers[i])
			break;
	}
	if (!ex->readers || !ex->buffers || i < ex->nr_threads)
		return obd_fail(err, -ENOMEM, "no memory for %u threads",
				ex->nr_threads);
	return 0;
}

static int copy_pieces(struct export *ex, struct obd_error *err)
{
	const struct work work = {
		.nr_items = ex->nr_pieces,
		.nr_threads = ex->nr_threads,
		.ctx = ex,
		.work = copy_piece,
		.finish = count_piece,
	};
	int r;

	progress_begin(&ex->progress, "export", mapped_bytes(ex));
	r = alloc_threads(ex, err) ?: work_run(&work, err);
	progress_end(&ex->progress);
	return r;
}

static int export_run(struct export *ex, const struct stack *stack,
		      const char *path, struct obd_error *err)
{
	int r;

	r = flat_init(&ex->flat, stack, 0, flat_layers(stack), false,
		      stack->nr_sectors, err) ?:
	    cut_pieces(ex, err) ?: output_open(&ex->out, path, err) ?:
	    output_truncate(&ex->out, stack->nr_sectors << OBD_SECTOR_SHIFT,
			    err) ?:
	    copy_pieces(ex, err) ?: output_commit(&ex->out, err);
	output_discard(&ex->out);
	return r;
}

static void export_release(struct export *ex)
{
	unsigned int i;

	for (i = 0; ex->readers && i < ex->nr_threads; i++)
		reader_release(&ex->readers[i]);
	for (i = 0; ex->buffers && i < ex->nr_threads; i++)
		free(ex->buffers[i]);
	free(ex->readers);
	free(ex->buffers);
	free(ex->pieces);
	flat_release(&ex->flat);
}

static int export(const char *config_path, const char *path,
		  unsigned int nr_threads)
{
	struct config config = {};
	struct stack stack = {};
	struct export ex = {
		.nr_threads = nr_threads,
		.out.fd = -1,
	};
	struct obd_error err;
	int r;

	r = config_load(&config, config_path) ?:
	    config_refuse_output(&config, path) ?:
	    stack_open(&stack, &config, STACK_READ);
	if (!r) {
		r = export_run(&ex, &stack, path, &err);
		if (r)
			complain("%s", err.text);
		r = exit_code_of(r);
	}
	export_release(&ex);
	stack_close(&stack);
	config_release(&config);
	return r;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "threads", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	uint64_t threads = work_default_threads();
	int c, r;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (c == 'h')
			return print_help(&cmd_export);
		if (c != 't')
			return option_error(&cmd_export, c, argv);
		r = option_number(&cmd_export, "--threads", optarg, THREADS_MAX,
				  &threads);
		if (r)
			return r;
	}
	if (argc - optind != 2)
		return usage_error(&cmd_export,
				   "expected a configuration and a file to write");
	return export(argv[optind], argv[optind + 1], threads);
}

const struct command cmd_export = {
	.name = "export",
	.args = "[--threads N] CONFIG.json OUT.raw",
	.summary = "Flatten an image into a sparse file",
	.help =
"OUT.raw gets exactly the size of the disk. What no layer holds, and what is zero,\n"
"stays a hole. The file appears under its name when it is complete and has\n"
"reached the disk.\n"
"Nobody may be writing to the upper, if there is one.\n"
"\n"
"Options:\n"
"      --threads N  use N threads, not all CPUs\n"
"  -h, --help       print this\n",
	.run = run,
};
