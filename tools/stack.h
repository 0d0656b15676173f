/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The layers of an image, opened and checked by the parser that the kernel
 * module uses, so that what is wrong is said with layer, file and field. The
 * upper, if there is one, lies over all others, which are counted without it.
 */
#ifndef OVERLAYBD_STACK_H
#define OVERLAYBD_STACK_H

#include "tools/config.h"
#include "tools/gzip-file.h"
#include "tools/upper-files.h"

/**
 * struct stack_file - a file of a layer, opened
 * @path: its name, the configuration's
 * @dev: the file; the loop device is made of this very descriptor
 * @bytes: exact length of what it holds
 * @rdev: number of the block device, 0 if it is a file
 * @needs_tail: the module needs bytes that a loop device would hide
 */
struct stack_file {
	const char *path;
	struct obd_dev dev;
	u64 bytes;
	dev_t rdev;
	bool needs_tail;
};

/**
 * struct stack_lower - a layer, opened
 * @kind: what it is
 * @file: the file that it is in
 * @layer: the layer in it; of a target, no more than the size of its data
 * @index: the index of a gzip file
 * @gzip: what reads that
 */
struct stack_lower {
	enum layer_kind kind;
	struct stack_file file;
	struct obd_layer layer;
	struct stack_file index;
	struct gzip_file gzip;
};

/**
 * struct stack - an image, opened
 * @lowers: its layers, lowest first
 * @layers: the same, as obd_stack_merge() wants them
 * @nr: how many
 * @has_upper: whether there is an upper
 * @upper: its files
 * @nr_sectors: virtual size
 */
struct stack {
	struct stack_lower *lowers;
	struct obd_layer **layers;
	unsigned int nr;
	bool has_upper;
	struct upper_files upper;
	u64 nr_sectors;
};

/* What is wanted of an upper. */
enum stack_upper {
	STACK_LOOK,	/* its headers; it may be in use */
	STACK_READ,	/* all of it; nobody may write to it meanwhile */
	STACK_WRITE,	/* nobody else may use it meanwhile */
};

/**
 * stack_open - open and check every layer of an image
 * @stack: filled in; release with stack_close(), also after a failure
 * @config: the image; must outlive @stack
 * @want: of the upper
 *
 * Complains when it fails, and warns when a layer was made for another parent
 * than the one below it.
 *
 * Return: an exit code.
 */
int stack_open(struct stack *stack, struct config *config,
	       enum stack_upper want);

/**
 * stack_named - find the layer that has the uuids
 * @stack: an opened stack
 * @i: number of a layer
 *
 * Return: @i, but for a target the number of the layer whose data it holds.
 */
unsigned int stack_named(const struct stack *stack, unsigned int i);

/**
 * stack_close - release what stack_open() opened
 * @stack: the stack; a zeroed one is fine
 */
void stack_close(struct stack *stack);

#endif
