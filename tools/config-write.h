/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The configuration of a device that is there.
 */
#ifndef OVERLAYBD_CONFIG_WRITE_H
#define OVERLAYBD_CONFIG_WRITE_H

#include <json-c/json.h>

#include "tools/table.h"

/**
 * config_of_table - what a configuration would say of a table's layers
 * @table: the table, as the kernel prints it; its upper is left out
 * @root: receives the object, the caller's
 *
 * Complains when it fails, as where a layer's file has no name any more.
 *
 * Return: an exit code.
 */
int config_of_table(const struct table *table, struct json_object **root);

/**
 * config_add_lower - add a layer above the others
 * @root: the configuration
 * @path: name of its file or device
 */
void config_add_lower(struct json_object *root, const char *path);

/**
 * config_set_size - tell the length of the layer that was added last
 * @root: the configuration
 * @bytes: the length
 */
void config_set_size(struct json_object *root, uint64_t bytes);

/**
 * config_set_upper - name the upper
 * @root: the configuration
 * @data: its data
 * @index: its index
 *
 * Names that are relative are completed. Complains when it fails.
 *
 * Return: an exit code.
 */
int config_set_upper(struct json_object *root, const char *data,
		     const char *index);

/**
 * config_refuse_files - see to it that a file is none that a configuration names
 * @out: name of the file that is to be written
 * @root: the configuration, complete
 *
 * Complains if it is.
 *
 * Return: an exit code.
 */
int config_refuse_files(const char *out, struct json_object *root);

#endif
