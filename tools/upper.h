/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A writable layer, read: its headers, and what its log comes to.
 */
#ifndef OVERLAYBD_UPPER_H
#define OVERLAYBD_UPPER_H

#include "tools/file.h"
#include "tools/progress.h"
#include "tools/replay.h"

/**
 * struct upper - a writable layer, opened
 * @data: the data file or device
 * @index: the index file or device
 * @data_header: the header of the data, as it is stored
 * @index_header: that of the index
 * @writable: what the two say
 * @log_slots: slots of the log, up to its end
 * @log_data_end: byte behind the last that any entry of the log points to,
 *	live or not, as far as the data goes; LSMT_HEADER_SPACE if there is none.
 *	Others refuse a log of which even one overridden entry points behind the
 *	end of the data file: cut it no shorter
 * @replay: what is live
 * @owns: whether upper_close() is to close the descriptors
 */
struct upper {
	struct obd_dev data;
	struct obd_dev index;
	struct lsmt_header data_header;
	struct lsmt_header index_header;
	struct obd_writable writable;
	u64 log_slots;
	u64 log_data_end;
	struct replay replay;
	bool owns;
};

/**
 * upper_open - open and check a writable layer
 * @upper: filled in; release with upper_close(), also after a failure
 * @data: name of the data file or device
 * @index: name of the index file or device
 * @err: the reason, on failure
 *
 * Opens for reading, and not exclusively: nobody may be writing to it.
 *
 * Return: 0, or a negative errno; -EOPNOTSUPP for a sparse layer, whose
 * headers have been read then.
 */
int upper_open(struct upper *upper, const char *data, const char *index,
	       struct obd_error *err);

/**
 * upper_load - check a writable layer that has been opened
 * @upper: see upper_open()
 * @data_fd: descriptor of the data, open for reading; stays the caller's
 * @index_fd: that of the index
 * @err: the reason, on failure
 *
 * What was cached of block devices is forgotten first: a mapped device writes
 * past that.
 *
 * Return: see upper_open().
 */
int upper_load(struct upper *upper, int data_fd, int index_fd,
	       struct obd_error *err);

/**
 * upper_load_sealed - check a writable layer that may have been sealed
 * @upper: see upper_open()
 * @data_fd: see upper_load()
 * @index_fd: see upper_load()
 * @progress: begun; says what is done with the log
 * @err: the reason, on failure
 *
 * upper_load() refuses what seal_finish() has marked.
 *
 * Return: see upper_open().
 */
int upper_load_sealed(struct upper *upper, int data_fd, int index_fd,
		      struct progress *progress, struct obd_error *err);

/**
 * upper_load_begin - check the beginning of a writable layer that is in use
 * @upper: see upper_open()
 * @data_fd: see upper_load()
 * @index_fd: see upper_load()
 * @slots: slots of the log that are on the disk, and are not written any more
 * @err: the reason, on failure
 *
 * Return: see upper_open().
 */
int upper_load_begin(struct upper *upper, int data_fd, int index_fd, u64 slots,
		     struct obd_error *err);

/**
 * upper_load_rest - read what has come since upper_load_begin()
 * @upper: the layer, which nobody writes to now; what it comprised then must
 *	not have changed
 * @err: the reason, on failure
 *
 * Return: see upper_open().
 */
int upper_load_rest(struct upper *upper, struct obd_error *err);

/**
 * upper_look - check the headers of a writable layer that has been opened
 * @upper: see upper_open(); what concerns the log is not filled in
 * @data_fd: descriptor of the data, open for reading; stays the caller's
 * @index_fd: that of the index
 * @err: the reason, on failure
 *
 * Others may be writing to the layer.
 *
 * Return: see upper_open().
 */
int upper_look(struct upper *upper, int data_fd, int index_fd,
	       struct obd_error *err);

/**
 * upper_live_end - where the data ends that is live
 * @upper: an opened layer
 *
 * Return: byte behind the last one, at least LSMT_HEADER_SPACE.
 */
u64 upper_live_end(const struct upper *upper);

/**
 * upper_log_end - where the log ends
 * @upper: an opened layer
 *
 * Return: byte of the index file.
 */
u64 upper_log_end(const struct upper *upper);

/**
 * upper_close - release what upper_open() or upper_load() allocated
 * @upper: the layer; a zeroed one that was never opened is fine
 */
void upper_close(struct upper *upper);

#endif
