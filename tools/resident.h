/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stay in memory while a device is suspended, which the program, the root file
 * system or swap may lie on.
 */
#ifndef OVERLAYBD_RESIDENT_H
#define OVERLAYBD_RESIDENT_H

/**
 * resident_begin - from now on need no device that may be suspended
 *
 * Code and data are kept in memory, memory is got without I/O, and what is said
 * on standard error waits, as far as the system lets the program do so. Files
 * are for the caller to leave alone.
 */
void resident_begin(void);

/**
 * resident_end - be as others again, and say what waits
 */
void resident_end(void);

#endif
