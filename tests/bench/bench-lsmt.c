// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long it takes to merge the indexes of 255 layers, in terms of a memcpy
 * of as many bytes; to find a sector in the map, in terms of a plain binary
 * search in an array of 16-byte entries; and to find the next one with a hint, in
 * terms of doing without. Prints one JSON object a line.
 *
 * What is compared takes turns; times are of the CPU, not of the clock on the
 * wall, and medians. The allocator keeps and reuses what it once got: the pages
 * of a process would cost it a fault each, those of kvmalloc() do not.
 */
#include <malloc.h>
#include <time.h>

#include "dm-overlaybd-merge.h"
#include "tests/unit/test.h"

#define MERGE_LIMIT	10	/* times a memcpy */
#define LOOKUP_FLOOR	3.0	/* times as fast as a binary search */
#define LOOKUP_BYTES	16	/* an extent, at the most */
#define NEAR_FLOOR	1.1	/* times as fast as without the hint */
#define NEAR_STEP	8	/* sectors from one lookup to the next */
#define FAR_ENTRIES	64	/* that make a cluster of all the others */
#define LAYERS		255
#define LAYER_ENTRIES	4000
#define ROUNDS		41
#define LOOKUPS		(1 << 18)	/* a round */

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *times)
{
	qsort(times, ROUNDS, sizeof(*times), compare);
	return times[ROUNDS / 2];
}

static void *must_alloc(size_t n)
{
	void *p = malloc(n);

	if (!p)
		abort();
	return memset(p, 1, n);
}

static void set_entry(struct lsmt_entry *e, u64 offset, u64 len, u64 what)
{
	e->where = cpu_to_le64(len << LSMT_OFFSET_BITS | offset);
	e->what = cpu_to_le64(what);
}

/* Entries all over the disk, each in a stretch of its own. */
static struct obd_index random_layer(u64 nr_sectors, u32 max_len, u64 *seed)
{
	u64 i, len, moffset = 8, step = nr_sectors / LAYER_ENTRIES;
	struct lsmt_entry *entries = must_alloc(LAYER_ENTRIES *
						sizeof(*entries));

	max_len = min(max_len, step / 2);
	for (i = 0; i < LAYER_ENTRIES; i++) {
		len = 1 + random_below(seed, max_len);
		set_entry(&entries[i],
			  i * step + random_below(seed, step - max_len), len,
			  moffset | (one_in(seed, 20) ? LSMT_ZEROED : 0));
		moffset += len;
	}
	return (struct obd_index) { .entries = entries, .nr = LAYER_ENTRIES };
}

static void must_build(struct obd_map *map, const struct obd_index *indexes,
		       unsigned int nr, u64 nr_sectors)
{
	struct obd_error err;

	if (!obd_map_build(map, indexes, nr, 0, nr_sectors, &err))
		return;
	fprintf(stderr, "bench-lsmt: %s\n", err.text);
	exit(1);
}

static double bytes_per_extent(const struct obd_map *map)
{
	return (double)obd_map_bytes(map) / map->nr;
}

static const char *verdict(bool ok)
{
	return ok ? "true" : "false";
}

static void bench_merge(const char *name, u64 nr_sectors, u32 max_len)
{
	size_t bytes = LAYERS * LAYER_ENTRIES * sizeof(struct lsmt_entry);
	double copies[ROUNDS], merges[ROUNDS], copy, merge, begin;
	void *from = must_alloc(bytes), *to = must_alloc(bytes);
	struct obd_index indexes[LAYERS];
	struct obd_map map = {};
	u64 seed = test_seed();
	u32 i;

	for (i = 0; i < LAYERS; i++)
		indexes[i] = random_layer(nr_sectors, max_len, &seed);
	for (i = 0; i < ROUNDS; i++) {
		obd_map_release(&map);
		begin = now_ms();
		memcpy(to, from, bytes);
		asm volatile("" : : "r" (to) : "memory");
		copies[i] = now_ms() - begin;
		begin = now_ms();
		must_build(&map, indexes, LAYERS, nr_sectors);
		merges[i] = now_ms() - begin;
	}
	copy = median(copies);
	merge = median(merges);
	printf("{\"bench\":\"merge\",\"distribution\":\"%s\",\"layers\":%d,\"entries\":%d,\"memcpy_ms\":%.3f,\"merge_ms\":%.3f,\"ratio\":%.2f,\"best_ratio\":%.2f,\"extents\":%u,\"bytes_per_extent\":%.2f,\"limit\":%d,\"ok\":%s}\n",
	       name, LAYERS, LAYERS * LAYER_ENTRIES, copy, merge, merge / copy,
	       merges[0] / copies[0], map.nr,
	       bytes_per_extent(&map), MERGE_LIMIT,
	       verdict(merge / copy < MERGE_LIMIT));
	obd_map_release(&map);
	for (i = 0; i < LAYERS; i++)
		free((void *)indexes[i].entries);
	free(from);
	free(to);
}

/* What the map is measured against: sorted 16-byte entries. */
struct plain {
	u64 offset;
	u64 moffset;
};

static u64 plain_lookup(const struct plain *entries, u32 nr, u64 sector)
{
	u32 low = 0, high = nr;

	while (high - low > 1) {
		u32 middle = low + (high - low) / 2;

		if (entries[middle].offset <= sector)
			low = middle;
		else
			high = middle;
	}
	return entries[low].moffset + sector - entries[low].offset;
}

/*
 * Chained: a lookup begins when the one before has ended, as those of reads that
 * follow one another do. Else the processor does several at once.
 */
static __always_inline double time_map(const struct obd_map *map,
				       const u64 *keys, bool chained)
{
	double begin = now_ms();
	struct obd_range range;
	u64 sum = 0;
	u32 i;

	for (i = 0; i < LOOKUPS; i++) {
		obd_map_lookup(map, keys[i] + (chained ? sum >> 63 : 0),
			       &range);
		sum += range.moffset;
	}
	asm volatile("" : : "r" (sum));
	return (now_ms() - begin) * 1e6 / LOOKUPS;
}

static __always_inline double time_plain(const struct plain *entries, u32 nr,
					 const u64 *keys, bool chained)
{
	double begin = now_ms();
	u64 sum = 0;
	u32 i;

	for (i = 0; i < LOOKUPS; i++)
		sum += plain_lookup(entries, nr,
				    keys[i] + (chained ? sum >> 63 : 0));
	asm volatile("" : : "r" (sum));
	return (now_ms() - begin) * 1e6 / LOOKUPS;
}

static double time_near(const struct obd_map *map, const u64 *keys)
{
	double begin = now_ms();
	struct obd_range range;
	u32 i, hint = 0;
	u64 sum = 0;

	for (i = 0; i < LOOKUPS; i++) {
		obd_map_lookup_near(map, keys[i], &hint, &range);
		sum += range.moffset;
	}
	asm volatile("" : : "r" (sum));
	return (now_ms() - begin) * 1e6 / LOOKUPS;
}

/* A map of extents, every other of them a hole, and its plain rival. */
struct subject {
	struct obd_map map;
	struct plain *plain;
	u64 nr_sectors;		/* up to where extents are looked for */
};

/*
 * Clustered: some extents are so far away that all others are close together in
 * comparison, which leaves everything to the tree.
 */
static void make_subject(struct subject *s, u32 nr, bool clustered, u64 *seed)
{
	struct lsmt_entry *entries = must_alloc((nr / 2 + FAR_ENTRIES) *
						sizeof(*entries));
	struct obd_index index = { .entries = entries, .nr = nr / 2 };
	u64 i, len, at = 0;

	s->plain = must_alloc(nr * sizeof(*s->plain));
	for (i = 0; i < nr / 2; i++) {
		s->plain[2 * i].offset = at;
		at += 1 + random_below(seed, 64);
		len = 1 + random_below(seed, 64);
		set_entry(&entries[i], at, len, 8 + at);
		s->plain[2 * i + 1].offset = at;
		at += len;
	}
	s->nr_sectors = at;
	for (i = 0; clustered && i < FAR_ENTRIES; i++) {
		at += s->nr_sectors << 10;
		set_entry(&entries[index.nr++], at++, 1, 8);
	}
	must_build(&s->map, &index, 1, at);
	free(entries);
}

static void release_subject(struct subject *s)
{
	obd_map_release(&s->map);
	free(s->plain);
}

static void random_keys(u64 *keys, u64 nr_sectors, u64 *seed)
{
	u32 i;

	for (i = 0; i < LOOKUPS; i++)
		keys[i] = random_below(seed, nr_sectors);
}

static void bench_lookup(u32 nr, bool clustered, double floor)
{
	double maps[ROUNDS], plains[ROUNDS], map_chains[ROUNDS];
	double plain_chains[ROUNDS], map_ns, plain_ns, bytes;
	u64 *keys = must_alloc(LOOKUPS * sizeof(*keys));
	u64 seed = test_seed();
	struct subject s;
	u32 i;

	make_subject(&s, nr, clustered, &seed);
	for (i = 0; i < ROUNDS; i++) {
		random_keys(keys, s.nr_sectors, &seed);
		plains[i] = time_plain(s.plain, nr, keys, false);
		maps[i] = time_map(&s.map, keys, false);
		plain_chains[i] = time_plain(s.plain, nr, keys, true);
		map_chains[i] = time_map(&s.map, keys, true);
	}
	map_ns = median(maps);
	plain_ns = median(plains);
	bytes = bytes_per_extent(&s.map);
	printf("{\"bench\":\"lookup\",\"distribution\":\"%s\",\"extents\":%u,\"map_ns\":%.1f,\"plain_ns\":%.1f,\"chained_map_ns\":%.1f,\"chained_plain_ns\":%.1f,\"lookups_per_s\":%.0f,\"speedup\":%.2f,\"bytes_per_extent\":%.2f,\"floor\":%.1f,\"ok\":%s}\n",
	       clustered ? "clustered" : "even", s.map.nr, map_ns, plain_ns,
	       median(map_chains), median(plain_chains), 1e9 / map_ns,
	       plain_ns / map_ns, bytes, floor,
	       verdict(plain_ns >= floor * map_ns && bytes <= LOOKUP_BYTES));
	release_subject(&s);
	free(keys);
}

static void bench_near(u32 nr)
{
	double maps[ROUNDS], nears[ROUNDS], map_ns, near_ns;
	u64 *keys = must_alloc(LOOKUPS * sizeof(*keys));
	u64 seed = test_seed(), at = 0;
	struct subject s;
	u32 i, k;

	make_subject(&s, nr, false, &seed);
	for (i = 0; i < ROUNDS; i++) {
		for (k = 0; k < LOOKUPS; k++, at += NEAR_STEP)
			keys[k] = at % s.nr_sectors;
		maps[i] = time_map(&s.map, keys, false);
		nears[i] = time_near(&s.map, keys);
	}
	map_ns = median(maps);
	near_ns = median(nears);
	printf("{\"bench\":\"sequential\",\"extents\":%u,\"map_ns\":%.1f,\"near_ns\":%.1f,\"lookups_per_s\":%.0f,\"speedup\":%.2f,\"floor\":%.1f,\"ok\":%s}\n",
	       s.map.nr, map_ns, near_ns, 1e9 / near_ns, map_ns / near_ns,
	       NEAR_FLOOR, verdict(map_ns >= NEAR_FLOOR * near_ns));
	release_subject(&s);
	free(keys);
}

int main(void)
{
	static const u32 sizes[] = { 1000, 10000, 100000, 1000000, 8000000 };
	u32 i;

	mallopt(M_MMAP_THRESHOLD, 1 << 30);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	setvbuf(stdout, NULL, _IOLBF, 0);

	bench_merge("sparse", (64ULL << 30) / OBD_SECTOR_SIZE, 64);
	bench_merge("dense", (2ULL << 30) / OBD_SECTOR_SIZE, 64);
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		bench_lookup(sizes[i], false, i ? LOOKUP_FLOOR : 1);
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		bench_lookup(sizes[i], true, 1);
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		bench_near(sizes[i]);
	return 0;
}
