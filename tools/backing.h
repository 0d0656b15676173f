/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What lies under a layer of a live table?
 */
#ifndef OVERLAYBD_BACKING_H
#define OVERLAYBD_BACKING_H

/**
 * struct backing - where a layer comes from
 * @device: name of the block device, in /dev
 * @file: the file behind it, or NULL if there is none, or if somebody else than
 *	overlaybdsetup has set up the loop device
 */
struct backing {
	char *device;
	char *file;
};

/**
 * backing_find - follow a device down to its file
 * @backing: filled in as far as it can be found out; to be released with
 *	backing_release()
 * @dev: major:minor
 */
void backing_find(struct backing *backing, const char *dev);

/**
 * backing_release - free what backing_find() allocated
 * @backing: what it filled in
 */
void backing_release(struct backing *backing);

#endif
