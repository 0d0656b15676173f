// SPDX-License-Identifier: GPL-2.0-only
/*
 * Print names.
 */
#include "tools/names.h"

void print_name(FILE *to, const char *name)
{
	for (; *name; name++)
		putc(name_char(*name), to);
}
