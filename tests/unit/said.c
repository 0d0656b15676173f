// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the program would have said.
 */
#include <stdarg.h>
#include <stdio.h>

#include "tests/unit/said.h"
#include "tools/commands.h"

char said[4096];

void complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(said, sizeof(said), fmt, ap);
	va_end(ap);
}
