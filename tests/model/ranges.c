// SPDX-License-Identifier: GPL-2.0-only
/*
 * Locks on ranges of sectors, for few threads.
 */
#include "ranges.h"

#include <pthread.h>
#include <stddef.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t released = PTHREAD_COND_INITIALIZER;
static struct range *held;

static bool conflicts(const struct range *range)
{
	const struct range *other;

	for (other = held; other; other = other->next)
		if (range->begin < other->end && other->begin < range->end &&
		    !(range->shared && other->shared))
			return true;
	return false;
}

void range_lock(struct range *range)
{
	pthread_mutex_lock(&mutex);
	while (conflicts(range))
		pthread_cond_wait(&released, &mutex);
	range->next = held;
	held = range;
	pthread_mutex_unlock(&mutex);
}

void range_unlock(struct range *range)
{
	struct range **at = &held;

	pthread_mutex_lock(&mutex);
	while (*at != range)
		at = &(*at)->next;
	*at = range->next;
	pthread_cond_broadcast(&released);
	pthread_mutex_unlock(&mutex);
}
