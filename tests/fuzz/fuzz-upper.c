// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writable layers: what opens is sorted, disjoint, within its data, shares none
 * of it, and its map covers the disk without a gap.
 *
 * An input is the header of the data, that of the index, and the log; the data
 * has as many sectors as the log has bytes, and a few.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/fixup.h"
#include "tests/unit/test.h"
#include "tests/unit/upper-model.h"
#include "tools/upper.h"

#define HEADERS		(2 * sizeof(struct lsmt_header))

static size_t put_model(u8 *out, const struct upper_model *m)
{
	size_t log_bytes = m->nr * sizeof(*m->log);

	memcpy(out, &m->data_header, sizeof(m->data_header));
	memcpy(out + sizeof(m->data_header), &m->index_header,
	       sizeof(m->index_header));
	if (log_bytes)
		memcpy(out + HEADERS, m->log, log_bytes);
	return HEADERS + log_bytes;
}

static size_t seed_upper(u8 *out, size_t max_size, u32 random)
{
	struct upper_model m;
	u64 seed = random;
	size_t size = 0;

	upper_model_init(&m);
	upper_model_fill(&m, &seed, random % 64);
	if (HEADERS + m.nr * sizeof(*m.log) <= max_size)
		size = put_model(out, &m);
	upper_model_release(&m);
	return size;
}

/* A field of a slot: nearby, or far away. */
static void mutate_slot(u8 *data, size_t size, u64 *seed)
{
	u64 slots = (size - HEADERS) / sizeof(struct lsmt_entry);
	u8 *at = data + HEADERS + 8 * random_below(seed, 2 * slots);
	u64 value;

	memcpy(&value, at, sizeof(value));
	if (one_in(seed, 2))
		value += random_below(seed, 33) - 16;
	else
		value ^= 1ULL << random_below(seed, 64);
	memcpy(at, &value, sizeof(value));
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
			       unsigned int random)
{
	u64 seed = random;

	if (size < HEADERS)
		return seed_upper(data, max_size, random);
	if (size >= HEADERS + sizeof(struct lsmt_entry) && one_in(&seed, 2)) {
		mutate_slot(data, size, &seed);
		return size;
	}
	return LLVMFuzzerMutate(data, size, max_size);
}

static int memory_file(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	fuzz_assert(fd >= 0);
	return fd;
}

static void put(int fd, const void *buf, size_t len, off_t pos)
{
	fuzz_assert(pwrite(fd, buf, len, pos) == (ssize_t)len);
}

/* The log's last slot may be cut off. */
static void make_files(int data, int index, const u8 *in, size_t size)
{
	size_t log_bytes = size - HEADERS;

	fuzz_assert(!ftruncate(data, 0) && !ftruncate(index, 0));
	fuzz_assert(!ftruncate(data, LSMT_HEADER_SPACE +
			       (600 + log_bytes) * OBD_SECTOR_SIZE));
	fuzz_assert(!ftruncate(index, LSMT_HEADER_SPACE));
	put(data, in, sizeof(struct lsmt_header), 0);
	put(index, in + sizeof(struct lsmt_header),
	    sizeof(struct lsmt_header), 0);
	put(index, in + HEADERS, log_bytes, LSMT_HEADER_SPACE);
}

static void check_entries(const struct upper *upper)
{
	const struct replay *r = &upper->replay;
	u64 end = 0, data = 0, data_end = OBD_DATA_START;
	struct obd_error err;
	u32 i;

	for (i = 0; i < r->nr; i++) {
		const struct lsmt_entry *e = &r->entries[i];

		fuzz_assert(lsmt_entry_offset(e) >= end);
		end = lsmt_entry_offset(e) + lsmt_entry_length(e);
		fuzz_assert(obd_log_check(e, i, upper->data.size / 512, &err) ==
			    OBD_SLOT_ENTRY);
		if (lsmt_entry_zeroed(e))
			continue;
		data += lsmt_entry_length(e);
		data_end = max(data_end, lsmt_entry_moffset(e) +
					 lsmt_entry_length(e));
	}
	fuzz_assert(r->data_end == data_end && r->data_sectors == data);
	/* Nothing is shared, or it would not fit. */
	fuzz_assert(data <= data_end - OBD_DATA_START);
	fuzz_assert(upper_live_end(upper) <= upper->log_data_end &&
		    upper->log_data_end <= upper->data.size);
}

static void check_map(const struct upper *upper)
{
	struct obd_index index = { upper->replay.entries, upper->replay.nr };
	u64 sector, nr_sectors = upper->writable.virtual_sectors;
	struct obd_map map = {};
	struct obd_range range;
	struct obd_error err;

	if (!nr_sectors)
		return;
	fuzz_assert(!obd_map_build(&map, &index, 1, 0, nr_sectors, &err));
	for (sector = 0; sector < nr_sectors; sector += range.len) {
		obd_map_lookup(&map, sector, &range);
		fuzz_assert(range.len && range.len <= nr_sectors - sector);
	}
	obd_map_release(&map);
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t size)
{
	static int data = -1, index = -1;
	struct obd_error err = {};
	struct upper upper;
	int r;

	if (size < HEADERS)
		return 0;
	if (data < 0) {
		data = memory_file("data");
		index = memory_file("index");
	}
	make_files(data, index, in, size);
	r = upper_load(&upper, data, index, &err);
	fuzz_assert(!r || (r < 0 && err.text[0]));
	if (!r) {
		check_entries(&upper);
		check_map(&upper);
	}
	upper_close(&upper);
	return 0;
}
