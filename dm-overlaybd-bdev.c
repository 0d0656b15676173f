// SPDX-License-Identifier: GPL-2.0-only
/*
 * Synchronous I/O of metadata on a block device.
 */
#include <linux/bio.h>
#include <linux/highmem.h>
#include <linux/mm.h>

#include "dm-overlaybd-bdev.h"

u64 obd_dev_size(const struct obd_dev *dev)
{
	return bdev_nr_bytes(dev->bdev);
}

/* Often not asked in the process that a signal would be sent to. */
bool obd_dev_interrupted(const struct obd_dev *dev)
{
	return obd_interrupted() ||
	       (dev->cancelled && READ_ONCE(*dev->cancelled));
}

void obd_bio_add(struct bio *bio, void *data, u32 len)
{
	bool pages = is_vmalloc_addr(data);

	if (pages)
		flush_kernel_vmap_range(data, len);
	while (len) {
		struct page *page = pages ? vmalloc_to_page(data) :
					    virt_to_page(data);
		u32 n = pages ? min_t(u32, len, PAGE_SIZE) : len;

		__bio_add_page(bio, page, n, offset_in_page(data));
		data += n;
		len -= n;
	}
}

static int run_bio(struct bio *bio)
{
	int r = submit_bio_wait(bio);

	bio_uninit(bio);
	return r;
}

int obd_bdev_io(struct block_device *bdev, blk_opf_t opf, sector_t sector,
		void *buf, u32 len)
{
	struct bio_vec bvecs[OBD_BDEV_PAGES];
	struct bio bio;
	int r;

	bio_init(&bio, bdev, bvecs, OBD_BDEV_PAGES, opf | REQ_SYNC | REQ_META);
	bio.bi_iter.bi_sector = sector;
	obd_bio_add(&bio, buf, len);
	r = run_bio(&bio);
	if (is_vmalloc_addr(buf) && !op_is_write(opf))
		invalidate_kernel_vmap_range(buf, len);
	return r;
}

/* Up to OBD_BDEV_PAGES pages of them. */
static int write_zeros(struct block_device *bdev, sector_t sector, u32 len)
{
	struct bio_vec bvecs[OBD_BDEV_PAGES];
	struct bio bio;

	bio_init(&bio, bdev, bvecs, OBD_BDEV_PAGES,
		 REQ_OP_WRITE | REQ_SYNC | REQ_META);
	bio.bi_iter.bi_sector = sector;
	while (len) {
		u32 n = min_t(u32, len, PAGE_SIZE);

		__bio_add_page(&bio, ZERO_PAGE(0), n, 0);
		len -= n;
	}
	return run_bio(&bio);
}

int obd_bdev_zero(struct block_device *bdev, sector_t sector, u64 len)
{
	int r = 0;

	while (!r && len) {
		u32 n = min_t(u64, len, OBD_BDEV_PAGES * PAGE_SIZE);

		r = write_zeros(bdev, sector, n);
		sector += n >> SECTOR_SHIFT;
		len -= n;
	}
	return r;
}

/*
 * Through a bounce buffer of whole pages: the caller's may be on the stack or
 * anywhere else that a device cannot reach, and begins at any byte.
 */
int obd_dev_read(struct obd_dev *dev, u64 pos, void *buf, u32 len)
{
	u32 skip = pos % SECTOR_SIZE;
	u32 size = min_t(u64, round_up((u64)skip + len, PAGE_SIZE),
			 OBD_BDEV_MAX);
	void *bounce = kvmalloc(size, GFP_KERNEL);
	int r = bounce ? 0 : -ENOMEM;

	while (!r && len) {
		u32 n = min(len, size - skip);

		r = obd_bdev_io(dev->bdev, REQ_OP_READ, pos >> SECTOR_SHIFT,
				bounce, round_up(skip + n, SECTOR_SIZE));
		if (!r)
			memcpy(buf, bounce + skip, n);
		buf += n;
		pos += n;
		len -= n;
		skip = 0;
	}
	kvfree(bounce);
	return r;
}
