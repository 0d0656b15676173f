// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a configuration: must end, leak nothing, and explain itself.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/commands.h"
#include "tools/config.h"

static unsigned int complaints;

/* In place of the program's own: formats as that does, and prints nothing. */
void complain(const char *fmt, ...)
{
	char text[8192];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	complaints++;
}

/* What the parser lets pass is what the rest of the program builds upon. */
static void check(const struct config *config)
{
	if (config->nr_lowers > 255 ||
	    (!config->nr_lowers && !config_has_upper(config)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config config;
	int r;

	complaints = 0;
	r = config_parse(&config, "dir/config.v1.json", (const char *)data,
			 size);
	if (!r == !!complaints)
		abort();
	if (!r)
		check(&config);
	config_release(&config);
	return 0;
}
