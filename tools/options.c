// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parse the values of options.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/options.h"

/* strtoull() takes signs and spaces as well. */
static bool parse_digits(const char *text, char **end, uint64_t *value)
{
	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*value = strtoull(text, end, 10);
	return !errno;
}

bool parse_u64(const char *text, uint64_t least, uint64_t most,
	       uint64_t *value)
{
	char *end;

	return parse_digits(text, &end, value) && !*end && *value >= least &&
	       *value <= most;
}

bool parse_size(const char *text, uint64_t *bytes)
{
	static const char suffixes[] = "KMGT";
	const char *suffix;
	unsigned int shift;
	char *end;

	if (!parse_digits(text, &end, bytes))
		return false;
	if (!*end)
		return true;
	suffix = strchr(suffixes, toupper((unsigned char)*end));
	if (!suffix || end[1])
		return false;
	shift = 10 * (suffix - suffixes + 1);
	if (*bytes > UINT64_MAX >> shift)
		return false;
	*bytes <<= shift;
	return true;
}
