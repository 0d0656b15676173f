/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Directories, kept in memory until a layer is applied: libext2fs reads all of
 * one for each name that is looked up, added or removed.
 */
#ifndef OVERLAYBD_TURBO_DIR_H
#define OVERLAYBD_TURBO_DIR_H

#include "tools/turbo-fs.h"

/**
 * struct turbo_name - a name in a directory
 * @name: the name
 * @ino: what has it
 * @type: EXT2_FT_*
 * @stored: the file system has it
 * @claimed: it is of this layer, or was given attributes by it
 */
struct turbo_name {
	const char *name;
	ext2_ino_t ino;
	int type;
	bool stored;
	bool claimed;
};

/**
 * struct turbo_dir - a directory
 * @ino: its inode
 * @names: a tree of struct turbo_name, "." and ".." among them
 * @nr: how many
 * @stale: the file system has a name that was removed
 * @walk: the removal that came here last
 */
struct turbo_dir {
	ext2_ino_t ino;
	void *names;
	u64 nr;
	bool stale;
	u64 walk;
};

/**
 * turbo_dir_open - get a directory
 * @t: the layer
 * @ino: its inode
 * @dir: the directory, valid until turbo_dir_forget()
 *
 * Return: 0, or an error of libext2fs.
 */
errcode_t turbo_dir_open(struct turbo *t, ext2_ino_t ino,
			 struct turbo_dir **dir);

/**
 * turbo_dir_find - look for a name
 * @dir: the directory
 * @name: the name
 *
 * Return: NULL if it is free.
 */
struct turbo_name *turbo_dir_find(const struct turbo_dir *dir,
				  const char *name);

/**
 * turbo_dir_add - add a name
 * @dir: the directory
 * @name: what is copied
 *
 * Return: 0, or an error of libext2fs, if it is not free for one.
 */
errcode_t turbo_dir_add(struct turbo_dir *dir, const struct turbo_name *name);

/**
 * turbo_dir_delete - delete a name
 * @dir: the directory
 * @name: one of its names; is freed
 */
void turbo_dir_delete(struct turbo_dir *dir, struct turbo_name *name);

/**
 * turbo_dir_list - list the names of a directory
 * @dir: the directory
 *
 * Return: an array of @dir->nr names, in order, to be freed; NULL if there is no
 * memory.
 */
struct turbo_name **turbo_dir_list(const struct turbo_dir *dir);

/**
 * turbo_dir_forget - a directory is no more
 * @t: the layer
 * @ino: what was its inode
 */
void turbo_dir_forget(struct turbo *t, ext2_ino_t ino);

/**
 * turbo_dirs_write - bring the file system up to date
 * @t: the layer
 *
 * Return: 0, or an error of libext2fs.
 */
errcode_t turbo_dirs_write(struct turbo *t);

/**
 * turbo_dirs_release - free all directories
 * @t: the layer
 */
void turbo_dirs_release(struct turbo *t);

#endif
