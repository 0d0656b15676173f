// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocate blocks for files, and map them onto a tar.
 */
#define _GNU_SOURCE
#include <search.h>

#include "tools/turbo-data.h"

/* Blocks of a file that lie together, as they are found. */
struct run {
	struct turbo *t;
	const struct turbo_file *file;
	struct changes *found;	/* targets, not in order yet */
	u64 sectors;		/* of the file, the last one counted whole */
	errcode_t error;
};

struct targets {
	struct turbo *t;
	struct changes *found;
	errcode_t error;
};

static int by_ino(const void *a, const void *b)
{
	const struct turbo_file *p = a, *q = b;

	return p->ino < q->ino ? -1 : p->ino > q->ino;
}

static void free_file(void *ptr)
{
	struct turbo_file *file = ptr;

	free(file->tail);
	free(file);
}

static errcode_t note_file(struct turbo *t, const struct turbo_file *file)
{
	struct turbo_file *mine = malloc(sizeof(*mine)), **found;

	if (!mine)
		return EXT2_ET_NO_MEMORY;
	*mine = *file;
	found = tsearch(mine, &t->files, by_ino);
	if (found && *found == mine) {
		t->last = mine;
		return 0;
	}
	free(mine);
	return found ? EXT2_ET_BAD_INODE_NUM : EXT2_ET_NO_MEMORY;
}

/* An archive may replace a file as often as it likes: nothing may stay of it. */
void turbo_data_forget(struct turbo *t, ext2_ino_t ino)
{
	const struct turbo_file key = { .ino = ino };
	struct turbo_file **found = tfind(&key, &t->files, by_ino);
	struct turbo_file *file;

	if (!found)
		return;
	file = *found;
	tdelete(file, &t->files, by_ino);
	free_file(file);
}

void turbo_data_release(struct turbo *t)
{
	tdestroy(t->files, free_file);
	t->files = NULL;
}

errcode_t turbo_data_map(struct turbo *t, ext2_ino_t ino, u64 pos, u64 size)
{
	const struct turbo_file file = { .ino = ino, .pos = pos, .size = size };
	struct ext2_inode inode;
	errcode_t r;

	r = ext2fs_read_inode(t->fs, ino, &inode);
	if (!r)
		r = ext2fs_inode_size_set(t->fs, &inode, size);
	if (!r && size)
		r = ext2fs_fallocate(t->fs, EXT2_FALLOCATE_FORCE_INIT, ino,
				     &inode, ~0ULL, 0,
				     DIV_ROUND_UP_ULL(size,
						      t->fs->blocksize));
	if (!r)
		r = ext2fs_write_inode(t->fs, ino, &inode);
	return r || !size ? r : note_file(t, &file);
}

int turbo_data_tail(struct turbo *t, const u8 *sector)
{
	struct turbo_file *file = t->last;

	file->tail = malloc(OBD_SECTOR_SIZE);
	if (!file->tail)
		return -ENOMEM;
	memset(file->tail, 0, OBD_SECTOR_SIZE);
	memcpy(file->tail, sector, file->size % OBD_SECTOR_SIZE);
	return 0;
}

static errcode_t copy_block(ext2_file_t file, u64 pos, const u8 *buf,
			    size_t len)
{
	unsigned int done;
	errcode_t r;

	r = ext2fs_file_llseek(file, pos, EXT2_SEEK_SET, NULL);
	for (; !r && len; buf += done, len -= done)
		r = ext2fs_file_write(file, buf, min_t(size_t, len, 1U << 20),
				      &done);
	return r;
}

static errcode_t copy_blocks(ext2_file_t file, struct archive *archive,
			     u64 size)
{
	const void *buf;
	la_int64_t pos;
	errcode_t r = 0;
	size_t len;
	int got;

	while (!r) {
		got = archive_read_data_block(archive, &buf, &len, &pos);
		if (got == ARCHIVE_EOF)
			break;
		if (got != ARCHIVE_OK)
			return max(archive_errno(archive), 0) ?: EIO;
		r = pos < 0 || pos > size || len > size - pos ?
		    EINVAL : copy_block(file, pos, buf, len);
	}
	return r ? r : ext2fs_file_set_size2(file, size);
}

errcode_t turbo_data_copy(struct turbo *t, ext2_ino_t ino,
			  struct archive *archive, u64 size)
{
	ext2_file_t file;
	errcode_t r, closed;

	r = ext2fs_file_open(t->fs, ino, EXT2_FILE_WRITE, &file);
	if (r)
		return r;
	r = copy_blocks(file, archive, size);
	closed = ext2fs_file_close(file);
	return r ? r : closed;
}

/* The tail that the tar would show wrongly, and zeros up to the block's end. */
static errcode_t write_end(const struct run *run, u64 block, u32 sectors)
{
	u32 size = run->t->fs->blocksize, used = sectors * OBD_SECTOR_SIZE;
	u8 buf[OBD_SECTOR_SIZE] = {};
	errcode_t r = 0;

	if (run->file->tail) {
		used -= OBD_SECTOR_SIZE;
		memcpy(buf, run->file->tail, sizeof(buf));
	}
	for (; !r && used < size; used += sizeof(buf)) {
		r = turbo_disk_write(&run->t->disk, block * size + used, buf,
				     sizeof(buf));
		memset(buf, 0, sizeof(buf));
	}
	return r;
}

static int find_block(ext2_filsys fs, blk64_t *block, e2_blkcnt_t nr,
		      blk64_t from, int offset, void *ctx)
{
	struct run *run = ctx;
	u64 per_block = fs->blocksize / OBD_SECTOR_SIZE;
	u64 at = nr * per_block;
	struct target_extent extent = {
		.sector = *block * per_block,
		.at = run->file->pos / OBD_SECTOR_SIZE + at,
	};

	if (nr < 0 || at >= run->sectors)
		return 0;
	extent.len = min(per_block, run->sectors - at);
	if (extent.len < per_block || run->file->tail)
		if (at + extent.len == run->sectors)
			run->error = write_end(run, *block, extent.len);
	if (run->file->tail && at + extent.len == run->sectors)
		extent.len--;
	if (!run->error && extent.len &&
	    changes_add_target(run->found, &extent))
		run->error = EXT2_ET_NO_MEMORY;
	return run->error ? BLOCK_ABORT : 0;
}

static errcode_t find_file(struct turbo *t, const struct turbo_file *file,
			   struct changes *found)
{
	struct run run = {
		.t = t, .file = file, .found = found,
		.sectors = DIV_ROUND_UP_ULL(file->size, OBD_SECTOR_SIZE),
	};
	errcode_t r;

	r = ext2fs_block_iterate3(t->fs, file->ino, BLOCK_FLAG_DATA_ONLY |
				  BLOCK_FLAG_READ_ONLY, NULL, find_block,
				  &run);
	return run.error ? run.error : r;
}

static void find_one(const void *node, VISIT visit, void *ctx)
{
	struct targets *targets = ctx;

	if (!targets->error && (visit == postorder || visit == leaf))
		targets->error = find_file(targets->t,
					   *(struct turbo_file *const *)node,
					   targets->found);
}

static int by_sector(const void *a, const void *b)
{
	const struct target_extent *p = a, *q = b;

	return p->sector < q->sector ? -1 : p->sector > q->sector;
}

errcode_t turbo_data_targets(struct turbo *t, struct changes *changes)
{
	struct targets targets = { .t = t, .found = changes };

	twalk_r(t->files, find_one, &targets);
	if (changes->nr_targets)
		qsort(changes->targets, changes->nr_targets,
		      sizeof(*changes->targets), by_sector);
	return targets.error;
}
