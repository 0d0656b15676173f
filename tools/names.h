/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of files, for people.
 */
#ifndef OVERLAYBD_NAMES_H
#define OVERLAYBD_NAMES_H

#include <ctype.h>
#include <stdio.h>

/**
 * name_char - what is shown of a character that others may have chosen
 * @c: the character
 *
 * Control characters could have a terminal show anything, and a name look like
 * a verdict.
 *
 * Return: the character, or '?'.
 */
static inline char name_char(char c)
{
	return iscntrl((unsigned char)c) ? '?' : c;
}

/**
 * print_name - print a name that others may have chosen
 * @to: where people read it
 * @name: the name; see name_char()
 */
void print_name(FILE *to, const char *name);

#endif
