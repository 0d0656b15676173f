/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Traces of devices: whose layers they are of, and handing them to the kernel.
 * Functions that return an exit code have complained when it is not EXIT_OK.
 */
#ifndef OVERLAYBD_TRACE_H
#define OVERLAYBD_TRACE_H

#include "tools/stack.h"
#include "tools/trace-file.h"

/**
 * trace_of_stack - begin a trace with the layers of an image
 * @trace: filled in; release with trace_release(), also after a failure
 * @stack: the image
 *
 * Return: an exit code.
 */
int trace_of_stack(struct trace *trace, const struct stack *stack);

/**
 * trace_of_device - begin a trace with the layers of a device
 * @trace: filled in; release with trace_release(), also after a failure
 * @name: the device's name
 *
 * Return: an exit code.
 */
int trace_of_device(struct trace *trace, const char *name);

/**
 * trace_read - read a trace from a file
 * @trace: filled in; release with trace_release(), also after a failure
 * @path: the file
 *
 * Return: an exit code.
 */
int trace_read(struct trace *trace, const char *path);

/**
 * trace_match - make the ranges of a trace those of other layers
 * @trace: the trace; ranges of layers that are not there are left out, with a
 *	warning
 * @here: the layers that there are
 * @path: where the trace is from
 * @name: whose layers they are
 *
 * Return: an exit code; EXIT_FAILED if nothing of it can be used.
 */
int trace_match(struct trace *trace, const struct trace *here, const char *path,
		const char *name);

/**
 * trace_queue - have the kernel prefetch what a trace says
 * @trace: the trace, of the layers of the device
 * @name: the device's name
 * @rate: MiB a second, 0 for what the kernel takes
 *
 * Return: an exit code.
 */
int trace_queue(const struct trace *trace, const char *name, unsigned int rate);

#endif
