// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device-mapper devices, by libdevmapper, which is not for several threads at
 * a time.
 */
#include "tests/crash/mapper.h"

#include <libdevmapper.h>
#include <pthread.h>
#include <stdio.h>

#define TARGET_MAX	32

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Nobody else makes the nodes where there is no udev. */
static bool run(struct dm_task *task)
{
	bool ok = dm_task_run(task);

	dm_task_update_nodes();
	dm_task_destroy(task);
	return ok;
}

static struct dm_task *new_task(int type, const char *name)
{
	struct dm_task *task = dm_task_create(type);

	if (task && !dm_task_set_name(task, name)) {
		dm_task_destroy(task);
		task = NULL;
	}
	return task;
}

bool mapper_create(const char *name, const char *table)
{
	unsigned long long start, length;
	char target[TARGET_MAX];
	struct dm_task *task;
	bool ok = false;
	int n;

	if (sscanf(table, "%llu %llu %31s %n", &start, &length, target,
		   &n) != 3)
		return false;
	pthread_mutex_lock(&lock);
	task = new_task(DM_DEVICE_CREATE, name);
	if (task && dm_task_add_target(task, start, length, target, table + n))
		ok = run(task);
	pthread_mutex_unlock(&lock);
	return ok;
}

bool mapper_remove(const char *name)
{
	struct dm_task *task;
	bool ok = false;

	pthread_mutex_lock(&lock);
	task = new_task(DM_DEVICE_REMOVE, name);
	if (task && dm_task_retry_remove(task))
		ok = run(task);
	pthread_mutex_unlock(&lock);
	return ok;
}

bool mapper_mark(const char *device, const char *name, unsigned int nr)
{
	struct dm_task *task;
	char message[64];
	bool ok = false;

	snprintf(message, sizeof(message), "mark %s=%u", name, nr);
	pthread_mutex_lock(&lock);
	task = new_task(DM_DEVICE_TARGET_MSG, device);
	if (task && dm_task_set_message(task, message))
		ok = run(task);
	pthread_mutex_unlock(&lock);
	return ok;
}
