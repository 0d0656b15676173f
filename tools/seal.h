/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Make a writable layer a sealed one, in place: a sorted index and a trailer
 * behind its data.
 */
#ifndef OVERLAYBD_SEAL_H
#define OVERLAYBD_SEAL_H

#include "tools/upper.h"

/**
 * seal_upper - append index and trailer to the data of a writable layer
 * @data_fd: the data file or device, open for reading and writing
 * @index_fd: the index file or device, open for reading; is not changed
 * @bytes: exact length of the sealed layer
 * @progress: begun; says what is being done
 * @err: the reason, on failure
 *
 * What it writes lies in sectors that no live entry of the log points to: until
 * seal_finish() the pair goes on to be the same writable layer, and when it was
 * interrupted, or written to afterwards, it can simply be sealed again. Nobody
 * may be writing meanwhile; a mapped device has to be suspended, but may have
 * both files open. The length of the data file is not cut, but where it fails what
 * has been added is.
 *
 * Return: 0 when the layer is on stable storage, or a negative errno; -E2BIG if
 * it has more extents than a sealed layer can.
 */
int seal_upper(int data_fd, int index_fd, u64 *bytes,
	       struct progress *progress, struct obd_error *err);

/**
 * seal_loaded - the same, for a layer that has been read
 * @upper: the layer; its data is open for writing
 * @bytes: see seal_upper(); 0 if nothing has been written
 * @err: the reason, on failure
 *
 * Return: see seal_upper().
 */
int seal_loaded(const struct upper *upper, u64 *bytes, struct obd_error *err);

/**
 * seal_mark - say whether a layer has been sealed
 * @index_fd: the index file or device, open for reading and writing: gets a
 *	flag that keeps everybody from opening the pair for writing, which
 *	would destroy the layer, or loses it
 * @sealed: which
 * @err: the reason, on failure
 *
 * Return: 0 when that is on stable storage, or a negative errno.
 */
int seal_mark(int index_fd, bool sealed, struct obd_error *err);

/**
 * seal_cut - cut the data of a sealed layer to its exact length
 * @data_fd: the data file or device, open for writing
 * @bytes: what seal_upper() or seal_loaded() returned
 * @err: the reason, on failure
 *
 * Return: 0 when that is on stable storage, or a negative errno.
 */
int seal_cut(int data_fd, u64 bytes, struct obd_error *err);

/**
 * seal_finish - cut the data of a sealed layer, see that it is written no more
 * @data_fd: see seal_cut()
 * @index_fd: see seal_mark()
 * @bytes: what seal_upper() returned
 * @err: the reason, on failure
 *
 * For a layer that no device has. If one may yet go on to write to it, marking
 * has to come first: see snapshot.c.
 *
 * Return: 0, or a negative errno.
 */
int seal_finish(int data_fd, int index_fd, u64 bytes, struct obd_error *err);

/**
 * seal_undo - make the layer a writable one again
 * @data_fd: the data file or device, open for writing
 * @index_fd: the index file or device, open for reading and writing
 * @bytes: what seal_upper() or seal_loaded() returned, and not 0
 * @size: bytes the data file had before
 * @err: the reason, on failure
 *
 * Whatever of seal_upper() and seal_finish() has been done. No trailer is left
 * that the data, cut to what has been used of it, could happen to end with.
 *
 * Return: 0, or a negative errno.
 */
int seal_undo(int data_fd, int index_fd, u64 bytes, u64 size,
	      struct obd_error *err);

#endif
