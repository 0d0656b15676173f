/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names in the file system that a layer is applied to. Functions return 0 or an
 * error of libext2fs.
 */
#ifndef OVERLAYBD_TURBO_TREE_H
#define OVERLAYBD_TURBO_TREE_H

#include "tools/turbo-fs.h"

/**
 * struct turbo_place - a name in a directory
 * @dir: the directory
 * @name: the name, which is no more than a component; a part of the path
 */
struct turbo_place {
	ext2_ino_t dir;
	const char *name;
};

/**
 * turbo_parent - find the directory in which an entry belongs
 * @t: the layer
 * @path: path of the entry, not empty, without "." and ".." in it and without a
 *	slash at either end; is cut into its components
 * @create: make directories that are missing
 * @place: the directory, and the last component
 *
 * Symbolic links are followed, as if the file system were the root.
 *
 * Return: EXT2_ET_FILE_NOT_FOUND if there is no such directory.
 */
errcode_t turbo_parent(struct turbo *t, char *path, bool create,
		       struct turbo_place *place);

/**
 * turbo_lookup - find what has a name, without following it
 * @t: the layer
 * @place: the name
 * @ino: the inode; 0 if there is none
 */
errcode_t turbo_lookup(struct turbo *t, const struct turbo_place *place,
		       ext2_ino_t *ino);

/**
 * turbo_is_dots - is a name that of a directory itself, or of the one above?
 * @name: the name
 */
bool turbo_is_dots(const char *name);

/**
 * turbo_claim - remember that a name counts as one of this layer
 * @t: the layer
 * @place: the name, which was there before
 */
errcode_t turbo_claim(struct turbo *t, const struct turbo_place *place);

/**
 * turbo_link - give an inode a name
 * @t: the layer
 * @place: the name, which must be free
 * @ino: the inode, whose count of links is the caller's business
 * @type: EXT2_FT_*
 */
errcode_t turbo_link(struct turbo *t, const struct turbo_place *place,
		     ext2_ino_t ino, int type);

/**
 * turbo_mkdir - make an empty directory
 * @t: the layer
 * @place: its name, which must be free
 * @ino: the directory, root's and with the mode 0755
 */
errcode_t turbo_mkdir(struct turbo *t, const struct turbo_place *place,
		      ext2_ino_t *ino);

/**
 * turbo_remove - remove a name, and all that is below it
 * @t: the layer
 * @place: the name, which may be free
 */
errcode_t turbo_remove(struct turbo *t, const struct turbo_place *place);

/**
 * turbo_remove_lower - remove what is not of this layer
 * @t: the layer
 * @place: the name, which may be free
 *
 * Directories stay that have something of this layer below them.
 */
errcode_t turbo_remove_lower(struct turbo *t, const struct turbo_place *place);

/**
 * turbo_empty_lower - remove what is in a directory and not of this layer
 * @t: the layer
 * @dir: the directory
 */
errcode_t turbo_empty_lower(struct turbo *t, ext2_ino_t dir);

#endif
