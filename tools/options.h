/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Values of command line options.
 */
#ifndef OVERLAYBD_OPTIONS_H
#define OVERLAYBD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/**
 * parse_u64 - a decimal number within bounds
 * @text: as typed
 * @least: smallest that is allowed
 * @most: largest that is allowed
 * @value: the number
 *
 * Return: false if it is not one.
 */
bool parse_u64(const char *text, uint64_t least, uint64_t most,
	       uint64_t *value);

/**
 * parse_size - a number of bytes, perhaps with a suffix K, M, G or T
 * @text: as typed
 * @bytes: the number
 *
 * The suffixes are powers of 1024.
 *
 * Return: false if it is not one.
 */
bool parse_size(const char *text, uint64_t *bytes);

/* The most that --threads may ask for. */
#define THREADS_MAX	1024

#endif
