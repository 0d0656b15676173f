/* SPDX-License-Identifier: GPL-2.0-only */
/* Locks on ranges of sectors, for few threads. */
#ifndef RANGES_H
#define RANGES_H

#include <stdbool.h>
#include <stdint.h>

/* One that a thread holds; on its stack. */
struct range {
	uint64_t begin;
	uint64_t end;
	bool shared;
	struct range *next;
};

/* Wait until nobody holds what overlaps, unless both share it, and take it. */
void range_lock(struct range *range);
void range_unlock(struct range *range);

#endif
