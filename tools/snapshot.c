// SPDX-License-Identifier: GPL-2.0-only
/*
 * Change the table of a device in use for one with another upper.
 *
 * What takes time is done before I/O has to wait, or afterwards. While it
 * waits nothing may be touched that could be on the device itself: neither
 * memory that has to be read from it first, nor a file that messages go to.
 *
 * Until the new table is loaded, resuming the device, by whomever, means the
 * old one; from then on it means the new one. Killed, or without power, in
 * between, the program leaves the old upper in one of these states:
 *
 * 1. An index and a trailer have been appended to its data, or a part of them.
 *    To the old table that is free space. The file is as long as what may come
 *    to be in it, and seldom ends there: if it has no room for them, the kernel
 *    refuses the new table.
 *
 * 2. Its index is marked as sealed. This is before the new table is loaded:
 *    opened by the old configuration the upper would be written to while it is
 *    a layer of the new one. The kernel removes the mark when it resumes the
 *    old table, which is state 1. After a power loss it has to be sealed again.
 *
 * 3. The new table is loaded. Its lower has the exact length, and does not need
 *    the file to end there. Resumed, the device goes on with the new upper; to
 *    open that another time, the old one has to be sealed again.
 *
 * 4. Its data is cut. This is after the new table is loaded: the old one may
 *    yet write what only the log tells of, and the file would still end as the
 *    layer that was sealed before. It is before the device resumes: what is
 *    written to the new upper from then on lies above a whole layer.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/commands.h"
#include "tools/loop.h"
#include "tools/resident.h"
#include "tools/seal.h"
#include "tools/snapshot.h"

#define LOAD_TRIES	8

void snapshot_init(struct snapshot *s, const char *name, const char *data,
		   const char *index)
{
	*s = (struct snapshot) { .name = name, .held = { -1, -1 } };
	fresh_init(&s->fresh, data, index);
}

static int check_limits(const struct snapshot *s)
{
	u64 extents = s->status.counts[UPPER_EXTENTS];

	if (s->old.table.nr + 2 > LSMT_MAX_LAYERS) {
		complain("%s: has %u layers and an upper, a device holds %u: merge some first",
			 s->name, s->old.table.nr, LSMT_MAX_LAYERS);
		return EXIT_FAILED;
	}
	if (extents > LSMT_WRITE_MAX_ENTRIES) {
		complain("%s: its upper has %llu extents, a sealed layer holds %u",
			 s->name, (unsigned long long)extents,
			 LSMT_WRITE_MAX_ENTRIES);
		return EXIT_FAILED;
	}
	return EXIT_OK;
}

/* All that is written so far need not be written while I/O waits. */
static int flush(const struct snapshot *s)
{
	char path[sizeof(s->device.name) + 512];
	int fd, r = EXIT_OK;

	snprintf(path, sizeof(path), "%s/%s", dm_dir(), s->name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fsync(fd)) {
		complain("%s: cannot flush it: %s", path, strerror(errno));
		r = EXIT_FAILED;
	}
	if (fd >= 0)
		close(fd);
	return r;
}

/* The second time there is little left to do, so that little comes since. */
int snapshot_find(struct snapshot *s)
{
	return upper_device_take(&s->old, &s->device, &s->status, s->name) ?:
	       check_limits(s) ?: upper_device_open(&s->old) ?: flush(s) ?:
	       flush(s);
}

static int upper_failed(const struct snapshot *s, int r,
			const struct obd_error *err)
{
	complain("upper (%s, %s): %s", s->old.files.data.path,
		 s->old.files.index.path, err->text);
	return exit_code_of(r);
}

static int read_log(struct snapshot *s, struct obd_error *err)
{
	const struct upper_files *old = &s->old.files;

	upper_close(&s->loaded);
	return upper_load_begin(&s->loaded, old->data.fd, old->index.fd,
				s->status.counts[UPPER_LOG_ENTRIES], err);
}

static bool compacted_since(const struct snapshot *s,
			    const struct upper_status *now)
{
	return now->counts[UPPER_COMPACTIONS] !=
	       s->status.counts[UPPER_COMPACTIONS];
}

/*
 * Every entry that the status counts is on the disk after a flush. But the log
 * may be made shorter while it is read, which then gives anything: a flush waits
 * for that as well, so that another time it will do.
 */
static int load_begin(struct snapshot *s)
{
	struct upper_status now;
	struct obd_error err;
	unsigned int try;
	int r, r2;

	for (try = 0; try < LOAD_TRIES; try++) {
		r = upper_device_status(&s->status, s->name) ?: flush(s);
		if (r)
			return r;
		r = read_log(s, &err);
		r2 = upper_device_status(&now, s->name);
		if (r2)
			return r2;
		if (!r && !compacted_since(s, &now))
			break;
	}
	return r ? upper_failed(s, r, &err) : EXIT_OK;
}

static bool no_uuid(const char *uuid)
{
	return !uuid[strspn(uuid, "0-")];
}

/* Writing to it would wait for what waits for the writing. */
static int check_place(const struct snapshot *s, const struct upper_file *file)
{
	struct stat st;

	if (fstat(file->fd, &st) || st.st_dev != s->device.dev)
		return EXIT_OK;
	complain("%s: is on %s itself", file->path, s->name);
	return EXIT_FAILED;
}

static int create_fresh(struct snapshot *s)
{
	const struct obd_writable *below = &s->loaded.writable;
	struct lsmt_info *info = &s->fresh.info;

	info->virtual_size = below->virtual_sectors << OBD_SECTOR_SHIFT;
	if (!no_uuid(below->uuid))
		memcpy(info->parent_uuid, below->uuid, LSMT_UUID_SIZE);
	return fresh_create(&s->fresh) ?:
	       upper_files_open(&s->files, s->fresh.data.path,
				s->fresh.index.path, true) ?:
	       check_place(s, &s->files.data) ?:
	       check_place(s, &s->files.index) ?: upper_files_load(&s->files);
}

static int copy_layers(struct table *to, const struct table *from)
{
	unsigned int i;
	int r = table_alloc(to, from->nr + 1);

	for (i = 0; !r && i < from->nr; i++) {
		const struct table_layer *layer = &from->layers[i];
		struct table_layer *copy = &to->layers[i];

		*copy = *layer;
		copy->dev = strdup(layer->dev);
		copy->index = layer->index ? strdup(layer->index) : NULL;
		if (!copy->dev || !copy->index != !layer->index) {
			complain("no memory for a table");
			r = EXIT_FAILED;
		}
	}
	to->options = from->options;
	to->low_water = from->low_water;
	return r;
}

/* Should the old table have to be loaded again, they must still be there. */
static int hold(struct snapshot *s)
{
	const char *const devices[] = {
		s->old.data.device, s->old.index.device,
	};
	int i;

	for (i = 0; i < 2; i++) {
		s->held[i] = open(devices[i], O_RDONLY | O_CLOEXEC);
		if (s->held[i] < 0) {
			complain("%s: cannot open it: %s", devices[i],
				 strerror(errno));
			return EXIT_FAILED;
		}
	}
	return EXIT_OK;
}

/*
 * A snapshot that was killed may have cut the file, and somebody have cleared its
 * table. The device goes on to write to it as if it had not, but a new loop
 * device is as large as it is now.
 */
static int lengthen(struct snapshot *s)
{
	struct upper_file *data = &s->old.files.data;
	off_t size = lseek(s->held[0], 0, SEEK_END);

	if (data->rdev || size < 0 || (u64)size <= data->size)
		return EXIT_OK;
	if (ftruncate(data->fd, size)) {
		complain("%s: cannot set its size to %lld bytes: %s",
			 data->path, (long long)size, strerror(errno));
		return EXIT_FAILED;
	}
	data->size = size;
	return EXIT_OK;
}

static void let_go(struct snapshot *s)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (s->held[i] >= 0)
			close(s->held[i]);
		s->held[i] = -1;
	}
}

/* All but the length of the layer that is to be sealed. */
int snapshot_prepare(struct snapshot *s)
{
	return load_begin(s) ?: hold(s) ?: lengthen(s) ?: create_fresh(s) ?:
	       copy_layers(&s->table, &s->old.table) ?:
	       attach_snapshot(&s->attached, &s->old.files.data, &s->files,
			       s->old.sectors, s->direct_io, &s->table);
}

/*
 * That the device is suspended does not mean that the log has got all: if it
 * could not be written, somebody has yet to ask for a flush, and has to be told
 * by the old upper. A new one would flush what it knows nothing of.
 */
static int check_log(const struct snapshot *s, const struct upper_status *now)
{
	u64 pending = now->counts[UPPER_PENDING];

	if (!strcmp(now->mode, UPPER_MODE_WRITABLE) && !pending)
		return EXIT_OK;
	complain("%s: the log lacks what was written last: its upper is %s, %llu entries are pending",
		 s->name, now->mode, (unsigned long long)pending);
	return EXIT_FAILED;
}

/* What was read before counts if the log has only been appended to. */
static int load_rest(struct snapshot *s, const struct upper_status *now,
		     struct obd_error *err)
{
	const struct upper_files *old = &s->old.files;

	if (!compacted_since(s, now))
		return upper_load_rest(&s->loaded, err);
	upper_close(&s->loaded);
	return upper_load(&s->loaded, old->data.fd, old->index.fd, err);
}

static int seal(struct snapshot *s)
{
	struct upper_status now;
	struct obd_error err;
	int r;

	r = upper_device_status(&now, s->name) ?: check_log(s, &now);
	if (r)
		return r;
	r = load_rest(s, &now, &err) ?:
	    seal_loaded(&s->loaded, &s->bytes, &err);
	return r ? upper_failed(s, r, &err) : EXIT_OK;
}

static int load_new(struct snapshot *s)
{
	struct device_line line = {
		.length = s->old.sectors,
		.target = DEVICE_TARGET,
	};
	char *params;
	int r;

	s->table.layers[s->table.nr - 1].bytes = s->bytes;
	params = table_format(&s->table);
	if (!params) {
		complain("no memory for a table");
		return EXIT_FAILED;
	}
	line.params = params;
	r = device_load(&s->device, &line, 1, false);
	free(params);
	return r;
}

static int mark(const struct snapshot *s, bool sealed)
{
	struct obd_error err;
	int r = seal_mark(s->old.files.index.fd, sealed, &err);

	return r ? upper_failed(s, r, &err) : EXIT_OK;
}

static int cut(const struct snapshot *s)
{
	struct obd_error err;
	int r = seal_cut(s->old.files.data.fd, s->bytes, &err);

	return r ? upper_failed(s, r, &err) : EXIT_OK;
}

static void unseal(const struct snapshot *s)
{
	const struct upper_files *old = &s->old.files;
	struct obd_error err;

	if (!s->bytes)
		return;
	if (seal_undo(old->data.fd, old->index.fd, s->bytes, old->data.size,
		      &err))
		complain("warning: upper (%s, %s): %s", old->data.path,
			 old->index.path, err.text);
}

/*
 * The old table is gone if resuming with the new one has failed. The kernel does
 * not load it while its upper is marked.
 */
static int load_old(const struct snapshot *s)
{
	const struct device_line line = {
		.length = s->old.sectors,
		.target = DEVICE_TARGET,
		.params = s->old.params,
	};
	int r;

	r = mark(s, false) ?: device_load(&s->device, &line, 1, false);
	if (r)
		mark(s, true);
	return r;
}

/*
 * If the old table cannot be had any more, resuming means the new one: the layer
 * below its upper has to stay sealed, and the files of that where they are. Hence
 * the mark only is taken back before the old table is loaded; killed until the
 * rest is, the program leaves data that is refused for its trailer.
 */
static void go_on(struct snapshot *s, bool loaded)
{
	int r = loaded ? load_old(s) : EXIT_OK;

	if (!r) {
		unseal(s);
		r = device_resume(s->name);
	}
	if (!r)
		return;
	s->stuck = loaded;
	complain("%s is still suspended%s: see dmsetup table and dmsetup resume",
		 s->name, loaded ? ", the files of its new upper stay" : "");
}

static int change_over(struct snapshot *s, struct timespec *passed)
{
	bool loaded;
	int r;

	r = seal(s) ?: mark(s, true) ?: load_new(s);
	loaded = !r;
	r = r ?: cut(s) ?: device_resume_time(s->name, passed);
	if (r)
		go_on(s, loaded);
	return r;
}

static int suspend_and_change_over(struct snapshot *s)
{
	struct timespec begin, end;
	int r;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	r = s->freeze ? device_freeze(s->name) : device_suspend(s->name);
	r = r ?: change_over(s, &end);
	if (!r)
		s->wait_ms = (end.tv_sec - begin.tv_sec) * 1e3 +
			     (end.tv_nsec - begin.tv_nsec) / 1e6;
	return r;
}

/* The loop device of the sealed file ends where that does, as others would. */
static void settle(const struct snapshot *s)
{
	int r = 0;

	if (!s->old.files.data.rdev)
		r = loop_resize(s->attached.fds[0]);
	if (r)
		complain("warning: %s: cannot change the size of its loop device: %s",
			 s->old.files.data.path, strerror(-r));
}

void snapshot_take_back(struct snapshot *s)
{
	attach_release(&s->attached);
	upper_files_close(&s->files);
	if (s->stuck)
		fresh_keep(&s->fresh);
	else
		fresh_remove(&s->fresh);
}

int snapshot_make(struct snapshot *s)
{
	int r;

	resident_begin();
	r = suspend_and_change_over(s);
	resident_end();
	if (!r) {
		settle(s);
		fresh_keep(&s->fresh);
	}
	return r;
}

void snapshot_release(struct snapshot *s)
{
	let_go(s);
	attach_release(&s->attached);
	upper_files_close(&s->files);
	upper_close(&s->loaded);
	table_release(&s->table);
	upper_device_release(&s->old);
}
