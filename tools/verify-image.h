/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Check all files of an image.
 */
#ifndef OVERLAYBD_VERIFY_IMAGE_H
#define OVERLAYBD_VERIFY_IMAGE_H

#include "tools/verify.h"

/**
 * verify_image_recognised - is a file the configuration of an image?
 * @path: its name
 *
 * Return: true if it is text that begins as an object of JSON, which no blob does.
 */
bool verify_image_recognised(const char *path);

/**
 * verify_image - check all layers of an image, tell the result of each
 * @path: name of its configuration
 * @options: how
 *
 * The configuration is one of the results if it is wrong, or if layers that are
 * all valid make no image. Warns of layers in the wrong order.
 *
 * Return: an exit code, the largest of all.
 */
int verify_image(const char *path, const struct verify_options *options);

#endif
