// SPDX-License-Identifier: GPL-2.0-only
/*
 * Find, make and remove names.
 */
#define _GNU_SOURCE
#include <limits.h>

#include "tools/inode-time.h"
#include "tools/turbo-data.h"
#include "tools/turbo-dir.h"
#include "tools/turbo-tree.h"

/* Deeper than any path leads. */
#define DEPTH_MAX	2048
#define LINKS_MAX	40

/* On the way to a directory, following @links symbolic links so far. */
struct walk {
	ext2_ino_t dir;
	bool create;
	u32 links;
};

/* @target: of PATH_MAX bytes. */
static errcode_t read_link(struct turbo *t, ext2_ino_t ino, char *target)
{
	struct ext2_inode inode;
	unsigned int len = 0;
	ext2_file_t file;
	errcode_t r;

	r = ext2fs_read_inode(t->fs, ino, &inode);
	if (!r && !LINUX_S_ISLNK(inode.i_mode))
		r = EXT2_ET_NO_DIRECTORY;
	if (r)
		return r;
	if (ext2fs_is_fast_symlink(&inode)) {
		len = min_t(u64, EXT2_I_SIZE(&inode), sizeof(inode.i_block));
		memcpy(target, inode.i_block, len);
	} else {
		r = ext2fs_file_open(t->fs, ino, 0, &file);
		if (r)
			return r;
		r = ext2fs_file_read(file, target, PATH_MAX - 1, &len);
		ext2fs_file_close(file);
	}
	target[len] = '\0';
	return r;
}

static errcode_t walk(struct turbo *t, struct walk *w, const char *name);

static errcode_t walk_link(struct turbo *t, struct walk *w, ext2_ino_t ino)
{
	char target[PATH_MAX], *rest = target, *name;
	errcode_t r = ++w->links > LINKS_MAX ? EXT2_ET_SYMLINK_LOOP :
		      read_link(t, ino, target);

	if (!r && *target == '/')
		w->dir = EXT2_ROOT_INO;
	while (!r && (name = strsep(&rest, "/")))
		if (*name && strcmp(name, "."))
			r = walk(t, w, name);
	return r;
}

/*
 * As the kernel does it, but that the root cannot be left. libext2fs would trust
 * the sizes of links, and follow any number of them.
 */
static errcode_t walk(struct turbo *t, struct walk *w, const char *name)
{
	const struct turbo_place place = { w->dir, name };
	ext2_ino_t ino;
	errcode_t r;

	r = turbo_lookup(t, &place, &ino);
	if (!r && !ino)
		r = w->create && strcmp(name, "..") ?
		    turbo_mkdir(t, &place, &ino) : EXT2_ET_FILE_NOT_FOUND;
	if (!r)
		r = ext2fs_check_directory(t->fs, ino);
	if (r == EXT2_ET_NO_DIRECTORY)
		return walk_link(t, w, ino);
	if (!r)
		w->dir = ino;
	return r;
}

errcode_t turbo_parent(struct turbo *t, char *path, bool create,
		       struct turbo_place *place)
{
	struct walk w = { .dir = EXT2_ROOT_INO, .create = create };
	char *slash;
	errcode_t r;

	while ((slash = strchr(path, '/'))) {
		*slash = '\0';
		r = walk(t, &w, path);
		if (r)
			return r;
		path = slash + 1;
	}
	*place = (struct turbo_place) { w.dir, path };
	return 0;
}

static errcode_t find_name(struct turbo *t, const struct turbo_place *place,
			   struct turbo_dir **dir, struct turbo_name **name)
{
	errcode_t r = turbo_dir_open(t, place->dir, dir);

	*name = r ? NULL : turbo_dir_find(*dir, place->name);
	return r;
}

errcode_t turbo_lookup(struct turbo *t, const struct turbo_place *place,
		       ext2_ino_t *ino)
{
	struct turbo_dir *dir;
	struct turbo_name *name;
	errcode_t r = find_name(t, place, &dir, &name);

	*ino = name ? name->ino : 0;
	return r;
}

errcode_t turbo_claim(struct turbo *t, const struct turbo_place *place)
{
	struct turbo_dir *dir;
	struct turbo_name *name;
	errcode_t r = find_name(t, place, &dir, &name);

	if (name)
		name->claimed = true;
	return r;
}

errcode_t turbo_link(struct turbo *t, const struct turbo_place *place,
		     ext2_ino_t ino, int type)
{
	const struct turbo_name name = {
		.name = place->name, .ino = ino, .type = type, .claimed = true
	};
	struct turbo_dir *dir;
	errcode_t r = turbo_dir_open(t, place->dir, &dir);

	return r ? r : turbo_dir_add(dir, &name);
}

/* 1 stands for more links than can be counted. */
static errcode_t limit_links(struct turbo *t, ext2_ino_t dir, u32 before)
{
	struct ext2_inode inode;
	errcode_t r = ext2fs_read_inode(t->fs, dir, &inode);

	if (r || (before > 1 && before < EXT2_LINK_MAX))
		return r;
	inode.i_links_count = 1;
	return ext2fs_write_inode(t->fs, dir, &inode);
}

/* ext2fs_mkdir() stores the low 32 bits of the time only. */
static errcode_t complete_times(struct turbo *t, ext2_ino_t ino)
{
	u32 extra = inode_time_extra(t->fs->now, 0);
	struct ext2_inode_large inode;
	struct ext2_inode *small = (struct ext2_inode *)&inode;
	errcode_t r = ext2fs_read_inode_full(t->fs, ino, small, sizeof(inode));

	if (r)
		return r;
	inode.i_atime_extra = extra;
	inode.i_ctime_extra = extra;
	inode.i_mtime_extra = extra;
	inode.i_crtime_extra = extra;
	return ext2fs_write_inode_full(t->fs, ino, small, sizeof(inode));
}

static errcode_t make_dir(struct turbo *t, const struct turbo_place *place,
			  ext2_ino_t *ino)
{
	errcode_t r = ext2fs_new_inode(t->fs, place->dir, LINUX_S_IFDIR, NULL,
				       ino);

	if (r)
		return r;
	r = ext2fs_mkdir(t->fs, place->dir, *ino, NULL);
	if (!r)
		r = complete_times(t, *ino);
	return r ? r : turbo_link(t, place, *ino, EXT2_FT_DIR);
}

errcode_t turbo_mkdir(struct turbo *t, const struct turbo_place *place,
		      ext2_ino_t *ino)
{
	struct ext2_inode parent;
	errcode_t r = ext2fs_read_inode(t->fs, place->dir, &parent);

	if (!r && parent.i_links_count >= EXT2_LINK_MAX &&
	    !ext2fs_has_feature_dir_nlink(t->fs->super))
		r = EMLINK;
	if (!r)
		r = make_dir(t, place, ino);
	return r ? r : limit_links(t, place->dir, parent.i_links_count);
}

/* Nothing names it any more: its blocks and its number are free. */
static errcode_t free_inode(struct turbo *t, ext2_ino_t ino,
			    struct ext2_inode_large *inode, bool is_dir)
{
	struct ext2_inode *small = (struct ext2_inode *)inode;
	errcode_t r = ext2fs_free_ext_attr(t->fs, ino, inode);

	if (!r && ext2fs_inode_has_valid_blocks2(t->fs, small))
		r = ext2fs_punch(t->fs, ino, small, NULL, 0, ~0ULL);
	if (r)
		return r;
	/* A small time of deletion would mean an orphan to others. */
	memset(inode, 0, sizeof(*inode));
	ext2fs_inode_alloc_stats2(t->fs, ino, -1, is_dir);
	turbo_data_forget(t, ino);
	return ext2fs_write_inode_full(t->fs, ino, small, sizeof(*inode));
}

static errcode_t drop_link(struct turbo *t, ext2_ino_t ino)
{
	struct ext2_inode_large inode;
	struct ext2_inode *small = (struct ext2_inode *)&inode;
	bool is_dir;
	errcode_t r;

	r = ext2fs_read_inode_full(t->fs, ino, small, sizeof(inode));
	if (r)
		return r;
	is_dir = LINUX_S_ISDIR(inode.i_mode);
	if (is_dir)
		turbo_dir_forget(t, ino);
	if (is_dir || inode.i_links_count <= 1)
		return free_inode(t, ino, &inode, is_dir);
	inode.i_links_count--;
	return ext2fs_write_inode_full(t->fs, ino, small, sizeof(inode));
}

/* A directory has a link for each that is in it, unless they are too many. */
static errcode_t drop_subdir(struct turbo *t, ext2_ino_t dir)
{
	struct ext2_inode inode;
	errcode_t r = ext2fs_read_inode(t->fs, dir, &inode);

	if (r || inode.i_links_count <= 2)
		return r;
	inode.i_links_count--;
	return ext2fs_write_inode(t->fs, dir, &inode);
}

static errcode_t remove_name(struct turbo *t, struct turbo_dir *dir,
			     struct turbo_name *name, bool is_dir)
{
	ext2_ino_t ino = name->ino;
	errcode_t r = is_dir ? drop_subdir(t, dir->ino) : 0;

	turbo_dir_delete(dir, name);
	return r ? r : drop_link(t, ino);
}

static errcode_t remove_below(struct turbo *t, ext2_ino_t ino, bool lower,
			      u32 depth, bool *empty);

/* @gone: whether nothing stayed. */
static errcode_t remove_one(struct turbo *t, struct turbo_dir *dir,
			    struct turbo_name *name, bool lower, u32 depth,
			    bool *gone)
{
	errcode_t r = ext2fs_check_directory(t->fs, name->ino);
	bool is_dir = !r;

	*gone = true;
	if (name->ino < EXT2_FIRST_INODE(t->fs->super))
		return EXT2_ET_BAD_INODE_NUM;
	if (r && r != EXT2_ET_NO_DIRECTORY)
		return r;
	/* It had more names than links. */
	if (!ext2fs_test_inode_bitmap2(t->fs->inode_map, name->ino))
		return EXT2_ET_DIR_CORRUPTED;
	r = is_dir ? remove_below(t, name->ino, lower, depth + 1, gone) : 0;
	if (lower && name->claimed)
		*gone = false;
	return r || !*gone ? r : remove_name(t, dir, name, is_dir);
}

bool turbo_is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

static errcode_t remove_below(struct turbo *t, ext2_ino_t ino, bool lower,
			      u32 depth, bool *empty)
{
	struct turbo_name **names;
	struct turbo_dir *dir;
	u64 i, nr;
	errcode_t r;
	bool gone;

	*empty = true;
	if (depth > DEPTH_MAX)
		return EXT2_ET_DIR_CORRUPTED;
	r = turbo_dir_open(t, ino, &dir);
	if (r)
		return r;
	/* The ways through directories with several names would be too many. */
	if (dir->walk == t->walks)
		return EXT2_ET_DIR_CORRUPTED;
	dir->walk = t->walks;
	nr = dir->nr;
	names = turbo_dir_list(dir);
	if (!names)
		return EXT2_ET_NO_MEMORY;
	for (i = 0; !r && i < nr; i++) {
		if (turbo_is_dots(names[i]->name))
			continue;
		r = remove_one(t, dir, names[i], lower, depth, &gone);
		*empty = *empty && gone;
	}
	free(names);
	return r;
}

static errcode_t remove_at(struct turbo *t, const struct turbo_place *place,
			   bool lower)
{
	struct turbo_dir *dir;
	struct turbo_name *name;
	errcode_t r = find_name(t, place, &dir, &name);
	bool gone;

	t->walks++;
	return name ? remove_one(t, dir, name, lower, 0, &gone) : r;
}

errcode_t turbo_remove(struct turbo *t, const struct turbo_place *place)
{
	return remove_at(t, place, false);
}

errcode_t turbo_remove_lower(struct turbo *t, const struct turbo_place *place)
{
	return remove_at(t, place, true);
}

errcode_t turbo_empty_lower(struct turbo *t, ext2_ino_t dir)
{
	bool empty;

	t->walks++;
	return remove_below(t, dir, true, 0, &empty);
}
