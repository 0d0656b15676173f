// SPDX-License-Identifier: GPL-2.0-only
/*
 * Blobs as block devices: block devices as they are, files by loop devices.
 *
 * A loop device ends at the last whole sector of its file. Where the parser
 * finds that the module needs what lies behind (an incomplete ZFile header,
 * so that the trailer must be read, and more than 416 bytes in the last
 * sector, so that the trailer's 96 bytes are not all visible), those bytes are
 * joined to the loop device. All other blobs have nothing there that is needed,
 * and a device less in their way. Of targets and their indexes all is needed,
 * and so may be the index of an upper that is not to be written.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tools/attach.h"
#include "tools/commands.h"
#include "tools/loop.h"
#include "tools/loops.h"
#include "tools/tail.h"

#define LOOPS_PER_LAYER	4	/* a target and its index, and their tails */
#define SNAPSHOT_LOOPS	3	/* two of the new upper, one of the old */

struct job {
	struct attached *attached;
	bool direct_io;
	struct loops loops;
};

static char *dev_text(dev_t dev)
{
	char *text;

	if (asprintf(&text, "%u:%u", major(dev), minor(dev)) < 0)
		return NULL;
	return text;
}

/* Keeps @fd, which an attempt to get a loop device has come to. */
static int keep(struct job *job, int fd, const char *path, unsigned int i)
{
	if (fd == -ENOENT) {
		complain("layer %u (%s): the kernel has no loop devices: modprobe loop",
			 i, path);
		return EXIT_FAILED;
	}
	if (fd < 0) {
		complain("layer %u (%s): cannot set up a loop device: %s", i,
			 path, strerror(-fd));
		return EXIT_FAILED;
	}
	job->attached->fds[job->attached->nr++] = fd;
	return EXIT_OK;
}

static int attach_file(struct job *job, int file, const char *path,
		       unsigned int i, dev_t *dev)
{
	int fd = loops_attach(&job->loops, file, path, job->direct_io, dev);

	return keep(job, fd, path, i);
}

static int attach_tail(struct job *job, struct obd_dev *file,
		       const char *path, unsigned int i, dev_t rest,
		       dev_t *dev)
{
	int fd, r = tail_attach(file, path, i, rest, &fd, dev);

	return r ? r : keep(job, fd, path, i);
}

static int attach_stack_file(struct job *job, struct stack_file *file,
			     unsigned int i, dev_t *dev)
{
	dev_t rest = 0;
	int r = EXIT_OK;

	if (file->rdev) {
		*dev = file->rdev;
		return EXIT_OK;
	}
	if (!file->needs_tail)
		return attach_file(job, file->dev.fd, file->path, i, dev);
	if (file->dev.size >= OBD_SECTOR_SIZE)
		r = attach_file(job, file->dev.fd, file->path, i, &rest);
	return r ?: attach_tail(job, &file->dev, file->path, i, rest, dev);
}

static int no_memory(unsigned int nr)
{
	complain("no memory for %u layers", nr);
	return EXIT_FAILED;
}

/* The loop device is nobody else's. */
static int attach_alone(struct job *job, int file, const char *path,
			unsigned int flags, unsigned int i, dev_t *dev)
{
	int number;

	if (job->direct_io && loop_can_direct_io(file))
		flags |= LOOP_DIRECT_IO;
	return keep(job, loop_attach(file, path, flags, &number, dev), path, i);
}

static int attach_upper_file(struct job *job, const struct upper_file *file,
			     bool writable, unsigned int i, dev_t *dev)
{
	if (file->rdev) {
		*dev = file->rdev;
		return EXIT_OK;
	}
	return attach_alone(job, file->fd, file->path,
			    writable ? LOOP_WRITABLE : 0, i, dev);
}

/* The lock on the file goes with the description that has been used so far. */
static int reopen(const struct upper_file *file)
{
	char path[sizeof("/proc/self/fd/") + 16];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file->fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		complain("%s: cannot open it again: %s", file->path,
			 strerror(errno));
	return fd;
}

/* As long as the file is not extended, the last entries may be hidden. */
static int attach_upper_index(struct job *job, struct upper_files *files,
			      unsigned int i, dev_t *dev)
{
	struct obd_dev file = { files->index.fd, files->index.size };
	dev_t rest;
	int r;

	if (files->index.rdev || files->index.size % OBD_SECTOR_SIZE == 0)
		return attach_upper_file(job, &files->index, files->writable,
					 i, dev);
	r = attach_upper_file(job, &files->index, false, i, &rest);
	return r ?: attach_tail(job, &file, files->index.path, i, rest, dev);
}

static int extend_upper(struct upper_files *files, u64 nr_sectors)
{
	u64 bytes = nr_sectors << OBD_SECTOR_SHIFT;
	u64 log_end = upper_log_end(&files->upper);

	if (!files->writable)
		return EXIT_OK;
	return upper_files_cut(files) ?:
	       upper_files_extend(files, upper_data_capacity(bytes),
				  upper_index_capacity(bytes, log_end));
}

/* The layer has the number that is the number of the others. */
static int attach_files(struct job *job, struct upper_files *files,
			u64 nr_sectors, struct table *table)
{
	struct table_upper *upper = &table->upper;
	dev_t data, index;
	int r;

	r = extend_upper(files, nr_sectors) ?:
	    attach_upper_file(job, &files->data, files->writable, table->nr,
			      &data) ?:
	    attach_upper_index(job, files, table->nr, &index);
	if (r)
		return r;
	upper->data = dev_text(data);
	upper->index = dev_text(index);
	return upper->data && upper->index ? EXIT_OK : no_memory(table->nr);
}

static int attach_to(struct job *job, struct stack_file *file, unsigned int i,
		     char **text, u64 *bytes)
{
	dev_t dev;
	int r = attach_stack_file(job, file, i, &dev);

	if (r)
		return r;
	*bytes = file->bytes;
	*text = dev_text(dev);
	return *text ? EXIT_OK : no_memory(i);
}

static int attach_lowers(struct job *job, const struct stack *stack,
			 struct table *table)
{
	unsigned int i;
	int r = EXIT_OK;

	for (i = 0; !r && i < stack->nr; i++) {
		struct stack_lower *lower = &stack->lowers[i];
		struct table_layer *layer = &table->layers[i];

		layer->kind = lower->kind;
		r = attach_to(job, &lower->file, i, &layer->dev, &layer->bytes);
		if (!r && lower->kind == LAYER_GZIP)
			r = attach_to(job, &lower->index, i, &layer->index,
				      &layer->index_bytes);
	}
	return r;
}

int attach_stack(struct attached *attached, struct stack *stack,
		 bool direct_io, struct table *table)
{
	struct job job = {
		.attached = attached,
		.direct_io = direct_io,
	};
	int r;

	*attached = (struct attached) {};
	r = table_alloc(table, stack->nr);
	if (r)
		return r;
	/* An upper takes three at the most. */
	attached->fds = calloc(LOOPS_PER_LAYER * stack->nr + 3,
			       sizeof(*attached->fds));
	if (!attached->fds)
		return no_memory(stack->nr);
	loops_begin(&job.loops);
	r = attach_lowers(&job, stack, table);
	if (!r && stack->has_upper)
		r = attach_files(&job, &stack->upper, stack->nr_sectors, table);
	loops_end(&job.loops);
	return r;
}

static int attach_sealed(struct job *job, const struct upper_file *data,
			 unsigned int i, struct table_layer *layer)
{
	dev_t dev = data->rdev;
	int file, r;

	if (!dev) {
		file = reopen(data);
		if (file < 0)
			return EXIT_FAILED;
		r = attach_alone(job, file, data->path, 0, i, &dev);
		close(file);
		if (r)
			return r;
	}
	layer->dev = dev_text(dev);
	return layer->dev ? EXIT_OK : no_memory(i);
}

int attach_snapshot(struct attached *attached, const struct upper_file *sealed,
		    struct upper_files *upper, u64 nr_sectors, bool direct_io,
		    struct table *table)
{
	struct job job = { .attached = attached, .direct_io = direct_io };
	unsigned int i = table->nr - 1;

	*attached = (struct attached) {};
	attached->fds = calloc(SNAPSHOT_LOOPS, sizeof(*attached->fds));
	if (!attached->fds)
		return no_memory(table->nr);
	return attach_sealed(&job, sealed, i, &table->layers[i]) ?:
	       attach_files(&job, upper, nr_sectors, table);
}

void attach_release(struct attached *attached)
{
	while (attached->nr)
		close(attached->fds[--attached->nr]);
	free(attached->fds);
	*attached = (struct attached) {};
}
