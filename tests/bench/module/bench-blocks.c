// SPDX-License-Identifier: GPL-2.0-only
/*
 * How fast this kernel decompresses the blocks of a ZFile when they are in
 * memory already, and nothing else is to be done: what reading the same ZFile
 * through device mapper has to be measured by.
 *
 *	insmod bench-decompress.ko device=/dev/ram0
 *
 * The parameters "library", "decompress" and "checked" are read from sysfs.
 * Reading one decompresses a piece of the blob, from the byte that was written
 * to it last, and gives nanoseconds: the library's function alone, the format
 * files' function around it, and that one with the check of each block's CRC.
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include "bench-clock.h"
#include "dm-overlaybd-bdev.h"

/* Output goes round in as much as a large read has, to use caches alike. */
#define OUTPUT_SIZE	SZ_1M
#define LOAD_SIZE	SZ_1M

enum pass { PASS_LIBRARY, PASS_DECOMPRESS, PASS_CHECKED };

struct worker {
	struct work_struct work;
	struct obd_codec codec;
	u8 *output;
	u32 begin;		/* its blocks */
	u32 end;
	enum pass pass;
	int result;
};

static char *device;
module_param(device, charp, 0444);
MODULE_PARM_DESC(device, "block device that holds the ZFile");

static unsigned int threads = 1;
module_param(threads, uint, 0444);
MODULE_PARM_DESC(threads, "work on so many CPUs");

static unsigned int piece = SZ_1M;
module_param(piece, uint, 0444);
MODULE_PARM_DESC(piece, "decompress so many bytes at a time");

static unsigned long long bytes;
module_param(bytes, ullong, 0444);
MODULE_PARM_DESC(bytes, "exact length of the blob; 0 means the device's size");

static struct obd_blob blob;
static u8 *stored;		/* all blocks, from the first on */
static struct worker *workers;
static struct workqueue_struct *wq;
static u64 position;		/* of the piece */
static bool ready;

static int run_library(struct worker *w, const u8 *src, u32 n, u8 *dst,
		       u32 len)
{
	size_t got;

	if (blob.zfile.verify)
		n -= ZFILE_CRC_SIZE;
	if (blob.zfile.algorithm == ZFILE_ALGO_LZ4)
		return LZ4_decompress_safe(src, dst, n, len) == (int)len ?
		       0 : -EILSEQ;
	got = zstd_decompress_dctx(w->codec.zstd, dst, len, src, n);
	return got == len ? 0 : -EILSEQ;
}

static int run_block(struct worker *w, u32 block, const u8 *src, u8 *dst)
{
	const struct obd_zfile *z = &blob.zfile;
	u32 n = obd_zfile_stored(z, block);
	u32 len = obd_zfile_block_len(z, block);
	int r = 0;

	if (w->pass == PASS_LIBRARY)
		return run_library(w, src, n, dst, len);
	if (w->pass == PASS_CHECKED)
		r = obd_zfile_check(z, src, n);
	return r ?: obd_zfile_decompress(z, &w->codec, src, n, dst, len);
}

static void worker_run(struct work_struct *work)
{
	struct worker *w = container_of(work, struct worker, work);
	const struct obd_zfile *z = &blob.zfile;
	const u8 *src = stored;
	u32 block, at = 0;

	w->result = 0;
	if (w->begin < w->end)
		src += obd_zfile_offset(z, w->begin) - obd_zfile_offset(z, 0);
	for (block = w->begin; !w->result && block < w->end; block++) {
		w->result = run_block(w, block, src, w->output + at);
		src += obd_zfile_stored(z, block);
		at = (at + z->block_size) % OUTPUT_SIZE;
		cond_resched();
	}
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

/* Share out the blocks of the next piece. */
static void share_out(enum pass pass)
{
	u8 shift = blob.zfile.block_shift;
	u32 first = position >> shift, nr = piece >> shift;
	unsigned int i;

	for (i = 0; i < threads; i++) {
		workers[i].pass = pass;
		workers[i].begin = first + (u64)nr * i / threads;
		workers[i].end = first + (u64)nr * (i + 1) / threads;
	}
}

/* The lock of the module's parameters keeps a second piece out. */
static int pass_get(char *buffer, const struct kernel_param *kp)
{
	unsigned int i;
	u64 nsec;
	int r = 0;

	if (!ready)
		return -EAGAIN;
	share_out((unsigned long)kp->arg);
	nsec = time_workers();
	for (i = 0; i < threads; i++)
		r = r ?: workers[i].result;
	return r ?: scnprintf(buffer, PAGE_SIZE, "%llu\n", nsec);
}

static int pass_set(const char *val, const struct kernel_param *kp)
{
	u64 pos;
	int r = kstrtou64(val, 0, &pos);

	if (r || !ready)
		return r ?: -EAGAIN;
	if (pos % blob.zfile.block_size || pos > blob.data_size - piece)
		return -EINVAL;
	position = pos;
	return 0;
}

static const struct kernel_param_ops pass_ops = {
	.get = pass_get,
	.set = pass_set,
};

module_param_cb(library, &pass_ops, (void *)PASS_LIBRARY, 0644);
MODULE_PARM_DESC(library, "decompress a piece by the library's function alone");
module_param_cb(decompress, &pass_ops, (void *)PASS_DECOMPRESS, 0644);
MODULE_PARM_DESC(decompress, "decompress a piece by the format files");
module_param_cb(checked, &pass_ops, (void *)PASS_CHECKED, 0644);
MODULE_PARM_DESC(checked, "decompress a piece by the format files, with CRCs");

static int worker_init(struct worker *w)
{
	INIT_WORK(&w->work, worker_run);
	w->output = vmalloc(OUTPUT_SIZE);
	return w->output ? obd_codec_prepare(&w->codec, blob.zfile.algorithm) :
	       -ENOMEM;
}

static int load_blocks(struct obd_dev *dev)
{
	u64 begin = obd_zfile_offset(&blob.zfile, 0), pos = 0;
	u64 size = blob.zfile.index_offset - begin;
	int r = 0;

	stored = vmalloc(size);
	if (!stored)
		return -ENOMEM;
	while (!r && pos < size) {
		u32 n = min_t(u64, size - pos, LOAD_SIZE);

		r = obd_dev_read(dev, blob.start + begin + pos, stored + pos,
				 n);
		pos += n;
	}
	return r;
}

static int load_blob(struct obd_dev *dev)
{
	struct obd_error err;
	int r;

	r = obd_blob_open(&blob, dev, bytes, &err);
	if (r) {
		pr_err("bench-decompress: %s: %s\n", device, err.text);
		return r;
	}
	if (!blob.compressed || blob.zfile.block_size > OUTPUT_SIZE ||
	    !piece || piece % blob.zfile.block_size || piece > blob.data_size)
		return -EINVAL;
	return load_blocks(dev);
}

static int load_device(void)
{
	struct obd_dev dev;
	struct file *file;
	int r;

	/* Unlike the functions that open a block device, this one stays. */
	file = filp_open(device, O_RDONLY | O_LARGEFILE, 0);
	if (IS_ERR(file))
		return PTR_ERR(file);
	if (!S_ISBLK(file_inode(file)->i_mode)) {
		r = -ENOTBLK;
	} else {
		dev.bdev = I_BDEV(file->f_mapping->host);
		r = load_blob(&dev);
	}
	filp_close(file, NULL);
	return r;
}

static void bench_cleanup(void)
{
	unsigned int i;

	if (wq)
		destroy_workqueue(wq);
	for (i = 0; workers && i < threads; i++) {
		obd_codec_release(&workers[i].codec);
		vfree(workers[i].output);
	}
	kfree(workers);
	vfree(stored);
	obd_blob_release(&blob);
}

static int __init bench_init(void)
{
	unsigned int i;
	int r;

	if (!device || !threads || threads > nr_cpu_ids)
		return -EINVAL;
	r = load_device();
	workers = kcalloc(threads, sizeof(*workers), GFP_KERNEL);
	wq = alloc_workqueue("bench-decompress", WQ_UNBOUND, 0);
	if (!r && (!workers || !wq))
		r = -ENOMEM;
	for (i = 0; !r && i < threads; i++)
		r = worker_init(&workers[i]);
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
MODULE_DESCRIPTION("Decompression speed of a ZFile's blocks");
