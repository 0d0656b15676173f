// SPDX-License-Identifier: GPL-2.0-only
/*
 * The signals by which users and the system end a process.
 */
#include "dm-overlaybd-compat.h"
#include "tools/signals.h"

/* SIGXFSZ is ignored: writing fails then. */
static const int ending[] = {
	SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGALRM, SIGXCPU, SIGUSR1,
	SIGUSR2, SIGVTALRM, SIGPROF, SIGIO,
};

void signals_catch(void (*handler)(int sig))
{
	struct sigaction act = { .sa_handler = handler }, old;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ending); i++)
		if (!sigaction(ending[i], NULL, &old) &&
		    old.sa_handler == SIG_DFL)
			sigaction(ending[i], &act, NULL);
}

void signals_hold(sigset_t *before)
{
	sigset_t hold;
	size_t i;

	sigemptyset(&hold);
	for (i = 0; i < ARRAY_SIZE(ending); i++)
		sigaddset(&hold, ending[i]);
	sigprocmask(SIG_BLOCK, &hold, before);
}

/* One that is ignored waits all the same, and is forgotten then. */
static bool is_ignored(int sig)
{
	struct sigaction act;

	return !sigaction(sig, NULL, &act) && act.sa_handler == SIG_IGN;
}

bool signals_waiting(const sigset_t *before)
{
	sigset_t waiting;
	size_t i;

	sigpending(&waiting);
	for (i = 0; i < ARRAY_SIZE(ending); i++)
		if (sigismember(&waiting, ending[i]) &&
		    !sigismember(before, ending[i]) && !is_ignored(ending[i]))
			return true;
	return false;
}

void signals_release(const sigset_t *before)
{
	sigprocmask(SIG_SETMASK, before, NULL);
}
