// SPDX-License-Identifier: GPL-2.0-only
/*
 * Layers seen as one, and the compact layer made of them, against a model that
 * knows of every sector of every layer.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/blob-builder.h"
#include "tests/unit/test.h"
#include "tests/unit/upper-model.h"
#include "tools/commands.h"
#include "tools/compact.h"
#include "tools/writer-lsmt.h"

/* main.c has the tool's. */
void complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

#define ROUNDS		150
#define SECTORS		UPPER_MODEL_SECTORS
#define LOWERS_MAX	4
#define LAYERS_MAX	(LOWERS_MAX + 1)
#define EXTENTS_MAX	200

enum kind { NOTHING, ZEROED, DATA };

/* What a layer says of a sector. */
struct cell {
	enum kind kind;
	u8 content[OBD_SECTOR_SIZE];
};

struct pile {
	struct stack stack;
	struct stack_lower lowers[LOWERS_MAX];
	struct obd_layer *layers[LOWERS_MAX];
	struct upper_model upper;
	int data;
	int index;
	unsigned int nr;			/* layers, the upper included */
	struct cell cells[LAYERS_MAX][SECTORS];
};

static struct pile pile;	/* too large for the stack */

static u32 make_extents(struct layer_extent *extents, u64 *seed)
{
	u64 at = random_below(seed, 20);
	u32 nr = 0;

	while (nr < EXTENTS_MAX) {
		u32 len = 1 + random_below(seed, one_in(seed, 4) ? 60 : 6);

		if (at + len > SECTORS)
			break;
		extents[nr++] = (struct layer_extent) {
			.offset = at,
			.len = len,
			.zeroed = one_in(seed, 4),
		};
		at += len + (one_in(seed, 3) ? 0 : random_below(seed, 40));
	}
	return nr;
}

/* Runs of zeros in the data, from one sector to several pages. */
static void blank(u8 *data, u64 begin, u64 end, u64 *seed)
{
	u64 at = begin, n;

	while (at < end) {
		n = 1 + random_below(seed, 30);
		n = min(n, end - at);
		if (one_in(seed, 2))
			memset(data + at * 512, 0, n * 512);
		at += n;
	}
}

static void fill_cells(struct cell *cells, const struct lsmt_entry *e,
		       const u8 *data)
{
	u32 i;

	for (i = 0; i < lsmt_entry_length(e); i++) {
		struct cell *cell = &cells[lsmt_entry_offset(e) + i];

		cell->kind = lsmt_entry_zeroed(e) ? ZEROED : DATA;
		if (cell->kind == DATA)
			memcpy(cell->content, data +
			       (lsmt_entry_moffset(e) + i) * 512, 512);
	}
}

static void compress_layer(struct buffer *blob, u64 *seed)
{
	const struct zfile_spec spec = {
		.block_size = 4096U << random_below(seed, 3),
		.algorithm = ZFILE_ALGO_LZ4,
		.verify = true,
	};
	struct buffer plain = *blob;

	*blob = (struct buffer) {};
	build_zfile(blob, &plain, &spec);
	buffer_release(&plain);
}

static void make_lower(struct pile *p, unsigned int i, u64 *seed)
{
	struct stack_lower *lower = &p->lowers[i];
	struct layer_extent extents[EXTENTS_MAX];
	struct buffer blob = {};
	struct obd_error err;
	struct lsmt_header t;
	u32 k;

	build_layer(&blob, &(struct layer_spec) {
		.virtual_size = SECTORS * 512,
		.extents = extents,
		.nr = make_extents(extents, seed),
		.seed = i,
	});
	memcpy(&t, blob.data + blob.len - LSMT_HEADER_SPACE, sizeof(t));
	blank(blob.data, OBD_DATA_START, le64_to_cpu(t.index_offset) / 512,
	      seed);
	buffer_device(&blob, &lower->file.dev);
	assert_int_equal(obd_layer_open(&lower->layer, &lower->file.dev, 0, &err),
			 0);
	for (k = 0; k < lower->layer.lsmt.nr_entries; k++)
		fill_cells(p->cells[i], &lower->layer.entries[k], blob.data);
	if (one_in(seed, 2)) {
		obd_layer_release(&lower->layer);
		obd_file_close(&lower->file.dev);
		compress_layer(&blob, seed);
		buffer_device(&blob, &lower->file.dev);
		assert_int_equal(obd_layer_open(&lower->layer, &lower->file.dev, 0,
						&err), 0);
	}
	lower->file.path = "lower";
	p->layers[i] = &lower->layer;
	buffer_release(&blob);
}

static void make_upper(struct pile *p, u64 *seed)
{
	u8 *data = malloc(SECTORS * 512);
	struct upper *upper = &p->stack.upper.upper;
	struct obd_error err;
	u32 i;

	upper_model_init(&p->upper);
	upper_model_fill(&p->upper, seed, random_below(seed, 120));
	upper_model_files(&p->upper, &p->data, &p->index);
	assert_int_equal(pread(p->data, data, SECTORS * 512, 0),
			 SECTORS * 512);
	blank(data, OBD_DATA_START, SECTORS, seed);
	assert_int_equal(pwrite(p->data, data, SECTORS * 512, 0),
			 SECTORS * 512);
	assert_int_equal(upper_load(upper, p->data, p->index, &err), 0);
	for (i = 0; i < upper->replay.nr; i++)
		fill_cells(p->cells[p->stack.nr], &upper->replay.entries[i],
			   data);
	p->stack.has_upper = true;
	p->stack.upper.data.path = "upper";
	free(data);
}

static void make_pile(struct pile *p, u64 *seed)
{
	bool has_upper = one_in(seed, 2);
	unsigned int i;

	memset(p, 0, sizeof(*p));
	p->stack.lowers = p->lowers;
	p->stack.layers = p->layers;
	p->stack.nr = random_below(seed, LOWERS_MAX + 1);
	if (!p->stack.nr)
		has_upper = true;
	for (i = 0; i < p->stack.nr; i++)
		make_lower(p, i, seed);
	if (has_upper)
		make_upper(p, seed);
	p->nr = flat_layers(&p->stack);
	assert_int_equal(p->nr, p->stack.nr + has_upper);
}

static void free_pile(struct pile *p)
{
	unsigned int i;

	for (i = 0; i < p->stack.nr; i++) {
		obd_layer_release(&p->lowers[i].layer);
		obd_file_close(&p->lowers[i].file.dev);
	}
	if (!p->stack.has_upper)
		return;
	upper_close(&p->stack.upper.upper);
	upper_model_release(&p->upper);
	close(p->data);
	close(p->index);
}

/* The highest layer that maps a sector has it. */
static const struct cell *expected(const struct pile *p,
				   const struct flat *flat, u64 sector)
{
	static const struct cell nothing;
	unsigned int i;

	for (i = flat->end; i-- > flat->first;)
		if (p->cells[i][sector].kind != NOTHING)
			return &p->cells[i][sector];
	return &nothing;
}

static bool is_zero(const u8 *data, size_t len)
{
	return !memchr_inv(data, 0, len);
}

static void check_bytes(const struct pile *p, const struct flat *flat,
			u64 *seed)
{
	struct source source = flat_source(flat);
	u8 found[SECTORS * 512], all[SECTORS * 512];
	struct obd_error err;
	u64 i, pos, len;

	assert_int_equal(source.size, sizeof(all));
	for (i = 0; i < SECTORS; i++)
		memcpy(all + i * 512, expected(p, flat, i)->content, 512);
	for (i = 0; i < 5; i++) {
		pos = random_below(seed, sizeof(all));
		len = random_below(seed, sizeof(all) - pos + 1);
		if (!i) {
			pos = 0;
			len = sizeof(all);
		}
		assert_int_equal(source.read(source.ctx, pos, found, len,
					     &err), 0);
		assert_memory_equal(found, all + pos, len);
	}
}

/* Is anything but zeros mapped in the page of this sector? */
static bool page_has_data(const struct pile *p, const struct flat *flat,
			  u64 sector)
{
	u64 i, page = round_down(sector, 8);

	for (i = page; i < min(page + 8, (u64)SECTORS); i++)
		if (!is_zero(expected(p, flat, i)->content, 512))
			return true;
	return false;
}

static void check_cell(const struct pile *p, const struct flat *flat,
		       u64 sector, enum kind kind)
{
	const struct cell *cell = expected(p, flat, sector);
	bool zero = is_zero(cell->content, 512);
	enum kind zeros = flat->keeps_zeroed ? ZEROED : NOTHING;

	if (cell->kind == NOTHING)
		assert_int_equal(kind, NOTHING);
	else if (cell->kind == ZEROED)
		assert_int_equal(kind, zeros);
	else if (!zero || page_has_data(p, flat, sector))
		assert_int_equal(kind, DATA);
	else
		assert_int_equal(kind, zeros);
}

static void kinds_of(const struct changes *c, enum kind *kinds)
{
	u64 i, k;

	memset(kinds, 0, SECTORS * sizeof(*kinds));
	for (i = 0; i < c->nr; i++)
		for (k = 0; k < c->list[i].len; k++)
			kinds[c->list[i].sector + k] =
				c->list[i].zeroed ? ZEROED : DATA;
}

static void check_changes(const struct pile *p, const struct flat *flat,
			  const struct changes *c)
{
	enum kind kinds[SECTORS];
	u64 i;

	kinds_of(c, kinds);
	for (i = 0; i < SECTORS; i++)
		check_cell(p, flat, i, kinds[i]);
	for (i = 1; i < c->nr; i++)
		assert_true(c->list[i - 1].sector + c->list[i - 1].len <
			    c->list[i].sector +
			    (c->list[i - 1].zeroed != c->list[i].zeroed));
}

/* Lay the layer out, with @nr_threads looking at the data. */
static void make_image(const struct flat *flat, unsigned int nr_threads,
		       struct buffer *out, const struct pile *p)
{
	struct lsmt_info info = { .virtual_size = SECTORS * 512 };
	struct progress progress;
	struct lsmt_image image;
	struct changes changes;
	struct source source;
	struct obd_error err;

	progress_begin(&progress, "test", compact_bytes(flat));
	assert_int_equal(compact_find(&changes, flat, nr_threads, &progress,
				      &err), 0);
	assert_int_equal(progress.done, progress.total);
	progress_end(&progress);
	check_changes(p, flat, &changes);
	assert_int_equal(lsmt_image_init(&image, flat_source(flat), &changes,
					 &info, &err), 0);
	source = lsmt_image_source(&image);
	buffer_add_zeros(out, source.size);
	assert_int_equal(source.read(source.ctx, 0, out->data, source.size,
				     &err), 0);
	lsmt_image_release(&image);
	changes_release(&changes);
}

static void check_layer(const struct pile *p, const struct flat *flat,
			const struct buffer *blob)
{
	struct cell *cells = calloc(SECTORS, sizeof(*cells));
	struct obd_layer layer;
	struct obd_error err;
	struct obd_dev dev;
	u64 i;

	buffer_device(blob, &dev);
	assert_int_equal(obd_layer_open(&layer, &dev, 0, &err), 0);
	for (i = 0; i < layer.lsmt.nr_entries; i++)
		fill_cells(cells, &layer.entries[i], blob->data);
	for (i = 0; i < SECTORS; i++) {
		check_cell(p, flat, i, cells[i].kind);
		assert_memory_equal(cells[i].content,
				    expected(p, flat, i)->content, 512);
	}
	obd_layer_release(&layer);
	obd_file_close(&dev);
	free(cells);
}

static void check_range(const struct pile *p, unsigned int first,
			unsigned int end, bool keep, u64 *seed)
{
	struct buffer one = {}, three = {};
	struct obd_error err;
	struct flat flat;

	assert_int_equal(flat_init(&flat, &p->stack, first, end, keep,
				   SECTORS, &err), 0);
	assert_int_equal(flat.nr_sectors, SECTORS);
	check_bytes(p, &flat, seed);
	make_image(&flat, 1, &one, p);
	make_image(&flat, 3, &three, p);
	assert_int_equal(one.len, three.len);
	assert_memory_equal(one.data, three.data, one.len);
	check_layer(p, &flat, &one);
	buffer_release(&one);
	buffer_release(&three);
	flat_release(&flat);
}

static void layers_match_the_model(void **state)
{
	u64 seed = test_seed();
	unsigned int i, first, end;

	for (i = 0; i < ROUNDS; i++) {
		make_pile(&pile, &seed);
		first = random_below(&seed, pile.nr);
		end = first + 1 + random_below(&seed, pile.nr - first);
		check_range(&pile, first, end, first || one_in(&seed, 2),
			    &seed);
		free_pile(&pile);
	}
}

static void find_changes(const struct pile *p, bool keep, struct changes *c)
{
	struct progress progress;
	struct obd_error err;
	struct flat flat;

	assert_int_equal(flat_init(&flat, &p->stack, 0, 1, keep, 0, &err),
			 0);
	progress_begin(&progress, "test", compact_bytes(&flat));
	assert_int_equal(compact_find(c, &flat, 2, &progress, &err), 0);
	progress_end(&progress);
	flat_release(&flat);
}

/* Make zeros of the data in some sectors of a plain layer. */
static void blank_sectors(const struct obd_dev *dev, u64 begin, u64 end)
{
	static const u8 zeros[OBD_SECTOR_SIZE];

	for (; begin < end; begin++)
		assert_int_equal(pwrite(dev->fd, zeros, 512, begin * 512),
				 512);
}

static void make_single(struct pile *p, const struct layer_spec *spec,
			u64 blank_from)
{
	struct stack_lower *lower = p->lowers;
	struct buffer blob = {};
	struct obd_error err;

	memset(p, 0, sizeof(*p));
	p->stack = (struct stack) {
		.lowers = lower, .layers = p->layers, .nr = 1,
	};
	p->layers[0] = &lower->layer;
	build_layer(&blob, spec);
	buffer_device(&blob, &lower->file.dev);
	assert_int_equal(obd_layer_open(&lower->layer, &lower->file.dev, 0, &err),
			 0);
	if (blank_from)
		blank_sectors(&lower->file.dev, blank_from,
			      lower->layer.lsmt.index_offset / 512);
	buffer_release(&blob);
}

/* What was in memory for one chunk is not taken for a part of another. */
static void chunks_are_told_apart(void **state)
{
	struct layer_extent extents[64];
	u64 sector, blank_from = OBD_DATA_START;
	struct changes c;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(extents); i++) {
		sector = 2048ULL * i + 160;
		extents[i] = (struct layer_extent) {
			.offset = i < 32 ? sector : sector + i % 8,
			.len = i < 32 ? 16 : 1,
		};
		if (i < 32)
			blank_from += extents[i].len;
	}
	make_single(&pile, &(struct layer_spec) {
		.virtual_size = 2048ULL * 512 * ARRAY_SIZE(extents),
		.extents = extents,
		.nr = ARRAY_SIZE(extents),
	}, blank_from);
	find_changes(&pile, true, &c);
	assert_int_equal(c.nr, ARRAY_SIZE(extents));
	for (i = 0; i < c.nr; i++)
		assert_int_equal(c.list[i].zeroed, i >= 32);
	changes_release(&c);
	free_pile(&pile);
}

/* Before, between and behind what is looked at, for it holds data. */
static void zeros_far_from_data_are_kept(void **state)
{
	static const struct layer_extent extents[] = {
		{ .offset = 100, .len = 50, .zeroed = true },
		{ .offset = 6000, .len = 8 },
		{ .offset = 6008, .len = 10000, .zeroed = true },
		{ .offset = 40000, .len = 16383, .zeroed = true },
		{ .offset = 60000, .len = 1 },
		{ .offset = 70000, .len = 9, .zeroed = true },
	};
	struct changes c;
	u32 i;

	make_single(&pile, &(struct layer_spec) {
		.virtual_size = 100000ULL * 512,
		.extents = extents,
		.nr = ARRAY_SIZE(extents),
	}, 0);
	find_changes(&pile, true, &c);
	assert_int_equal(c.nr, ARRAY_SIZE(extents));
	for (i = 0; i < c.nr; i++) {
		assert_int_equal(c.list[i].sector, extents[i].offset);
		assert_int_equal(c.list[i].len, extents[i].len);
		assert_int_equal(c.list[i].zeroed, extents[i].zeroed);
	}
	changes_release(&c);
	find_changes(&pile, false, &c);
	assert_int_equal(c.nr, 2);
	changes_release(&c);
	free_pile(&pile);
}

/* Fewer changes map the same, and hold the same. */
static void coarse_changes_map_no_more(void **state)
{
	enum kind before[SECTORS], after[SECTORS];
	u64 seed = test_seed();
	u32 i, k, round;

	for (round = 0; round < ROUNDS; round++) {
		struct changes c = { .gaps_unknown = true };
		u64 nr, at = 0;

		while (at < SECTORS - 40) {
			u64 len = 1 + random_below(&seed, 20);

			at += one_in(&seed, 2) ? 0 : random_below(&seed, 9);
			assert_int_equal(changes_add(&c, at, len,
						     one_in(&seed, 2)), 0);
			at += len;
		}
		kinds_of(&c, before);
		nr = c.nr;
		changes_coarsen(&c, LSMT_WRITE_MAX_LEN,
				1 + random_below(&seed, nr));
		assert_true(c.nr <= nr);
		kinds_of(&c, after);
		for (i = 0; i < SECTORS; i++)
			assert_true(before[i] == after[i] ||
				    (before[i] == ZEROED && after[i] == DATA));
		/* Zeros between two runs of data are gone at the latest. */
		changes_coarsen(&c, LSMT_WRITE_MAX_LEN, 1);
		for (k = 1; k + 1 < c.nr; k++)
			assert_false(c.list[k].zeroed &&
				     c.list[k - 1].sector + c.list[k - 1].len ==
				     c.list[k].sector &&
				     c.list[k].sector + c.list[k].len ==
				     c.list[k + 1].sector);
		changes_release(&c);
	}
}

/* Without the layers below a layer of single sectors cannot be helped. */
static void too_long_indexes_are_refused(void **state)
{
	struct lsmt_info info = { .virtual_size = 1ULL << 40 };
	struct changes c = { .gaps_unknown = true };
	struct source nowhere = {};
	struct lsmt_image image;
	struct obd_error err;
	u32 i;

	for (i = 0; i <= LSMT_WRITE_MAX_ENTRIES; i++)
		assert_int_equal(changes_add(&c, 2ULL * i, 1, false), 0);
	assert_int_equal(lsmt_image_init(&image, nowhere, &c, &info, &err),
			 -E2BIG);
	assert_non_null(strstr(err.text, "merge it with the layers below"));
	assert_int_equal(c.nr, LSMT_WRITE_MAX_ENTRIES + 1);
	lsmt_image_release(&image);
	c.gaps_unknown = false;
	assert_int_equal(lsmt_image_init(&image, nowhere, &c, &info, &err), 0);
	lsmt_image_release(&image);
	changes_release(&c);
}

static void check_map_line(const struct flat *flat, const char *line,
			   u64 *sector, u32 *nr)
{
	unsigned long long offset, len, moffset;
	struct obd_range range;
	int layer, tag;

	if (sscanf(line, "%llu %llu %d %llu %d", &offset, &len, &layer,
		   &moffset, &tag) != 5)
		fail_msg("map.txt: %s", line);
	for (; *sector < offset; *sector += range.len) {
		flat_lookup(flat, *sector, &range);
		assert_int_equal(range.layer, OBD_HOLE);
	}
	assert_int_equal(*sector, offset);
	flat_lookup(flat, offset, &range);
	assert_int_equal(range.layer, layer);
	assert_int_equal(range.moffset, moffset);
	assert_int_equal(range.len, len);
	*sector += len;
	(*nr)++;
}

static void check_fixture(const char *folder, const char *name)
{
	char path[512], line[256], text[4096];
	struct config config;
	struct stack stack;
	struct flat flat;
	struct obd_error err;
	u64 sector = 0;
	u32 nr = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/config.json", folder, name);
	snprintf(text, sizeof(text),
		 "{\"lowers\": [%s], \"upper\": {\"data\": \"upper.data\", \"index\": \"upper.index\"}}",
		 strcmp(name, "rw-append") ? "" :
		 "{\"file\": \"../plain3/layer0.lsmt\"}, {\"file\": \"../plain3/layer1.lsmt\"}, {\"file\": \"../plain3/layer2.lsmt\"}");
	assert_int_equal(config_parse(&config, path, text, strlen(text)), 0);
	assert_int_equal(stack_open(&stack, &config, STACK_READ), 0);
	assert_int_equal(flat_init(&flat, &stack, 0, flat_layers(&stack),
				   false, stack.nr_sectors, &err), 0);
	snprintf(path, sizeof(path), "%s/%s/map.txt", folder, name);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		check_map_line(&flat, line, &sector, &nr);
	fclose(f);
	assert_true(nr > 0);
	flat_release(&flat);
	stack_close(&stack);
	config_release(&config);
}

static void fixtures_with_an_upper_are_mapped(void **state)
{
	const char *folder = getenv("OVERLAYBD_FIXTURES") ?:
			     "../shared/fixtures";

	if (access(folder, R_OK)) {
		print_message("no fixtures in %s\n", folder);
		skip();
	}
	check_fixture(folder, "rw-append");
	check_fixture(folder, "rw-only");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layers_match_the_model),
		cmocka_unit_test(chunks_are_told_apart),
		cmocka_unit_test(zeros_far_from_data_are_kept),
		cmocka_unit_test(coarse_changes_map_no_more),
		cmocka_unit_test(too_long_indexes_are_refused),
		cmocka_unit_test(fixtures_with_an_upper_are_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
