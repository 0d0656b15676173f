// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open the layers of an image.
 */
#include <sys/stat.h>

#include "tools/commands.h"
#include "tools/stack.h"

/* Not by opening it: opening a FIFO would wait for a writer. */
static int check_kind(struct stack_lower *lower, unsigned int i)
{
	struct stat st;

	if (stat(lower->path, &st)) {
		complain("layer %u (%s): %s", i, lower->path, strerror(errno));
		return EXIT_FAILED;
	}
	if (S_ISBLK(st.st_mode)) {
		lower->rdev = st.st_rdev;
	} else if (!S_ISREG(st.st_mode)) {
		complain("layer %u (%s): neither a file nor a block device",
			 i, lower->path);
		return EXIT_FAILED;
	}
	return EXIT_OK;
}

/*
 * A loop device ends at the last whole sector of its file. Whether that hides
 * anything the module needs is asked of the parser: most blobs keep nothing
 * but padding there.
 */
static int parse_layer(struct stack_lower *lower, struct obd_error *err)
{
	u64 size = lower->dev.size;
	u64 visible = round_down(size, OBD_SECTOR_SIZE);
	int r;

	lower->dev.size = visible;
	r = obd_layer_open(&lower->layer, &lower->dev, lower->bytes, err);
	lower->dev.size = size;
	if (!r || visible == size)
		return r;
	obd_layer_release(&lower->layer);
	lower->needs_tail = true;
	return obd_layer_open(&lower->layer, &lower->dev, lower->bytes, err);
}

static int open_lower(struct stack_lower *lower, unsigned int i,
		      const struct config_lower *from)
{
	struct obd_error err;
	int r;

	lower->path = from->file;
	r = check_kind(lower, i);
	if (r)
		return r;
	r = obd_file_open(&lower->dev, lower->path);
	if (r) {
		complain("layer %u (%s): %s", i, lower->path, strerror(-r));
		return EXIT_FAILED;
	}
	/* A device may be larger than the blob that was written to it. */
	lower->bytes = lower->dev.size;
	if (lower->rdev && from->size)
		lower->bytes = from->size;
	r = parse_layer(lower, &err);
	if (r)
		complain("layer %u (%s): %s", i, lower->path, err.text);
	return exit_code_of(r);
}

/* Absent, or all zero as some tools write it. */
static bool no_uuid(const char *uuid)
{
	return !uuid[strspn(uuid, "0-")];
}

static void warn_of_parent(const struct stack *stack, unsigned int i,
			   const char *path, const char *parent)
{
	const char *below = stack->layers[i - 1]->lsmt.uuid;

	if (!no_uuid(parent) && !no_uuid(below) && strcasecmp(parent, below))
		complain("warning: layer %u (%s): its parent uuid is %s, but layer %u has %s: are the layers in the right order?",
			 i, path, parent, i - 1, below);
}

static void warn_of_parents(const struct stack *stack)
{
	const struct upper_files *upper = &stack->upper;
	unsigned int i;

	for (i = 1; i < stack->nr; i++)
		warn_of_parent(stack, i, stack->lowers[i].path,
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
		stack->lowers[i].dev.fd = -1;
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
	int r;

	*stack = (struct stack) {};
	r = config_resolve(config) ?: stack_alloc(stack, config->nr_lowers);
	for (i = 0; !r && i < stack->nr; i++)
		r = open_lower(&stack->lowers[i], i, &config->lowers[i]);
	r = r ?: open_upper(stack, config, want);
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
		obd_file_close(&stack->lowers[i].dev);
	}
	upper_files_close(&stack->upper);
	free(stack->lowers);
	free(stack->layers);
	*stack = (struct stack) {};
}
