/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Change files and block devices in place.
 */
#ifndef OVERLAYBD_STORE_H
#define OVERLAYBD_STORE_H

#include "dm-overlaybd-error.h"

/**
 * store_write - write at a place
 * @fd: the file or device
 * @what: what to call it
 * @pos: first byte
 * @buf: what
 * @len: bytes
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno.
 */
int store_write(int fd, const char *what, u64 pos, const void *buf, u64 len,
		struct obd_error *err);

/**
 * store_sync - have what was written reach stable storage
 * @fd: the file or device
 * @what: what to call it
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno.
 */
int store_sync(int fd, const char *what, struct obd_error *err);

/**
 * store_cut - set the length of a file; block devices keep theirs
 * @fd: the file or device
 * @what: what to call it
 * @size: bytes
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno.
 */
int store_cut(int fd, const char *what, u64 size, struct obd_error *err);

/**
 * store_sync_folder - have the name of a file reach stable storage
 * @path: the file, or a symbolic link to it
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno.
 */
int store_sync_folder(const char *path, struct obd_error *err);

#endif
