// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open, lock, extend and cut the files of a writable layer.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "dm-overlaybd-blob.h"
#include "tools/commands.h"
#include "tools/in-use.h"
#include "tools/store.h"
#include "tools/upper-files.h"
#include "tools/upper-sparse.h"

#define ALIGN		4096ULL
#define DATA_SPARE	(64ULL << 20)
#define SPARE_SHIFT	4	/* a sixteenth of the disk */
#define INDEX_SHIFT	4	/* 16 bytes of index for 256 of the disk */
#define INDEX_MIN	(1ULL << 20)
#define LOCK_TRIES	1000
#define LOCK_WAIT_NS	10000000L

static int file_failed(const struct upper_file *file, const char *what)
{
	complain("upper (%s): cannot %s: %s", file->path, what,
		 strerror(errno));
	return EXIT_FAILED;
}

/* Of the parser, which says itself which of the two it means. */
static int layer_failed(const struct upper_files *files, int r,
			const struct obd_error *err)
{
	complain("upper (%s, %s): %s", files->data.path, files->index.path,
		 err->text);
	return exit_code_of(r);
}

/* Not by opening it: opening a FIFO would wait for a writer. */
static int open_file(struct upper_file *file, bool writable)
{
	int mode = writable ? O_RDWR : O_RDONLY;
	struct stat st;

	if (stat(file->path, &st))
		return file_failed(file, "open it");
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
		complain("upper (%s): neither a file nor a block device",
			 file->path);
		return EXIT_FAILED;
	}
	file->rdev = S_ISBLK(st.st_mode) ? st.st_rdev : 0;
	file->fd = open(file->path, mode | O_CLOEXEC);
	if (file->fd < 0)
		return file_failed(file, "open it");
	file->size = lseek(file->fd, 0, SEEK_END);
	return EXIT_OK;
}

int upper_files_open(struct upper_files *files, const char *data,
		     const char *index, bool writable)
{
	struct stat a, b;
	int r;

	*files = (struct upper_files) {
		.data = { .path = data, .fd = -1 },
		.index = { .path = index, .fd = -1 },
		.writable = writable,
	};
	r = open_file(&files->data, writable) ?:
	    open_file(&files->index, writable);
	/* To lock it twice would be to wait for oneself. */
	if (!r && !fstat(files->data.fd, &a) && !fstat(files->index.fd, &b) &&
	    same_file(&a, &b)) {
		complain("upper (%s, %s): are the same: data and index need one each",
			 data, index);
		r = EXIT_FAILED;
	}
	return r;
}

/*
 * The lock belongs to the description of the file, which a loop device keeps.
 * Where files cannot be locked, looking for their users has to do.
 */
static int lock_file(const struct upper_file *file, bool writable)
{
	const struct timespec pause = { .tv_nsec = LOCK_WAIT_NS };
	int how = (writable ? LOCK_EX : LOCK_SH) | LOCK_NB;
	int i, r;

	for (i = 0; flock(file->fd, how) && errno == EWOULDBLOCK; i++) {
		r = in_use_complain(file->path, file->fd, writable);
		if (r)
			return r;
		if (i == LOCK_TRIES) {
			complain("upper (%s): is locked by another program",
				 file->path);
			return EXIT_BUSY;
		}
		nanosleep(&pause, NULL);
	}
	return in_use_complain(file->path, file->fd, writable);
}

/* Would the data be a sealed layer if it ended at @size? */
static bool ends_sealed(const struct upper_files *files, u64 size)
{
	struct obd_dev dev = files->upper.data;
	struct lsmt_header trailer;
	struct obd_error err;

	return size >= 2 * LSMT_HEADER_SPACE &&
	       !obd_dev_read(&dev, size - LSMT_HEADER_SPACE, &trailer,
			     sizeof(trailer)) &&
	       !obd_lsmt_check_header(&trailer, "trailer",
				      LSMT_FLAG_DATA | LSMT_FLAG_SEALED,
				      LSMT_FLAG_HEADER, &err) &&
	       !strncmp(trailer.uuid, files->upper.data_header.uuid,
			LSMT_UUID_SIZE);
}

/* What an index without entries says does not count. */
static bool log_agrees(const struct upper_files *files)
{
	const struct replay *log = &files->upper.replay;
	struct obd_dev dev = files->upper.data;
	struct obd_layer layer;
	struct obd_error err;
	bool same;

	if (!log->nr)
		return true;
	same = !obd_layer_open(&layer, &dev, dev.size, &err) &&
	       layer.lsmt.nr_entries == log->nr &&
	       !memcmp(layer.entries, log->entries,
		       log->nr * sizeof(*log->entries));
	obd_layer_release(&layer);
	return same;
}

/*
 * Its index would say less than its trailer does, and cutting it destroy it. Or
 * it is the trailer that says less: a snapshot was interrupted, and the upper
 * written to afterwards. The files do not tell which was the last.
 */
static int refuse_sealed(const struct upper_files *files)
{
	if (!ends_sealed(files, files->upper.data.size))
		return EXIT_OK;
	if (log_agrees(files))
		complain("upper (%s): ends as a sealed layer does: list it as a lower",
			 files->data.path);
	else
		complain("upper (%s): ends as a sealed layer does, but its log says otherwise: seal it again if it was written to after that, list it as a lower if not",
			 files->data.path);
	return EXIT_FAILED;
}

static int convert(struct upper_files *files)
{
	struct obd_error err;
	int r;

	if (!files->writable)
		return EXIT_OK;
	r = upper_convert_sparse(files->data.fd, files->index.fd, &err);
	if (r < 0)
		return layer_failed(files, r, &err);
	if (r)
		files->converted = true;
	return EXIT_OK;
}

static int load(struct upper_files *files)
{
	struct obd_error err;
	int r;

	upper_close(&files->upper);
	r = upper_load(&files->upper, files->data.fd, files->index.fd, &err);
	if (r)
		return layer_failed(files, r, &err);
	files->data.size = files->upper.data.size;
	files->index.size = files->upper.index.size;
	return refuse_sealed(files);
}

int upper_files_lock(struct upper_files *files)
{
	return lock_file(&files->data, files->writable) ?:
	       lock_file(&files->index, files->writable);
}

int upper_files_load(struct upper_files *files)
{
	return upper_files_lock(files) ?: convert(files) ?: load(files);
}

static int set_size(struct upper_file *file, const char *what, u64 size,
		    struct obd_error *err)
{
	int r;

	if (file->rdev || file->size <= size)
		return 0;
	r = store_cut(file->fd, what, size, err) ?:
	    store_sync(file->fd, what, err);
	if (!r)
		file->size = size;
	return r;
}

static int write_virtual_size(const struct upper_file *file, const char *what,
			      struct lsmt_header *h, u64 size,
			      struct obd_error *err)
{
	if (le64_to_cpu(h->virtual_size) == size)
		return 0;
	h->virtual_size = cpu_to_le64(size);
	return store_write(file->fd, what, 0, h, sizeof(*h), err) ?:
	       store_sync(file->fd, what, err);
}

/*
 * Sealing that was interrupted has left a trailer where there is no data: the
 * file must not come to end with it.
 */
static int forget_trailer(const struct upper_files *files,
			  struct obd_error *err)
{
	static const u8 zeros[LSMT_HEADER_SPACE];
	const struct upper *u = &files->upper;

	if (files->data.rdev ||
	    u->log_data_end < upper_live_end(u) + sizeof(zeros) ||
	    !ends_sealed(files, u->log_data_end))
		return 0;
	return store_write(files->data.fd, "data",
			   u->log_data_end - sizeof(zeros), zeros,
			   sizeof(zeros), err);
}

int upper_files_cut(struct upper_files *files)
{
	struct upper *u = &files->upper;
	u64 size = u->writable.virtual_sectors << OBD_SECTOR_SHIFT;
	struct obd_error err;
	int r;

	r = write_virtual_size(&files->data, "data", &u->data_header, size,
			       &err) ?:
	    write_virtual_size(&files->index, "index", &u->index_header, size,
			       &err) ?:
	    set_size(&files->index, "index", upper_log_end(u), &err) ?:
	    forget_trailer(files, &err) ?:
	    set_size(&files->data, "data", u->log_data_end, &err);
	return r ? layer_failed(files, r, &err) : EXIT_OK;
}

u64 upper_data_capacity(u64 virtual_bytes)
{
	return round_up(LSMT_HEADER_SPACE + virtual_bytes +
			(virtual_bytes >> SPARE_SHIFT) + DATA_SPARE, ALIGN);
}

u64 upper_index_capacity(u64 virtual_bytes, u64 log_end)
{
	u64 wanted = max(virtual_bytes >> INDEX_SHIFT, 2 * log_end);
	u64 most = LSMT_HEADER_SPACE + OBD_LOG_MAX * sizeof(struct lsmt_entry);

	wanted = round_up(max(wanted + LSMT_HEADER_SPACE, INDEX_MIN), ALIGN);
	return min(wanted, round_down(most, ALIGN));
}

/* Beyond the limit of the process, too, the error is EFBIG. */
static int extend(struct upper_file *file, u64 wanted)
{
	u64 size = wanted;

	if (file->rdev || file->size >= wanted)
		return EXIT_OK;
	while (ftruncate(file->fd, size)) {
		size = file->size + (size - file->size) / 2;
		size = round_down(size, ALIGN);
		if (errno != EFBIG || size <= file->size)
			return file_failed(file, "extend it");
	}
	if (size < wanted)
		complain("warning: upper (%s): cannot become larger than %llu bytes, of %llu that may be needed: writes will fail when it is full",
			 file->path, (unsigned long long)size,
			 (unsigned long long)wanted);
	file->size = size;
	return EXIT_OK;
}

int upper_files_extend(struct upper_files *files, u64 data_bytes,
		       u64 index_bytes)
{
	return extend(&files->data, data_bytes) ?:
	       extend(&files->index, index_bytes);
}

static int wait_for_loops(const struct upper_file *file)
{
	if (file->rdev || in_use_wait(file->fd))
		return EXIT_OK;
	return in_use_complain(file->path, file->fd, true);
}

int upper_files_settle(struct upper_files *files)
{
	return wait_for_loops(&files->data) ?:
	       wait_for_loops(&files->index) ?:
	       upper_files_load(files) ?: upper_files_cut(files);
}

int upper_files_look(struct upper_files *files)
{
	struct upper *upper = &files->upper;
	struct obd_error err;
	int r;

	r = upper_look(upper, files->data.fd, files->index.fd, &err);
	return r ? layer_failed(files, r, &err) : EXIT_OK;
}

static void close_file(struct upper_file *file)
{
	if (file->path && file->fd >= 0)
		close(file->fd);
	*file = (struct upper_file) {};
}

void upper_files_close(struct upper_files *files)
{
	upper_close(&files->upper);
	close_file(&files->data);
	close_file(&files->index);
}
