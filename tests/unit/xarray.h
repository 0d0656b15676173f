/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the map of a writable layer needs of the kernel, for its unit test: a
 * small array in place of an xarray, no concurrency, and allocations that fail
 * when they are told to.
 */
#ifndef OVERLAYBD_XARRAY_H
#define OVERLAYBD_XARRAY_H

#include "dm-overlaybd-compat.h"

#define XARRAY_MAX	16
#define BITS_PER_LONG	__LONG_WIDTH__

/* How many allocations work from now on; negative: all. */
static int allocations = -1;

static bool may_allocate(void)
{
	if (!allocations)
		return false;
	if (allocations > 0)
		allocations--;
	return true;
}

#undef kmalloc
#define kmalloc(size, gfp)	(may_allocate() ? kvmalloc(size, gfp) : NULL)
#define struct_size(p, member, n) \
	(sizeof(*(p)) + sizeof(*(p)->member) * (n))
#define div_u64(a, b)		((a) / (b))

#define __rcu
#define __aligned(n)			__attribute__((aligned(n)))

struct rcu_head {
	void *unused[2];
};

#define rcu_read_lock()			do { } while (0)
#define rcu_read_unlock()		do { } while (0)
#define rcu_dereference(p)		(p)
#define rcu_access_pointer(p)		(p)
#define rcu_assign_pointer(p, v)	((p) = (v))
#define RCU_INIT_POINTER(p, v)		((p) = (v))
#define kfree_rcu(p, member)		kvfree(p)

static inline void *xa_mk_value(unsigned long v)
{
	return (void *)(v << 1 | 1);
}

static inline unsigned long xa_to_value(const void *entry)
{
	return (unsigned long)entry >> 1;
}

static inline bool xa_is_value(const void *entry)
{
	return (unsigned long)entry & 1;
}

struct xarray {
	void *entries[XARRAY_MAX];
};

#define XA_PRESENT	0

static inline void xa_init(struct xarray *xa)
{
	memset(xa, 0, sizeof(*xa));
}

static inline void xa_destroy(struct xarray *xa)
{
	xa_init(xa);
}

static inline void *xa_load(struct xarray *xa, unsigned long index)
{
	return index < XARRAY_MAX ? xa->entries[index] : NULL;
}

/* Takes memory only for what had no entry. */
static inline void *xa_store(struct xarray *xa, unsigned long index,
			     void *entry, gfp_t gfp)
{
	(void)gfp;
	assert(index < XARRAY_MAX);
	if (!xa->entries[index] && !may_allocate())
		return xa;
	xa->entries[index] = entry;
	return NULL;
}

static inline int xa_err(const void *entry)
{
	return entry ? -ENOMEM : 0;
}

static inline void *xa_find(struct xarray *xa, unsigned long *index,
			    unsigned long last, unsigned int filter)
{
	(void)filter;
	for (; *index < XARRAY_MAX && *index <= last; (*index)++)
		if (xa->entries[*index])
			return xa->entries[*index];
	return NULL;
}

#define xa_for_each(xa, index, entry)					\
	for ((index) = 0; ((entry) = xa_find(xa, &(index), ULONG_MAX,	\
					     XA_PRESENT)); (index)++)

#endif
