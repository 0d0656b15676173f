// SPDX-License-Identifier: GPL-2.0-only
/*
 * Read a layer by libarchive, whose bytes come by zlib.
 */
#include <isa-l/crc64.h>
#include <isa-l/mem_routines.h>

#include "dm-overlaybd-format.h"
#include "tools/commands.h"
#include "tools/packed.h"
#include "tools/turbo-tar.h"

/* Sectors lie in one buffer. */
#define BUF_BYTES	(128 * OBD_SECTOR_SIZE)

/* Return: what is wrong with the file, or NULL. */
static const char *gz_failure(const struct turbo_tar *tar)
{
	int code;
	const char *why = gzerror(tar->gz, &code);

	if (code == Z_OK)
		return NULL;
	return code == Z_ERRNO ? strerror(errno) : why;
}

static int fail_tar(const struct turbo_tar *tar, struct obd_error *err)
{
	const char *why = gz_failure(tar);
	int zlib, code;

	gzerror(tar->gz, &zlib);
	if (zlib == Z_ERRNO)
		return obd_fail(err, -EIO, "%s: cannot read at byte %llu of it: %s",
				tar->path, (unsigned long long)tar->buf_pos,
				why);
	code = archive_errno(tar->archive) == ENOMEM ? -ENOMEM : -EINVAL;
	if (!why)
		why = archive_error_string(tar->archive);
	return obd_fail(err, code, "%s: no valid tar at byte %llu of it: %.80s",
			tar->path, (unsigned long long)tar->buf_pos,
			why ? why : "is it cut off?");
}

/* The last sector of the entry lies in one buffer, wholly or to its end. */
static void keep_last(struct turbo_tar *tar)
{
	u64 sector = round_down(tar->end, OBD_SECTOR_SIZE);
	u32 n;

	if (!tar->end || sector < tar->buf_pos ||
	    sector - tar->buf_pos >= tar->buf_len)
		return;
	n = min_t(u64, tar->buf_len - (sector - tar->buf_pos),
		  OBD_SECTOR_SIZE);
	memcpy(tar->last, tar->buf + (sector - tar->buf_pos), n);
}

static int fill(struct turbo_tar *tar)
{
	int n = gzread(tar->gz, tar->buf, BUF_BYTES);

	tar->buf_pos += tar->buf_len;
	tar->buf_len = max(n, 0);
	/* What was cut off is told only when it is asked for. */
	if (n < 0 || (n < BUF_BYTES && gz_failure(tar)))
		return -1;
	tar->sum = crc64_ecma_refl(tar->sum, tar->buf, tar->buf_len);
	keep_last(tar);
	progress_add(tar->progress,
		     gzoffset(tar->gz) - tar->progress->done);
	return n;
}

static la_ssize_t give(struct archive *archive, void *ctx, const void **buf)
{
	struct turbo_tar *tar = ctx;
	int n = fill(tar);

	*buf = tar->buf;
	return n < 0 ? ARCHIVE_FATAL : n;
}

int turbo_tar_open(struct turbo_tar *tar, const char *path,
		   struct progress *progress, struct obd_error *err)
{
	*tar = (struct turbo_tar) { .path = path, .progress = progress };
	errno = 0;
	tar->gz = gzopen(path, "rbe");
	if (!tar->gz)
		return obd_fail(err, errno ? -errno : -ENOMEM,
				"%s: cannot open it: %s", path,
				strerror(errno ? errno : ENOMEM));
	tar->buf = malloc(BUF_BYTES);
	tar->archive = archive_read_new();
	if (!tar->buf || !tar->archive)
		return obd_fail(err, -ENOMEM, "no memory to read %s", path);
	gzbuffer(tar->gz, 4 * BUF_BYTES);
	archive_read_support_format_tar(tar->archive);
	if (archive_read_open(tar->archive, tar, NULL, give, NULL) ==
	    ARCHIVE_OK)
		return 0;
	if (tar->buf_len >= PACKED_MAGIC_SIZE && packed_by_zstd(tar->buf))
		return obd_fail(err, -EINVAL,
				"%s: is compressed by zstd, expected gzip or no compression",
				path);
	return fail_tar(tar, err);
}

/* Is there anything but zeros in the buffer from @pos on? */
static bool holds_more(const struct turbo_tar *tar, u64 pos)
{
	u64 skip = pos > tar->buf_pos ?
		   min(pos - tar->buf_pos, (u64)tar->buf_len) : 0;

	return skip < tar->buf_len &&
	       isal_zero_detect(tar->buf + skip, tar->buf_len - skip);
}

/* What hosts unpack ends where the tar does, and so it does here. */
static int judge_rest(const struct turbo_tar *tar, bool more, u64 end,
		      struct obd_error *err)
{
	if (more && !tar->any)
		return obd_fail(err, -EINVAL, "%s: is no tar archive",
				tar->path);
	if (more)
		complain("warning: %s: what follows the end of the archive at byte %llu of it is left out",
			 tar->path, (unsigned long long)end);
	return 0;
}

/* libarchive stops where the tar does. */
static int read_rest(struct turbo_tar *tar, struct obd_error *err)
{
	u64 end = archive_filter_bytes(tar->archive, 0);
	bool more = holds_more(tar, end);
	int n;

	while ((n = fill(tar)) > 0)
		more = more || holds_more(tar, end);
	return n ? fail_tar(tar, err) : judge_rest(tar, more, end, err);
}

/*
 * Names are bytes. In the C locale, which this program keeps, those of UTF-8 that
 * libarchive cannot convert are left alone, with a warning; in any other it would
 * compose them.
 */
static void warn(const struct turbo_tar *tar)
{
	const char *text = archive_error_string(tar->archive);

	if (!strstr(text ? text : "", "can't be converted"))
		complain("warning: %s: %s", tar->path, text ? text : "");
}

/* An entry may say that it is longer than what is stored of it. */
static int check_content(const struct turbo_tar *tar, u64 limit,
			 struct obd_error *err)
{
	if (tar->end <= limit)
		return 0;
	return obd_fail(err, -EINVAL,
			"%s: the content of an entry ends at byte %llu, expected it to end before what follows at byte %llu",
			tar->path, (unsigned long long)tar->end,
			(unsigned long long)limit);
}

int turbo_tar_next(struct turbo_tar *tar, struct archive_entry **entry,
		   u64 *pos, struct obd_error *err)
{
	int r = archive_read_next_header(tar->archive, entry);

	if (r == ARCHIVE_EOF)
		return read_rest(tar, err) ?:
		       check_content(tar, tar->buf_pos + tar->buf_len, err);
	if (r == ARCHIVE_WARN)
		warn(tar);
	else if (r != ARCHIVE_OK)
		return fail_tar(tar, err);
	tar->any = true;
	*pos = archive_filter_bytes(tar->archive, 0);
	r = check_content(tar, archive_read_header_position(tar->archive),
			  err);
	return r ? r : 1;
}

void turbo_tar_expect_end(struct turbo_tar *tar, u64 end)
{
	tar->end = end;
	memset(tar->last, 0, sizeof(tar->last));
	keep_last(tar);
}

bool turbo_tar_padded(const struct turbo_tar *tar)
{
	u32 used = tar->end % OBD_SECTOR_SIZE;

	return !used || !isal_zero_detect((void *)(tar->last + used),
					  OBD_SECTOR_SIZE - used);
}

void turbo_tar_close(struct turbo_tar *tar)
{
	archive_read_free(tar->archive);
	if (tar->gz)
		gzclose(tar->gz);
	free(tar->buf);
	*tar = (struct turbo_tar) {};
}
