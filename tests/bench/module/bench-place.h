/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random places that are the same in every round and for whichever device, and
 * none of which comes twice before all have come.
 */
#ifndef BENCH_PLACE_H
#define BENCH_PLACE_H

#include <linux/log2.h>
#include <linux/math64.h>

/* One to one on numbers of so many bits. */
static inline u32 bench_mix(u32 n, unsigned int bits)
{
	u32 mask = (1ULL << bits) - 1;
	unsigned int half = (bits + 1) / 2;

	n = (n * 0x9e3779b1U) & mask;
	n ^= n >> half;
	n = (n * 0x85ebca6bU) & mask;
	return n ^ n >> half;
}

/* The @n-th of @nr blocks in random order; goes round. */
static inline u32 bench_place(u64 n, u32 nr)
{
	unsigned int bits = nr > 1 ? ilog2(nr - 1) + 1 : 1;
	u32 place;

	div_u64_rem(n, nr, &place);
	do {
		place = bench_mix(place, bits);
	} while (place >= nr);
	return place;
}

#endif
