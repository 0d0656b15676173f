/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the program would have said: complain() in place of its own.
 */
#ifndef TESTS_UNIT_SAID_H
#define TESTS_UNIT_SAID_H

/* The last message. */
extern char said[4096];

#endif
