/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Arrays that grow.
 */
#ifndef OVERLAYBD_ARRAY_H
#define OVERLAYBD_ARRAY_H

#include "dm-overlaybd-compat.h"

/**
 * array_room - see to it that there is room for one more
 * @array: address of the pointer to the array, which may be NULL
 * @max: how many there is room for
 * @nr: how many there are
 * @size: bytes of one
 *
 * Return: 0, or -ENOMEM; the array stays as it is then.
 */
int array_room(void **array, u64 *max, u64 nr, size_t size);

#endif
