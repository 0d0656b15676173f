// SPDX-License-Identifier: GPL-2.0-only
/*
 * How fast this kernel decompresses the blocks of a ZFile when they are in
 * memory already, and nothing else is to be done: what reading the same ZFile
 * through device mapper has to be measured by.
 *
 *	insmod bench-decompress.ko device=/dev/ram0
 *
 * Parameters are read from sysfs. Reading one decompresses a piece of the blob,
 * from the byte that was written to it last, and gives nanoseconds:
 *
 *	library		by the library's function alone
 *	checked		and each block's CRC is checked
 *	library_read	and the stored blocks are read from the device first:
 *	checked_read	all of a thread's with one bio, or each one if random
 *	every_cpu	the same, by at least a thread for each CPU
 */
#include <linux/bio.h>
#include <linux/cpumask.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include "bench-clock.h"
#include "bench-load.h"
#include "bench-place.h"

/* Output goes round in as much as a large read has, to use caches alike. */
#define OUTPUT_SIZE	SZ_1M

/* Stored blocks may be larger than what is in them, by their CRCs and a bit. */
#define INPUT_SIZE	SZ_2M
#define READ_SIZE	(BIO_MAX_VECS * (u32)PAGE_SIZE)
#define MAX_THREADS	16U

#define PASS_CRC	0x1UL
#define PASS_READ	0x2UL
#define PASS_EVERY_CPU	0x4UL

struct worker {
	struct work_struct work;
	struct obd_codec codec;
	u8 *output;
	u8 *input;
	struct bio_vec *bvecs;
	u64 begin;		/* its blocks */
	u64 end;
	unsigned long pass;
	int result;
};

static char *device;
module_param(device, charp, 0444);
MODULE_PARM_DESC(device, "block device that holds the ZFile");

static unsigned int threads = 1;
module_param(threads, uint, 0444);
MODULE_PARM_DESC(threads, "decompress so many runs of blocks at once");

static unsigned int piece = SZ_1M;
module_param(piece, uint, 0444);
MODULE_PARM_DESC(piece, "decompress so many bytes at a time");

static unsigned int reads;
module_param(reads, uint, 0444);
MODULE_PARM_DESC(reads, "a piece is so many blocks in random order; 0: a sequence");

static unsigned long long bytes;
module_param(bytes, ullong, 0444);
MODULE_PARM_DESC(bytes, "exact length of the blob; 0 means the device's size");

static struct file *file;
static struct obd_dev dev;
static struct obd_blob blob;
static u8 *stored;		/* all blocks, from the first on */
static struct worker *workers;
static unsigned int nr_workers;
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

/* Whole sectors, at most BIO_MAX_VECS pages of them. */
static int read_sectors(struct worker *w, u64 sector, u8 *buf, u32 len)
{
	struct bio bio;
	int r = 0;

	bio_init(&bio, dev.bdev, w->bvecs, BIO_MAX_VECS, REQ_OP_READ);
	bio.bi_iter.bi_sector = sector;
	while (!r && len) {
		u32 n = min_t(u32, len, PAGE_SIZE);

		if (bio_add_page(&bio, vmalloc_to_page(buf), n, 0) != n)
			r = -EIO;
		buf += n;
		len -= n;
	}
	r = r ?: submit_bio_wait(&bio);
	bio_uninit(&bio);
	return r;
}

/* Device to w->input, by sectors; tells where in there @pos is. */
static int read_stored(struct worker *w, u64 pos, u32 len, const u8 **src)
{
	u64 sector = pos >> SECTOR_SHIFT;
	u32 skip = pos % SECTOR_SIZE, done = 0;
	int r = 0;

	len = round_up(skip + len, SECTOR_SIZE);
	if (len > INPUT_SIZE)
		return -E2BIG;
	while (!r && done < len) {
		u32 n = min_t(u32, len - done, READ_SIZE);

		r = read_sectors(w, sector + (done >> SECTOR_SHIFT),
				 w->input + done, n);
		done += n;
	}
	*src = w->input + skip;
	return r;
}

static int fetch(struct worker *w, u32 first, u32 last, const u8 **src)
{
	const struct obd_zfile *z = &blob.zfile;
	u64 begin = obd_zfile_offset(z, first);
	u64 end = obd_zfile_offset(z, last) + obd_zfile_stored(z, last);

	if (w->pass & PASS_READ)
		return read_stored(w, blob.start + begin, end - begin, src);
	*src = stored + (begin - obd_zfile_offset(z, 0));
	return 0;
}

static int run_block(struct worker *w, u32 block, const u8 *src, u8 *dst)
{
	const struct obd_zfile *z = &blob.zfile;
	u32 n = obd_zfile_stored(z, block);
	int r = 0;

	if (w->pass & PASS_CRC)
		r = obd_zfile_check(z, src, n);
	return r ?: run_library(w, src, n, dst, obd_zfile_block_len(z, block));
}

/* Neighbours, from the first to the last. */
static int run_blocks(struct worker *w, u32 first, u32 last)
{
	const struct obd_zfile *z = &blob.zfile;
	const u8 *src;
	u32 block, at = 0;
	int r;

	r = fetch(w, first, last, &src);
	for (block = first; !r && block <= last; block++) {
		r = run_block(w, block, src, w->output + at);
		src += obd_zfile_stored(z, block);
		at = (at + z->block_size) % OUTPUT_SIZE;
	}
	return r;
}

static void worker_run(struct work_struct *work)
{
	struct worker *w = container_of(work, struct worker, work);
	u32 whole = blob.data_size >> blob.zfile.block_shift;
	u64 i;

	w->result = 0;
	if (w->begin >= w->end)
		return;
	if (!reads)
		w->result = run_blocks(w, w->begin, w->end - 1);
	for (i = w->begin; reads && !w->result && i < w->end; i++) {
		u32 block = bench_place(i, whole);

		w->result = run_blocks(w, block, block);
	}
}

static u64 time_workers(unsigned int n)
{
	u64 begin = bench_clock();
	unsigned int i;

	for (i = 0; i < n; i++)
		queue_work(wq, &workers[i].work);
	for (i = 0; i < n; i++)
		flush_work(&workers[i].work);
	return bench_clock() - begin;
}

/* Share out the blocks of the next piece; a random one stands for a page. */
static void share_out(unsigned long pass, unsigned int n)
{
	u32 nr = reads ?: piece >> blob.zfile.block_shift;
	u64 first = position >> (reads ? PAGE_SHIFT : blob.zfile.block_shift);
	unsigned int i;

	for (i = 0; i < n; i++) {
		workers[i].pass = pass;
		workers[i].begin = first + (u64)nr * i / n;
		workers[i].end = first + (u64)nr * (i + 1) / n;
	}
}

/* The lock of the module's parameters keeps a second piece out. */
static int pass_get(char *buffer, const struct kernel_param *kp)
{
	unsigned long pass = (unsigned long)kp->arg;
	unsigned int i, n = pass & PASS_EVERY_CPU ? nr_workers : threads;
	u64 nsec;
	int r = 0;

	if (!ready)
		return -EAGAIN;
	share_out(pass, n);
	nsec = time_workers(n);
	for (i = 0; i < n; i++)
		r = r ?: workers[i].result;
	return r ?: scnprintf(buffer, PAGE_SIZE, "%llu\n", nsec);
}

static int pass_set(const char *val, const struct kernel_param *kp)
{
	u64 pos;
	int r = kstrtou64(val, 0, &pos);

	if (r || !ready)
		return r ?: -EAGAIN;
	if (!reads && (pos % blob.zfile.block_size ||
		       pos > blob.data_size - piece))
		return -EINVAL;
	position = pos;
	return 0;
}

static const struct kernel_param_ops pass_ops = {
	.get = pass_get,
	.set = pass_set,
};

module_param_cb(library, &pass_ops, (void *)0, 0644);
MODULE_PARM_DESC(library, "decompress a piece");
module_param_cb(checked, &pass_ops, (void *)PASS_CRC, 0644);
MODULE_PARM_DESC(checked, "check and decompress a piece");
module_param_cb(library_read, &pass_ops, (void *)PASS_READ, 0644);
MODULE_PARM_DESC(library_read, "read and decompress a piece");
module_param_cb(checked_read, &pass_ops, (void *)(PASS_CRC | PASS_READ), 0644);
MODULE_PARM_DESC(checked_read, "read, check and decompress a piece");
module_param_cb(every_cpu, &pass_ops,
		(void *)(PASS_CRC | PASS_READ | PASS_EVERY_CPU), 0644);
MODULE_PARM_DESC(every_cpu, "the same, by a thread for each CPU");

static int worker_init(struct worker *w)
{
	INIT_WORK(&w->work, worker_run);
	w->output = vmalloc(OUTPUT_SIZE);
	w->input = vmalloc(INPUT_SIZE);
	w->bvecs = kcalloc(BIO_MAX_VECS, sizeof(*w->bvecs), GFP_KERNEL);
	if (!w->output || !w->input || !w->bvecs)
		return -ENOMEM;
	return obd_codec_prepare(&w->codec, blob.zfile.algorithm);
}

static int load_blocks(void)
{
	u64 begin = obd_zfile_offset(&blob.zfile, 0);

	stored = bench_load(&dev, blob.start + begin,
			    blob.zfile.index_offset - begin);
	return PTR_ERR_OR_ZERO(stored);
}

static int load_blob(void)
{
	struct obd_error err;
	int r;

	r = obd_blob_open(&blob, &dev, bytes, &err);
	if (r) {
		pr_err("bench-decompress: %s: %s\n", device, err.text);
		return r;
	}
	if (!blob.compressed || blob.zfile.block_size > OUTPUT_SIZE ||
	    !piece || piece % blob.zfile.block_size || piece > blob.data_size)
		return -EINVAL;
	return load_blocks();
}

static int load_device(void)
{
	file = bench_open(device, &dev);
	return PTR_ERR_OR_ZERO(file) ?: load_blob();
}

static void bench_cleanup(void)
{
	unsigned int i;

	if (wq)
		destroy_workqueue(wq);
	for (i = 0; workers && i < nr_workers; i++) {
		obd_codec_release(&workers[i].codec);
		vfree(workers[i].output);
		vfree(workers[i].input);
		kfree(workers[i].bvecs);
	}
	kfree(workers);
	if (!IS_ERR(stored))
		vfree(stored);
	obd_blob_release(&blob);
	if (!IS_ERR_OR_NULL(file))
		filp_close(file, NULL);
}

static int __init bench_init(void)
{
	unsigned int i;
	int r;

	if (!device || !threads || threads > MAX_THREADS)
		return -EINVAL;
	nr_workers = max(threads, num_online_cpus());
	r = load_device();
	workers = kcalloc(nr_workers, sizeof(*workers), GFP_KERNEL);
	wq = alloc_workqueue("bench-decompress", WQ_UNBOUND, 0);
	if (!r && (!workers || !wq))
		r = -ENOMEM;
	for (i = 0; !r && i < nr_workers; i++)
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
