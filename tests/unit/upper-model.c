// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/blob-builder.h"
#include "tests/unit/test.h"
#include "tests/unit/upper-model.h"

static void make_header(struct lsmt_header *h, u32 flags, u64 index_offset)
{
	*h = (struct lsmt_header) {
		.size = cpu_to_le32(sizeof(*h)),
		.flags = cpu_to_le32(flags),
		.index_offset = cpu_to_le64(index_offset),
		.virtual_size = cpu_to_le64(UPPER_MODEL_SECTORS <<
					    OBD_SECTOR_SHIFT),
		.uuid = "01234567-89ab-cdef-0123-456789abcdef",
		.parent_uuid = "76543210-ba98-fedc-3210-fedcba987654",
		.version = LSMT_VERSION,
		.sub_version = LSMT_SUB_VERSION,
	};
	memcpy(h->magic0, LSMT_MAGIC0, LSMT_MAGIC0_SIZE);
	memcpy(h->magic1, LSMT_MAGIC1, LSMT_MAGIC1_SIZE);
}

void upper_model_init(struct upper_model *m)
{
	*m = (struct upper_model) {};
	make_header(&m->data_header, LSMT_FLAG_HEADER | LSMT_FLAG_DATA, 0);
	make_header(&m->index_header, LSMT_FLAG_HEADER, LSMT_HEADER_SPACE);
}

void upper_model_slot(struct upper_model *m, struct lsmt_entry e)
{
	if (m->nr == m->room) {
		m->room = 2 * m->room + 16;
		m->log = reallocarray(m->log, m->room, sizeof(*m->log));
		if (!m->log)
			abort();
	}
	m->log[m->nr++] = e;
}

static void set_sector(struct upper_model *m, u64 sector, u64 what)
{
	u64 *at = &m->sectors[sector];

	if (*at > UPPER_ZEROS)
		m->users[*at]--;
	*at = what;
	if (what > UPPER_ZEROS)
		m->users[what]++;
}

void upper_model_log(struct upper_model *m, u64 sector, u32 len, u64 moffset)
{
	struct lsmt_entry e;
	u32 i;

	obd_log_entry(&e, sector, len, moffset, 3);
	upper_model_slot(m, e);
	for (i = 0; i < len; i++)
		set_sector(m, sector + i, moffset ? moffset + i : UPPER_ZEROS);
}

/* A run of data, up to @len sectors, that is not in use; 0 if there is none. */
static u64 find_room(const struct upper_model *m, u64 *seed, u32 *len)
{
	u64 at = OBD_DATA_START +
		 random_below(seed, UPPER_MODEL_SECTORS - OBD_DATA_START);
	u32 n = 0;

	while (n < *len && at + n < UPPER_MODEL_SECTORS && !m->users[at + n])
		n++;
	*len = n;
	return n ? at : 0;
}

void upper_model_fill(struct upper_model *m, u64 *seed, u32 nr)
{
	struct lsmt_entry padding = { .where = ~0ULL, .what = ~0ULL };
	u64 sector, moffset;
	u32 len;

	while (nr--) {
		sector = random_below(seed, UPPER_MODEL_SECTORS);
		len = 1 + random_below(seed, UPPER_MODEL_SECTORS - sector);
		if (!one_in(seed, 10))
			len = min(len, 1 + random_below(seed, 16));
		if (one_in(seed, 4)) {
			upper_model_log(m, sector, len, 0);
			continue;
		}
		moffset = find_room(m, seed, &len);
		if (moffset)
			upper_model_log(m, sector, len, moffset);
		if (one_in(seed, 20))
			upper_model_slot(m, padding);
	}
}

static void put(int fd, const void *buf, size_t len, u64 pos)
{
	if (pwrite(fd, buf, len, pos) != (ssize_t)len)
		abort();
}

void upper_model_files(const struct upper_model *m, int *data, int *index)
{
	u8 buf[UPPER_MODEL_SECTORS * OBD_SECTOR_SIZE];

	*data = memfd_create("data", MFD_CLOEXEC);
	*index = memfd_create("index", MFD_CLOEXEC);
	if (*data < 0 || *index < 0 || ftruncate(*index, LSMT_HEADER_SPACE))
		abort();
	pattern_fill(buf, 1, 0, UPPER_MODEL_SECTORS);
	memset(buf, 0, LSMT_HEADER_SPACE);
	memcpy(buf, &m->data_header, sizeof(m->data_header));
	put(*data, buf, sizeof(buf), 0);
	put(*index, &m->index_header, sizeof(m->index_header), 0);
	put(*index, m->log, m->nr * sizeof(*m->log), LSMT_HEADER_SPACE);
}

void upper_model_release(struct upper_model *m)
{
	free(m->log);
}
