// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the entries of a layer mean: see "Representing Changes" in the image
 * layer specification of the Open Container Initiative.
 */
#include "tools/turbo-apply.h"
#include "tools/turbo-data.h"
#include "tools/turbo-node.h"

#define WHITEOUT	".wh."
#define WHITEOUT_META	WHITEOUT WHITEOUT	/* no name is meant */
#define OPAQUE		WHITEOUT_META ".opq"

/* One entry. */
struct entry {
	struct archive_entry *archive;
	const char *path;
	u64 pos;
};

static bool starts_with(const char *name, const char *prefix)
{
	return !strncmp(name, prefix, strlen(prefix));
}

static int refuse(const char *path, const char *why, struct obd_error *err)
{
	return obd_fail(err, -EINVAL, "'%.80s': %s", path ?: "", why);
}

/*
 * Without "." and slashes that mean nothing, so empty for the root.
 * Return: NULL if no file can have it inside the root, or there is no memory.
 */
static char *clean_path(const char *path)
{
	char *clean = malloc(strlen(path) + 1), *to = clean;
	size_t len;

	for (; clean && *path; path += len + !!path[len]) {
		len = strcspn(path, "/");
		if (!len || (len == 1 && *path == '.'))
			continue;
		if (len > EXT2_NAME_LEN ||
		    (len == 2 && !memcmp(path, "..", 2))) {
			free(clean);
			return NULL;
		}
		if (to != clean)
			*to++ = '/';
		memcpy(to, path, len);
		to += len;
	}
	if (clean)
		*to = '\0';
	return clean;
}

/* What the layer has made itself stays. */
static errcode_t apply_whiteout(struct turbo *t, struct turbo_place *place)
{
	if (!strcmp(place->name, OPAQUE))
		return turbo_empty_lower(t, place->dir);
	if (starts_with(place->name, WHITEOUT_META))
		return 0;
	place->name += strlen(WHITEOUT);
	return turbo_is_dots(place->name) ? EINVAL :
	       turbo_remove_lower(t, place);
}

static errcode_t find_linked(struct turbo *t, const char *target,
			     ext2_ino_t *ino)
{
	char *path = clean_path(target);
	struct turbo_place place;
	errcode_t r = path && *path ? 0 : EXT2_ET_FILE_NOT_FOUND;

	*ino = 0;
	if (!r)
		r = turbo_parent(t, path, false, &place);
	if (!r)
		r = turbo_lookup(t, &place, ino);
	free(path);
	return r ? r : *ino ? 0 : EXT2_ET_FILE_NOT_FOUND;
}

/* What has the name goes, unless both are directories, or it is the same. */
static errcode_t make_room(struct turbo *t, const struct turbo_place *place,
			   struct archive_entry *entry, ext2_ino_t linked,
			   ext2_ino_t *there)
{
	errcode_t r = turbo_lookup(t, place, there);
	bool is_dir;

	if (r || !*there || *there == linked)
		return r;
	is_dir = !ext2fs_check_directory(t->fs, *there);
	if (is_dir && !archive_entry_hardlink(entry) &&
	    archive_entry_filetype(entry) == AE_IFDIR)
		return 0;
	r = turbo_remove(t, place);
	*there = 0;
	return r;
}

static int apply_link(struct turbo *t, const struct turbo_place *place,
		      const struct entry *e, struct obd_error *err)
{
	ext2_ino_t ino, there;
	errcode_t r;

	r = find_linked(t, archive_entry_hardlink(e->archive), &ino);
	if (r)
		return turbo_fail(t, e->path, "find what it is a link to", r,
				  err);
	r = make_room(t, place, e->archive, ino, &there);
	/* It may have been in a directory that had this name. */
	if (!r && !ext2fs_test_inode_bitmap2(t->fs->inode_map, ino))
		r = EXT2_ET_FILE_NOT_FOUND;
	if (!r)
		r = there ? turbo_claim(t, place) :
			    turbo_make_link(t, place, ino);
	return r ? turbo_fail(t, e->path, "make the link", r, err) : 0;
}

static int apply_node(struct turbo *t, const struct turbo_place *place,
		      struct turbo_tar *tar, const struct entry *e,
		      struct obd_error *err)
{
	ext2_ino_t there;
	errcode_t r;

	r = make_room(t, place, e->archive, 0, &there);
	if (r)
		return turbo_fail(t, e->path, "remove what has its name", r,
				  err);
	return turbo_make(t, place, there, tar, e->archive, e->pos, err);
}

/* The root is always there. */
static int apply_root(struct turbo *t, struct turbo_tar *tar,
		      const struct entry *e, struct obd_error *err)
{
	const struct turbo_place root = { EXT2_ROOT_INO, "." };

	if (archive_entry_hardlink(e->archive) ||
	    archive_entry_filetype(e->archive) != AE_IFDIR)
		return refuse(e->path, "expected a directory", err);
	return turbo_make(t, &root, EXT2_ROOT_INO, tar, e->archive, e->pos,
			  err);
}

static int apply_at(struct turbo *t, struct turbo_tar *tar,
		    const struct entry *e, char *path, struct obd_error *err)
{
	struct turbo_place place;
	bool whiteout;
	char *name;
	errcode_t r;

	if (!*path)
		return apply_root(t, tar, e, err);
	/* What another implementation of layers keeps of itself. */
	if (starts_with(path, WHITEOUT_META) && strcmp(path, OPAQUE))
		return 0;
	name = strrchr(path, '/');
	whiteout = starts_with(name ? name + 1 : path, WHITEOUT);
	r = turbo_parent(t, path, !whiteout, &place);
	if (whiteout &&
	    (r == EXT2_ET_FILE_NOT_FOUND || r == EXT2_ET_NO_DIRECTORY))
		return 0;
	if (r)
		return turbo_fail(t, e->path, "find its directory", r, err);
	if (!whiteout)
		return archive_entry_hardlink(e->archive) ?
		       apply_link(t, &place, e, err) :
		       apply_node(t, &place, tar, e, err);
	r = apply_whiteout(t, &place);
	return r ? turbo_fail(t, e->path, "apply the whiteout", r, err) : 0;
}

static int apply_entry(struct turbo *t, struct turbo_tar *tar,
		       const struct entry *e, struct obd_error *err)
{
	char *path = e->path ? clean_path(e->path) : NULL;
	int r;

	if (!path)
		return refuse(e->path,
			      "its path has '..' or too long a name in it, or is none",
			      err);
	r = apply_at(t, tar, e, path, err);
	free(path);
	return r;
}

/* It went on behind the last entry: only now its last sector has been seen. */
static int check_end(struct turbo *t, const struct turbo_tar *tar,
		     struct obd_error *err)
{
	if (turbo_tar_padded(tar) || !turbo_data_tail(t, tar->last))
		return 0;
	return obd_fail(err, -ENOMEM, "no memory for the end of a file");
}

int turbo_apply(struct turbo *t, struct turbo_tar *tar, struct obd_error *err)
{
	struct entry e;
	int r;

	do {
		r = turbo_tar_next(tar, &e.archive, &e.pos, err);
		if (r >= 0 && t->last)
			r = check_end(t, tar, err) ?: r;
		if (r <= 0)
			return r;
		t->last = NULL;
		e.path = archive_entry_pathname(e.archive);
		r = apply_entry(t, tar, &e, err);
	} while (!r);
	return r;
}
