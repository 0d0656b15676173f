/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Make one layer of several, or a compact one of one.
 */
#ifndef OVERLAYBD_FLATTEN_H
#define OVERLAYBD_FLATTEN_H

#include "tools/layer-options.h"
#include "tools/stack.h"

/**
 * struct flatten - what is to be done
 * @stack: the image, its upper loaded if it takes part
 * @first: the lowest layer
 * @end: one past the highest
 * @keep_zeroed: layers may lie below, from which zeros have to hide them
 * @limit: sector behind which nothing is kept; 0 for no limit
 * @options: how the layer is written; the parent is that of the lowest layer
 *	if they name none. So is the uuid that of the highest, unless that is
 *	the upper, which may be written to later: then it is derived from the
 *	content
 * @out_path: the file to write
 */
struct flatten {
	const struct stack *stack;
	unsigned int first;
	unsigned int end;
	bool keep_zeroed;
	u64 limit;
	struct layer_options *options;
	const char *out_path;
};

/**
 * flatten - write the layer, and say what came out
 * @f: what is to be done
 *
 * Complains when it fails.
 *
 * Return: an exit code.
 */
int flatten(const struct flatten *f);

#endif
