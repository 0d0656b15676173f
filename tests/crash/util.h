/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs here share: giving up, files in memory, numbers.
 */
#ifndef CRASH_UTIL_H
#define CRASH_UTIL_H

#include "dm-overlaybd-compat.h"

#define SECTOR		512

/* The program's name and the message on standard error; exit status 2. */
void die(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));

/* die() with the reason that errno has. */
void die_errno(const char *what) __attribute__((noreturn));

void *xcalloc(size_t n, size_t size);

/* A number as an option has it; anything else is fatal. */
u64 parse_number(const char *option, const char *text);

/* All of a file, private to the caller, or shared with who else has it. */
u8 *map_file(const char *path, u64 *size);
u8 *map_shared(const char *path, u64 *size);

/* Opens for direct I/O; fatal if that fails. @flags: O_RDONLY or O_RDWR. */
int open_direct(const char *path, int flags);

/* Memory that direct I/O takes. */
void *alloc_direct(size_t size);

/* Size of a block device. */
u64 device_sectors(int fd, const char *path);

#endif
