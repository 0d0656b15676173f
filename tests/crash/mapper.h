/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Device-mapper devices, made and removed many times by one process. All of
 * these may be called from any thread.
 */
#ifndef CRASH_MAPPER_H
#define CRASH_MAPPER_H

#include <stdbool.h>

/**
 * mapper_create - make a device of one target
 * @name: its name
 * @table: "START LENGTH TARGET PARAMETERS"
 *
 * Return: success.
 */
bool mapper_create(const char *name, const char *table);

/* Waits a while for whoever has it open. */
bool mapper_remove(const char *name);

/* Puts "NAME=NUMBER" into the log of a device of the target log-writes. */
bool mapper_mark(const char *device, const char *name, unsigned int nr);

#endif
