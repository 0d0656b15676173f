/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A layer of an OCI image, applied to a file system whose regular files have
 * their data in the layer's tar. What the parts of this share.
 */
#ifndef OVERLAYBD_TURBO_FS_H
#define OVERLAYBD_TURBO_FS_H

#include "tools/turbo-disk.h"

/**
 * struct turbo_file - a regular file that was made
 * @ino: its inode
 * @tail: the sector with the end of the file, if the tar has anything but zeros
 *	behind it there; or NULL
 * @pos: where its content begins in the tar
 * @size: bytes of it
 */
struct turbo_file {
	ext2_ino_t ino;
	u8 *tail;
	u64 pos;
	u64 size;
};

/**
 * struct turbo - a layer being applied
 * @disk: the disk
 * @fs: the file system on it
 * @dirs: a tree of struct turbo_dir; see turbo_dir_open()
 * @walks: removals so far
 * @files: a tree of struct turbo_file: those that have their data in the tar
 * @last: the one of the entry that was applied last; NULL if it made none
 * @no_acls: entries with an access control list that was left out
 */
struct turbo {
	struct turbo_disk disk;
	ext2_filsys fs;
	void *dirs;
	u64 walks;
	void *files;
	struct turbo_file *last;
	u64 no_acls;
};

/**
 * turbo_fail - put an error of libext2fs into words
 * @t: the layer
 * @path: the entry
 * @what: what could not be done
 * @r: the error
 * @err: gets the reason
 *
 * Return: a negative errno: -EINVAL where the file system is to blame.
 */
int turbo_fail(const struct turbo *t, const char *path, const char *what,
	       errcode_t r, struct obd_error *err);

/**
 * turbo_init - open the file system
 * @t: filled in, but for its @disk, which is there; release with
 *	turbo_release(), also after a failure
 * @seconds: the time of all this
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno.
 */
int turbo_init(struct turbo *t, u64 seconds, struct obd_error *err);

/**
 * turbo_finish - write what is in memory, and find what a layer has to hold
 * @t: the layer
 * @changes: filled in; release with changes_release(), also after a failure
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno.
 */
int turbo_finish(struct turbo *t, struct changes *changes,
		 struct obd_error *err);

/**
 * turbo_release - free what turbo_init() allocated
 * @t: the layer; its disk is the caller's
 */
void turbo_release(struct turbo *t);

#endif
