/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of files, for people.
 */
#ifndef OVERLAYBD_NAMES_H
#define OVERLAYBD_NAMES_H

#include <stdio.h>

/**
 * print_name - print a name that others may have chosen
 * @to: where people read it
 * @name: the name; control characters become '?', as they do in messages
 */
void print_name(FILE *to, const char *name);

#endif
