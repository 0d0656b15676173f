// SPDX-License-Identifier: GPL-2.0-only
/*
 * Write the result file, over none that is needed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/commands.h"
#include "tools/output.h"
#include "tools/result.h"
#include "tools/signals.h"
#include "tools/store.h"

static int check_kind(const char *path)
{
	struct obd_error err;
	char *target;
	int r = output_target(path, &target, &err);

	free(target);
	if (!r)
		return EXIT_OK;
	complain("resultFile: %s", err.text);
	return EXIT_FAILED;
}

/* What else it names may be behind the error. */
static int check_unloaded(const char *path)
{
	if (access(path, F_OK))
		return EXIT_OK;
	complain("warning: resultFile: %s: is there, and stays as it is: it may be a file of the image",
		 path);
	return EXIT_FAILED;
}

int result_check(struct config *config, int loaded, const char *trace)
{
	const char *path = config->result_file;

	if (!path)
		return EXIT_OK;
	if (loaded)
		return check_unloaded(path);
	return check_kind(path) ?: config_refuse_image(config, path) ?:
	       config_refuse_input(path, trace);
}

static int replace(const char *target, const char *text, struct obd_error *err)
{
	char *temp;
	int fd = output_temp(target, &temp);
	int r;

	if (fd < 0)
		return obd_fail(err, fd,
				"%s: cannot create a temporary file beside it: %s",
				target, strerror(-fd));
	r = store_write(fd, target, 0, text, strlen(text), err);
	if (close(fd) && !r)
		r = obd_fail(err, -errno, "%s: %s", target, strerror(errno));
	if (!r && rename(temp, target))
		r = obd_fail(err, -errno, "%s: %s", target, strerror(errno));
	if (r)
		unlink(temp);
	free(temp);
	return r;
}

/* It need not outlive a crash, which the device does not either. */
void result_write(const struct config *config, int r)
{
	const char *text = r ? first_complaint() : "success";
	struct obd_error err;
	sigset_t before;
	char *target;

	if (!config->result_file)
		return;
	signals_hold(&before);
	if (output_target(config->result_file, &target, &err) ||
	    replace(target, text, &err))
		complain("warning: resultFile: %s", err.text);
	free(target);
	signals_release(&before);
}
