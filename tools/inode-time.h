/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Times in inodes of ext4, whose 32 bits end in 2038.
 */
#ifndef OVERLAYBD_INODE_TIME_H
#define OVERLAYBD_INODE_TIME_H

#include "dm-overlaybd-compat.h"

/**
 * inode_time_extra - what belongs beside the low 32 bits of a time
 * @seconds: the time
 * @nanoseconds: the rest of it
 *
 * Return: nanoseconds, and two more bits of the seconds.
 */
static inline u32 inode_time_extra(s64 seconds, u32 nanoseconds)
{
	return ((seconds - (int32_t)seconds) >> 32 & 3) | nanoseconds << 2;
}

#endif
