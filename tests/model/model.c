// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a disk has to hold: the contents of writes, and which of them is where.
 */
#define _GNU_SOURCE
#include "model.h"

#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC		0x6b7369642d6c646fULL
#define WORDS		(SECTOR_SIZE / sizeof(uint64_t))
#define GOLDEN		0x9e3779b97f4a7c15ULL
#define COMPLAINTS	8	/* of a process: the first tell most */

struct saved {
	uint64_t magic;
	uint64_t sectors;
	uint64_t seed;
	uint64_t next_id;
};

static const uint64_t zeros[WORDS];
static unsigned int complaints;

static void read_saved(FILE *file, const char *path, struct saved *saved)
{
	if (fread(saved, sizeof(*saved), 1, file) != 1 ||
	    saved->magic != MAGIC)
		errx(2, "%s: not a saved model", path);
}

static FILE *open_saved(const char *path)
{
	FILE *file = fopen(path, "rb");

	if (!file)
		err(2, "%s", path);
	return file;
}

uint64_t model_saved_sectors(const char *path)
{
	FILE *file = open_saved(path);
	struct saved saved;

	read_saved(file, path, &saved);
	fclose(file);
	return saved.sectors;
}

static void load(struct model *model, const char *path)
{
	FILE *file = open_saved(path);
	struct saved saved;

	read_saved(file, path, &saved);
	if (saved.sectors > model->sectors)
		errx(1, "the disk has %" PRIu64 " sectors, had %" PRIu64,
		     model->sectors, saved.sectors);
	if (fread(model->ids, sizeof(*model->ids), saved.sectors, file) !=
	    saved.sectors)
		errx(2, "%s: too short", path);
	fclose(file);
	model->seed = saved.seed;
	model->next_id = saved.next_id;
}

static void map_base(struct model *model, const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *base;

	if (file < 0 || fstat(file, &st))
		err(2, "%s", path);
	base = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, file, 0);
	if (base == MAP_FAILED)
		err(2, "%s", path);
	close(file);
	model->base = base;
	model->base_sectors = st.st_size / SECTOR_SIZE;
}

void model_open(struct model *model, uint64_t sectors, const char *base,
		const char *saved, uint64_t seed)
{
	uint64_t known;

	*model = (struct model) {
		.sectors = sectors,
		.seed = seed,
		.next_id = ID_FIRST,
		.ids = calloc(sectors, sizeof(*model->ids)),
	};
	if (!model->ids)
		err(2, "no memory for %" PRIu64 " sectors", sectors);
	if (base)
		map_base(model, base);
	if (saved) {
		load(model, saved);
		return;
	}
	known = sectors < model->base_sectors ? sectors : model->base_sectors;
	for (uint64_t n = 0; n < known; n++)
		model->ids[n] = ID_BASE;
}

void model_subtract(struct model *model, const char *earlier)
{
	FILE *file = open_saved(earlier);
	struct saved saved;
	uint32_t id;

	read_saved(file, earlier, &saved);
	if (saved.sectors > model->sectors || saved.seed != model->seed)
		errx(2, "%s: not an earlier model of it", earlier);
	for (uint64_t n = 0; n < saved.sectors; n++) {
		if (fread(&id, sizeof(id), 1, file) != 1)
			errx(2, "%s: too short", earlier);
		if (model->ids[n] == id)
			model->ids[n] = ID_ZERO;
	}
	fclose(file);
}

void model_save(const struct model *model, const char *path)
{
	struct saved saved = {
		.magic = MAGIC,
		.sectors = model->sectors,
		.seed = model->seed,
		.next_id = model->next_id,
	};
	char *new_path;
	FILE *file;

	if (asprintf(&new_path, "%s.new", path) < 0)
		err(2, "%s", path);
	file = fopen(new_path, "wb");
	if (!file || fwrite(&saved, sizeof(saved), 1, file) != 1 ||
	    fwrite(model->ids, sizeof(*model->ids), model->sectors, file) !=
	    model->sectors || fclose(file) || rename(new_path, path))
		err(2, "%s", new_path);
	free(new_path);
}

uint32_t model_new_id(struct model *model)
{
	uint32_t id = __atomic_fetch_add(&model->next_id, 1, __ATOMIC_RELAXED);

	if (id == ID_NONE)
		errx(2, "too many writes");
	return id;
}

/* Where it belongs and which write it is from; the rest follows from that. */
static void fill_sector(const struct model *model, uint64_t *words,
			uint64_t sector, uint32_t id)
{
	uint64_t word = (sector * GOLDEN ^ id ^ model->seed) * GOLDEN;

	words[0] = sector;
	words[1] = (MAGIC ^ model->seed) << 32 | id;
	for (unsigned int n = 2; n < WORDS; n++) {
		word += GOLDEN;
		words[n] = word ^ word >> 29;
	}
}

void model_fill(const struct model *model, void *data, uint64_t sector,
		uint32_t count, uint32_t id)
{
	char *at = data;

	if (id == ID_ZERO) {
		memset(data, 0, (size_t)count * SECTOR_SIZE);
		return;
	}
	for (uint32_t n = 0; n < count; n++, at += SECTOR_SIZE)
		fill_sector(model, (uint64_t *)at, sector + n, id);
}

bool model_is(const struct model *model, const void *data, uint64_t sector,
	      uint32_t id)
{
	const void *wanted;
	uint64_t words[WORDS];

	switch (id) {
	case ID_ZERO:
		wanted = zeros;
		break;
	case ID_BASE:
		wanted = model->base ?
			 model->base + sector * SECTOR_SIZE :
			 (const void *)zeros;
		break;
	default:
		fill_sector(model, words, sector, id);
		wanted = words;
	}
	return !memcmp(data, wanted, SECTOR_SIZE);
}

uint32_t model_identify(const struct model *model, const void *data,
			uint64_t sector)
{
	const uint64_t *words = data;
	uint32_t id = words[1];

	if (model_is(model, data, sector, ID_ZERO))
		return ID_ZERO;
	if (sector < model->base_sectors &&
	    model_is(model, data, sector, ID_BASE))
		return ID_BASE;
	if (id >= ID_FIRST && model_is(model, data, sector, id))
		return id;
	return ID_NONE;
}

void model_set(struct model *model, uint64_t sector, uint32_t count,
	       uint32_t id)
{
	for (uint32_t n = 0; n < count; n++)
		model->ids[sector + n] = id;
}

/* In one string, as several threads may complain at once. */
static const char *describe(const struct model *model, const void *data,
			    char *text, size_t size)
{
	const uint64_t *words = data;
	uint32_t id = words[1];

	if (model_is(model, data, words[0], ID_ZERO))
		return "zeros";
	if (id >= ID_FIRST && model_is(model, data, words[0], id)) {
		snprintf(text, size, "write %" PRIu32 " of sector %" PRIu64,
			 id, words[0]);
		return text;
	}
	snprintf(text, size, "what nobody wrote: %016" PRIx64 " %016" PRIx64,
		 words[0], words[1]);
	return text;
}

void model_complain(const struct model *model, const void *data,
		    uint64_t sector, const char *expected)
{
	char text[128];

	fprintf(stderr, "sector %" PRIu64 ": expected %s, found %s\n", sector,
		expected, describe(model, data, text, sizeof(text)));
}

static void complain_id(const struct model *model, const void *data,
			uint64_t sector)
{
	uint32_t id = model->ids[sector];
	char text[64];

	switch (id) {
	case ID_ZERO:
		snprintf(text, sizeof(text), "zeros");
		break;
	case ID_BASE:
		snprintf(text, sizeof(text), "the base");
		break;
	default:
		snprintf(text, sizeof(text), "write %" PRIu32, id);
	}
	model_complain(model, data, sector, text);
}

bool model_check(const struct model *model, const void *data, uint64_t sector,
		 uint32_t count)
{
	unsigned int wrong = 0;
	const char *at = data;

	for (uint32_t n = 0; n < count; n++, at += SECTOR_SIZE) {
		if (model_is(model, at, sector + n, model->ids[sector + n]))
			continue;
		wrong++;
		if (__atomic_fetch_add(&complaints, 1, __ATOMIC_RELAXED) <
		    COMPLAINTS)
			complain_id(model, at, sector + n);
	}
	if (wrong)
		fprintf(stderr,
			"%u of %" PRIu32 " sectors from %" PRIu64 " on differ\n",
			wrong, count, sector);
	return !wrong;
}
