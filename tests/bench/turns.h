/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose turn it is: always the same orders, but random ones. What a side leaves
 * in the processor's caches must not always be found by the same next one.
 */
#ifndef BENCH_TURNS_H
#define BENCH_TURNS_H

#include <stdint.h>

/* SplitMix64: cheap, and the same for the same number. */
static inline uint64_t mix(uint64_t n)
{
	n *= 0x9e3779b97f4a7c15ULL;
	n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9ULL;
	n = (n ^ n >> 27) * 0x94d049bb133111ebULL;
	return n ^ n >> 31;
}

/* Put the numbers below @nr in an order that depends on @name and @turn. */
static inline void take_turns(unsigned int *order, unsigned int nr,
			      const char *name, uint64_t turn)
{
	uint64_t seed = turn;
	unsigned int i, j;

	while (*name)
		seed = mix(seed ^ (unsigned char)*name++);
	for (i = 0; i < nr; i++) {
		j = (unsigned int)(mix(seed + i) % (i + 1));
		order[i] = order[j];
		order[j] = i;
	}
}

#endif
