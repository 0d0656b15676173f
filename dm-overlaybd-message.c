// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages to the targets.
 */
#include <linux/sched/mm.h>

#include "dm-overlaybd-gunzip.h"
#include "dm-overlaybd-target.h"

#define DM_MSG_PREFIX "overlaybd"

#define RANGE_ARGS	3	/* <layer> <block> <count> */

/* A word of a message as a number. */
static int parse_number(const char *word, u32 *number)
{
	return kstrtou32(word, 10, number);
}

static int message_times(const struct obd_target *t, char *result,
			 unsigned int maxlen)
{
	const struct obd_load_times *times = &t->times;
	unsigned int sz = 0;

	DMEMIT("layers %u shared %u open_us %llu merge_us %llu map %s",
	       t->nr_layers, times->nr_found, times->open_us, times->merge_us,
	       times->map);
	return 1;
}

static int trace_start(struct obd_trace *trace, unsigned int argc, char **argv)
{
	u32 max = OBD_TRACE_DEFAULT;

	if (argc > 1 || (argc && parse_number(argv[0], &max)))
		return -EINVAL;
	return obd_trace_start(trace, max);
}

static int trace_read(struct obd_trace *trace, unsigned int argc, char **argv,
		      char *result, unsigned int maxlen)
{
	u32 from;

	if (argc != 1 || parse_number(argv[0], &from))
		return -EINVAL;
	obd_trace_print(trace, from, result, maxlen);
	return 1;
}

static int message_trace(struct obd_target *t, unsigned int argc, char **argv,
			 char *result, unsigned int maxlen)
{
	struct obd_trace *trace = &t->session.trace;

	if (!argc)
		return -EINVAL;
	if (!strcasecmp(argv[0], "start"))
		return trace_start(trace, argc - 1, argv + 1);
	if (!strcasecmp(argv[0], "read"))
		return trace_read(trace, argc - 1, argv + 1, result, maxlen);
	if (argc != 1)
		return -EINVAL;
	if (!strcasecmp(argv[0], "stop"))
		obd_trace_stop(trace);
	else if (!strcasecmp(argv[0], "clear"))
		obd_trace_clear(trace);
	else
		return -EINVAL;
	return 0;
}

/* Check a range, and queue it if that is what is wanted. */
static int handle_range(struct obd_target *t, char **argv, bool queue)
{
	u32 layer, block, count;
	struct obd_reader *reader;

	if (parse_number(argv[0], &layer) || parse_number(argv[1], &block) ||
	    parse_number(argv[2], &count) || layer >= t->nr_layers ||
	    !t->layers[layer].shared->packed)
		return -EINVAL;
	reader = &t->layers[layer].reader;
	return queue ? obd_prefetch_add(&t->prefetch, reader, block, count) :
		       obd_prefetch_check(reader, block, count);
}

/* All ranges or none. */
static int prefetch_add(struct obd_target *t, unsigned int argc, char **argv)
{
	unsigned int i;
	int r = 0;

	if (!argc || argc % RANGE_ARGS)
		return -EINVAL;
	for (i = 0; !r && i < argc; i += RANGE_ARGS)
		r = handle_range(t, argv + i, false);
	if (!r && obd_prefetch_room(&t->prefetch) < argc / RANGE_ARGS)
		r = -ENOSPC;
	for (i = 0; !r && i < argc; i += RANGE_ARGS)
		r = handle_range(t, argv + i, true);
	return r;
}

static int prefetch_rate(struct obd_target *t, unsigned int argc, char **argv)
{
	u32 rate;

	if (argc != 1 || parse_number(argv[0], &rate) || !rate ||
	    rate > OBD_PREFETCH_RATE_MAX)
		return -EINVAL;
	WRITE_ONCE(t->prefetch.rate, rate);
	return 0;
}

static int message_prefetch(struct obd_target *t, unsigned int argc,
			    char **argv)
{
	if (!argc)
		return -EINVAL;
	if (!strcasecmp(argv[0], "add"))
		return prefetch_add(t, argc - 1, argv + 1);
	if (!strcasecmp(argv[0], "rate"))
		return prefetch_rate(t, argc - 1, argv + 1);
	if (strcasecmp(argv[0], "cancel") || argc != 1)
		return -EINVAL;
	obd_prefetch_cancel(&t->prefetch);
	obd_gunzip_forget(&t->session);
	return 0;
}

static int message(struct obd_target *t, unsigned int argc, char **argv,
		   char *result, unsigned int maxlen)
{
	if (!strcasecmp(argv[0], "times") && argc == 1)
		return message_times(t, result, maxlen);
	if (!strcasecmp(argv[0], "trace"))
		return message_trace(t, argc - 1, argv + 1, result, maxlen);
	if (!strcasecmp(argv[0], "prefetch"))
		return message_prefetch(t, argc - 1, argv + 1);
	return -EINVAL;
}

int obd_target_message(struct dm_target *ti, unsigned int argc, char **argv,
		       char *result, unsigned int maxlen)
{
	struct obd_target *t = ti->private;
	unsigned int noio;
	int r;

	/* To write memory out may take this device, which may be suspended. */
	noio = memalloc_noio_save();
	mutex_lock(&t->lock);
	r = message(t, argc, argv, result, maxlen);
	mutex_unlock(&t->lock);
	memalloc_noio_restore(noio);
	if (r == -EINVAL)
		DMWARN("%s: message \"%s\": unknown, or its arguments are wrong",
		       t->session.device, argv[0]);
	return r;
}
