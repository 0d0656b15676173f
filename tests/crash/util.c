// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the programs here share: giving up, files in memory, numbers.
 */
#define _GNU_SOURCE
#include "tests/crash/util.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ALIGNMENT	4096

void die(const char *format, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

void die_errno(const char *what)
{
	die("%s: %s", what, strerror(errno));
}

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ?: 1, size);

	if (!p)
		die("no memory for %zu times %zu bytes", n, size);
	return p;
}

u64 parse_number(const char *option, const char *text)
{
	char *end;
	u64 n;

	errno = 0;
	n = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-')
		die("%s wants a number, not \"%s\"", option, text);
	return n;
}

static u8 *map(const char *path, u64 *size, int open_flags, int map_flags)
{
	int fd = open(path, open_flags | O_CLOEXEC);
	struct stat st;
	u8 *p;

	if (fd < 0 || fstat(fd, &st))
		die_errno(path);
	if (!st.st_size)
		die("%s is empty", path);
	p = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, map_flags, fd, 0);
	if (p == MAP_FAILED)
		die_errno(path);
	close(fd);
	*size = st.st_size;
	return p;
}

u8 *map_file(const char *path, u64 *size)
{
	return map(path, size, O_RDONLY, MAP_PRIVATE);
}

u8 *map_shared(const char *path, u64 *size)
{
	return map(path, size, O_RDWR, MAP_SHARED);
}

int open_direct(const char *path, int flags)
{
	int fd = open(path, flags | O_DIRECT | O_CLOEXEC);

	if (fd < 0)
		die_errno(path);
	return fd;
}

void *alloc_direct(size_t size)
{
	void *p;

	if (posix_memalign(&p, ALIGNMENT, size))
		die("no memory for %zu bytes", size);
	return p;
}

u64 device_sectors(int fd, const char *path)
{
	u64 size;

	if (ioctl(fd, BLKGETSIZE64, &size))
		die_errno(path);
	return size / SECTOR;
}
