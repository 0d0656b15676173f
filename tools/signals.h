/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What must not be done by halves, when a signal comes that ends the process:
 * SIGKILL, and those that tell of an error of the program, always do.
 */
#ifndef OVERLAYBD_SIGNALS_H
#define OVERLAYBD_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/**
 * signals_catch - have a function called by signals that end a process
 * @handler: the function
 *
 * A signal that is ignored, as by nohup, or caught already, stays so.
 */
void signals_catch(void (*handler)(int sig));

/**
 * signals_hold - let signals that end a process wait
 * @before: for signals_release()
 */
void signals_hold(sigset_t *before);

/**
 * signals_waiting - does one wait that will end the process?
 * @before: what signals_hold() filled in
 *
 * Return: true if signals_release() would not return.
 */
bool signals_waiting(const sigset_t *before);

/**
 * signals_release - let them come
 * @before: what signals_hold() filled in
 */
void signals_release(const sigset_t *before);

#endif
