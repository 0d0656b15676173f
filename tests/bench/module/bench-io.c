// SPDX-License-Identifier: GPL-2.0-only
/*
 * How fast the kernel itself reads block devices, or writes to them: no system
 * calls, which are the larger part of a small read in an emulated machine.
 *
 *	insmod bench-io.ko devices=/dev/ram0,/dev/mapper/a size=4096 random=1
 *
 * The parameters "d0" and so on are read from sysfs. Reading one reads a piece
 * of that device, from the byte that was written to it last, and gives
 * nanoseconds. What lies beyond the end of the smallest device is not read,
 * unless random reads are to go all over each ("whole"). There is one from each
 * stretch of "spread" bytes before any gets a second one. With "write" it is
 * the same with writes, and "flush" is after how many of them each of the
 * threads flushes the device.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sizes.h>
#include <linux/workqueue.h>

#include "bench-clock.h"
#include "bench-place.h"

#define NR_DEVICES	12U
#define MAX_THREADS	16U

struct side {
	struct file *file;
	u64 bytes;		/* of the device */
	u64 position;		/* of the piece */
};

struct worker {
	struct work_struct work;
	struct page **pages;
	struct bio_vec *bvecs;
	const struct side *side;
	u64 begin;		/* its reads of the piece */
	u32 nr;
	int result;
};

static char *devices[NR_DEVICES];
static unsigned int nr_devices;
module_param_array(devices, charp, &nr_devices, 0444);
MODULE_PARM_DESC(devices, "block devices");

static unsigned int size = SZ_4K;
module_param(size, uint, 0444);
MODULE_PARM_DESC(size, "bytes of a read or write, whole pages");

static unsigned int piece = SZ_1M;
module_param(piece, uint, 0444);
MODULE_PARM_DESC(piece, "bytes of a piece");

static unsigned int threads = 1;
module_param(threads, uint, 0444);
MODULE_PARM_DESC(threads, "reads or writes under way at once");

static unsigned int spread;
module_param(spread, uint, 0444);
MODULE_PARM_DESC(spread, "bytes from which one at random is taken; 0: size");

static bool random;
module_param(random, bool, 0444);
MODULE_PARM_DESC(random, "in random order");

static bool whole;
module_param(whole, bool, 0444);
MODULE_PARM_DESC(whole, "random ones go all over each device");

static unsigned int order;
module_param(order, uint, 0444);
MODULE_PARM_DESC(order, "memory comes in pieces of 2^order pages");

static bool write;
module_param(write, bool, 0444);
MODULE_PARM_DESC(write, "write instead of reading");

static unsigned int flush;
module_param(flush, uint, 0444);
MODULE_PARM_DESC(flush, "flush after so many writes of a thread; 0: never");

static struct side sides[NR_DEVICES];
static struct worker *workers;
static struct workqueue_struct *wq;
static u64 area;		/* bytes of the smallest device */
static bool ready;

static struct block_device *bdev_of(const struct side *side)
{
	return I_BDEV(side->file->f_mapping->host);
}

static int transfer(struct worker *w, u64 pos)
{
	unsigned int i, nr = size >> PAGE_SHIFT;
	struct bio bio;
	int r;

	bio_init(&bio, bdev_of(w->side), w->bvecs, nr,
		 write ? REQ_OP_WRITE | REQ_SYNC : REQ_OP_READ);
	bio.bi_iter.bi_sector = pos >> SECTOR_SHIFT;
	for (i = 0; i < nr; i++)
		if (bio_add_page(&bio, w->pages[i], PAGE_SIZE, 0) != PAGE_SIZE)
			return -EIO;
	r = submit_bio_wait(&bio);
	bio_uninit(&bio);
	return r;
}

static int flush_if_due(const struct worker *w, u32 done)
{
	return flush && done % flush == 0 ?
	       blkdev_issue_flush(bdev_of(w->side)) : 0;
}

/* Where in its stretch a random read lies changes from round to round. */
static u64 place(const struct side *side, u64 read)
{
	u32 nr, slot;

	if (!random)
		return read * size;
	nr = div_u64(whole ? side->bytes : area, spread);
	slot = bench_place(read, spread / size);
	return (u64)bench_place(read, nr) * spread + (u64)slot * size;
}

static void worker_run(struct work_struct *work)
{
	struct worker *w = container_of(work, struct worker, work);
	u32 i;

	w->result = 0;
	for (i = 0; !w->result && i < w->nr; i++)
		w->result = transfer(w, place(w->side, w->begin + i)) ?:
			    flush_if_due(w, i + 1);
}

static u64 time_workers(void)
{
	u64 begin = bench_clock();
	unsigned int i;

	for (i = 0; i < threads; i++)
		queue_work(wq, &workers[i].work);
	for (i = 0; i < threads; i++)
		flush_work(&workers[i].work);
	return bench_clock() - begin;
}

/* The lock of the module's parameters keeps a second piece out. */
static int side_get(char *buffer, const struct kernel_param *kp)
{
	struct side *side = &sides[(unsigned long)kp->arg];
	u32 nr = piece / size / threads;
	unsigned int i;
	u64 nsec;
	int r = 0;

	if (!ready || !side->file)
		return -EAGAIN;
	for (i = 0; i < threads; i++) {
		workers[i].side = side;
		workers[i].begin = div_u64(side->position, size) + i * nr;
		workers[i].nr = nr;
	}
	nsec = time_workers();
	for (i = 0; i < threads; i++)
		r = r ?: workers[i].result;
	return r ?: scnprintf(buffer, PAGE_SIZE, "%llu\n", nsec);
}

static int side_set(const char *val, const struct kernel_param *kp)
{
	struct side *side = &sides[(unsigned long)kp->arg];
	u64 pos;
	int r = kstrtou64(val, 0, &pos);

	if (r || !ready)
		return r ?: -EAGAIN;
	if (pos % size || (!random && pos > area - piece))
		return -EINVAL;
	side->position = pos;
	return 0;
}

static const struct kernel_param_ops side_ops = {
	.get = side_get,
	.set = side_set,
};

#define SIDE_PARAM(nr)							\
	module_param_cb(d##nr, &side_ops, (void *)(nr##UL), 0644);	\
	MODULE_PARM_DESC(d##nr, "a piece of device " #nr)

SIDE_PARAM(0);
SIDE_PARAM(1);
SIDE_PARAM(2);
SIDE_PARAM(3);
SIDE_PARAM(4);
SIDE_PARAM(5);
SIDE_PARAM(6);
SIDE_PARAM(7);
SIDE_PARAM(8);
SIDE_PARAM(9);
SIDE_PARAM(10);
SIDE_PARAM(11);

/* One after the other, the pieces of memory are never neighbours. */
static unsigned int shuffle(unsigned int i, unsigned int nr)
{
	return nr > 2 ? i * 2 % nr + i * 2 / nr : i;
}

static int worker_init(struct worker *w)
{
	unsigned int i, j, nr = size >> PAGE_SHIFT;

	INIT_WORK(&w->work, worker_run);
	w->pages = kvcalloc(nr, sizeof(*w->pages), GFP_KERNEL);
	w->bvecs = kvcalloc(nr, sizeof(*w->bvecs), GFP_KERNEL);
	if (!w->pages || !w->bvecs)
		return -ENOMEM;
	for (i = 0; i < nr >> order; i++) {
		unsigned int first = shuffle(i, nr >> order) << order;
		struct page *page = alloc_pages(GFP_KERNEL, order);

		if (!page)
			return -ENOMEM;
		split_page(page, order);
		for (j = 0; j < 1U << order; j++)
			w->pages[first + j] = page + j;
	}
	return 0;
}

static void worker_exit(struct worker *w)
{
	unsigned int i;

	for (i = 0; w->pages && i < size >> PAGE_SHIFT; i++)
		if (w->pages[i])
			__free_page(w->pages[i]);
	kvfree(w->pages);
	kvfree(w->bvecs);
}

/* Unlike the functions that open a block device, filp_open() never changes. */
static int side_open(struct side *side, const char *path)
{
	struct file *file = filp_open(path, (write ? O_RDWR : O_RDONLY) |
					    O_LARGEFILE, 0);

	if (IS_ERR(file))
		return PTR_ERR(file);
	side->file = file;
	if (!S_ISBLK(file_inode(file)->i_mode))
		return -ENOTBLK;
	side->bytes = min_t(u64, U32_MAX, i_size_read(file->f_mapping->host));
	area = min(area, side->bytes);
	return 0;
}

static void bench_cleanup(void)
{
	unsigned int i;

	if (wq)
		destroy_workqueue(wq);
	for (i = 0; workers && i < threads; i++)
		worker_exit(&workers[i]);
	kfree(workers);
	for (i = 0; i < NR_DEVICES; i++)
		if (sides[i].file)
			filp_close(sides[i].file, NULL);
}

static bool params_valid(void)
{
	return nr_devices && threads && threads <= MAX_THREADS && size &&
	       order <= 8 && is_power_of_2(size) &&
	       size % (PAGE_SIZE << order) == 0 && spread % size == 0 &&
	       piece && piece % ((u64)size * threads) == 0;
}

static int __init bench_init(void)
{
	unsigned int i;
	int r = 0;

	spread = spread ?: size;
	if (!params_valid())
		return -EINVAL;
	area = U32_MAX;
	for (i = 0; !r && i < nr_devices; i++)
		r = side_open(&sides[i], devices[i]);
	workers = kcalloc(threads, sizeof(*workers), GFP_KERNEL);
	wq = alloc_workqueue("bench-io", WQ_UNBOUND, 0);
	if (!r && (!workers || !wq))
		r = -ENOMEM;
	for (i = 0; !r && i < threads; i++)
		r = worker_init(&workers[i]);
	if (!r && (piece > area || spread > area))
		r = -EINVAL;
	if (r)
		bench_cleanup();
	ready = !r;
	return r;
}

static void __exit bench_exit(void)
{
	bench_cleanup();
}

module_init(bench_init);
module_exit(bench_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Speed of reads from block devices, and of writes");
