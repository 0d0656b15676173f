/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Print a trace.
 */
#ifndef OVERLAYBD_TRACE_SHOW_H
#define OVERLAYBD_TRACE_SHOW_H

#include "tools/trace-file.h"

/**
 * trace_show - print what is in a trace
 * @trace: the trace
 * @json: as JSON
 * @ranges: all ranges, too
 */
void trace_show(const struct trace *trace, bool json, bool ranges);

#endif
