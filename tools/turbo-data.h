/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The data of regular files.
 */
#ifndef OVERLAYBD_TURBO_DATA_H
#define OVERLAYBD_TURBO_DATA_H

#include "tools/turbo-fs.h"
#include "tools/turbo-tar.h"

/**
 * turbo_data_map - give an empty file blocks, whose data is in the tar
 * @t: the layer
 * @ino: the file
 * @pos: where its content begins in the uncompressed tar, at a sector
 * @size: bytes
 *
 * Return: 0, or an error of libext2fs.
 */
errcode_t turbo_data_map(struct turbo *t, ext2_ino_t ino, u64 pos, u64 size);

/**
 * turbo_data_tail - the tar has something behind the file that was mapped last
 * @t: the layer
 * @sector: the sector with its end
 *
 * Return: 0, or -ENOMEM.
 */
int turbo_data_tail(struct turbo *t, const u8 *sector);

/**
 * turbo_data_forget - a file is not there any more
 * @t: the layer
 * @ino: its inode, which need not be that of a mapped file
 */
void turbo_data_forget(struct turbo *t, ext2_ino_t ino);

/**
 * turbo_data_copy - write an empty file as it is read from the tar
 * @t: the layer
 * @ino: the file
 * @archive: the tar, at the entry
 * @size: bytes
 *
 * Return: 0, or an error of libext2fs or libarchive.
 */
errcode_t turbo_data_copy(struct turbo *t, ext2_ino_t ino,
			  struct archive *archive, u64 size);

/**
 * turbo_data_targets - find where on the disk the mapped files are
 * @t: the layer, all of it applied; the rest of their blocks becomes zero
 * @changes: gets them as targets
 *
 * Return: 0, or an error of libext2fs.
 */
errcode_t turbo_data_targets(struct turbo *t, struct changes *changes);

/**
 * turbo_data_release - forget all files
 * @t: the layer
 */
void turbo_data_release(struct turbo *t);

#endif
