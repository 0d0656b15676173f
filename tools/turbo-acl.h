/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Access control lists that a tar has as text.
 */
#ifndef OVERLAYBD_TURBO_ACL_H
#define OVERLAYBD_TURBO_ACL_H

#include <archive_entry.h>
#include <ext2fs/ext2fs.h>

#include "dm-overlaybd-compat.h"

/**
 * turbo_acl_perm - find the permissions of an entry
 * @entry: the entry
 * @perm: the permissions
 *
 * libarchive takes those of the group from the access control list; where there
 * is one, file systems have its mask in their place.
 *
 * Return: 0, or an error of libext2fs.
 */
errcode_t turbo_acl_perm(struct archive_entry *entry, mode_t *perm);

/**
 * turbo_acl_add - add the lists of an entry to extended attributes
 * @handle: the attributes
 * @entry: the entry
 * @left_out: whether one cannot be kept: it is of another kind, or incomplete, or
 *	has names without their numbers, which only the image knows
 *
 * Return: 0, or an error of libext2fs.
 */
errcode_t turbo_acl_add(struct ext2_xattr_handle *handle,
			struct archive_entry *entry, bool *left_out);

#endif
