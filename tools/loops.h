/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One loop device for a file, however many devices lie over it: the kernel
 * shares what it knows of a layer between devices over the same loop device.
 */
#ifndef OVERLAYBD_LOOPS_H
#define OVERLAYBD_LOOPS_H

#include <stdbool.h>
#include <sys/types.h>

/**
 * struct loop_file - a loop device that may be shared
 * @dev: of its file
 * @ino: of its file
 * @number: its own
 */
struct loop_file {
	dev_t dev;
	ino_t ino;
	int number;
};

/**
 * struct loops - the loop devices of this machine
 * @files: those that may be shared
 * @nr: how many
 * @room: how many there is room for
 * @lock: keeps other calls of this program from setting up others; -1 if they
 *	did not let us
 */
struct loops {
	struct loop_file *files;
	unsigned int nr;
	unsigned int room;
	int lock;
};

/**
 * loops_begin - look what there is
 * @loops: filled in; to be ended by loops_end()
 *
 * What cannot be found out is not shared. Waits for other calls of this
 * program, not for ever; without the lock there may be two loop devices of a
 * file, which work as well.
 */
void loops_begin(struct loops *loops);

/**
 * loops_attach - take a loop device of a file, or make one
 * @loops: what there is
 * @file: the file, open for reading
 * @name: what a new one says that it is; cut off if it is long
 * @direct_io: go past the page cache where the file system can
 * @dev: number of the loop device
 *
 * The caller's descriptor, and later whoever opened @dev, keep the loop device
 * alive.
 *
 * Return: a descriptor of the loop device, or a negative errno.
 */
int loops_attach(struct loops *loops, int file, const char *name,
		 bool direct_io, dev_t *dev);

/**
 * loops_end - let others set up loop devices again
 * @loops: what loops_begin() filled in
 */
void loops_end(struct loops *loops);

#endif
