// SPDX-License-Identifier: GPL-2.0-only
/*
 * overlaybdsetup create-upper: an empty writable layer.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include "dm-overlaybd-log.h"
#include "tools/commands.h"
#include "tools/in-use.h"
#include "tools/options.h"
#include "tools/report.h"
#include "tools/signals.h"
#include "tools/store.h"
#include "tools/writer-lsmt.h"

#define DEVICE_SIZE_MIN	(2 * LSMT_HEADER_SPACE)
#define SLOTS_CLEARED	(1U << 20)	/* bytes of an index device */

/**
 * struct side - the data or the index
 * @path: its name
 * @fd: the file or device, open for writing; -1 until then
 * @size: bytes of a device that is there, 0 for a file
 * @is_index: which of the two it is
 * @replaces: a file is there that is in the way
 * @created: the file was not there before
 */
struct side {
	const char *path;
	int fd;
	u64 size;
	bool is_index;
	bool replaces;
	bool created;
};

struct create {
	struct side data;
	struct side index;
	struct lsmt_info info;
	uint64_t size;
	bool sized;
	bool force;
	bool json;
	bool help;
};

static int side_failed(const struct side *side, const char *what)
{
	complain("%s: cannot %s it: %s", side->path, what, strerror(errno));
	return EXIT_FAILED;
}

/* An empty device begins with zeros. */
static int check_empty(const struct side *side, int fd)
{
	u8 header[LSMT_HEADER_SPACE];

	if (pread(fd, header, sizeof(header), 0) != sizeof(header))
		return side_failed(side, "read");
	if (!memchr_inv(header, 0, sizeof(header)))
		return EXIT_OK;
	complain("%s: holds something: --force overwrites it", side->path);
	return EXIT_FAILED;
}

static int check_device(struct side *side, int fd, bool force)
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

static int check_file(struct side *side, bool force)
{
	if (!force) {
		complain("%s: is there already: --force replaces it",
			 side->path);
		return EXIT_FAILED;
	}
	side->replaces = true;
	return EXIT_OK;
}

/* An open, or another command, may be at work on it. */
static int check_lock(const struct side *side, int fd)
{
	if (!flock(fd, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK)
		return EXIT_OK;
	complain("%s: is locked by another program", side->path);
	return EXIT_BUSY;
}

/* What is there: may it become a part of a layer? */
static int check_existing(struct side *side, bool force, bool block)
{
	int fd = open(side->path, O_RDONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return side_failed(side, "open");
	r = block ? check_device(side, fd, force) : check_file(side, force);
	r = r ?: in_use_complain(side->path, fd, true) ?:
	    check_lock(side, fd);
	close(fd);
	return r;
}

/* Not by opening it: opening a FIFO would wait for a writer. */
static int check_side(struct side *side, bool force)
{
	struct stat st;

	if (stat(side->path, &st))
		return errno == ENOENT ? EXIT_OK : side_failed(side, "create");
	if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode))
		return check_existing(side, force, S_ISBLK(st.st_mode));
	complain("%s: neither a file nor a block device", side->path);
	return EXIT_FAILED;
}

static int check_distinct(const struct create *c)
{
	struct stat a, b;

	if (stat(c->data.path, &a) || stat(c->index.path, &b))
		return EXIT_OK;
	if ((a.st_dev != b.st_dev || a.st_ino != b.st_ino) &&
	    !(S_ISBLK(a.st_mode) && a.st_rdev == b.st_rdev))
		return EXIT_OK;
	complain("%s and %s are the same: data and index need one each",
		 c->data.path, c->index.path);
	return EXIT_FAILED;
}

static int open_side(struct side *side)
{
	int flags = O_RDWR | O_EXCL | O_CLOEXEC;

	if (side->replaces && unlink(side->path))
		return side_failed(side, "replace");
	if (!side->size)
		flags |= O_CREAT;
	side->fd = open(side->path, flags, 0666);
	if (side->fd < 0)
		return side_failed(side, side->size ? "open" : "create");
	side->created = !side->size;
	return EXIT_OK;
}

/* What an index device held before must not be taken for entries. */
static int clear_slots(const struct side *side, struct obd_error *err)
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

static int write_side(const struct side *side, const struct lsmt_info *info,
		      struct obd_error *err)
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

static int fill_side(const struct side *side, const struct lsmt_info *info)
{
	struct obd_error err;
	int r = write_side(side, info, &err);

	if (r)
		complain("%s", err.text);
	return r ? EXIT_FAILED : EXIT_OK;
}

/* A name reaches the disk with its folder. */
static int sync_folder(const struct side *side)
{
	char *copy;
	int fd, r = EXIT_OK;

	if (!side->created)
		return EXIT_OK;
	copy = strdup(side->path);
	fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) :
		    -1;
	if (fd < 0 || fsync(fd))
		r = side_failed(side, "sync the folder of");
	if (fd >= 0)
		close(fd);
	free(copy);
	return r;
}

static void end_side(struct side *side, bool failed)
{
	if (side->fd >= 0)
		close(side->fd);
	if (side->created && failed)
		unlink(side->path);
}

static void warn_of_size(const struct create *c)
{
	u64 most = c->size + LSMT_HEADER_SPACE;

	if (c->data.size && c->data.size < most)
		complain("warning: %s: has %llu bytes, of %llu that the layer may come to need: writes will fail when it is full",
			 c->data.path, (unsigned long long)c->data.size,
			 (unsigned long long)most);
}

static int create_sides(struct create *c)
{
	int r;

	r = check_side(&c->data, c->force) ?:
	    check_side(&c->index, c->force) ?: check_distinct(c) ?:
	    open_side(&c->data) ?: open_side(&c->index) ?:
	    fill_side(&c->data, &c->info) ?: fill_side(&c->index, &c->info) ?:
	    sync_folder(&c->data) ?: sync_folder(&c->index);
	end_side(&c->data, r);
	end_side(&c->index, r);
	return r;
}

static void print_result(const struct create *c)
{
	struct json_object *o;

	if (!c->json) {
		printf("uuid %s\n", c->info.uuid);
		return;
	}
	o = json_object_new_object();
	json_object_object_add(o, "data", json_object_new_string(c->data.path));
	json_object_object_add(o, "index",
			       json_object_new_string(c->index.path));
	json_object_object_add(o, "uuid", json_object_new_string(c->info.uuid));
	json_object_object_add(o, "parent",
			       *c->info.parent_uuid ?
			       json_object_new_string(c->info.parent_uuid) :
			       NULL);
	json_object_object_add(o, "virtual_size",
			       json_object_new_uint64(c->info.virtual_size));
	print_json(o);
	json_object_put(o);
}

static void choose_uuid(char *text)
{
	uuid_t uuid;

	if (*text)
		return;
	uuid_generate(uuid);
	uuid_unparse_lower(uuid, text);
}

/* It takes no time: signals wait, so that both are there or none. */
static int create_upper(struct create *c)
{
	sigset_t before;
	int r;

	choose_uuid(c->info.uuid);
	c->info.virtual_size = c->size;
	signals_hold(&before);
	r = create_sides(c);
	signals_release(&before);
	if (r)
		return r;
	warn_of_size(c);
	print_result(c);
	return EXIT_OK;
}

static int set_size(struct create *c, const char *value)
{
	const uint64_t most = LSMT_OFFSET_MASK << OBD_SECTOR_SHIFT;

	c->sized = true;
	if (parse_size(value, &c->size) && c->size <= most &&
	    !(c->size % OBD_SECTOR_SIZE))
		return EXIT_OK;
	return usage_error(&cmd_create_upper,
			   "--size is '%s', expected a multiple of %u bytes up to %llu",
			   value, OBD_SECTOR_SIZE, (unsigned long long)most);
}

static int set_uuid(const char *name, const char *value, char *uuid)
{
	uuid_t parsed;

	if (uuid_parse(value, parsed))
		return usage_error(&cmd_create_upper,
				   "%s is '%s', expected a UUID", name, value);
	memcpy(uuid, value, LSMT_UUID_SIZE);
	return EXIT_OK;
}

static int set_user_tag(struct create *c, const char *value)
{
	c->info.user_tag = value;
	if (strlen(value) < LSMT_USER_TAG_SIZE)
		return EXIT_OK;
	return usage_error(&cmd_create_upper,
			   "--user-tag has %zu bytes, expected at most %u",
			   strlen(value), LSMT_USER_TAG_SIZE - 1);
}

static int set_option(struct create *c, int opt, char **argv)
{
	switch (opt) {
	case 'f':
		c->force = true;
		return EXIT_OK;
	case 'h':
		c->help = true;
		return EXIT_OK;
	case 'j':
		c->json = true;
		return EXIT_OK;
	case 'p':
		return set_uuid("--parent", optarg, c->info.parent_uuid);
	case 's':
		return set_size(c, optarg);
	case 't':
		return set_user_tag(c, optarg);
	case 'u':
		return set_uuid("--uuid", optarg, c->info.uuid);
	default:
		return usage_error(&cmd_create_upper, "bad option %s",
				   argv[optind - 1]);
	}
}

static int parse_options(int argc, char **argv, struct create *c)
{
	static const struct option longopts[] = {
		{ "force", no_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "parent", required_argument, NULL, 'p' },
		{ "size", required_argument, NULL, 's' },
		{ "user-tag", required_argument, NULL, 't' },
		{ "uuid", required_argument, NULL, 'u' },
		{ }
	};
	int opt, r = EXIT_OK;

	opterr = 0;
	while (!r && !c->help &&
	       (opt = getopt_long(argc, argv, "h", longopts, NULL)) != -1)
		r = set_option(c, opt, argv);
	if (r || c->help)
		return r;
	if (argc - optind != 2)
		return usage_error(&cmd_create_upper,
				   "expected a data and an index file");
	if (!c->sized)
		return usage_error(&cmd_create_upper, "--size is missing");
	c->data.path = argv[optind];
	c->index.path = argv[optind + 1];
	return EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct create c = {
		.data.fd = -1,
		.index = { .fd = -1, .is_index = true },
	};
	int r = parse_options(argc, argv, &c);

	if (r)
		return r;
	if (c.help)
		return print_help(&cmd_create_upper);
	return create_upper(&c);
}

const struct command cmd_create_upper = {
	.name = "create-upper",
	.args = "--size SIZE [OPTION...] DATA INDEX",
	.summary = "Make an empty writable layer of two files or block devices",
	.help =
"What comes of it is on the disk; if it fails, no file is left. The files take\n"
"space as the layer is written. SIZE may end in K, M, G or T, powers of 1024.\n"
"\n"
"Options:\n"
"      --size SIZE      size of the disk; 0: that of the layers below\n"
"      --uuid UUID      of the layer; chosen at random otherwise\n"
"      --parent UUID    of the layer below\n"
"      --user-tag TEXT  up to 255 bytes\n"
"      --force          replace files, overwrite devices that hold something\n"
"      --json           tell the result in JSON\n"
"  -h, --help           print this\n",
	.run = run,
};
