/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Make the upper of a device in use a read-only layer, and go on with a new
 * one. Functions that return an exit code have complained when it is not
 * EXIT_OK.
 */
#ifndef OVERLAYBD_SNAPSHOT_H
#define OVERLAYBD_SNAPSHOT_H

#include "tools/attach.h"
#include "tools/fresh.h"
#include "tools/upper-device.h"

/**
 * struct snapshot - a device on its way from one upper to the next
 * @name: its name
 * @freeze: have file systems write all they have
 * @direct_io: let loop devices go past the page cache
 * @device: the device
 * @old: the upper it had
 * @status: what that said of itself when reading its log began
 * @loaded: what the log of @old comes to
 * @bytes: length of the sealed layer, 0 if nothing has been sealed
 * @fresh: the upper it gets
 * @files: its files
 * @attached: loop devices of what the new table has and the old one has not
 * @held: what keeps the loop devices of @old
 * @table: the new table
 * @stuck: the device is suspended, perhaps with @table
 * @wait_ms: how long I/O had to wait
 */
struct snapshot {
	const char *name;
	bool freeze;
	bool direct_io;
	struct device device;
	struct upper_device old;
	struct upper_status status;
	struct upper loaded;
	u64 bytes;
	struct fresh fresh;
	struct upper_files files;
	struct attached attached;
	int held[2];
	struct table table;
	bool stuck;
	double wait_ms;
};

/**
 * snapshot_init - begin with names only
 * @s: filled in
 * @name: the device's name; not copied
 * @data: name of the data of the new upper; not copied
 * @index: that of its index
 */
void snapshot_init(struct snapshot *s, const char *name, const char *data,
		   const char *index);

/**
 * snapshot_find - look whether a snapshot can be made of a device
 * @s: what snapshot_init() has filled in, and perhaps more; release with
 *	snapshot_release(), also after a failure
 *
 * Has what has been written reach the disk: that takes its time, but nobody
 * waits for it. The name is locked.
 *
 * Return: an exit code.
 */
int snapshot_find(struct snapshot *s);

/**
 * snapshot_prepare - make the new upper
 * @s: a device that snapshot_find() has accepted; signals are held back
 *
 * Return: an exit code; call snapshot_take_back() after a failure.
 */
int snapshot_prepare(struct snapshot *s);

/**
 * snapshot_make - make the snapshot
 * @s: a device for which all is prepared
 *
 * When it fails the device goes on as it was, or, if that fails too, stays
 * suspended.
 *
 * Return: an exit code; call snapshot_take_back() after a failure.
 */
int snapshot_make(struct snapshot *s);

/**
 * snapshot_take_back - leave nothing of the new upper
 * @s: a snapshot that has not been made
 *
 * Its files stay if the device may have them.
 */
void snapshot_take_back(struct snapshot *s);

/**
 * snapshot_release - free what the other functions made
 * @s: the snapshot
 */
void snapshot_release(struct snapshot *s);

#endif
