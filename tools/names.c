// SPDX-License-Identifier: GPL-2.0-only
/*
 * Print names.
 */
#include <ctype.h>

#include "tools/names.h"

/* They could have a terminal show anything, and a name look like a verdict. */
void print_name(FILE *to, const char *name)
{
	for (; *name; name++)
		putc(iscntrl((unsigned char)*name) ? '?' : *name, to);
}
