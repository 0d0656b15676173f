// SPDX-License-Identifier: GPL-2.0-only
/*
 * overlaybdsetup trace: record what is read, have it prefetched another time.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <signal.h>
#include <time.h>

#include "tools/commands.h"
#include "tools/counters.h"
#include "tools/dm.h"
#include "tools/holders.h"
#include "tools/message.h"
#include "tools/names.h"
#include "tools/options.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/trace.h"
#include "tools/trace-show.h"

#define POLL_NS		200000000L
#define SECONDS_MAX	31536000	/* a year */

struct options {
	bool help;
	bool json;
	bool ranges;
	bool wait;
	const char *out;
	uint64_t seconds;
	uint64_t entries;
	uint64_t rate;
};

/**
 * struct verb - what can be done with traces
 * @name: as typed
 * @options: short names of the options that it takes
 * @nr_args: arguments that it takes
 * @run: do it; returns an exit code
 */
struct verb {
	const char *name;
	const char *options;
	int nr_args;
	int (*run)(char **args, const struct options *opts);
};

static int find_device(const char *name)
{
	struct device device;
	int r = device_prepare() ?: device_find(&device, name);

	return r == EXIT_NO_DEVICE ? device_missing(name) : r;
}

/* It knows of traces, by its target. */
static int check_device(const char *name)
{
	uint64_t length;
	char *text;
	int r = find_device(name) ?: device_params(name, DM_DEVICE_TABLE,
						   DEVICE_TARGET, &text,
						   &length);

	if (!r)
		free(text);
	return r;
}

/**
 * struct record - a trace on its way to a file
 * @name: the device's name
 * @trace: what has come so far
 * @out: the file
 * @state: how the kernel's recording stands
 */
struct record {
	const char *name;
	struct trace trace;
	struct output out;
	struct recording state;
};

/* A layer, for one. What is not there yet is nobody's. */
static int refuse_in_use(const char *path)
{
	struct obd_error err;
	struct stat st;

	if (stat(path, &st) || !S_ISREG(st.st_mode) ||
	    !holders_refuse_loop(path, &st, true, &err))
		return EXIT_OK;
	complain("%s", err.text);
	return EXIT_BUSY;
}

static int record_begin(struct record *rec, const char *name, const char *path)
{
	struct obd_error err;
	int r;

	*rec = (struct record) { .name = name };
	r = find_device(name) ?: trace_of_device(&rec->trace, name) ?:
	    refuse_in_use(path);
	if (r)
		return r;
	if (!output_open(&rec->out, path, &err))
		return EXIT_OK;
	complain("%s", err.text);
	return EXIT_FAILED;
}

/* All that there is by now. The last of what came before may have grown. */
static int fetch(struct record *rec)
{
	struct trace *trace = &rec->trace;
	u32 had;
	int r;

	do {
		had = trace->nr_ranges;
		if (had)
			trace->nr_ranges--;
		r = message_trace_read(rec->name, &rec->state, trace);
		trace->nr_ranges = max(trace->nr_ranges, had);
	} while (!r && trace->nr_ranges > had &&
		 trace->nr_ranges < rec->state.nr);
	return r;
}

static int write_out(struct record *rec, struct obd_error *err)
{
	size_t size;
	u8 *data;
	int r;

	r = trace_normalise(&rec->trace) ?:
	    trace_format(&rec->trace, &data, &size);
	if (r)
		return obd_fail(err, r, "%s: %s", rec->out.path, strerror(-r));
	r = output_write(&rec->out, 0, data, size, err) ?:
	    output_commit(&rec->out, err);
	free(data);
	return r;
}

static int record_save(struct record *rec)
{
	struct obd_error err;

	if (!rec->trace.nr_ranges)
		complain("warning: %s: nothing has been recorded", rec->name);
	if (rec->state.dropped)
		complain("warning: %s: %llu reads did not fit: record with more --entries",
			 rec->name, (unsigned long long)rec->state.dropped);
	if (write_out(rec, &err)) {
		complain("%s; the kernel still has the recording, for trace stop --out FILE %s",
			 err.text, rec->name);
		return EXIT_FAILED;
	}
	print_name(stdout, rec->out.path);
	printf(": %u ranges, %llu blocks\n", rec->trace.nr_ranges,
	       (unsigned long long)trace_count(&rec->trace));
	return EXIT_OK;
}

/* Where it could not be written it can be had again. */
static int record_save_once(struct record *rec)
{
	int r = record_save(rec);

	if (!r)
		message_trace_clear(rec->name);
	return r;
}

static void record_end(struct record *rec)
{
	if (rec->out.path)
		output_discard(&rec->out);
	trace_release(&rec->trace);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* True if one of the signals came. */
static bool wait_a_little(const sigset_t *signals, double seconds)
{
	struct timespec pause = { .tv_nsec = POLL_NS };

	if (seconds <= 0)
		return false;
	if (seconds < POLL_NS / 1e9)
		pause.tv_nsec = seconds * 1e9;
	return sigtimedwait(signals, NULL, &pause) > 0;
}

/* Fetches as it goes, so that little is lost if the device is closed. */
static int record_until(struct record *rec, const struct options *opts,
			const sigset_t *signals)
{
	double end = now() + (opts->seconds ?: SECONDS_MAX);
	struct progress progress;
	bool told = false;
	int r;

	progress_begin(&progress, rec->name, 0);
	do {
		told = wait_a_little(signals, end - now());
		r = fetch(rec);
		progress_say(&progress, "%llu ranges, Ctrl-C ends it",
			     (unsigned long long)rec->state.nr);
	} while (!r && !told && rec->state.running && now() < end);
	progress_end(&progress);
	return r;
}

static int record_finish(struct record *rec, int r)
{
	r = r ?: message_trace_stop(rec->name) ?: fetch(rec);
	if (!r && rec->state.nr < rec->trace.nr_ranges)
		complain("warning: %s has got another table: what was read at last is missing",
			 rec->name);
	if (r != EXIT_NO_DEVICE)
		return r;
	complain("warning: %s is gone: what was read at last is missing",
		 rec->name);
	return EXIT_OK;
}

/*
 * They stay blocked: after the first the file is about to be complete. One
 * that is ignored, as by nohup, stays so.
 */
static void block_signals(sigset_t *signals)
{
	static const int ending[] = { SIGHUP, SIGINT, SIGTERM };
	struct sigaction act;
	size_t i;

	sigemptyset(signals);
	for (i = 0; i < ARRAY_SIZE(ending); i++)
		if (!sigaction(ending[i], NULL, &act) &&
		    act.sa_handler != SIG_IGN)
			sigaddset(signals, ending[i]);
	sigprocmask(SIG_BLOCK, signals, NULL);
}

static int do_record(char **args, const struct options *opts)
{
	sigset_t signals;
	struct record rec;
	int r;

	r = record_begin(&rec, args[0], opts->out);
	if (!r) {
		block_signals(&signals);
		r = message_trace_start(rec.name, opts->entries);
	}
	if (!r) {
		r = record_finish(&rec, record_until(&rec, opts, &signals)) ?:
		    record_save_once(&rec);
	}
	record_end(&rec);
	return r;
}

static int do_start(char **args, const struct options *opts)
{
	return check_device(args[0]) ?:
	       message_trace_start(args[0], opts->entries);
}

static int do_stop(char **args, const struct options *opts)
{
	struct record rec;
	int r;

	if (!opts->out)
		return check_device(args[0]) ?: message_trace_stop(args[0]);
	r = record_begin(&rec, args[0], opts->out);
	r = r ?: message_trace_stop(rec.name) ?: fetch(&rec) ?:
	    record_save_once(&rec);
	record_end(&rec);
	return r;
}

static int wait_for_prefetch(const char *name)
{
	const struct timespec pause = { .tv_nsec = POLL_NS };
	struct progress progress;
	u64 counts[NR_COUNTERS];
	int r;

	progress_begin(&progress, name, 0);
	for (;;) {
		r = counters_get(counts, name, NULL);
		if (r || !counts[COUNTER_PREFETCH_PENDING])
			break;
		progress_say(&progress, "%llu ranges to go, %llu blocks brought",
			     (unsigned long long)counts[COUNTER_PREFETCH_PENDING],
			     (unsigned long long)counts[COUNTER_PREFETCH_BLOCKS]);
		nanosleep(&pause, NULL);
	}
	progress_end(&progress);
	return r;
}

static int do_replay(char **args, const struct options *opts)
{
	struct trace trace, here = { };
	const char *name = args[0], *path = args[1];
	int r;

	r = trace_read(&trace, path) ?: find_device(name) ?:
	    trace_of_device(&here, name) ?:
	    trace_match(&trace, &here, path, name) ?:
	    trace_queue(&trace, name, opts->rate);
	trace_release(&trace);
	trace_release(&here);
	return r || !opts->wait ? r : wait_for_prefetch(name);
}

static int do_show(char **args, const struct options *opts)
{
	struct trace trace;
	int r = trace_read(&trace, args[0]);

	if (!r)
		trace_show(&trace, opts->json, opts->ranges);
	trace_release(&trace);
	return r;
}

static const struct verb verbs[] = {
	{ "record", "oes", 1, do_record },
	{ "start", "e", 1, do_start },
	{ "stop", "o", 1, do_stop },
	{ "replay", "rw", 2, do_replay },
	{ "show", "jR", 1, do_show },
};

static const struct verb *find_verb(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}

static int set_number(const char *option, uint64_t most, uint64_t *value)
{
	if (parse_u64(optarg, 1, most, value))
		return EXIT_OK;
	return usage_error(&cmd_trace, "bad value %s=%s, expected 1 to %llu",
			   option, optarg, (unsigned long long)most);
}

static int set_option(struct options *opts, int c)
{
	switch (c) {
	case 'e':
		return set_number("--entries", MESSAGE_ENTRIES_MAX,
				  &opts->entries);
	case 's':
		return set_number("--seconds", SECONDS_MAX, &opts->seconds);
	case 'r':
		return set_number("--rate", MESSAGE_RATE_MAX, &opts->rate);
	case 'o':
		opts->out = optarg;
		break;
	case 'j':
		opts->json = true;
		break;
	case 'R':
		opts->ranges = true;
		break;
	case 'w':
		opts->wait = true;
		break;
	}
	return EXIT_OK;
}

/* The last word that was read may be its value. */
static int refuse_option(const struct verb *verb, const struct option *option,
			 int c)
{
	while (option->val != c)
		option++;
	return usage_error(&cmd_trace, "%s: bad option --%s", verb->name,
			   option->name);
}

static int parse_options(int argc, char **argv, const struct verb *verb,
			 struct options *opts)
{
	static const struct option longopts[] = {
		{ "entries", required_argument, NULL, 'e' },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "out", required_argument, NULL, 'o' },
		{ "ranges", no_argument, NULL, 'R' },
		{ "rate", required_argument, NULL, 'r' },
		{ "seconds", required_argument, NULL, 's' },
		{ "wait", no_argument, NULL, 'w' },
		{ }
	};
	int c, r = EXIT_OK;

	opterr = 0;
	while (!r && (c = getopt_long(argc, argv, ":ho:", longopts,
				      NULL)) != -1) {
		opts->help |= c == 'h';
		if (opts->help)
			return EXIT_OK;
		if (c == '?' || c == ':')
			return option_error(&cmd_trace, c, argv);
		if (!strchr(verb->options, c))
			return refuse_option(verb, longopts, c);
		r = set_option(opts, c);
	}
	return r;
}

static int check_arguments(const struct verb *verb, int nr,
			   const struct options *opts)
{
	if (nr != verb->nr_args)
		return usage_error(&cmd_trace, "%s: expected %d argument%s",
				   verb->name, verb->nr_args,
				   verb->nr_args == 1 ? "" : "s");
	if (verb->run == do_record && !opts->out)
		return usage_error(&cmd_trace, "record: expected --out FILE");
	return EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct options opts = { };
	const struct verb *verb;
	int r;

	if (argc < 2)
		return usage_error(&cmd_trace, "expected what to do");
	if (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"))
		return print_help(&cmd_trace);
	verb = find_verb(argv[1]);
	if (!verb)
		return usage_error(&cmd_trace, "cannot %s", argv[1]);
	r = parse_options(argc - 1, argv + 1, verb, &opts);
	if (!r && opts.help)
		return print_help(&cmd_trace);
	argv += 1 + optind;
	r = r ?: check_arguments(verb, argc - 1 - optind, &opts);
	return r ?: verb->run(argv, &opts);
}

const struct command cmd_trace = {
	.name = "trace",
	.args = "record|start|stop|replay|show [OPTION...] NAME|FILE...",
	.summary = "Record what is read from a device, prefetch it another time",
	.help =
"  record -o FILE [--seconds N] [--entries N] NAME\n"
"      record until N seconds have passed, a signal (Ctrl-C) comes or trace stop\n"
"      ends it, then write FILE\n"
"  start [--entries N] NAME\n"
"      begin to record, and return\n"
"  stop [-o FILE] NAME\n"
"      end it, and write FILE\n"
"  replay [--rate MIB] [--wait] NAME FILE\n"
"      have the kernel prefetch what FILE says\n"
"  show [--ranges] [--json] FILE\n"
"      print what is in FILE\n"
"\n"
"Options:\n"
"      --entries N  make room for N reads\n"
"      --json       print JSON\n"
"  -o, --out FILE   the trace\n"
"      --ranges     print all ranges, too\n"
"      --rate MIB   prefetch at most MIB MiB a second, decompressed\n"
"      --seconds N  end after N seconds\n"
"      --wait       wait until all is prefetched\n"
"  -h, --help       print this\n",
	.run = run,
};
