// SPDX-License-Identifier: GPL-2.0-only
/*
 * Make inodes, with all that a tar tells of them.
 */
#include <sys/stat.h>

#include "tools/inode-time.h"
#include "tools/turbo-acl.h"
#include "tools/turbo-data.h"
#include "tools/turbo-node.h"

/* What two more bits than 32 can tell of. */
static s64 limit_time(s64 seconds)
{
	return min_t(s64, max_t(s64, seconds, INT32_MIN),
		     INT32_MAX + 3 * (1LL << 32));
}

static void set_times(struct ext2_inode_large *inode,
		      struct archive_entry *entry)
{
	s64 mtime = limit_time(archive_entry_mtime(entry)), atime = mtime;
	u32 mtime_ns = archive_entry_mtime_nsec(entry), atime_ns = mtime_ns;

	if (archive_entry_atime_is_set(entry)) {
		atime = limit_time(archive_entry_atime(entry));
		atime_ns = archive_entry_atime_nsec(entry);
	}
	inode->i_mtime = mtime;
	inode->i_ctime = mtime;
	inode->i_crtime = mtime;
	inode->i_atime = atime;
	inode->i_mtime_extra = inode_time_extra(mtime, mtime_ns);
	inode->i_ctime_extra = inode->i_mtime_extra;
	inode->i_crtime_extra = inode->i_mtime_extra;
	inode->i_atime_extra = inode_time_extra(atime, atime_ns);
}

static errcode_t set_attributes(struct turbo *t, ext2_ino_t ino,
				struct archive_entry *entry)
{
	struct ext2_inode_large inode;
	struct ext2_inode *small = (struct ext2_inode *)&inode;
	u64 uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);
	errcode_t r = uid > UINT32_MAX || gid > UINT32_MAX ? EINVAL : 0;
	mode_t perm;

	if (!r)
		r = turbo_acl_perm(entry, &perm);
	if (!r)
		r = ext2fs_read_inode_full(t->fs, ino, small, sizeof(inode));
	if (r)
		return r;
	/* Those of a symbolic link mean nothing, and are always all there. */
	if (!LINUX_S_ISLNK(inode.i_mode))
		inode.i_mode = (inode.i_mode & LINUX_S_IFMT) | perm;
	inode.i_uid = uid;
	inode.i_gid = gid;
	inode.osd2.linux2.l_i_uid_high = uid >> 16;
	inode.osd2.linux2.l_i_gid_high = gid >> 16;
	set_times(&inode, entry);
	return ext2fs_write_inode_full(t->fs, ino, small, sizeof(inode));
}

static errcode_t add_xattrs(struct turbo *t, struct ext2_xattr_handle *handle,
			    struct archive_entry *entry)
{
	const char *name;
	const void *value;
	errcode_t r = 0;
	bool left_out;
	size_t len;

	archive_entry_xattr_reset(entry);
	while (!r && archive_entry_xattr_next(entry, &name, &value, &len) ==
	       ARCHIVE_OK)
		r = ext2fs_xattr_set(handle, name, value, len);
	if (r)
		return r;
	r = turbo_acl_add(handle, entry, &left_out);
	t->no_acls += left_out;
	return r;
}

/* Those that a directory had below go: the entry tells all. */
static errcode_t set_xattrs(struct turbo *t, ext2_ino_t ino,
			    struct archive_entry *entry, bool is_new)
{
	struct ext2_xattr_handle *handle;
	errcode_t r, closed;

	if (is_new && !archive_entry_xattr_count(entry) &&
	    !archive_entry_acl_types(entry))
		return 0;
	r = ext2fs_xattrs_open(t->fs, ino, &handle);
	if (r)
		return r;
	r = add_xattrs(t, handle, entry);
	if (!r)
		r = ext2fs_xattrs_write(handle);
	closed = ext2fs_xattrs_close(&handle);
	return r ? r : closed;
}

static u32 type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return EXT2_FT_REG_FILE;
	case S_IFCHR:
		return EXT2_FT_CHRDEV;
	case S_IFBLK:
		return EXT2_FT_BLKDEV;
	case S_IFIFO:
		return EXT2_FT_FIFO;
	case S_IFSOCK:
		return EXT2_FT_SOCK;
	default:
		return EXT2_FT_UNKNOWN;
	}
}

/* Small numbers are kept as they always were. */
static errcode_t set_device(struct ext2_inode *inode,
			    struct archive_entry *entry)
{
	u64 major = archive_entry_rdevmajor(entry);
	u64 minor = archive_entry_rdevminor(entry);

	if (major < 256 && minor < 256)
		inode->i_block[0] = major << 8 | minor;
	else
		inode->i_block[1] = (minor & 0xff) | major << 8 |
				    (minor & ~0xffU) << 12;
	return major < 1U << 12 && minor < 1U << 20 ? 0 : EINVAL;
}

static errcode_t init_extents(struct turbo *t, ext2_ino_t ino,
			      struct ext2_inode *inode)
{
	ext2_extent_handle_t handle;
	errcode_t r;

	if (!ext2fs_has_feature_extents(t->fs->super))
		return 0;
	r = ext2fs_extent_open2(t->fs, ino, inode, &handle);
	if (!r)
		ext2fs_extent_free(handle);
	return r;
}

/* A file without a name yet. */
static errcode_t make_inode(struct turbo *t, ext2_ino_t dir,
			    struct archive_entry *entry, ext2_ino_t *ino)
{
	struct ext2_inode inode = { .i_links_count = 1 };
	mode_t mode = archive_entry_filetype(entry);
	errcode_t r;

	r = ext2fs_new_inode(t->fs, dir, mode, NULL, ino);
	if (r)
		return r;
	inode.i_mode = mode;
	if (S_ISREG(mode))
		r = init_extents(t, *ino, &inode);
	else if (S_ISCHR(mode) || S_ISBLK(mode))
		r = set_device(&inode, entry);
	if (!r)
		r = ext2fs_write_new_inode(t->fs, *ino, &inode);
	if (!r)
		ext2fs_inode_alloc_stats2(t->fs, *ino, 1, 0);
	return r;
}

static errcode_t make_symlink(struct turbo *t, const struct turbo_place *place,
			      const char *target, ext2_ino_t *ino)
{
	errcode_t r = ext2fs_new_inode(t->fs, place->dir, LINUX_S_IFLNK, NULL,
				       ino);

	if (r)
		return r;
	r = ext2fs_symlink(t->fs, place->dir, *ino, NULL, target);
	return r ? r : turbo_link(t, place, *ino, EXT2_FT_SYMLINK);
}

static errcode_t make_other(struct turbo *t, const struct turbo_place *place,
			    struct archive_entry *entry, ext2_ino_t *ino)
{
	errcode_t r = make_inode(t, place->dir, entry, ino);

	return r ? r : turbo_link(t, place, *ino,
				  type_of(archive_entry_filetype(entry)));
}

static errcode_t make_node(struct turbo *t, const struct turbo_place *place,
			   struct archive_entry *entry, ext2_ino_t *ino)
{
	const char *target = archive_entry_symlink(entry);
	errcode_t r = EINVAL;

	switch (archive_entry_filetype(entry)) {
	case AE_IFDIR:
		r = *ino ? 0 : turbo_mkdir(t, place, ino);
		break;
	case AE_IFLNK:
		if (target)
			r = make_symlink(t, place, target, ino);
		break;
	case AE_IFREG:
	case AE_IFCHR:
	case AE_IFBLK:
	case AE_IFIFO:
	case AE_IFSOCK:
		r = make_other(t, place, entry, ino);
	}
	return r;
}

static errcode_t set_data(struct turbo *t, ext2_ino_t ino,
			  struct turbo_tar *tar, struct archive_entry *entry,
			  u64 pos)
{
	s64 size = archive_entry_size(entry);
	errcode_t r = EINVAL;

	if (archive_entry_filetype(entry) != AE_IFREG)
		return 0;
	if (archive_entry_sparse_count(entry) && size >= 0) {
		r = turbo_data_copy(t, ino, tar->archive, size);
	} else if (size >= 0 && !(pos % OBD_SECTOR_SIZE)) {
		turbo_tar_expect_end(tar, pos + size);
		r = turbo_data_map(t, ino, pos, size);
	}
	return r;
}

int turbo_make(struct turbo *t, const struct turbo_place *place,
	       ext2_ino_t there, struct turbo_tar *tar,
	       struct archive_entry *entry, u64 pos, struct obd_error *err)
{
	const char *path = archive_entry_pathname(entry);
	ext2_ino_t ino = there;
	errcode_t r;

	r = make_node(t, place, entry, &ino);
	if (r)
		return turbo_fail(t, path, "make it", r, err);
	r = there ? turbo_claim(t, place) : 0;
	if (!r)
		r = set_attributes(t, ino, entry);
	if (r)
		return turbo_fail(t, path, "set its attributes", r, err);
	r = set_xattrs(t, ino, entry, !there);
	if (r)
		return turbo_fail(t, path, "set its extended attributes", r,
				  err);
	r = set_data(t, ino, tar, entry, pos);
	return r ? turbo_fail(t, path, "place its content", r, err) : 0;
}

errcode_t turbo_make_link(struct turbo *t, const struct turbo_place *place,
			  ext2_ino_t ino)
{
	struct ext2_inode inode;
	errcode_t r = ext2fs_read_inode(t->fs, ino, &inode);

	if (!r && LINUX_S_ISDIR(inode.i_mode))
		r = EISDIR;
	if (!r && inode.i_links_count >= EXT2_LINK_MAX)
		r = EMLINK;
	if (r)
		return r;
	r = turbo_link(t, place, ino, LINUX_S_ISLNK(inode.i_mode) ?
		       EXT2_FT_SYMLINK : type_of(inode.i_mode));
	if (r)
		return r;
	inode.i_links_count++;
	return ext2fs_write_inode(t->fs, ino, &inode);
}
