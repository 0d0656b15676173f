// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocate blocks for files, and map them onto a tar.
 */
#include "tools/array.h"
#include "tools/turbo-data.h"

/* Blocks of a file that lie together, as they are found. */
struct run {
	struct turbo *t;
	const struct turbo_file *file;
	struct changes *found;	/* targets, not in order yet */
	u64 sectors;		/* of the file, the last one counted whole */
	errcode_t error;
};

static int note_file(struct turbo *t, const struct turbo_file *file)
{
	if (array_room((void **)&t->files, &t->max_files, t->nr_files,
		       sizeof(*t->files)))
		return -ENOMEM;
	t->files[t->nr_files++] = *file;
	return 0;
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
	if (r || !size)
		return r;
	ext2fs_mark_inode_bitmap2(t->mapped, ino);
	return note_file(t, &file) ? EXT2_ET_NO_MEMORY : 0;
}

int turbo_data_tail(struct turbo *t, const u8 *sector)
{
	struct turbo_file *file = &t->files[t->nr_files - 1];

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

static int by_sector(const void *a, const void *b)
{
	const struct target_extent *p = a, *q = b;

	return p->sector < q->sector ? -1 : p->sector > q->sector;
}

errcode_t turbo_data_targets(struct turbo *t, struct changes *changes)
{
	errcode_t r = 0;
	u64 i;

	for (i = t->nr_files; !r && i-- > 0;) {
		const struct turbo_file *file = &t->files[i];

		/* It was removed, and its number may be another's by now. */
		if (!ext2fs_test_inode_bitmap2(t->mapped, file->ino))
			continue;
		ext2fs_unmark_inode_bitmap2(t->mapped, file->ino);
		r = find_file(t, file, changes);
	}
	if (changes->nr_targets)
		qsort(changes->targets, changes->nr_targets,
		      sizeof(*changes->targets), by_sector);
	return r;
}
