// SPDX-License-Identifier: GPL-2.0-only
/*
 * overlaybdsetup close: the end of a device.
 */
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "tools/busy.h"
#include "tools/commands.h"
#include "tools/dm.h"
#include "tools/signals.h"
#include "tools/tail.h"
#include "tools/upper-device.h"

static int check_ours(const struct device *device)
{
	if (device_is_ours(device))
		return EXIT_OK;
	if (device_is_tail(device))
		complain("%s only joins the tail of a layer: close the devices over it",
			 device->name);
	else
		complain("%s was not made by overlaybdsetup open: use dmsetup remove",
			 device->name);
	return EXIT_FAILED;
}

static int remove_device(const struct device *device)
{
	int r = device_remove(device->name);

	if (r == EXIT_BUSY)
		busy_complain(device->name, device->dev);
	return r;
}

/* A device that is read-only has left its files as they were. */
static bool has_files(const struct device *device)
{
	return device->live && !device->read_only;
}

/*
 * A snapshot that was killed has left the device so, perhaps with a table that
 * counts from now on. Nobody uses it, or it will not be closed.
 */
static void go_on(const struct device *device)
{
	if (device->suspended && !device->open_count)
		device_resume(device->name);
}

/*
 * The files are opened first: without the device nothing tells which they are.
 * That they cannot be opened keeps nobody from closing the device.
 */
static int remove_with_upper(const struct device *device)
{
	struct upper_device upper = {};
	int found = EXIT_OK, r;

	go_on(device);
	if (has_files(device))
		found = upper_device_find(&upper, device->name);
	if (!found && upper.table.upper.data)
		found = upper_device_open(&upper);
	r = remove_device(device);
	if (!r && !found && upper.table.upper.data)
		found = upper_files_settle(&upper.files);
	upper_device_release(&upper);
	if (r || !found)
		return r;
	complain("%s is closed, but the files of its upper are not cut: use overlaybdsetup repair",
		 device->name);
	return found;
}

/*
 * Loop devices go by themselves with the last device that holds them. Devices
 * that join tails do not, nor did they if open was killed halfway.
 */
static int close_locked(const char *name)
{
	struct device device;
	int r, r2;

	r = device_find(&device, name);
	if (r == EXIT_NO_DEVICE)
		complain("there is no device %s", name);
	else if (!r)
		r = check_ours(&device) ?: remove_with_upper(&device);
	if (r && r != EXIT_NO_DEVICE)
		return r;
	r2 = tails_remove();
	return r ? r : r2;
}

static int close_device(const char *name)
{
	sigset_t before;
	int lock, r;

	r = device_prepare();
	if (r)
		return r;
	r = device_lock(name, &lock);
	if (r)
		return r;
	signals_hold(&before);
	r = close_locked(name);
	signals_release(&before);
	close(lock);
	return r;
}

static int run(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	const char *reason;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":h", longopts, NULL)) != -1) {
		if (c == 'h')
			return print_help(&cmd_close);
		return option_error(&cmd_close, c, argv);
	}
	if (argc - optind != 1)
		return usage_error(&cmd_close, "expected a name");
	reason = device_check_name(argv[optind]);
	if (reason)
		return usage_error(&cmd_close, "bad name '%s': %s",
				   argv[optind], reason);
	return close_device(argv[optind]);
}

const struct command cmd_close = {
	.name = "close",
	.args = "NAME",
	.summary = "Remove a device and what open created for it",
	.help =
"A device that is in use stays, and its users are named. The files of an upper\n"
"are cut to what is in them.\n"
"\n"
"Options:\n"
"  -h, --help  print this\n",
	.run = run,
};
