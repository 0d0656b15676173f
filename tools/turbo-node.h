/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Make the files, directories and other things that a layer has.
 */
#ifndef OVERLAYBD_TURBO_NODE_H
#define OVERLAYBD_TURBO_NODE_H

#include "tools/turbo-tree.h"
#include "tools/turbo-tar.h"

/**
 * turbo_make - make what an entry describes
 * @t: the layer
 * @place: its name, which is free, or that of a directory if it is one
 * @there: that directory, or 0
 * @tar: the layer's tar, at the entry
 * @entry: the entry; no hard link
 * @pos: where its content begins in the uncompressed tar
 * @err: the reason, on failure
 *
 * The content of a regular file stays in the tar, unless the tar leaves out
 * what is zero in it.
 *
 * Return: 0, or a negative errno.
 */
int turbo_make(struct turbo *t, const struct turbo_place *place,
	       ext2_ino_t there, struct turbo_tar *tar,
	       struct archive_entry *entry, u64 pos, struct obd_error *err);

/**
 * turbo_make_link - give a file another name
 * @t: the layer
 * @place: the name, which is free
 * @ino: the file
 *
 * Return: 0, or an error of libext2fs.
 */
errcode_t turbo_make_link(struct turbo *t, const struct turbo_place *place,
			  ext2_ino_t ino);

#endif
