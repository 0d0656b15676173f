// SPDX-License-Identifier: GPL-2.0-only
/*
 * The progress line.
 */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "tools/names.h"
#include "tools/progress.h"

#define NSEC_PER_SEC	1000000000ULL
#define FIRST_AFTER	(NSEC_PER_SEC / 2)	/* short work is silent */
#define INTERVAL	(NSEC_PER_SEC / 5)
#define MIB		(1024.0 * 1024.0)

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

void progress_begin(struct progress *p, const char *what, uint64_t total)
{
	*p = (struct progress) {
		.what = what,
		.total = total,
		.terminal = isatty(STDERR_FILENO),
	};
	if (!p->terminal)
		return;
	p->start = now();
	p->shown = p->start + FIRST_AFTER - INTERVAL;
}

/* Is it time for another line? */
static bool due(struct progress *p)
{
	uint64_t t;

	if (!p->terminal)
		return false;
	t = now();
	if (t < p->shown + INTERVAL)
		return false;
	p->shown = t;
	p->visible = true;
	return true;
}

static void begin_line(const struct progress *p)
{
	putc('\r', stderr);
	print_name(stderr, p->what);
	fputs(": ", stderr);
}

static void print_line(struct progress *p, const char *fmt, va_list ap)
{
	begin_line(p);
	vfprintf(stderr, fmt, ap);
	fputs(" \033[K", stderr);
}

void progress_say(struct progress *p, const char *fmt, ...)
{
	va_list ap;

	if (!due(p))
		return;
	va_start(ap, fmt);
	print_line(p, fmt, ap);
	va_end(ap);
}

void progress_show(struct progress *p, const char *fmt, ...)
{
	va_list ap;

	if (!p->terminal)
		return;
	p->shown = now();
	p->visible = true;
	va_start(ap, fmt);
	print_line(p, fmt, ap);
	va_end(ap);
}

void progress_add(struct progress *p, uint64_t bytes)
{
	double seconds;

	p->done += bytes;
	if (!due(p))
		return;
	seconds = (double)(p->shown - p->start) / NSEC_PER_SEC;
	begin_line(p);
	fprintf(stderr, "%3.0f %% of %.0f MiB, %.0f MiB/s \033[K",
		p->total ? 100.0 * p->done / p->total : 100.0,
		p->total / MIB, p->done / MIB / seconds);
}

void progress_end(struct progress *p)
{
	if (p->visible)
		fputs("\r\033[K", stderr);
	p->visible = false;
}
