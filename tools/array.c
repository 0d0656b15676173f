// SPDX-License-Identifier: GPL-2.0-only
/*
 * Make room in arrays.
 */
#include "tools/array.h"

int array_room(void **array, u64 *max, u64 nr, size_t size)
{
	u64 more = *max + *max / 2 + 64;
	void *p;

	if (nr < *max)
		return 0;
	p = reallocarray(*array, more, size);
	if (!p)
		return -ENOMEM;
	*array = p;
	*max = more;
	return 0;
}
