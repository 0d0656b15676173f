/* SPDX-License-Identifier: GPL-2.0-only */
/* Operations on a block device. */
#ifndef DISK_H
#define DISK_H

#include <stdbool.h>
#include <stdint.h>

enum op_kind {
	OP_READ,
	OP_WRITE,
	OP_DISCARD,
	OP_ZERO,
	OP_FLUSH,
	OP_KINDS,
};

struct op {
	enum op_kind kind;
	bool buffered;	/* through the page cache */
	bool sync;	/* a write that is to be stable when it completes */
	uint64_t sector;
	uint32_t count;
};

struct disk {
	int direct;
	int buffered;
	uint64_t sectors;
};

/* Exits if it cannot be opened; a file does as well, for reading. */
void disk_open(struct disk *disk, const char *path, bool writable);

/* Memory for direct I/O. */
void *disk_memory(uint32_t count);

/* Return: 0 or a negative error number. */
int disk_do(const struct disk *disk, const struct op *op, void *data);

extern const char * const op_names[OP_KINDS];

#endif
