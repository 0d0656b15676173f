// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lay out and write the layer that stands for others.
 */
#include <uuid/uuid.h>

#include "tools/compact.h"
#include "tools/flatten.h"
#include "tools/layer-write.h"

struct job {
	const struct flatten *f;
	struct flat flat;
	struct changes changes;
	struct lsmt_image image;
	struct output out;
	struct layer_result result;
};

/* Whatever else stands there is nobody's name. */
static void take_uuid(char *to, const char *from)
{
	uuid_t parsed;

	if (!*to && !uuid_parse(from, parsed) && !uuid_is_null(parsed))
		memcpy(to, from, LSMT_UUID_SIZE);
}

static void fill_info(struct job *job)
{
	const struct stack *stack = job->f->stack;
	struct lsmt_info *info = &job->f->options->info;
	unsigned int first = job->f->first, last = job->f->end - 1;

	info->virtual_size = job->flat.nr_sectors << OBD_SECTOR_SHIFT;
	if (first < stack->nr)
		take_uuid(info->parent_uuid,
			  stack->layers[first]->lsmt.parent_uuid);
	else
		take_uuid(info->parent_uuid,
			  stack->upper.upper.writable.parent_uuid);
	if (last < stack->nr)
		take_uuid(info->uuid,
			  stack->layers[stack_named(stack, last)]->lsmt.uuid);
}

static int find_content(struct job *job, struct obd_error *err)
{
	struct progress progress;
	int r;

	progress_begin(&progress, "read", compact_bytes(&job->flat));
	r = compact_find(&job->changes, &job->flat,
			 job->f->options->nr_threads, &progress, err);
	progress_end(&progress);
	return r;
}

static int run(struct job *job, struct obd_error *err)
{
	const struct flatten *f = job->f;
	struct layer_options *options = f->options;
	int r;

	r = flat_init(&job->flat, f->stack, f->first, f->end, f->keep_zeroed,
		      f->limit, err);
	if (r)
		return r;
	fill_info(job);
	return output_open(&job->out, f->out_path, err) ?:
	       find_content(job, err) ?:
	       lsmt_image_init(&job->image, flat_source(&job->flat),
			       &job->changes, &options->info, err) ?:
	       layer_write(&job->out, &job->image, options, &job->result,
			   err) ?:
	       output_commit(&job->out, err);
}

int flatten(const struct flatten *f)
{
	struct job job = { .f = f, .out.fd = -1 };
	struct obd_error err;
	int r = run(&job, &err);

	if (r)
		complain("%s", err.text);
	else
		layer_report(f->out_path, &job.image, f->options,
			     &job.result);
	output_discard(&job.out);
	lsmt_image_release(&job.image);
	changes_release(&job.changes);
	flat_release(&job.flat);
	return exit_code_of(r);
}
