// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long the kernel takes to open and read all files below a folder, as tar
 * does, without the system calls: in User Mode Linux these cost more than what
 * they are for.
 *
 * Write a folder to the parameter "walk"; reading it walks, and gives
 * nanoseconds, and how many bytes were read. Links and devices are passed over.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/version.h>
#include <linux/vmalloc.h>

#include "bench-clock.h"

#define READ_SIZE	SZ_128K

/* What is still to be visited. */
struct place {
	struct list_head link;
	unsigned int type;
	char path[];
};

struct listing {
	struct dir_context ctx;
	const char *folder;
	struct list_head places;	/* in the order of the folder */
	int result;
};

static char *root;
static u8 *buffer;
static u64 bytes;

static struct place *place_new(const char *folder, const char *name, int len,
			       unsigned int type)
{
	size_t size = strlen(folder) + len + 2;
	struct place *place = kmalloc(struct_size(place, path, size),
				      GFP_KERNEL);

	if (!place)
		return NULL;
	snprintf(place->path, size, "%s/%.*s", folder, len, name);
	place->type = type;
	return place;
}

static bool list_entry_add(struct dir_context *ctx, const char *name, int len,
			   loff_t offset, u64 ino, unsigned int type)
{
	struct listing *l = container_of(ctx, struct listing, ctx);
	struct place *place;

	if (type == DT_UNKNOWN) {
		l->result = -EOPNOTSUPP;
		return false;
	}
	if ((type != DT_REG && type != DT_DIR) ||
	    (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'))))
		return true;
	place = place_new(l->folder, name, len, type);
	if (!place) {
		l->result = -ENOMEM;
		return false;
	}
	list_add_tail(&place->link, &l->places);
	return true;
}

/* What is in a folder comes before what there is to be visited already. */
static int visit_folder(struct file *file, const char *path,
			struct list_head *places)
{
	struct listing l = {
		.ctx.actor = list_entry_add,
		.folder = path,
		.places = LIST_HEAD_INIT(l.places),
	};
	int r = iterate_dir(file, &l.ctx);

	list_splice(&l.places, places);
	return r ?: l.result;
}

static int visit_file(struct file *file)
{
	loff_t pos = 0;
	ssize_t n;

	do {
		n = kernel_read(file, buffer, READ_SIZE, &pos);
		cond_resched();
	} while (n == READ_SIZE);
	bytes += pos;
	return n < 0 ? n : 0;
}

static int visit(struct place *place, struct list_head *places)
{
	struct file *file = filp_open(place->path, O_RDONLY | O_LARGEFILE, 0);
	int r;

	if (IS_ERR(file))
		return PTR_ERR(file);
	r = place->type == DT_DIR ? visit_folder(file, place->path, places) :
				    visit_file(file);
	/* Otherwise it would be closed when the user's system call is over. */
	__fput_sync(file);
	return r;
}

static int walk(void)
{
	struct place *place = place_new(root, ".", 1, DT_DIR);
	LIST_HEAD(places);
	int r = 0;

	if (!place)
		return -ENOMEM;
	list_add(&place->link, &places);
	while ((place = list_first_entry_or_null(&places, struct place,
						 link))) {
		list_del(&place->link);
		r = r ?: visit(place, &places);
		kfree(place);
	}
	return r;
}

/* The lock of the module's parameters keeps a second one out. */
static int walk_get(char *text, const struct kernel_param *kp)
{
	u64 begin = bench_clock();
	int r;

	bytes = 0;
	r = root ? walk() : -EAGAIN;
	return r ?: scnprintf(text, PAGE_SIZE, "%llu %llu\n",
			      bench_clock() - begin, bytes);
}

static int walk_set(const char *val, const struct kernel_param *kp)
{
	char *copy = kstrndup(val, strcspn(val, "\n"), GFP_KERNEL);

	if (!copy)
		return -ENOMEM;
	kfree(root);
	root = copy;
	return 0;
}

static const struct kernel_param_ops walk_ops = {
	.get = walk_get,
	.set = walk_set,
};

module_param_cb(walk, &walk_ops, NULL, 0644);
MODULE_PARM_DESC(walk, "a folder to be walked");

/* Before 6.6 only kernel threads could close files themselves. */
static int __init bench_init(void)
{
	if (LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0))
		return -EOPNOTSUPP;
	buffer = vmalloc(READ_SIZE);
	return buffer ? 0 : -ENOMEM;
}

static void __exit bench_exit(void)
{
	kfree(root);
	vfree(buffer);
}

module_init(bench_init);
module_exit(bench_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Time to read all files below a folder");
