/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Signals wait until what must not be done by halves is done.
 */
#ifndef OVERLAYBD_SIGNALS_H
#define OVERLAYBD_SIGNALS_H

#include <signal.h>

/**
 * signals_hold - let signals that end a process wait
 * @before: for signals_release()
 */
void signals_hold(sigset_t *before);

/**
 * signals_release - let them come
 * @before: what signals_hold() filled in
 */
void signals_release(const sigset_t *before);

#endif
