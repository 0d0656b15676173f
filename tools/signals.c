// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hold back the signals by which users and the system end a process.
 */
#include <stddef.h>

#include "tools/signals.h"

void signals_hold(sigset_t *before)
{
	sigset_t hold;

	sigemptyset(&hold);
	sigaddset(&hold, SIGHUP);
	sigaddset(&hold, SIGINT);
	sigaddset(&hold, SIGQUIT);
	sigaddset(&hold, SIGTERM);
	sigprocmask(SIG_BLOCK, &hold, before);
}

void signals_release(const sigset_t *before)
{
	sigprocmask(SIG_SETMASK, before, NULL);
}
