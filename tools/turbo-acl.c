// SPDX-License-Identifier: GPL-2.0-only
/*
 * Make the extended attributes that are POSIX access control lists to a kernel.
 */
#include <archive.h>
#include <limits.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>

#include "tools/turbo-acl.h"

#define NEEDED	(ACL_USER_OBJ | ACL_GROUP_OBJ | ACL_OTHER)
#define NAMED	(ACL_USER | ACL_GROUP)
#define NOBODY	((u32)ACL_UNDEFINED_ID)

struct acl {
	struct acl_entry {
		u16 tag;
		u16 perm;
		u32 id;
	} *entries;
	u32 nr;
};

static u16 tag_of(int tag)
{
	switch (tag) {
	case ARCHIVE_ENTRY_ACL_USER:
		return ACL_USER;
	case ARCHIVE_ENTRY_ACL_USER_OBJ:
		return ACL_USER_OBJ;
	case ARCHIVE_ENTRY_ACL_GROUP:
		return ACL_GROUP;
	case ARCHIVE_ENTRY_ACL_GROUP_OBJ:
		return ACL_GROUP_OBJ;
	case ARCHIVE_ENTRY_ACL_MASK:
		return ACL_MASK;
	default:
		return ACL_OTHER;
	}
}

/* libarchive makes all numbers that are too large for it the same. */
static u32 id_of(int tag, int id)
{
	return tag_of(tag) & NAMED && id != INT_MAX ? id : NOBODY;
}

/* The order that kernels ask for. */
static int by_tag(const void *a, const void *b)
{
	const struct acl_entry *p = a, *q = b;

	if (p->tag != q->tag)
		return p->tag < q->tag ? -1 : 1;
	return p->id < q->id ? -1 : p->id > q->id;
}

static errcode_t read_acl(struct archive_entry *entry, int type,
			  struct acl *acl)
{
	int nr = archive_entry_acl_reset(entry, type), ignored, perm, tag, id;
	const char *name;

	*acl = (struct acl) {};
	if (!nr)
		return 0;
	acl->entries = calloc(nr, sizeof(*acl->entries));
	if (!acl->entries)
		return EXT2_ET_NO_MEMORY;
	while (acl->nr < nr &&
	       archive_entry_acl_next(entry, type, &ignored, &perm, &tag, &id,
				      &name) == ARCHIVE_OK)
		acl->entries[acl->nr++] = (struct acl_entry) {
			tag_of(tag), perm, id_of(tag, id)
		};
	qsort(acl->entries, acl->nr, sizeof(*acl->entries), by_tag);
	return 0;
}

static bool is_valid(const struct acl *acl)
{
	const struct acl_entry *e;
	u32 tags = 0;

	for (e = acl->entries; e < acl->entries + acl->nr; e++) {
		if (e->tag & NAMED && e->id == NOBODY)
			return false;
		tags |= e->tag;
	}
	return (tags & NEEDED) == NEEDED &&
	       (!(tags & NAMED) || tags & ACL_MASK);
}

errcode_t turbo_acl_perm(struct archive_entry *entry, mode_t *perm)
{
	struct acl acl;
	errcode_t r = read_acl(entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, &acl);
	u32 i;

	*perm = archive_entry_perm(entry) & 07777;
	for (i = 0; i < acl.nr && is_valid(&acl); i++)
		if (acl.entries[i].tag == ACL_MASK)
			*perm = (*perm & ~0070) | acl.entries[i].perm << 3;
	free(acl.entries);
	return r;
}

static errcode_t write_acl(struct ext2_xattr_handle *handle, const char *name,
			   const struct acl *acl)
{
	struct posix_acl_xattr_header *header;
	struct posix_acl_xattr_entry *to;
	size_t size = sizeof(*header) + acl->nr * sizeof(*to);
	errcode_t r;
	u32 i;

	header = malloc(size);
	if (!header)
		return EXT2_ET_NO_MEMORY;
	header->a_version = cpu_to_le32(POSIX_ACL_XATTR_VERSION);
	to = (struct posix_acl_xattr_entry *)(header + 1);
	for (i = 0; i < acl->nr; i++)
		to[i] = (struct posix_acl_xattr_entry) {
			.e_tag = cpu_to_le16(acl->entries[i].tag),
			.e_perm = cpu_to_le16(acl->entries[i].perm),
			.e_id = cpu_to_le32(acl->entries[i].id),
		};
	r = ext2fs_xattr_set(handle, name, header, size);
	free(header);
	return r;
}

static errcode_t add(struct ext2_xattr_handle *handle,
		     struct archive_entry *entry, int type, const char *name,
		     bool *left_out)
{
	struct acl acl;
	errcode_t r = read_acl(entry, type, &acl);

	if (!r && !is_valid(&acl))
		*left_out = true;
	else if (!r)
		r = write_acl(handle, name, &acl);
	free(acl.entries);
	return r;
}

static int types_for(mode_t type)
{
	if (type == AE_IFLNK)
		return 0;
	return type == AE_IFDIR ? ARCHIVE_ENTRY_ACL_TYPE_POSIX1E :
				  ARCHIVE_ENTRY_ACL_TYPE_ACCESS;
}

errcode_t turbo_acl_add(struct ext2_xattr_handle *handle,
			struct archive_entry *entry, bool *left_out)
{
	int types = archive_entry_acl_types(entry);
	int kept = types & types_for(archive_entry_filetype(entry));
	errcode_t r = 0;

	*left_out = types != kept;
	if (kept & ARCHIVE_ENTRY_ACL_TYPE_ACCESS)
		r = add(handle, entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS,
			"system.posix_acl_access", left_out);
	if (!r && kept & ARCHIVE_ENTRY_ACL_TYPE_DEFAULT)
		r = add(handle, entry, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT,
			"system.posix_acl_default", left_out);
	return r;
}
