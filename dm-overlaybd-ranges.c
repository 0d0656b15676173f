// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sets of ranges of sectors.
 */
#include "dm-overlaybd-ranges.h"

/**
 * struct stretch - a range that touches no other
 * @node: in the tree
 * @first: its first sector
 * @end: the sector behind it
 */
struct stretch {
	struct rb_node node;
	u64 first;
	u64 end;
};

static struct stretch *stretch_of(struct rb_node *node)
{
	return rb_entry(node, struct stretch, node);
}

void obd_ranges_init(struct obd_ranges *ranges)
{
	ranges->tree = RB_ROOT_CACHED;
	ranges->sectors = 0;
}

void obd_ranges_exit(struct obd_ranges *ranges)
{
	struct stretch *stretch, *next;

	rbtree_postorder_for_each_entry_safe(stretch, next,
					     &ranges->tree.rb_root, node) {
		kfree(stretch);
		cond_resched();
	}
	obd_ranges_init(ranges);
}

static void remove(struct obd_ranges *ranges, struct stretch *stretch)
{
	rb_erase_cached(&stretch->node, &ranges->tree);
	kfree(stretch);
}

static struct stretch *new_stretch(u64 first, u64 end, gfp_t gfp)
{
	struct stretch *stretch = kmalloc(sizeof(*stretch), gfp);

	if (!stretch && !gfpflags_allow_blocking(gfp))
		stretch = kmalloc(sizeof(*stretch), OBD_GFP_RESERVES);
	if (stretch) {
		stretch->first = first;
		stretch->end = end;
	}
	return stretch;
}

/* Make sectors part of stretches that they touch, if there are any. */
static bool join(struct obd_ranges *ranges, struct stretch *before,
		 struct stretch *behind, u64 first, u64 end)
{
	bool begins = before && before->end == first;
	bool ends = behind && behind->first == end;

	if (begins && ends) {
		before->end = behind->end;
		remove(ranges, behind);
	} else if (begins) {
		before->end = end;
	} else if (ends) {
		behind->first = first;
	}
	return begins || ends;
}

int obd_ranges_add(struct obd_ranges *ranges, u64 first, u64 len, gfp_t gfp)
{
	struct rb_node **link = &ranges->tree.rb_root.rb_node;
	struct stretch *before = NULL, *behind = NULL, *stretch;
	struct rb_node *parent = NULL;

	while (*link) {
		parent = *link;
		stretch = stretch_of(parent);
		if (first < stretch->first) {
			behind = stretch;
			link = &parent->rb_left;
		} else {
			before = stretch;
			link = &parent->rb_right;
		}
	}
	if (!join(ranges, before, behind, first, first + len)) {
		stretch = new_stretch(first, first + len, gfp);
		if (!stretch)
			return -ENOMEM;
		rb_link_node(&stretch->node, parent, link);
		rb_insert_color_cached(&stretch->node, &ranges->tree, !before);
	}
	ranges->sectors += len;
	return 0;
}

bool obd_ranges_take(struct obd_ranges *ranges, u64 *first, u64 *len)
{
	struct rb_node *node = rb_first_cached(&ranges->tree);
	struct stretch *stretch;

	if (!node)
		return false;
	stretch = stretch_of(node);
	*first = stretch->first;
	*len = stretch->end - stretch->first;
	ranges->sectors -= *len;
	remove(ranges, stretch);
	return true;
}
