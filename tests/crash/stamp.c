// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stamped sectors: make and recognise them.
 */
#include "tests/crash/stamp.h"

#include <inttypes.h>

#include "tests/unit/test.h"

#define STAMP_MAGIC	0x64626f70676d6154ULL
#define FILL_WORDS	60

struct stamp {
	u64 magic;
	u64 sector;
	u64 content;
	u64 fill[FILL_WORDS];
	u32 reserved;
	u32 crc;	/* of all before it */
};

static_assert(sizeof(struct stamp) == SECTOR, "a stamp fills a sector");

static u32 stamp_crc(const struct stamp *s)
{
	return crc32c(~0U, s, offsetof(struct stamp, crc));
}

void stamp_make(void *buf, u64 sector, u64 content)
{
	u64 state = content * 0x100000001b3ULL ^ sector;
	struct stamp *s = buf;
	int i;

	s->magic = STAMP_MAGIC;
	s->sector = sector;
	s->content = content;
	for (i = 0; i < FILL_WORDS; i++)
		s->fill[i] = random_next(&state);
	s->reserved = 0;
	s->crc = stamp_crc(s);
}

static bool all_zero(const u64 *words)
{
	int i;

	for (i = 0; i < SECTOR / sizeof(*words); i++)
		if (words[i])
			return false;
	return true;
}

u64 stamp_read(const void *buf, u64 *sector)
{
	const struct stamp *s = buf;

	if (s->magic == STAMP_MAGIC && s->crc == stamp_crc(s)) {
		*sector = s->sector;
		return s->content;
	}
	return all_zero(buf) ? CONTENT_ZERO : CONTENT_BROKEN;
}

const char *content_name(u64 content, char *buf, size_t size)
{
	switch (content) {
	case CONTENT_ZERO:
		return "zeros";
	case CONTENT_LOWER:
		return "the lower layer";
	case CONTENT_BROKEN:
		return "neither zeros nor a whole stamp";
	}
	snprintf(buf, size, "write %" PRIu64 ".%" PRIu64, content >> 32,
		 content & UINT32_MAX);
	return buf;
}
