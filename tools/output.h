/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file that appears under its name when it is complete, or not at all.
 */
#ifndef OVERLAYBD_OUTPUT_H
#define OVERLAYBD_OUTPUT_H

#include "dm-overlaybd-error.h"

/**
 * struct output - a file being written
 * @path: its name to be
 * @target: what symbolic links make of that
 * @temp: its name until then, in the same folder
 * @fd: the file
 * @folder_fd: that folder
 */
struct output {
	const char *path;
	char *target;
	char *temp;
	int fd;
	int folder_fd;
};

/**
 * output_target - where a file is to be written
 * @path: its name
 * @target: what symbolic links make of that, to be freed, also after a failure;
 *	nothing need be there
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno; -EEXIST if what is there is no regular file,
 * -EBUSY if a loop device writes it.
 */
int output_target(const char *path, char **target, struct obd_error *err);

/**
 * output_temp - create a file under a temporary name
 * @path: its name to be; the temporary one is in the same folder
 * @temp: the temporary name, to be freed; NULL after a failure
 *
 * The mode is that of the file which has the name, and so is the owner where
 * that is allowed.
 *
 * Return: the file, open for writing, or a negative errno.
 */
int output_temp(const char *path, char **temp);

/**
 * output_open - begin a file
 * @out: filled in; end with output_commit() or output_discard(), also after a
 *	failure
 * @path: its name to be; not copied. A file that has this name is replaced at
 *	the end, what is no file is refused; if it is a symbolic link, that is
 *	said of what it leads to
 * @err: the reason, on failure
 *
 * A signal that ends the process removes the file first. One file at a time.
 *
 * Return: 0, or a negative errno.
 */
int output_open(struct output *out, const char *path, struct obd_error *err);

/**
 * output_refuse_input - see to it that a file is not what it is made from
 * @out: name of a file that is to be written
 * @input: name of a file that is read, or NULL
 * @err: the reason, on failure
 *
 * Return: 0, or -EEXIST if @input would be replaced.
 */
int output_refuse_input(const char *out, const char *input,
			struct obd_error *err);

/**
 * output_refuse_folder - see to it that a file is not in what it is made from
 * @out: name of a file that is to be written
 * @dir: name of a directory that is read with all that is below
 * @err: the reason, on failure
 *
 * Return: 0, or -EEXIST.
 */
int output_refuse_folder(const char *out, const char *dir,
			 struct obd_error *err);

/**
 * output_write - write at a place; several threads may
 * @out: the file
 * @pos: first byte
 * @buf: what
 * @len: bytes
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno.
 */
int output_write(const struct output *out, u64 pos, const void *buf, u64 len,
		 struct obd_error *err);

/**
 * output_write_sparse - write at a place that has not been written before
 * @out: the file
 * @pos: first byte
 * @buf: what
 * @len: bytes
 * @err: the reason, on failure
 *
 * Whole pages of zeros stay holes; several threads may call it. The length of
 * the file must have been set.
 *
 * Return: 0, or a negative errno.
 */
int output_write_sparse(const struct output *out, u64 pos, const void *buf,
			u64 len, struct obd_error *err);

/**
 * output_truncate - set the file's length
 * @out: the file
 * @size: bytes
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno.
 */
int output_truncate(const struct output *out, u64 size,
		    struct obd_error *err);

/**
 * output_sync - have what was written reach stable storage
 * @out: the file
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno.
 */
int output_sync(const struct output *out, struct obd_error *err);

/**
 * output_commit - give a complete file its name
 * @out: the file
 * @err: the reason, on failure
 *
 * Content and name have reached stable storage then, in this order: whoever made
 * the file of others may remove those.
 *
 * Return: 0, or a negative errno; output_discard() cleans up then, unless only
 * the name may not have reached it.
 */
int output_commit(struct output *out, struct obd_error *err);

/**
 * output_discard - forget a file that is not wanted
 * @out: the file; nothing happens after output_commit()
 */
void output_discard(struct output *out);

#endif
