/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Device-mapper devices, by libdevmapper. Functions that return an exit code
 * have complained when it is not EXIT_OK.
 */
#ifndef OVERLAYBD_DM_H
#define OVERLAYBD_DM_H

#include <libdevmapper.h>
#include <linux/dm-ioctl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/*
 * A device's UUID is the prefix, a hash of its layers, '-' and its name. Name
 * and UUID of a helper which joins a file's last partial sector to the rest are
 * the tail prefixes and a hash of both; see tools/tail.c.
 */
#define DEVICE_UUID_PREFIX		"OVERLAYBD-"
#define DEVICE_TAIL_UUID_PREFIX	"OVERLAYBD-TAIL"
#define DEVICE_TAIL_NAME_PREFIX	"overlaybd-tail-"

/* Leaves room in DM_NAME_LEN and DM_UUID_LEN for what is put around a name. */
#define DEVICE_NAME_MAX		100

#define DEVICE_TARGET		"overlaybd"

/**
 * struct device - a mapped device, as the kernel describes it
 * @name: its name
 * @uuid: its UUID, empty if it has none
 * @dev: its number
 * @live: has a table
 * @read_only: cannot be written
 * @suspended: holds I/O back
 * @open_count: how many times it is open
 */
struct device {
	char name[DM_NAME_LEN];
	char uuid[DM_UUID_LEN];
	dev_t dev;
	bool live;
	bool read_only;
	bool suspended;
	int open_count;
};

/* A line of a table. */
struct device_line {
	uint64_t start;
	uint64_t length;
	const char *target;
	const char *params;
};

/**
 * device_prepare - get in touch with device-mapper; call before anything else
 *
 * Return: an exit code.
 */
int device_prepare(void);

/**
 * device_check_name - is this a name that a device can have?
 * @name: the name
 *
 * Return: NULL, or what is wrong with it.
 */
const char *device_check_name(const char *name);

/**
 * device_lock - let no other call of this program touch the same name
 * @name: the device's name
 * @fd: the lock; it is gone when this is closed, or the process is
 *
 * Waits.
 *
 * Return: an exit code.
 */
int device_lock(const char *name, int *fd);

/**
 * device_lock_loops - let no other call of this program set up loop devices
 *
 * Waits a minute at the most. May be asked for while a name is locked, not
 * the other way round.
 *
 * Return: the lock, which is gone when it is closed, or -1.
 */
int device_lock_loops(void);

/**
 * device_find - ask for a device
 * @device: what there is
 * @name: its name
 *
 * Return: EXIT_OK; EXIT_NO_DEVICE, without a complaint; or EXIT_FAILED.
 */
int device_find(struct device *device, const char *name);

/**
 * device_is_ours - did this program create a device with layers?
 * @device: the device
 */
bool device_is_ours(const struct device *device);

/**
 * device_is_tail - did this program create a device to join a tail?
 * @device: the device
 */
bool device_is_tail(const struct device *device);

/**
 * device_create - create a device and load its table
 * @name: its name
 * @uuid: its UUID
 * @lines: its table
 * @nr: number of lines
 * @read_only: whether it cannot be written
 * @device: the device
 *
 * Leaves no device behind when it fails.
 *
 * Return: an exit code.
 */
int device_create(const char *name, const char *uuid,
		  const struct device_line *lines, unsigned int nr,
		  bool read_only, struct device *device);

/**
 * device_load - load a table, to be used from device_resume() on
 * @device: the device
 * @lines: the table
 * @nr: number of lines
 * @read_only: whether the device cannot be written
 *
 * Return: an exit code.
 */
int device_load(const struct device *device, const struct device_line *lines,
		unsigned int nr, bool read_only);

/**
 * device_clear - forget a table that was loaded and is not used yet
 * @name: the device's name
 *
 * Return: an exit code.
 */
int device_clear(const char *name);

/**
 * device_suspend - hold I/O back, at once
 * @name: the device's name
 *
 * Neither flushes nor locks file systems: I/O that is under way may wait, too.
 *
 * Return: an exit code.
 */
int device_suspend(const char *name);

/**
 * device_freeze - have file systems write all they have, hold I/O back
 * @name: the device's name
 *
 * Takes as long as that takes.
 *
 * Return: an exit code.
 */
int device_freeze(const char *name);

/**
 * device_resume - let I/O pass, through the table that was loaded last
 * @name: the device's name
 *
 * Return: an exit code.
 */
int device_resume(const char *name);

/**
 * device_resume_time - the same, and note when
 * @name: the device's name
 * @passed: set to the CLOCK_MONOTONIC when I/O passed
 *
 * Return: an exit code.
 */
int device_resume_time(const char *name, struct timespec *passed);

/**
 * device_remove - remove a device
 * @name: its name
 *
 * Somebody who looks into every new device, as udev does, is waited for a
 * little while.
 *
 * Return: EXIT_OK; EXIT_BUSY, without a complaint; or EXIT_FAILED.
 */
int device_remove(const char *name);

/**
 * device_remove_once - the same, without waiting for anybody
 * @name: its name
 *
 * Return: as device_remove().
 */
int device_remove_once(const char *name);

/**
 * device_open - open the node of a device, for reading
 * @device: the device
 *
 * As long as it is open, it cannot be removed. Complains when it fails.
 *
 * Return: a descriptor, or -1.
 */
int device_open(const struct device *device);

typedef int (*device_visitor)(const struct device *device, void *data);

/**
 * device_for_each - visit every mapped device
 * @visit: called for each; what is not EXIT_OK ends the visits
 * @data: handed to @visit
 *
 * Return: an exit code, @visit's last.
 */
int device_for_each(device_visitor visit, void *data);

/**
 * device_missing - complain that there is no such device
 * @name: its name
 *
 * Return: EXIT_NO_DEVICE.
 */
int device_missing(const char *name);

/**
 * device_params - parameters of the first line of a table, or its status
 * @name: the device's name
 * @type: DM_DEVICE_TABLE or DM_DEVICE_STATUS
 * @target: the target that line must have
 * @params: the parameters; to be freed
 * @length: sectors of that line
 *
 * Return: an exit code; EXIT_NO_DEVICE without a complaint.
 */
int device_params(const char *name, int type, const char *target,
		  char **params, uint64_t *length);

/**
 * device_message - send a message to the target of a device
 * @name: the device's name
 * @text: the message
 * @answer: what the target says, empty if nothing; to be freed. May be NULL
 *
 * Complains about nothing.
 *
 * Return: 0, or a negative errno; -EINVAL also if there is no such message.
 */
int device_message(const char *name, const char *text, char **answer);

#endif
