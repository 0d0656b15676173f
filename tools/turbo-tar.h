/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Go through a layer, a tar that may be gzip'ed, and tell where in the
 * uncompressed tar the content of each file is.
 */
#ifndef OVERLAYBD_TURBO_TAR_H
#define OVERLAYBD_TURBO_TAR_H

#include <archive.h>
#include <archive_entry.h>

#include "dm-overlaybd-error.h"
#include "tools/progress.h"

/**
 * struct turbo_tar - a layer, being read
 * @path: its name
 * @gz: the file, which zlib also reads if it is not compressed
 * @archive: the tar
 * @buf: what @archive was given last
 * @buf_pos: where that is in the uncompressed tar
 * @buf_len: bytes of it
 * @sum: checksum of all that was read
 * @progress: counts bytes of the file
 * @any: an entry has been returned
 * @end: where the content ends of the entry that was returned last
 * @last: the sector that its end is in, as far as it has been seen
 */
struct turbo_tar {
	const char *path;
	struct gzFile_s *gz;
	struct archive *archive;
	u8 *buf;
	u64 buf_pos;
	u32 buf_len;
	u64 sum;
	struct progress *progress;
	bool any;
	u64 end;
	u8 last[OBD_SECTOR_SIZE];
};

/**
 * turbo_tar_open - open a layer
 * @tar: filled in; close with turbo_tar_close(), also after a failure
 * @path: its name; not copied
 * @progress: begun, for the bytes of the file
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno.
 */
int turbo_tar_open(struct turbo_tar *tar, const char *path,
		   struct progress *progress, struct obd_error *err);

/**
 * turbo_tar_next - go to the next entry
 * @tar: the layer
 * @entry: the entry, valid until the next call
 * @pos: where its content begins in the uncompressed tar
 * @err: the reason, on failure
 *
 * At the end, the rest of the file is read, so that its checksum is known to be
 * right.
 *
 * Return: 1 if there is one, 0 at the end, or a negative errno.
 */
int turbo_tar_next(struct turbo_tar *tar, struct archive_entry **entry,
		   u64 *pos, struct obd_error *err);

/**
 * turbo_tar_padded - is nothing but zeros behind the content of an entry?
 * @tar: the layer, which has gone on to the entry behind, or to the end
 *
 * If not, @tar->last is the sector with its end.
 */
bool turbo_tar_padded(const struct turbo_tar *tar);

/**
 * turbo_tar_expect_end - have an eye on the end of an entry
 * @tar: the layer, at that entry
 * @end: where its content ends in the uncompressed tar
 *
 * For turbo_tar_padded().
 */
void turbo_tar_expect_end(struct turbo_tar *tar, u64 end);

/**
 * turbo_tar_close - close a layer
 * @tar: the layer; a zeroed one is fine
 */
void turbo_tar_close(struct turbo_tar *tar);

#endif
