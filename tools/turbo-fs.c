// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open and finish the file system that a layer is applied to.
 */
#include "tools/turbo-fs.h"
#include "tools/turbo-data.h"
#include "tools/turbo-dir.h"

int turbo_fail(const struct turbo *t, const char *path, const char *what,
	       errcode_t r, struct obd_error *err)
{
	const char *why = error_message(r);
	int code = -EINVAL;

	if (r == EXT2_ET_NO_MEMORY)
		code = -ENOMEM;
	else if (r == ENOSPC || r == EFBIG || r == EDQUOT || r == EIO)
		code = -r;
	else if (r == EXT2_ET_BLOCK_ALLOC_FAIL ||
		 r == EXT2_ET_INODE_ALLOC_FAIL || r == EXT2_ET_EA_NO_SPACE)
		code = -ENOSPC;
	else if (t->disk.failed)
		code = -EIO;
	if (t->disk.failed)
		why = t->disk.err.text;
	if (!path)
		return obd_fail(err, code, "cannot %s: %.150s", what, why);
	return obd_fail(err, code, "'%.80s': cannot %s: %.60s", path, what,
			why);
}

/* With these, what is changed here is changed as a whole. */
#define INCOMPAT	(EXT2_FEATURE_INCOMPAT_FILETYPE |	\
			 EXT2_FEATURE_INCOMPAT_META_BG |	\
			 EXT3_FEATURE_INCOMPAT_EXTENTS |	\
			 EXT4_FEATURE_INCOMPAT_64BIT |		\
			 EXT4_FEATURE_INCOMPAT_FLEX_BG |	\
			 EXT4_FEATURE_INCOMPAT_CSUM_SEED)
#define RO_COMPAT	(EXT2_FEATURE_RO_COMPAT_SPARSE_SUPER |	\
			 EXT2_FEATURE_RO_COMPAT_LARGE_FILE |	\
			 EXT4_FEATURE_RO_COMPAT_HUGE_FILE |	\
			 EXT4_FEATURE_RO_COMPAT_GDT_CSUM |	\
			 EXT4_FEATURE_RO_COMPAT_DIR_NLINK |	\
			 EXT4_FEATURE_RO_COMPAT_EXTRA_ISIZE |	\
			 EXT4_FEATURE_RO_COMPAT_METADATA_CSUM)

static int check_features(const struct turbo *t, struct obd_error *err)
{
	struct ext2_super_block *super = t->fs->super;
	u32 incompat = super->s_feature_incompat & ~INCOMPAT;
	u32 ro_compat = super->s_feature_ro_compat & ~RO_COMPAT;

	if (ext2fs_has_feature_journal_needs_recovery(super) ||
	    super->s_last_orphan)
		return obd_fail(err, -EINVAL,
				"the file system below was not unmounted: mount it once, and commit that");
	if (incompat || ro_compat)
		return obd_fail(err, -EOPNOTSUPP,
				"the file system below has features (incompat %#x, ro_compat %#x) that are not supported, as are inline_data, ea_inode, quota, bigalloc and mmp",
				incompat, ro_compat);
	if (!(super->s_state & EXT2_VALID_FS) || super->s_state & EXT2_ERROR_FS)
		return obd_fail(err, -EINVAL,
				"the file system below has errors, or was not unmounted: expected a clean one");
	return 0;
}

int turbo_init(struct turbo *t, u64 seconds, struct obd_error *err)
{
	errcode_t r;
	int failed;

	initialize_ext2_error_table();
	failed = turbo_disk_init(&t->disk, err);
	if (failed)
		return failed;
	r = turbo_disk_open_fs(&t->disk, &t->fs);
	if (r) {
		t->fs = NULL;
		return turbo_fail(t, NULL, t->disk.base ?
				  "open an ext4 file system in the image of --base" :
				  "open the new file system", r, err);
	}
	t->fs->now = seconds;
	return check_features(t, err);
}

int turbo_finish(struct turbo *t, struct changes *changes,
		 struct obd_error *err)
{
	errcode_t r = turbo_dirs_write(t);

	if (r)
		return turbo_fail(t, NULL, "write the directories", r, err);
	r = turbo_data_targets(t, changes);
	if (r)
		return turbo_fail(t, NULL, "find the blocks of files", r, err);
	r = ext2fs_flush(t->fs);
	if (r)
		return turbo_fail(t, NULL, "write the file system", r, err);
	return turbo_disk_changes(&t->disk, changes, err);
}

void turbo_release(struct turbo *t)
{
	turbo_data_release(t);
	turbo_dirs_release(t);
	if (t->fs)
		ext2fs_free(t->fs);
	turbo_disk_release(&t->disk);
}
