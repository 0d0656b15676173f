// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a load has done to a device: keep, store and load it.
 */
#include "tests/crash/history.h"

#include <sys/mman.h>

#define HISTORY_MAGIC	0x79726f7473696861ULL
#define SECTORS_MAX	(1ULL << 24)
#define OPS_MAX		(1U << 24)

struct history_header {
	u64 magic;
	u64 sectors;
	u32 nr_ops;
	u32 generation;
};

void history_init(struct history *h, u64 sectors, u32 nr_ops, u32 generation)
{
	if (sectors > SECTORS_MAX || nr_ops > OPS_MAX)
		die("a history of that size is more than wanted");
	h->sectors = sectors;
	h->nr_ops = nr_ops;
	h->generation = generation;
	h->initial = xcalloc(sectors, sizeof(*h->initial));
	h->ops = xcalloc(nr_ops, sizeof(*h->ops));
}

void history_release(struct history *h)
{
	free(h->initial);
	free(h->ops);
}

void history_save(const struct history *h, const char *path)
{
	const struct history_header header = {
		.magic = HISTORY_MAGIC,
		.sectors = h->sectors,
		.nr_ops = h->nr_ops,
		.generation = h->generation,
	};
	FILE *f = fopen(path, "we");

	if (!f)
		die_errno(path);
	fwrite(&header, sizeof(header), 1, f);
	fwrite(h->initial, sizeof(*h->initial), h->sectors, f);
	fwrite(h->ops, sizeof(*h->ops), h->nr_ops, f);
	if (ferror(f) | fclose(f))
		die("cannot write %s", path);
}

void history_load(struct history *h, const char *path)
{
	const struct history_header *header;
	u64 size, initial_size, ops_size;
	u8 *p = map_file(path, &size);

	header = (const struct history_header *)p;
	if (size < sizeof(*header) || header->magic != HISTORY_MAGIC)
		die("%s is no history", path);
	history_init(h, header->sectors, header->nr_ops, header->generation);
	initial_size = h->sectors * sizeof(*h->initial);
	ops_size = h->nr_ops * sizeof(*h->ops);
	if (size != sizeof(*header) + initial_size + ops_size)
		die("%s is cut off", path);
	memcpy(h->initial, p + sizeof(*header), initial_size);
	memcpy(h->ops, p + sizeof(*header) + initial_size, ops_size);
	munmap(p, size);
}

u64 history_content(const struct history *h, u32 nr)
{
	if (h->ops[nr].type == OP_WRITE)
		return content_of(h->generation, nr);
	return CONTENT_ZERO;
}

bool op_changes(const struct op *op)
{
	return op->type == OP_WRITE || op->type == OP_DISCARD ||
	       op->type == OP_ZERO;
}
