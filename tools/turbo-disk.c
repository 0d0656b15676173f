// SPDX-License-Identifier: GPL-2.0-only
/*
 * An I/O manager of libext2fs over a base and a sparse file.
 */
#include <isa-l/crc64.h>
#include <isa-l/mem_routines.h>
#include <unistd.h>

#include "tools/turbo-disk.h"

/* An I/O manager is only told a name: there is one disk at a time. */
static struct turbo_disk *opening;

static u64 nr_pages(const struct turbo_disk *disk)
{
	return DIV_ROUND_UP_ULL(disk->raw.dev.size, TURBO_PAGE);
}

static bool is_touched(const struct turbo_disk *disk, u64 page)
{
	return disk->touched[page / 8] & 1U << page % 8;
}

static void touch(struct turbo_disk *disk, u64 page)
{
	disk->touched[page / 8] |= 1U << page % 8;
}

/* The whole pages that @raw holds; the rest of it are holes. */
static void touch_data(struct turbo_disk *disk)
{
	u64 page, end = disk->raw.dev.size, pos = 0;

	while ((pos = raw_next_data(&disk->raw, pos, end)) < end) {
		page = pos / TURBO_PAGE;
		touch(disk, page);
		pos = (page + 1) * TURBO_PAGE;
	}
}

int turbo_disk_init(struct turbo_disk *disk, struct obd_error *err)
{
	disk->touched = calloc(1, nr_pages(disk) / 8 + 1);
	if (!disk->touched)
		return obd_fail(err, -ENOMEM,
				"no memory for a disk of %llu bytes",
				(unsigned long long)disk->raw.dev.size);
	if (!disk->base)
		touch_data(disk);
	return 0;
}

void turbo_disk_release(struct turbo_disk *disk)
{
	free(disk->touched);
	disk->touched = NULL;
}

static void note_failure(struct turbo_disk *disk, const struct obd_error *err)
{
	if (!disk->failed)
		disk->err = *err;
	disk->failed = true;
}

static int read_page(struct turbo_disk *disk, u64 page, u32 skip, void *buf,
		     u32 len, struct obd_error *err)
{
	u64 pos = page * TURBO_PAGE + skip;
	int r;

	if (disk->base && !is_touched(disk, page))
		return disk->base->read(disk->base->ctx, pos, buf, len, err);
	r = obd_dev_read(&disk->raw.dev, pos, buf, len);
	return r ? obd_fail(err, r, "%s: cannot read at byte %llu: %s",
			    disk->raw.path, (unsigned long long)pos,
			    strerror(-r)) : 0;
}

/* What libext2fs may ask for: hostile file systems point anywhere. */
static bool within(const struct turbo_disk *disk, u64 pos, u64 len)
{
	return pos <= disk->raw.dev.size && len <= disk->raw.dev.size - pos;
}

static errcode_t disk_read(struct turbo_disk *disk, u64 pos, u8 *buf, u64 len)
{
	struct obd_error err;
	u32 skip, n;
	int r = 0;

	if (!within(disk, pos, len))
		return EXT2_ET_SHORT_READ;
	for (; !r && len; pos += n, buf += n, len -= n) {
		skip = pos % TURBO_PAGE;
		n = min_t(u64, TURBO_PAGE - skip, len);
		r = read_page(disk, pos / TURBO_PAGE, skip, buf, n, &err);
	}
	if (r)
		note_failure(disk, &err);
	return r ? EIO : 0;
}

/* What is not written of a page is to be what it was. */
static errcode_t take_page(struct turbo_disk *disk, u64 page)
{
	u64 pos = page * TURBO_PAGE;
	u32 len = min_t(u64, TURBO_PAGE, disk->raw.dev.size - pos);
	u8 buf[TURBO_PAGE];
	errcode_t r;

	if (is_touched(disk, page))
		return 0;
	r = disk_read(disk, pos, buf, len);
	if (!r && pwrite(disk->raw.dev.fd, buf, len, pos) != len)
		r = ENOSPC;
	if (!r)
		touch(disk, page);
	return r;
}

errcode_t turbo_disk_write(struct turbo_disk *disk, u64 pos, const void *buf,
			   u64 len)
{
	u64 first = pos / TURBO_PAGE, end = DIV_ROUND_UP_ULL(pos + len, TURBO_PAGE);
	errcode_t r = 0;
	u64 page;

	if (!within(disk, pos, len))
		return EXT2_ET_SHORT_WRITE;
	if (pos % TURBO_PAGE)
		r = take_page(disk, first);
	if (!r && (pos + len) % TURBO_PAGE)
		r = take_page(disk, end - 1);
	if (r)
		return r;
	if (pwrite(disk->raw.dev.fd, buf, len, pos) != len)
		r = ENOSPC;
	if (r)
		return r;
	for (page = first; page < end; page++)
		touch(disk, page);
	return 0;
}

static struct struct_io_manager manager;

static errcode_t io_open(const char *name, int flags, io_channel *channel)
{
	io_channel io = calloc(1, sizeof(*io));

	if (!io)
		return EXT2_ET_NO_MEMORY;
	io->magic = EXT2_ET_MAGIC_IO_CHANNEL;
	io->manager = &manager;
	io->name = strdup(name);
	if (!io->name) {
		free(io);
		return EXT2_ET_NO_MEMORY;
	}
	io->block_size = 1024;
	io->refcount = 1;
	io->private_data = opening;
	*channel = io;
	return 0;
}

static errcode_t io_close(io_channel io)
{
	if (--io->refcount > 0)
		return 0;
	free(io->name);
	free(io);
	return 0;
}

static errcode_t io_set_blksize(io_channel io, int block_size)
{
	io->block_size = block_size;
	return 0;
}

/* A negative number of blocks is one of bytes. */
static u64 io_bytes(io_channel io, int count)
{
	return count < 0 ? -(s64)count : (u64)count * io->block_size;
}

static errcode_t io_read64(io_channel io, unsigned long long block, int count,
			   void *buf)
{
	u64 pos;

	if (check_mul_overflow((u64)block, (u64)io->block_size, &pos))
		return EXT2_ET_SHORT_READ;
	return disk_read(io->private_data, pos, buf, io_bytes(io, count));
}

static errcode_t io_write64(io_channel io, unsigned long long block, int count,
			    const void *buf)
{
	u64 pos;

	if (check_mul_overflow((u64)block, (u64)io->block_size, &pos))
		return EXT2_ET_SHORT_WRITE;
	return turbo_disk_write(io->private_data, pos, buf,
				io_bytes(io, count));
}

static errcode_t io_read(io_channel io, unsigned long block, int count,
			 void *buf)
{
	return io_read64(io, block, count, buf);
}

static errcode_t io_write(io_channel io, unsigned long block, int count,
			  const void *buf)
{
	return io_write64(io, block, count, buf);
}

static errcode_t io_write_byte(io_channel io, unsigned long offset, int count,
			       const void *buf)
{
	return turbo_disk_write(io->private_data, offset, buf, count);
}

static errcode_t io_flush(io_channel io)
{
	return 0;
}

static struct struct_io_manager manager = {
	.magic = EXT2_ET_MAGIC_IO_MANAGER,
	.name = "overlaybd",
	.open = io_open,
	.close = io_close,
	.set_blksize = io_set_blksize,
	.read_blk = io_read,
	.write_blk = io_write,
	.read_blk64 = io_read64,
	.write_blk64 = io_write64,
	.write_byte = io_write_byte,
	.flush = io_flush,
};

errcode_t turbo_disk_open_fs(struct turbo_disk *disk, ext2_filsys *fs)
{
	errcode_t r;

	opening = disk;
	r = ext2fs_open("disk", EXT2_FLAG_RW | EXT2_FLAG_64BITS |
			EXT2_FLAG_SKIP_MMP, 0, 0, &manager, fs);
	opening = NULL;
	if (r)
		return r;
	r = ext2fs_read_bitmaps(*fs);
	if (r)
		ext2fs_free(*fs);
	return r;
}

/* Asked in the order of the sectors; @next is the first that may hold it. */
static bool in_target(const struct changes *c, u64 *next, u64 sector)
{
	const struct target_extent *t = c->targets;

	while (*next < c->nr_targets &&
	       t[*next].sector + t[*next].len <= sector)
		(*next)++;
	return *next < c->nr_targets && t[*next].sector <= sector;
}

static int add_sector(struct changes *c, u64 sector, const u8 *now,
		      const u8 *before, u64 *sum)
{
	bool zero;

	if (!memcmp(now, before, OBD_SECTOR_SIZE))
		return 0;
	zero = !isal_zero_detect((void *)now, OBD_SECTOR_SIZE);
	if (!zero)
		*sum = crc64_ecma_refl(*sum, now, OBD_SECTOR_SIZE);
	return changes_add(c, sector, 1, zero);
}

static int compare_page(struct turbo_disk *disk, struct changes *c, u64 page,
			u64 *next, u64 *sum, struct obd_error *err)
{
	u8 now[TURBO_PAGE], before[TURBO_PAGE] = {};
	u64 pos = page * TURBO_PAGE;
	u32 len = min_t(u64, TURBO_PAGE, disk->raw.dev.size - pos);
	u64 sector = pos / OBD_SECTOR_SIZE;
	u32 i;
	int r;

	r = raw_read(&disk->raw, pos, now, len, err);
	if (!r && disk->base)
		r = disk->base->read(disk->base->ctx, pos, before, len, err);
	if (r)
		return r;
	for (i = 0; !r && i < len; i += OBD_SECTOR_SIZE, sector++)
		if (!in_target(c, next, sector))
			r = add_sector(c, sector, now + i, before + i, sum);
	return r ? obd_fail(err, r, "no memory for the index") : 0;
}

int turbo_disk_changes(struct turbo_disk *disk, struct changes *changes,
		       struct obd_error *err)
{
	u64 page, next = 0, sum = 0;
	int r = 0;

	for (page = 0; !r && page < nr_pages(disk); page++) {
		/* Most of a large disk is untouched. */
		if (!disk->touched[page / 8])
			page |= 7;
		else if (is_touched(disk, page))
			r = compare_page(disk, changes, page, &next, &sum,
					 err);
	}
	if (!r && changes_add_sum(changes, sum))
		r = obd_fail(err, -ENOMEM, "no memory for a checksum");
	return r;
}
