// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open the layers of an image.
 */
#include <sys/stat.h>

#include "tools/commands.h"
#include "tools/packed.h"
#include "tools/stack.h"

/* Not by opening it: opening a FIFO would wait for a writer. */
static int check_kind(struct stack_file *file, unsigned int i)
{
	struct stat st;

	if (stat(file->path, &st)) {
		complain("layer %u (%s): %s", i, file->path, strerror(errno));
		return EXIT_FAILED;
	}
	if (S_ISBLK(st.st_mode)) {
		file->rdev = st.st_rdev;
	} else if (!S_ISREG(st.st_mode)) {
		complain("layer %u (%s): neither a file nor a block device",
			 i, file->path);
		return EXIT_FAILED;
	}
	return EXIT_OK;
}

/* A device may be larger than what was written to it: @size, if that is known. */
static int open_file(struct stack_file *file, const char *path, u64 size,
		     unsigned int i)
{
	int r;

	file->path = path;
	r = check_kind(file, i);
	if (r)
		return r;
	r = obd_file_open(&file->dev, path);
	if (r) {
		complain("layer %u (%s): %s", i, path, strerror(-r));
		return EXIT_FAILED;
	}
	file->bytes = file->dev.size;
	if (file->rdev && size)
		file->bytes = size;
	return EXIT_OK;
}

static int parse_visible(struct stack_lower *lower, u64 *entries,
			 struct obd_error *err)
{
	int r = obd_layer_open_headers(&lower->layer, &lower->file.dev,
				       lower->file.bytes, err);

	lower->layer.turbo = lower->kind == LAYER_TURBO;
	return r ?: obd_layer_count_entries(&lower->layer, entries, err) ?:
	       obd_layer_load_index(&lower->layer, err);
}

/*
 * A loop device ends at the last whole sector of its file. Whether that hides
 * anything the module needs is asked of the parser: most blobs keep nothing
 * but padding there.
 */
static int parse_layer(struct stack_lower *lower, u64 *entries,
		       struct obd_error *err)
{
	struct stack_file *file = &lower->file;
	u64 size = file->dev.size;
	u64 visible = round_down(size, OBD_SECTOR_SIZE);
	u64 before = *entries;
	int r;

	file->dev.size = visible;
	r = parse_visible(lower, entries, err);
	file->dev.size = size;
	if (!r || visible == size)
		return r;
	obd_layer_release(&lower->layer);
	file->needs_tail = true;
	*entries = before;
	return parse_visible(lower, entries, err);
}

/* Of a target every byte may be needed. */
static int parse_target(struct stack_lower *lower, struct obd_error *err)
{
	struct stack_file *file = &lower->file, *index = &lower->index;
	struct obd_blob *blob = &lower->layer.blob;
	int r;

	*blob = (struct obd_blob) {
		.dev = &file->dev,
		.size = file->bytes,
		.data_size = file->bytes,
	};
	file->needs_tail = file->dev.size % OBD_SECTOR_SIZE;
	if (lower->kind == LAYER_RAW)
		return packed_refuse(&file->dev, err);
	index->needs_tail = index->dev.size % OBD_SECTOR_SIZE;
	lower->gzip.data = &file->dev;
	lower->gzip.index = &index->dev;
	r = obd_gzip_open(&lower->gzip.gzip, &index->dev, index->bytes,
			  file->bytes, err);
	blob->data_size = lower->gzip.gzip.data_size;
	return r;
}

/* As a logical volume is, which has whole extents. */
static const char *length_hint(const struct stack_lower *lower,
			       const struct config_lower *from, int r)
{
	if (r != -EINVAL || from->size || !lower->file.rdev)
		return "";
	return "; if the device is longer than the blob, say its \"size\"";
}

/* @entries: see obd_layer_count_entries() */
static int open_lower(struct stack_lower *lower, unsigned int i,
		      const struct config_lower *from, u64 *entries)
{
	struct obd_error err;
	int r;

	lower->kind = from->kind;
	r = open_file(&lower->file, from->file, from->size, i);
	if (!r && from->kind == LAYER_GZIP)
		r = open_file(&lower->index, from->gzip_index, 0, i);
	if (r)
		return r;
	r = layer_is_target(from->kind) ? parse_target(lower, &err) :
					  parse_layer(lower, entries, &err);
	if (r)
		complain("layer %u (%s): %s%s", i, lower->file.path, err.text,
			 length_hint(lower, from, r));
	return exit_code_of(r);
}

/* What a layer says to be in its target is there. */
static int check_targets(const struct stack *stack)
{
	struct obd_error err;
	unsigned int i;
	int r = 0;

	for (i = 0; !r && i + 1 < stack->nr; i++) {
		r = obd_layer_check_target(stack->layers[i],
					   stack->layers[i + 1], &err);
		if (r)
			complain("layer %u (%s): %s", i,
				 stack->lowers[i].file.path, err.text);
	}
	return exit_code_of(r);
}

/* Absent, or all zero as some tools write it. */
static bool no_uuid(const char *uuid)
{
	return !uuid[strspn(uuid, "0-")];
}

unsigned int stack_named(const struct stack *stack, unsigned int i)
{
	return layer_is_target(stack->lowers[i].kind) ? i - 1 : i;
}

static void warn_of_parent(const struct stack *stack, unsigned int i,
			   const char *path, const char *parent)
{
	unsigned int named = stack_named(stack, i - 1);
	const char *below = stack->layers[named]->lsmt.uuid;

	if (!no_uuid(parent) && !no_uuid(below) && strcasecmp(parent, below))
		complain("warning: layer %u (%s): its parent uuid is %s, but layer %u has %s: are the layers in the right order?",
			 i, path, parent, named, below);
}

static void warn_of_parents(const struct stack *stack)
{
	const struct upper_files *upper = &stack->upper;
	unsigned int i;

	for (i = 1; i < stack->nr; i++)
		warn_of_parent(stack, i, stack->lowers[i].file.path,
			       stack->layers[i]->lsmt.parent_uuid);
	if (stack->has_upper && stack->nr)
		warn_of_parent(stack, stack->nr, upper->data.path,
			       upper->upper.writable.parent_uuid);
}

static int stack_alloc(struct stack *stack, unsigned int nr)
{
	unsigned int i;

	stack->lowers = calloc(nr ?: 1, sizeof(*stack->lowers));
	stack->layers = calloc(nr ?: 1, sizeof(*stack->layers));
	if (!stack->lowers || !stack->layers) {
		complain("no memory for %u layers", nr);
		return EXIT_FAILED;
	}
	stack->nr = nr;
	for (i = 0; i < nr; i++) {
		stack->lowers[i].file.dev.fd = -1;
		stack->lowers[i].index.dev.fd = -1;
		stack->layers[i] = &stack->lowers[i].layer;
	}
	return EXIT_OK;
}

static int open_upper(struct stack *stack, const struct config *config,
		      enum stack_upper want)
{
	struct upper_files *files = &stack->upper;
	int r;

	if (!config_has_upper(config))
		return EXIT_OK;
	stack->has_upper = true;
	r = upper_files_open(files, config->upper.data, config->upper.index,
			     want == STACK_WRITE);
	if (r)
		return r;
	return want == STACK_LOOK ? upper_files_look(files) :
				    upper_files_load(files);
}

static u64 virtual_sectors(const struct stack *stack)
{
	u64 own = stack->upper.upper.writable.virtual_sectors;

	return own ? own : obd_stack_sectors(stack->layers, stack->nr);
}

int stack_open(struct stack *stack, struct config *config,
	       enum stack_upper want)
{
	unsigned int i;
	u64 entries = 0;
	int r;

	*stack = (struct stack) {};
	r = config_resolve(config) ?: stack_alloc(stack, config->nr_lowers);
	for (i = 0; !r && i < stack->nr; i++)
		r = open_lower(&stack->lowers[i], i, &config->lowers[i],
			       &entries);
	r = r ?: check_targets(stack) ?: open_upper(stack, config, want);
	if (r)
		return r;
	warn_of_parents(stack);
	stack->nr_sectors = virtual_sectors(stack);
	if (!stack->nr_sectors) {
		complain("%s: no layer has a virtual size", config->path);
		return EXIT_INVALID;
	}
	return EXIT_OK;
}

void stack_close(struct stack *stack)
{
	unsigned int i;

	for (i = 0; i < stack->nr; i++) {
		obd_layer_release(&stack->lowers[i].layer);
		obd_gzip_release(&stack->lowers[i].gzip.gzip);
		obd_file_close(&stack->lowers[i].file.dev);
		obd_file_close(&stack->lowers[i].index.dev);
	}
	upper_files_close(&stack->upper);
	free(stack->lowers);
	free(stack->layers);
	*stack = (struct stack) {};
}
