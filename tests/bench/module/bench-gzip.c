// SPDX-License-Identifier: GPL-2.0-only
/*
 * How fast this kernel inflates a gzip file when nothing else is to be done:
 * what reading the same file through device mapper has to be measured by.
 *
 *	insmod bench-inflate.ko device=/dev/ram0 bytes=N \
 *		index=/dev/ram1 index_bytes=N
 *
 * Parameters are read from sysfs. Reading one inflates a piece of the data,
 * from the byte that was written to it last, and gives nanoseconds:
 *
 *	library		by zlib_inflate() alone, out of memory
 *	checked		and the CRC of each block is computed
 *	library_read	and what is inflated is read from the device first
 *	checked_read	both
 *
 * A sequence goes on where the piece before has ended. With "reads" a piece is
 * so many blocks in random order, those that bench-io reads from: each time the
 * window of the nearest access point is unpacked and set, what lies before the
 * block is inflated, and the block.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sizes.h>

#include "bench-clock.h"
#include "bench-load.h"
#include "bench-place.h"
#include "dm-overlaybd-gzip.h"

#define BLOCK_BYTES	((u32)BIT(OBD_GZIP_BLOCK_SHIFT))
#define OUTPUT_SIZE	SZ_1M
#define INPUT_SIZE	SZ_64K

#define PASS_CRC	0x1UL
#define PASS_READ	0x2UL
#define NR_PASSES	4

struct pass {
	struct obd_inflater inflater;
	unsigned long flags;
	u8 *input;		/* some of the gzip file, or of its index */
	u64 pos;		/* of the data; U64_MAX: nowhere */
	u64 in_pos;		/* of the gzip file, behind what is there */
	u64 position;		/* of the piece */
};

static char *device;
module_param(device, charp, 0444);
MODULE_PARM_DESC(device, "block device that holds the gzip file");

static unsigned long long bytes;
module_param(bytes, ullong, 0444);
MODULE_PARM_DESC(bytes, "exact length of the gzip file");

static char *index;
module_param(index, charp, 0444);
MODULE_PARM_DESC(index, "block device that holds its index");

static unsigned long long index_bytes;
module_param(index_bytes, ullong, 0444);
MODULE_PARM_DESC(index_bytes, "exact length of the index");

static unsigned int piece = SZ_1M;
module_param(piece, uint, 0444);
MODULE_PARM_DESC(piece, "inflate so many bytes at a time");

static unsigned int reads;
module_param(reads, uint, 0444);
MODULE_PARM_DESC(reads, "a piece is so many blocks in random order; 0: a sequence");

static struct file *files[2];
static struct obd_dev devs[2];		/* the gzip file's, and the index's */
static struct obd_gzip gzip;
static u8 *stored[2];			/* what they hold */
static struct pass passes[NR_PASSES];
static u8 *output, *window;
static bool ready;

static int read_part(const struct pass *p, unsigned int file, u64 pos, u32 len,
		     const u8 **part)
{
	u32 skip = pos % SECTOR_SIZE;

	*part = p->input + skip;
	return obd_bdev_io(devs[file].bdev, REQ_OP_READ, pos >> SECTOR_SHIFT,
			   p->input, round_up(skip + len, SECTOR_SIZE));
}

/* Bytes of a file, where they are or where they have been read to. */
static int get(const struct pass *p, unsigned int file, u64 pos, u32 len,
	       const u8 **part)
{
	if (p->flags & PASS_READ)
		return read_part(p, file, pos, len, part);
	*part = stored[file] + pos;
	return 0;
}

static int fill(struct pass *p)
{
	z_stream *s = &p->inflater.stream;
	u64 left = gzip.gzip_size - p->in_pos;
	u32 n = p->flags & PASS_READ ?
		min_t(u64, left, INPUT_SIZE - p->in_pos % SECTOR_SIZE) : left;
	int r;

	if (!n)
		return -EILSEQ;
	r = get(p, 0, p->in_pos, n, (const u8 **)&s->next_in);
	s->avail_in = n;
	p->in_pos += n;
	return r;
}

static int inflate_bytes(struct pass *p, u8 *out, u32 len)
{
	z_stream *s = &p->inflater.stream;
	int r;

	s->next_out = out;
	s->avail_out = len;
	while (s->avail_out) {
		r = s->avail_in ? 0 : fill(p);
		if (r)
			return r;
		r = zlib_inflate(s, Z_SYNC_FLUSH);
		if (r != Z_OK && (r != Z_STREAM_END || s->avail_out))
			return -EILSEQ;
	}
	p->pos += len;
	return 0;
}

/* Up to @end, blocks as such if they are to be checked. */
static int inflate_to(struct pass *p, u64 end, bool check)
{
	u32 step = check ? BLOCK_BYTES : OUTPUT_SIZE;
	int r = 0;

	end = min(end, gzip.data_size);
	while (!r && p->pos < end) {
		u32 at = p->pos % step;
		u32 n = min_t(u64, end - p->pos, step - at);
		u64 pos = p->pos;

		r = inflate_bytes(p, output, n);
		if (!r && check && !at)
			r = obd_gzip_check(&gzip, pos >> OBD_GZIP_BLOCK_SHIFT,
					   output, n);
	}
	return r;
}

static int set_window(struct pass *p, const struct obd_gzip_point *point,
		      u32 *len)
{
	const u8 *part;
	int r;

	*len = 0;
	if (!point->window_size)
		return 0;
	r = get(p, 1, point->window_pos, point->window_size, &part);
	return r ?: obd_inflater_window(&p->inflater, &gzip, part,
					point->window_size, window, len);
}

/* Begin at the access point before a byte. */
static int seek(struct pass *p, u64 pos)
{
	const struct obd_gzip_point *point = obd_gzip_find(&gzip, pos);
	z_stream *s = &p->inflater.stream;
	const u8 *in;
	u32 len, left;
	int r;

	p->pos = U64_MAX;
	p->in_pos = point->gzip_pos - !!point->bits;
	r = set_window(p, point, &len) ?: fill(p);
	if (r)
		return r;
	in = s->next_in + !!point->bits;
	left = s->avail_in - !!point->bits;
	r = obd_inflater_start(&p->inflater, point, point->bits ? in[-1] : 0,
			       window, len);
	s->next_in = in;
	s->avail_in = left;
	p->pos = point->data_pos;
	return r;
}

static int run_sequence(struct pass *p)
{
	int r = 0;

	if (p->pos != p->position)
		r = seek(p, p->position) ?: inflate_to(p, p->position, false);
	r = r ?: inflate_to(p, p->position + piece, p->flags & PASS_CRC);
	if (r)
		p->pos = U64_MAX;
	return r;
}

/* A random block stands for a page of it. */
static int run_random(struct pass *p)
{
	u64 first = p->position >> PAGE_SHIFT, i;
	u32 nr = round_up(gzip.data_size, SECTOR_SIZE) >> OBD_GZIP_BLOCK_SHIFT;
	int r = 0;

	for (i = first; !r && i < first + reads; i++) {
		u64 begin = (u64)bench_place(i, nr) << OBD_GZIP_BLOCK_SHIFT;

		r = seek(p, begin) ?: inflate_to(p, begin, false) ?:
		    inflate_to(p, begin + BLOCK_BYTES, p->flags & PASS_CRC);
	}
	return r;
}

/* The lock of the module's parameters keeps a second piece out. */
static int pass_get(char *buffer, const struct kernel_param *kp)
{
	struct pass *p = &passes[(unsigned long)kp->arg];
	u64 begin;
	int r;

	if (!ready)
		return -EAGAIN;
	begin = bench_clock();
	r = reads ? run_random(p) : run_sequence(p);
	return r ?: scnprintf(buffer, PAGE_SIZE, "%llu\n",
			      bench_clock() - begin);
}

static int pass_set(const char *val, const struct kernel_param *kp)
{
	u64 pos;
	int r = kstrtou64(val, 0, &pos);

	if (r || !ready)
		return r ?: -EAGAIN;
	if (!reads && (pos % BLOCK_BYTES || pos > gzip.data_size - piece))
		return -EINVAL;
	passes[(unsigned long)kp->arg].position = pos;
	return 0;
}

static const struct kernel_param_ops pass_ops = {
	.get = pass_get,
	.set = pass_set,
};

module_param_cb(library, &pass_ops, (void *)0, 0644);
MODULE_PARM_DESC(library, "inflate a piece");
module_param_cb(checked, &pass_ops, (void *)PASS_CRC, 0644);
MODULE_PARM_DESC(checked, "inflate and check a piece");
module_param_cb(library_read, &pass_ops, (void *)PASS_READ, 0644);
MODULE_PARM_DESC(library_read, "read and inflate a piece");
module_param_cb(checked_read, &pass_ops, (void *)(PASS_CRC | PASS_READ), 0644);
MODULE_PARM_DESC(checked_read, "read, inflate and check a piece");

static int passes_init(void)
{
	unsigned long i;
	int r = 0;

	for (i = 0; !r && i < NR_PASSES; i++) {
		passes[i].flags = i;
		passes[i].pos = U64_MAX;
		passes[i].input = kmalloc(INPUT_SIZE, GFP_KERNEL);
		r = passes[i].input ? obd_inflater_init(&passes[i].inflater) :
				      -ENOMEM;
	}
	output = vmalloc(OUTPUT_SIZE);
	window = vmalloc(GZIDX_WINDOW_SIZE);
	return output && window ? r : -ENOMEM;
}

static int load(unsigned int file, const char *path, u64 size)
{
	files[file] = bench_open(path, &devs[file]);
	if (IS_ERR(files[file]))
		return PTR_ERR(files[file]);
	if (!size || size > obd_dev_size(&devs[file]))
		return -EINVAL;
	stored[file] = bench_load(&devs[file], 0, size);
	return PTR_ERR_OR_ZERO(stored[file]);
}

static int open_index(void)
{
	struct obd_error err;
	int r;

	r = obd_gzip_open(&gzip, &devs[1], index_bytes, bytes, &err);
	if (r)
		pr_err("bench-inflate: %s: %s\n", index, err.text);
	else if (!piece || piece % BLOCK_BYTES || piece > gzip.data_size)
		r = -EINVAL;
	return r;
}

static void bench_cleanup(void)
{
	unsigned int i;

	for (i = 0; i < NR_PASSES; i++) {
		obd_inflater_exit(&passes[i].inflater);
		kfree(passes[i].input);
	}
	vfree(window);
	vfree(output);
	obd_gzip_release(&gzip);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		if (!IS_ERR(stored[i]))
			vfree(stored[i]);
		if (!IS_ERR_OR_NULL(files[i]))
			filp_close(files[i], NULL);
	}
}

static int __init bench_init(void)
{
	int r;

	if (!device || !index)
		return -EINVAL;
	r = load(0, device, bytes) ?: load(1, index, index_bytes) ?:
	    open_index() ?: passes_init();
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
MODULE_DESCRIPTION("How fast the data of a gzip file is inflated");
