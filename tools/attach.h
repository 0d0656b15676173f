/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes a block device of every layer of a stack.
 */
#ifndef OVERLAYBD_ATTACH_H
#define OVERLAYBD_ATTACH_H

#include "tools/stack.h"
#include "tools/table.h"

/**
 * struct attached - what keeps devices alive
 * @fds: their descriptors
 * @nr: how many
 */
struct attached {
	int *fds;
	unsigned int nr;
};

/**
 * attach_stack - find or make a block device for every layer
 * @attached: release with attach_release(), also after a failure, but not
 *	before the table is loaded
 * @stack: the layers; the files of a writable upper are extended
 * @direct_io: let loop devices go past the page cache
 * @table: receives the devices
 *
 * Loop devices go with @attached unless somebody else has opened them. Those
 * that join tails are let go; see tails_remove(). Complains when it fails.
 *
 * Return: an exit code.
 */
int attach_stack(struct attached *attached, struct stack *stack,
		 bool direct_io, struct table *table);

/**
 * attach_snapshot - make block devices for what a snapshot adds to a device
 * @attached: see attach_stack()
 * @sealed: the data of the layer that is to be sealed; its loop device is the
 *	first of @attached, if it is a file: made for reading only, it has to be
 *	given its size when the file is cut
 * @upper: files of the layer above it, which are extended
 * @nr_sectors: size of the disk
 * @direct_io: let loop devices go past the page cache
 * @table: receives the devices: that of @sealed is the last of its layers
 *
 * Complains when it fails.
 *
 * Return: an exit code.
 */
int attach_snapshot(struct attached *attached, const struct upper_file *sealed,
		    struct upper_files *upper, u64 nr_sectors, bool direct_io,
		    struct table *table);

/**
 * attach_release - let go
 * @attached: what attach_stack() filled in; zeroed is fine
 */
void attach_release(struct attached *attached);

#endif
