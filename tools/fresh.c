// SPDX-License-Identifier: GPL-2.0-only
/*
 * Write the two headers of an empty writable layer.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include "dm-overlaybd-log.h"
#include "tools/commands.h"
#include "tools/fresh.h"
#include "tools/holders.h"
#include "tools/in-use.h"
#include "tools/output.h"
#include "tools/store.h"

#define DEVICE_SIZE_MIN	(2 * LSMT_HEADER_SPACE)
#define SLOTS_CLEARED	(1U << 20)	/* bytes of an index device */

static int side_failed(const struct fresh_side *side, const char *what)
{
	complain("%s: cannot %s it: %s", side->path, what, strerror(errno));
	return EXIT_FAILED;
}

/* An empty device begins with zeros. */
static int check_empty(const struct fresh_side *side, int fd)
{
	u8 header[LSMT_HEADER_SPACE];

	if (pread(fd, header, sizeof(header), 0) != sizeof(header))
		return side_failed(side, "read");
	if (!memchr_inv(header, 0, sizeof(header)))
		return EXIT_OK;
	complain("%s: holds something: --force overwrites it", side->path);
	return EXIT_FAILED;
}

static int check_device(struct fresh_side *side, int fd, bool force)
{
	off_t size = lseek(fd, 0, SEEK_END);

	if (size < DEVICE_SIZE_MIN) {
		complain("%s: has %lld bytes, expected at least %u",
			 side->path, (long long)size, DEVICE_SIZE_MIN);
		return EXIT_FAILED;
	}
	side->size = size;
	return force ? EXIT_OK : check_empty(side, fd);
}

static int check_file(struct fresh_side *side, bool force)
{
	if (!force) {
		complain("%s: is there already: --force replaces it",
			 side->path);
		return EXIT_FAILED;
	}
	side->replaces = true;
	return EXIT_OK;
}

static int hold(const struct fresh_side *side)
{
	struct obd_error err;

	if (!holders_lock(side->path, side->held, &err))
		return EXIT_OK;
	complain("%s", err.text);
	return EXIT_BUSY;
}

/* What is there: may it become a part of a layer? Nobody else gets it then. */
static int check_existing(struct fresh_side *side, bool force, bool block)
{
	int fd = open(side->path, O_RDONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return side_failed(side, "open");
	side->held = fd;
	r = block ? check_device(side, fd, force) : check_file(side, force);
	return r ?: in_use_complain(side->path, fd, true) ?: hold(side);
}

/* Not by opening it: opening a FIFO would wait for a writer. */
static int check_side(struct fresh_side *side, bool force)
{
	struct stat st;

	if (stat(side->path, &st))
		return errno == ENOENT ? EXIT_OK : side_failed(side, "create");
	if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode))
		return check_existing(side, force, S_ISBLK(st.st_mode));
	complain("%s: neither a file nor a block device", side->path);
	return EXIT_FAILED;
}

/* Links stay; a device is not replaced. */
static int find_target(struct fresh_side *side)
{
	struct obd_error err;

	if (side->size || !output_target(side->path, &side->target, &err))
		return EXIT_OK;
	complain("%s", err.text);
	return EXIT_FAILED;
}

/* Two names may be one when the data is there, if only since now. */
static int check_distinct(const struct fresh *fresh)
{
	struct stat a, b;

	if (stat(fresh->data.path, &a) || stat(fresh->index.path, &b))
		return EXIT_OK;
	if (!same_file(&a, &b))
		return EXIT_OK;
	complain("%s and %s are the same: data and index need one each",
		 fresh->data.path, fresh->index.path);
	return EXIT_FAILED;
}

static int open_replacement(struct fresh_side *side)
{
	side->fd = output_temp(side->target, &side->temp);
	if (side->fd < 0) {
		errno = -side->fd;
		return side_failed(side, "replace");
	}
	if (asprintf(&side->old, "%s.old", side->temp) >= 0)
		return EXIT_OK;
	side->old = NULL;
	return side_failed(side, "replace");
}

static int open_side(struct fresh_side *side)
{
	int flags = O_RDWR | O_EXCL | O_CLOEXEC;

	if (side->replaces)
		return open_replacement(side);
	if (!side->size)
		flags |= O_CREAT;
	side->fd = open(side->target ?: side->path, flags, 0666);
	if (side->fd < 0)
		return side_failed(side, side->size ? "open" : "create");
	side->created = !side->size;
	return EXIT_OK;
}

/* What an index device held before must not be taken for entries. */
static int clear_slots(const struct fresh_side *side, struct obd_error *err)
{
	u64 len = min(side->size, (u64)SLOTS_CLEARED) - LSMT_HEADER_SPACE;
	void *zeros;
	int r;

	zeros = calloc(1, len);
	if (!zeros)
		return obd_fail(err, -ENOMEM, "no memory for %llu bytes",
				(unsigned long long)len);
	r = store_write(side->fd, side->path, LSMT_HEADER_SPACE, zeros, len,
			err);
	free(zeros);
	return r;
}

static int write_side(const struct fresh_side *side,
		      const struct lsmt_info *info, struct obd_error *err)
{
	u32 flags = LSMT_FLAG_HEADER | (side->is_index ? 0 : LSMT_FLAG_DATA);
	union {
		struct lsmt_header header;
		u8 space[LSMT_HEADER_SPACE];
	} first = {};
	int r = 0;

	lsmt_fill_header(&first.header, info, flags);
	if (side->is_index)
		first.header.index_offset = cpu_to_le64(LSMT_HEADER_SPACE);
	if (side->is_index && side->size)
		r = clear_slots(side, err);
	return r ?: store_write(side->fd, side->path, 0, &first, sizeof(first),
				err) ?:
	       store_sync(side->fd, side->path, err);
}

static int fill_side(struct fresh_side *side, const struct lsmt_info *info)
{
	struct obd_error err;
	int r;

	side->overwritten = side->size;
	r = write_side(side, info, &err);
	if (r)
		complain("%s", err.text);
	return r ? EXIT_FAILED : EXIT_OK;
}

/*
 * The old file stays until both are replaced, should the other one fail. By a
 * link, for the name must not be free for somebody else in between; where there
 * are no links, it is.
 */
static int replace(struct fresh_side *side)
{
	if (!side->replaces)
		return EXIT_OK;
	if (link(side->target, side->old) && rename(side->target, side->old))
		return side_failed(side, "replace");
	side->set_aside = true;
	if (rename(side->temp, side->target))
		return side_failed(side, "replace");
	return EXIT_OK;
}

/* A name reaches the disk with its folder. */
static int sync_folder(const struct fresh_side *side)
{
	struct obd_error err;

	if (side->size || !store_sync_folder(side->path, &err))
		return EXIT_OK;
	complain("%s", err.text);
	return EXIT_FAILED;
}

static void release(struct fresh_side *side)
{
	if (side->held >= 0)
		close(side->held);
	side->held = -1;
}

/* A file that is replaced stays locked; the lock of a device is for who opens it. */
static void close_side(struct fresh_side *side)
{
	if (side->fd >= 0)
		close(side->fd);
	side->fd = -1;
	if (side->size)
		release(side);
}

/* Whatever a device held before is lost, but it need not look like a layer. */
static void forget_header(const struct fresh_side *side)
{
	static const u8 zeros[LSMT_HEADER_SPACE];
	struct obd_error err;
	int fd = open(side->path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	if (!store_write(fd, side->path, 0, zeros, sizeof(zeros), &err))
		store_sync(fd, side->path, &err);
	close(fd);
}

static void free_names(struct fresh_side *side)
{
	free(side->temp);
	free(side->old);
	free(side->target);
	side->target = NULL;
	side->temp = NULL;
	side->old = NULL;
}

/* To rename one of two links to a file to the other does nothing. */
static void bring_back(const struct fresh_side *side)
{
	if (!rename(side->old, side->target))
		unlink(side->old);
	else
		complain("%s: is now called %s: %s", side->target, side->old,
			 strerror(errno));
}

static void remove_side(struct fresh_side *side)
{
	close_side(side);
	if (side->set_aside)
		bring_back(side);
	else if (side->created)
		unlink(side->target);
	else if (side->overwritten)
		forget_header(side);
	if (side->temp)
		unlink(side->temp);
	free_names(side);
	release(side);
	side->set_aside = false;
	side->created = false;
	side->overwritten = false;
}

void fresh_remove(struct fresh *fresh)
{
	remove_side(&fresh->data);
	remove_side(&fresh->index);
}

static void keep_side(struct fresh_side *side)
{
	if (side->set_aside)
		unlink(side->old);
	side->set_aside = false;
	free_names(side);
	release(side);
}

void fresh_keep(struct fresh *fresh)
{
	keep_side(&fresh->data);
	keep_side(&fresh->index);
}

static void choose_uuid(char *text)
{
	uuid_t uuid;

	if (*text)
		return;
	uuid_generate(uuid);
	uuid_unparse_lower(uuid, text);
}

void fresh_init(struct fresh *fresh, const char *data, const char *index)
{
	*fresh = (struct fresh) {
		.data = { .path = data, .fd = -1, .held = -1 },
		.index = { .path = index, .fd = -1, .held = -1,
			   .is_index = true },
	};
}

int fresh_create(struct fresh *fresh)
{
	int r;

	choose_uuid(fresh->info.uuid);
	/* To lock it twice would be to refuse it as locked. */
	r = check_distinct(fresh) ?:
	    check_side(&fresh->data, fresh->force) ?:
	    check_side(&fresh->index, fresh->force) ?:
	    find_target(&fresh->data) ?: find_target(&fresh->index) ?:
	    open_side(&fresh->data) ?: check_distinct(fresh) ?:
	    open_side(&fresh->index) ?:
	    fill_side(&fresh->data, &fresh->info) ?:
	    fill_side(&fresh->index, &fresh->info) ?:
	    replace(&fresh->data) ?: replace(&fresh->index) ?:
	    sync_folder(&fresh->data) ?: sync_folder(&fresh->index);
	close_side(&fresh->data);
	close_side(&fresh->index);
	if (r)
		fresh_remove(fresh);
	return r;
}
