/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why did the kernel refuse a table? It only says so in its log.
 */
#ifndef OVERLAYBD_KERNEL_LOG_H
#define OVERLAYBD_KERNEL_LOG_H

#include <stddef.h>
#include <sys/types.h>

/**
 * kernel_log_open - begin to listen
 *
 * Return: a descriptor that reads what is logged from now on, or -1.
 */
int kernel_log_open(void);

/**
 * kernel_log_reason - find what device-mapper logged about a device's table
 * @fd: what kernel_log_open() returned
 * @dev: number of the device
 * @reason: the reason, empty if none was found
 * @size: room for it
 */
void kernel_log_reason(int fd, dev_t dev, char *reason, size_t size);

#endif
