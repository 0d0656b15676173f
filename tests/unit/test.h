/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random numbers for tests: the same in every run, unless OVERLAYBD_SEED says
 * otherwise. A test that fails tells the seed.
 */
#ifndef OVERLAYBD_TEST_H
#define OVERLAYBD_TEST_H

#include <stdlib.h>

#include "dm-overlaybd-compat.h"

static inline u64 test_seed(void)
{
	const char *seed = getenv("OVERLAYBD_SEED");

	return seed ? strtoull(seed, NULL, 0) : 1;
}

/* splitmix64 */
static inline u64 random_next(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/* 0 to @limit - 1 */
static inline u64 random_below(u64 *state, u64 limit)
{
	return random_next(state) % limit;
}

static inline bool one_in(u64 *state, u32 n)
{
	return random_below(state, n) == 0;
}

#endif
