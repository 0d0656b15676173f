/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * End a process at any of the changes that it makes to files: includes
 * tools/store.c, through which they all go.
 */
#ifndef TEST_INTERRUPT_H
#define TEST_INTERRUPT_H

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dm-overlaybd-compat.h"

#define DIED	99

static int changes_left = -1;	/* until it dies; below 0: it does not */
static bool torn;		/* dies in the middle of a write */

static bool dies_now(void)
{
	return !changes_left || (changes_left > 0 && !changes_left--);
}

static ssize_t dying_pwrite(int fd, const void *buf, size_t len, off_t pos)
{
	if (!dies_now())
		return pwrite(fd, buf, len, pos);
	if (torn && pwrite(fd, buf, len / 2 / 512 * 512, pos) < 0)
		abort();
	_exit(DIED);
}

static int dying_fsync(int fd)
{
	if (dies_now())
		_exit(DIED);
	return fsync(fd);
}

static int dying_ftruncate(int fd, off_t size)
{
	if (dies_now())
		_exit(DIED);
	return ftruncate(fd, size);
}

#define pwrite		dying_pwrite
#define fsync		dying_fsync
#define ftruncate	dying_ftruncate
#include "tools/store.c"
#undef pwrite
#undef fsync
#undef ftruncate

/**
 * interrupted - run something that dies at one of its changes
 * @run: what; returns 0
 * @ctx: for @run
 * @nr: number of the change, from 0
 * @in_the_middle: that change is a write, and half of it is made
 *
 * Return: false if it makes no more than @nr changes, and so was completed.
 */
static inline bool interrupted(int (*run)(void *ctx), void *ctx, int nr,
			       bool in_the_middle)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		changes_left = nr;
		torn = in_the_middle;
		_exit(run(ctx));
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
	    (WEXITSTATUS(status) && WEXITSTATUS(status) != DIED))
		abort();
	return WEXITSTATUS(status);
}

#endif
