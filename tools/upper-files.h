/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two files, or block devices, of a writable layer.
 *
 * Between uses the files are as long as what is in them. In use they are as
 * long as what may come to be in them, for a loop device has a fixed size; what
 * has not been written are holes. A crash leaves them long: what lies behind
 * the end of the log is cut off before it can be taken for entries.
 *
 * Functions that return an exit code have complained when it is not EXIT_OK.
 */
#ifndef OVERLAYBD_UPPER_FILES_H
#define OVERLAYBD_UPPER_FILES_H

#include <sys/types.h>

#include "tools/upper.h"

/**
 * struct upper_file - one of the two
 * @path: its name
 * @fd: its descriptor, -1 if it is not open
 * @rdev: number of the block device, 0 if it is a file
 * @size: bytes, when it was looked at last
 */
struct upper_file {
	const char *path;
	int fd;
	dev_t rdev;
	u64 size;
};

/**
 * struct upper_files - both
 * @data: the data
 * @index: the index
 * @writable: whether they are open for writing
 * @converted: the layer was sparse, and has been converted
 * @upper: what they hold, when they were loaded last
 */
struct upper_files {
	struct upper_file data;
	struct upper_file index;
	bool writable;
	bool converted;
	struct upper upper;
};

/**
 * upper_files_open - open the files of a layer
 * @files: filled in; close with upper_files_close(), also after a failure
 * @data: name of the data; not copied
 * @index: name of the index; not copied
 * @writable: open for writing, too
 *
 * Return: an exit code.
 */
int upper_files_open(struct upper_files *files, const char *data,
		     const char *index, bool writable);

/**
 * upper_files_lock - take the files, whatever is in them
 * @files: the files
 *
 * Refuses those that are in use; see upper_files_load().
 *
 * Return: an exit code.
 */
int upper_files_lock(struct upper_files *files);

/**
 * upper_files_load - take the files, and check the layer in them
 * @files: the files
 *
 * Refuses those that are in use, and a data file that has been sealed. If
 * @files is writable, nobody else may use them from now on; otherwise nobody
 * may write to them: calls of this program that want to, wait or fail. That
 * ends when the descriptors are closed, and the loop devices made of them are
 * gone. A writable layer that is sparse is converted.
 *
 * Return: an exit code.
 */
int upper_files_load(struct upper_files *files);

/**
 * upper_files_look - check the headers only
 * @files: the files; others may be writing to them
 *
 * Return: an exit code.
 */
int upper_files_look(struct upper_files *files);

/**
 * upper_files_cut - cut files to the length that is in use
 * @files: the files, writable and loaded
 *
 * Finishes what growing the disk may have begun. All is on the disk afterwards,
 * and in whatever step this is interrupted, what is there can be opened. Block
 * devices keep their size.
 *
 * Return: an exit code.
 */
int upper_files_cut(struct upper_files *files);

/**
 * upper_files_extend - make room for all that a disk may come to hold
 * @files: the files, writable; block devices keep their size
 * @data_bytes: length of the data file
 * @index_bytes: length of the index file
 *
 * Files are never made shorter. A data file that cannot become so large is made
 * as large as it can, about, with a warning.
 *
 * Return: an exit code.
 */
int upper_files_extend(struct upper_files *files, u64 data_bytes,
		       u64 index_bytes);

/**
 * upper_data_capacity - how large a data file has to be
 * @virtual_bytes: size of the disk
 */
u64 upper_data_capacity(u64 virtual_bytes);

/**
 * upper_index_capacity - how large an index file has to be
 * @virtual_bytes: size of the disk
 * @log_end: bytes that are in use
 */
u64 upper_index_capacity(u64 virtual_bytes, u64 log_end);

/**
 * upper_files_settle - wait for the end of the loop devices, then cut
 * @files: the files, writable
 *
 * Return: an exit code.
 */
int upper_files_settle(struct upper_files *files);

/**
 * upper_files_close - close the files
 * @files: the files; zeroed ones that were never opened are fine
 */
void upper_files_close(struct upper_files *files);

#endif
