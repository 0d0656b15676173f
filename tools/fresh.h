/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Make empty writable layers. Functions that return an exit code have
 * complained when it is not EXIT_OK.
 */
#ifndef OVERLAYBD_FRESH_H
#define OVERLAYBD_FRESH_H

#include <stdbool.h>

#include "tools/writer-lsmt.h"

/**
 * struct fresh_side - the data or the index
 * @path: its name
 * @target: what symbolic links make of that; NULL for a device
 * @fd: the file or device, open for writing; -1 until then
 * @held: what was there before, locked; -1 if nothing was
 * @size: bytes of a device that is there, 0 for a file
 * @is_index: which of the two it is
 * @replaces: a file is there that is in the way
 * @temp: name of the file until it replaces that one
 * @old: another name of that one from then on
 * @set_aside: that one has it
 * @created: the file was not there before
 * @overwritten: something may have been written to the device
 */
struct fresh_side {
	const char *path;
	char *target;
	int fd;
	int held;
	u64 size;
	bool is_index;
	bool replaces;
	char *temp;
	char *old;
	bool set_aside;
	bool created;
	bool overwritten;
};

/**
 * struct fresh - a layer to be
 * @data: its data
 * @index: its index
 * @info: what its headers say; a uuid is chosen if it is empty
 * @force: replace files, overwrite devices that hold something
 */
struct fresh {
	struct fresh_side data;
	struct fresh_side index;
	struct lsmt_info info;
	bool force;
};

/**
 * fresh_init - begin with names only
 * @fresh: filled in
 * @data: name of the data file or device; not copied
 * @index: name of the index; not copied
 */
void fresh_init(struct fresh *fresh, const char *data, const char *index);

/**
 * fresh_create - make the layer
 * @fresh: what it is to be like
 *
 * It is on the disk afterwards; end with fresh_keep() or fresh_remove(). What it
 * replaces stays locked until then. Refuses what is in use. When it fails, all
 * files are as they were. To be called with signals held back.
 *
 * Return: an exit code.
 */
int fresh_create(struct fresh *fresh);

/**
 * fresh_keep - remove the files that a layer has replaced
 * @fresh: what fresh_create() has made
 */
void fresh_keep(struct fresh *fresh);

/**
 * fresh_remove - take a layer back that has not been used
 * @fresh: what fresh_create() has made, or a layer that was not made yet
 *
 * Files are removed, or those that were replaced come back; devices do not hold
 * a layer any more.
 */
void fresh_remove(struct fresh *fresh);

#endif
