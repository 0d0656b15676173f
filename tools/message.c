// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages to the overlaybd target.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <time.h>

#include "tools/commands.h"
#include "tools/counters.h"
#include "tools/dm.h"
#include "tools/message.h"

#define TEXT_SIZE		64
#define RANGES_PER_MESSAGE	64
#define RANGE_TEXT_SIZE		40	/* three numbers, each with a blank */
#define QUEUE_RANGES		65536	/* that the kernel takes */
#define QUEUE_PAUSE_NS		20000000L
#define QUEUE_TRIES		3000
#define LOST_MOST		1000	/* times in a row others were faster */

static int failed(const char *name, const char *text, int r)
{
	if (r == -ENXIO) {
		complain("there is no device %s", name);
		return EXIT_NO_DEVICE;
	}
	if (r == -EINVAL)
		complain("%s: the module does not take the message '%s': is it older than this program?",
			 name, text);
	else if (r == -EOPNOTSUPP)
		complain("%s: the device has no cache: it was opened with --no-cache, or cache_mib is too small",
			 name);
	else
		complain("%s: the message '%s' failed: %s", name, text,
			 strerror(-r));
	return EXIT_FAILED;
}

static int tell(const char *name, const char *text)
{
	int r = device_message(name, text, NULL);

	return r ? failed(name, text, r) : EXIT_OK;
}

static void set_pair(struct load_times *times, const char *key,
		     const char *value, unsigned int *seen)
{
	u64 *const numbers[] = {
		&times->layers, &times->shared, &times->open_us,
		&times->merge_us,
	};
	static const char *const keys[] = {
		"layers", "shared", "open_us", "merge_us",
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcmp(key, keys[i]))
			continue;
		*numbers[i] = strtoull(value, NULL, 10);
		*seen |= 1U << i;
	}
	if (!strcmp(key, "map")) {
		snprintf(times->map, sizeof(times->map), "%s", value);
		*seen |= 1U << i;
	}
}

bool times_parse(struct load_times *times, const char *text)
{
	unsigned int seen = 0;
	char key[16], value[24];
	int used;

	*times = (struct load_times) {};
	for (; sscanf(text, "%15s %23s%n", key, value, &used) == 2;
	     text += used)
		set_pair(times, key, value, &seen);
	return seen == 0x1f;
}

bool message_times(const char *name, struct load_times *times)
{
	char *answer;
	bool known;

	if (device_message(name, "times", &answer))
		return false;
	known = times_parse(times, answer);
	free(answer);
	return known;
}

static int parse_entries(struct trace *ranges, const char *text)
{
	struct trace_range range;
	int used, r = 0;

	while (!r && *text) {
		if (sscanf(text, "%" SCNu32 " %" SCNu32 " %" SCNu32 "%n",
			   &range.layer, &range.first, &range.count,
			   &used) != 3)
			return -EINVAL;
		text += used;
		text += strspn(text, "\n");
		r = trace_add(ranges, &range);
	}
	return r;
}

int recording_parse(struct recording *recording, struct trace *ranges,
		    const char *text)
{
	unsigned int running;
	int used;

	if (sscanf(text, "%" SCNu64 " %" SCNu64 " %u%n", &recording->nr,
		   &recording->dropped, &running, &used) != 3)
		return -EINVAL;
	recording->running = running;
	text += used;
	return parse_entries(ranges, text + strspn(text, "\n"));
}

int message_trace_start(const char *name, unsigned int entries)
{
	char text[TEXT_SIZE] = "trace start";
	int r;

	if (entries)
		snprintf(text, sizeof(text), "trace start %u", entries);
	r = device_message(name, text, NULL);
	if (r != -EBUSY)
		return r ? failed(name, text, r) : EXIT_OK;
	complain("%s is being recorded already: overlaybdsetup trace stop ends that",
		 name);
	return EXIT_BUSY;
}

int message_trace_stop(const char *name)
{
	return tell(name, "trace stop");
}

void message_trace_clear(const char *name)
{
	device_message(name, "trace clear", NULL);
}

int message_trace_read(const char *name, struct recording *recording,
		       struct trace *ranges)
{
	char text[TEXT_SIZE];
	char *answer;
	int r;

	snprintf(text, sizeof(text), "trace read %u", ranges->nr_ranges);
	r = device_message(name, text, &answer);
	if (r == -ENXIO)
		return EXIT_NO_DEVICE;
	if (r)
		return failed(name, text, r);
	r = recording_parse(recording, ranges, answer);
	free(answer);
	if (r)
		complain("%s: cannot use the answer to '%s': %s", name, text,
			 strerror(-r));
	return r ? EXIT_FAILED : EXIT_OK;
}

int message_prefetch_rate(const char *name, unsigned int mib)
{
	char text[TEXT_SIZE];

	snprintf(text, sizeof(text), "prefetch rate %u", mib);
	return tell(name, text);
}

/* Returns 0 or -errno. */
static int add_some(const char *name, const struct trace_range *ranges, u32 nr)
{
	char text[TEXT_SIZE + RANGES_PER_MESSAGE * RANGE_TEXT_SIZE];
	char *to = text + sprintf(text, "prefetch add");
	u32 i;

	for (i = 0; i < nr; i++)
		to += sprintf(to, " %u %u %u", ranges[i].layer, ranges[i].first,
			      ranges[i].count);
	return device_message(name, text, NULL);
}

/* A message that finds no room for all its ranges is refused as a whole. */
static int wait_for_room(const char *name, u32 *room)
{
	const struct timespec pause = { .tv_nsec = QUEUE_PAUSE_NS };
	u64 counts[NR_COUNTERS], pending, least = UINT64_MAX;
	int r, i;

	for (i = 0; i < QUEUE_TRIES; i++) {
		r = counters_get(counts, name, NULL);
		if (r)
			return r;
		pending = counts[COUNTER_PREFETCH_PENDING];
		if (pending <= QUEUE_RANGES - RANGES_PER_MESSAGE) {
			*room = QUEUE_RANGES - pending;
			return EXIT_OK;
		}
		if (pending < least)
			i = 0;
		least = min(least, pending);
		nanosleep(&pause, NULL);
	}
	complain("%s: there is no room for more to prefetch, and none came for a minute",
		 name);
	return EXIT_FAILED;
}

int message_prefetch_add(const char *name, const struct trace_range *ranges,
			 u32 nr)
{
	u32 some, room = 0, lost = 0;
	int r;

	while (nr) {
		some = min_t(u32, nr, RANGES_PER_MESSAGE);
		r = room < some ? wait_for_room(name, &room) : EXIT_OK;
		if (r)
			return r;
		r = add_some(name, ranges, some);
		/* Somebody else has filled the room that there was. */
		if (r == -ENOSPC && ++lost < LOST_MOST) {
			room = 0;
			continue;
		}
		if (r)
			return failed(name, "prefetch add", r);
		ranges += some;
		nr -= some;
		room -= some;
		lost = 0;
	}
	return EXIT_OK;
}
