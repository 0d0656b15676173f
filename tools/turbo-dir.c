// SPDX-License-Identifier: GPL-2.0-only
/*
 * Read directories, and write what has become of them.
 */
#define _GNU_SOURCE
#include <search.h>

#include "tools/turbo-dir.h"

struct loading {
	struct turbo_dir *dir;
	errcode_t error;
};

struct writing {
	ext2_filsys fs;
	const struct turbo_dir *dir;
	struct ext2_dir_entry *last;
	struct turbo_name **names;	/* that the file system does not have */
	u64 nr;
	u64 done;
	errcode_t error;
};

struct writing_all {
	struct turbo *t;
	errcode_t error;
};

static int by_ino(const void *a, const void *b)
{
	const struct turbo_dir *p = a, *q = b;

	return p->ino < q->ino ? -1 : p->ino > q->ino;
}

static int by_name(const void *a, const void *b)
{
	const struct turbo_name *p = a, *q = b;

	return strcmp(p->name, q->name);
}

errcode_t turbo_dir_add(struct turbo_dir *dir, const struct turbo_name *name)
{
	size_t len = strlen(name->name) + 1;
	struct turbo_name *mine = malloc(sizeof(*mine) + len), **found;

	if (!mine)
		return EXT2_ET_NO_MEMORY;
	*mine = *name;
	mine->name = memcpy(mine + 1, name->name, len);
	found = tsearch(mine, &dir->names, by_name);
	if (found && *found == mine) {
		dir->nr++;
		return 0;
	}
	free(mine);
	return found ? EXT2_ET_DIR_CORRUPTED : EXT2_ET_NO_MEMORY;
}

static void name_of(const struct ext2_dir_entry *e, char *name)
{
	u32 len = ext2fs_dirent_name_len(e);

	memcpy(name, e->name, len);
	name[len] = '\0';
}

static int load_name(struct ext2_dir_entry *e, int offset, int block_size,
		     char *buf, void *ctx)
{
	struct loading *l = ctx;
	char name[EXT2_NAME_LEN + 1];
	struct turbo_name loaded = {
		.name = name, .ino = e->inode, .stored = true,
		.type = ext2fs_dirent_file_type(e),
	};

	name_of(e, name);
	l->error = turbo_dir_add(l->dir, &loaded);
	return l->error ? DIRENT_ABORT : 0;
}

static void free_dir(void *ptr)
{
	struct turbo_dir *dir = ptr;

	tdestroy(dir->names, free);
	free(dir);
}

static errcode_t load(struct turbo *t, ext2_ino_t ino, struct turbo_dir **dir)
{
	struct loading l = { .dir = calloc(1, sizeof(*l.dir)) };
	errcode_t r;

	if (!l.dir)
		return EXT2_ET_NO_MEMORY;
	l.dir->ino = ino;
	r = ext2fs_dir_iterate(t->fs, ino, 0, NULL, load_name, &l);
	if (!r)
		r = l.error;
	if (!r && !tsearch(l.dir, &t->dirs, by_ino))
		r = EXT2_ET_NO_MEMORY;
	if (r)
		free_dir(l.dir);
	else
		*dir = l.dir;
	return r;
}

errcode_t turbo_dir_open(struct turbo *t, ext2_ino_t ino,
			 struct turbo_dir **dir)
{
	const struct turbo_dir key = { .ino = ino };
	struct turbo_dir **found = tfind(&key, &t->dirs, by_ino);

	if (!found)
		return load(t, ino, dir);
	*dir = *found;
	return 0;
}

struct turbo_name *turbo_dir_find(const struct turbo_dir *dir,
				  const char *name)
{
	const struct turbo_name key = { .name = name };
	struct turbo_name **found = tfind(&key, &dir->names, by_name);

	return found ? *found : NULL;
}

void turbo_dir_delete(struct turbo_dir *dir, struct turbo_name *name)
{
	tdelete(name, &dir->names, by_name);
	dir->nr--;
	dir->stale |= name->stored;
	free(name);
}

static void list_name(const void *node, VISIT visit, void *ctx)
{
	struct turbo_name ***next = ctx;

	if (visit == postorder || visit == leaf)
		*(*next)++ = *(struct turbo_name *const *)node;
}

struct turbo_name **turbo_dir_list(const struct turbo_dir *dir)
{
	struct turbo_name **names = calloc(dir->nr + 1, sizeof(*names));
	struct turbo_name **next = names;

	if (names)
		twalk_r(dir->names, list_name, &next);
	return names;
}

void turbo_dir_forget(struct turbo *t, ext2_ino_t ino)
{
	const struct turbo_dir key = { .ino = ino };
	struct turbo_dir **found = tfind(&key, &t->dirs, by_ino);
	struct turbo_dir *dir;

	if (!found)
		return;
	dir = *found;
	tdelete(dir, &t->dirs, by_ino);
	free_dir(dir);
}

void turbo_dirs_release(struct turbo *t)
{
	tdestroy(t->dirs, free_dir);
	t->dirs = NULL;
}

static void set_type(ext2_filsys fs, struct ext2_dir_entry *e, int type)
{
	if (ext2fs_has_feature_filetype(fs->super))
		ext2fs_dirent_set_file_type(e, type);
}

/* A name that is another file's by now stays where it is. */
static bool renew(const struct writing *w, struct ext2_dir_entry *e)
{
	char text[EXT2_NAME_LEN + 1];
	struct turbo_name *name;

	name_of(e, text);
	name = turbo_dir_find(w->dir, text);
	if (name && name->stored)
		return false;
	e->inode = name ? name->ino : 0;
	if (name) {
		set_type(w->fs, e, name->type);
		name->stored = true;
	}
	return true;
}

static int renew_entry(struct ext2_dir_entry *e, int offset, int block_size,
		       char *buf, void *ctx)
{
	struct writing *w = ctx;
	bool changed = e->inode && renew(w, e);
	unsigned int space;

	if (e->inode || !offset) {
		w->last = e;
		return changed ? DIRENT_CHANGED : 0;
	}
	/* So that free space is in one piece. */
	w->error = ext2fs_get_rec_len(w->fs, e, &space);
	if (!w->error)
		w->error = ext2fs_set_rec_len(w->fs, (char *)e + space -
					      (char *)w->last, w->last);
	return w->error ? DIRENT_ABORT : DIRENT_CHANGED;
}

/* What was removed goes, and what was replaced is replaced. */
static errcode_t renew_dir(struct writing *w)
{
	errcode_t r = ext2fs_dir_iterate(w->fs, w->dir->ino,
					 DIRENT_FLAG_INCLUDE_EMPTY, NULL,
					 renew_entry, w);

	return r ? r : w->error;
}

static u32 space_for(const struct turbo_name *name)
{
	return EXT2_DIR_REC_LEN(strlen(name->name));
}

static errcode_t write_entry(ext2_filsys fs, struct ext2_dir_entry *e,
			     const struct turbo_name *name, u32 space)
{
	u32 len = strlen(name->name);

	e->inode = name->ino;
	ext2fs_dirent_set_name_len(e, len);
	set_type(fs, e, name->type);
	memcpy(e->name, name->name, len);
	return ext2fs_set_rec_len(fs, space, e);
}

/* Fill what an entry leaves of its space. */
static int fill_entry(struct ext2_dir_entry *e, int offset, int block_size,
		      char *buf, void *ctx)
{
	struct writing *w = ctx;
	u32 used = e->inode ? EXT2_DIR_REC_LEN(ext2fs_dirent_name_len(e)) : 0;
	unsigned int space;
	int ret = 0;

	w->error = ext2fs_get_rec_len(w->fs, e, &space);
	while (!w->error && w->done < w->nr &&
	       space - used >= space_for(w->names[w->done])) {
		if (used)
			w->error = ext2fs_set_rec_len(w->fs, used, e);
		if (w->error)
			break;
		e = (void *)e + used;
		space -= used;
		used = space_for(w->names[w->done]);
		w->error = write_entry(w->fs, e, w->names[w->done++], space);
		ret = DIRENT_CHANGED;
	}
	return w->error || w->done == w->nr ? ret | DIRENT_ABORT : ret;
}

/* As many blocks as fill_entry() needs for the names that are left. */
static errcode_t expand(const struct writing *w)
{
	u32 size = w->fs->blocksize, room = 0;
	errcode_t r = 0;
	u64 i;

	if (ext2fs_has_feature_metadata_csum(w->fs->super))
		size -= sizeof(struct ext2_dir_entry_tail);
	for (i = w->done; !r && i < w->nr; i++) {
		if (space_for(w->names[i]) > room) {
			r = ext2fs_expand_dir(w->fs, w->dir->ino);
			room = size;
		}
		room -= space_for(w->names[i]);
	}
	return r;
}

static errcode_t fill(struct writing *w)
{
	errcode_t r = 0;

	while (!r && w->done < w->nr) {
		r = ext2fs_dir_iterate(w->fs, w->dir->ino,
				       DIRENT_FLAG_INCLUDE_EMPTY, NULL,
				       fill_entry, w);
		if (!r)
			r = w->error;
		if (!r)
			r = expand(w);
	}
	return r;
}

/* libext2fs keeps the index of a directory that has one. */
static errcode_t add_names(struct writing *w)
{
	struct ext2_inode inode;
	errcode_t r = ext2fs_read_inode(w->fs, w->dir->ino, &inode);

	if (r || !(inode.i_flags & EXT2_INDEX_FL))
		return r ? r : fill(w);
	for (; !r && w->done < w->nr; w->done++)
		r = ext2fs_link(w->fs, w->dir->ino, w->names[w->done]->name,
				w->names[w->done]->ino,
				w->names[w->done]->type);
	return r;
}

static errcode_t write_dir(struct turbo *t, const struct turbo_dir *dir)
{
	struct writing w = { .fs = t->fs, .dir = dir };
	errcode_t r = 0;
	u64 i;

	if (dir->stale)
		r = renew_dir(&w);
	if (r)
		return r;
	w.names = turbo_dir_list(dir);
	if (!w.names)
		return EXT2_ET_NO_MEMORY;
	for (i = 0; i < dir->nr; i++)
		if (!w.names[i]->stored)
			w.names[w.nr++] = w.names[i];
	if (w.nr)
		r = add_names(&w);
	free(w.names);
	return r;
}

static void write_one(const void *node, VISIT visit, void *ctx)
{
	struct writing_all *all = ctx;

	if (!all->error && (visit == postorder || visit == leaf))
		all->error = write_dir(all->t,
				       *(struct turbo_dir *const *)node);
}

errcode_t turbo_dirs_write(struct turbo *t)
{
	struct writing_all all = { .t = t };

	twalk_r(t->dirs, write_one, &all);
	return all.error;
}
