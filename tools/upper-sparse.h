/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sparse writable layers: one data file, in which byte x of the disk lies at
 * byte x + LSMT_HEADER_SPACE; what is mapped only the file's holes tell.
 */
#ifndef OVERLAYBD_UPPER_SPARSE_H
#define OVERLAYBD_UPPER_SPARSE_H

#include "dm-overlaybd-error.h"

/**
 * upper_convert_sparse - make a sparse layer an append-only one, in place
 * @data_fd: the data file, open for reading and writing
 * @index_fd: the index file, open for reading and writing, whatever it holds
 * @err: the reason, on failure
 *
 * No data is copied: where the data file has no hole becomes an entry of the
 * index. Interrupted anywhere, it leaves either a sparse layer or an append-only
 * one that is complete: call it again. Nobody else may be writing.
 *
 * Return: 1 if it was sparse, 0 if there was nothing to do, or a negative errno;
 * -EOPNOTSUPP where the file system cannot tell holes from data.
 */
int upper_convert_sparse(int data_fd, int index_fd, struct obd_error *err);

#endif
