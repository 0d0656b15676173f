// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory to decompress blocks into.
 */
#include <linux/highmem.h>
#include <linux/moduleparam.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/vmalloc.h>

#include "dm-overlaybd-output.h"

/* For less than that, a copy costs no more than mapping pages. */
#define MAP_PAGES_MIN	4

/* In User Mode Linux, mapping a page takes system calls of the host. */
static bool map_pages = !IS_ENABLED(CONFIG_UML);
module_param(map_pages, bool, 0644);
MODULE_PARM_DESC(map_pages,
		 "map the pages of a bio to decompress large blocks into them, do not copy");

bool obd_output_maps(const struct obd_source *source)
{
	return READ_ONCE(map_pages) &&
	       source->blob->zfile.block_size >= MAP_PAGES_MIN * PAGE_SIZE;
}

/*
 * Decompressors read again what they have written. So nobody else may write there
 * meanwhile: a user who reads directly may, and may also have given the same page
 * more than once, to this read and to others, as virtual machines do with what
 * they do not want to know. A page that is being read in is nobody's yet; nor is
 * what is neither mapped nor part of a file a user's.
 */
static bool is_private(struct page *page)
{
	struct folio *folio = page_folio(page);

	if (folio_test_locked(folio) && !folio_test_uptodate(folio))
		return true;
	return folio_test_slab(folio) ||
	       (!folio_test_anon(folio) && !folio_mapping(folio) &&
		!folio_mapped(folio));
}

/* Within one page, what others spoil is what they write to. */
static bool is_all_private(void *memory, u32 len)
{
	void *page = (void *)round_down((unsigned long)memory, PAGE_SIZE);

	if (memory + len <= page + PAGE_SIZE)
		return true;
	for (; page < memory + len; page += PAGE_SIZE)
		if (!is_private(virt_to_page(page)))
			return false;
	return true;
}

/* The next @len bytes of the bio's memory, if they are contiguous. */
static void *direct_memory(struct bio *bio, const struct bvec_iter *at, u32 len)
{
	struct bio_vec bv = mp_bvec_iter_bvec(bio->bi_io_vec, *at);
	void *memory;

	if (IS_ENABLED(CONFIG_HIGHMEM) || bv.bv_len < len)
		return NULL;
	memory = page_address(bv.bv_page) + bv.bv_offset;
	return is_all_private(memory, len) ? memory : NULL;
}

/* For caches that tell a page's kernel address from its others. */
static void flush_direct(void *memory, u32 len)
{
	void *page = (void *)round_down((unsigned long)memory, PAGE_SIZE);

	for (; page < memory + len; page += PAGE_SIZE)
		flush_dcache_page(virt_to_page(page));
}

/*
 * Map the next @nr pages of the bio, if they are whole and private. May sleep, but
 * not until somebody cleans memory: that may be who waits behind us, for a rescuer
 * runs one after another. What it takes of the reserves is a page or two for each
 * slot.
 */
static void *map_memory(struct bio *bio, struct bvec_iter at, u32 nr,
			struct page **pages)
{
	unsigned int noreclaim;
	void *mapped;
	u32 i;

	for (i = 0; i < nr; i++) {
		struct bio_vec bv = bio_iter_iovec(bio, at);

		if (bv.bv_len != PAGE_SIZE || !is_private(bv.bv_page))
			return NULL;
		pages[i] = bv.bv_page;
		bio_advance_iter_single(bio, &at, PAGE_SIZE);
	}
	noreclaim = memalloc_noreclaim_save();
	mapped = vm_map_ram(pages, nr, NUMA_NO_NODE);
	memalloc_noreclaim_restore(noreclaim);
	return mapped;
}

/*
 * What was wanted before, or is wanted in part only, goes to the cache and is
 * copied from there. It must not be copied the other way round: whoever owns
 * the bio's memory may write to it at any time.
 */
static void *cache_memory(struct obd_output *out, u32 len)
{
	struct obd_reader *reader = out->io->reader;
	struct obd_cache_layer *cache = &reader->source->cache;

	if (!reader->cached ||
	    (out->whole && !obd_cache_admits(cache, out->block)))
		return NULL;
	out->cached = obd_cache_alloc(cache, out->block, len, OBD_CACHE_READ,
				      reader->checked);
	return out->cached ? out->cached->data : NULL;
}

static void *bio_memory(struct obd_output *out, struct obd_slot *slot,
			bool may_map)
{
	struct bio *bio = out->io->bio;
	void *memory;

	if (!out->whole)
		return NULL;
	memory = direct_memory(bio, out->at, out->len);
	out->direct = memory;
	if (memory || !may_map || !slot->pages || out->len % PAGE_SIZE ||
	    !obd_output_maps(out->io->reader->source))
		return memory;
	memory = map_memory(bio, *out->at, out->len >> PAGE_SHIFT, slot->pages);
	out->mapped = memory;
	return memory;
}

void obd_output_begin(struct obd_output *out, struct obd_io *io,
		      struct bvec_iter *at, u32 block, struct obd_slot *slot,
		      bool may_map)
{
	const struct obd_zfile *z = &io->reader->source->blob->zfile;
	u32 from, to, len = obd_zfile_block_len(z, block);

	obd_io_part(io, block, len, &from, &to);
	*out = (struct obd_output) {
		.io = io,
		.at = at,
		.block = block,
		.from = from,
		.len = to - from,
		.whole = to - from == len,
	};
	out->memory = cache_memory(out, len) ?:
		      bio_memory(out, slot, may_map) ?: slot->bounce;
}

static void output_deliver(struct obd_output *out)
{
	struct bio *bio = out->io->bio;

	if (out->direct) {
		flush_direct(out->memory, out->len);
		bio_advance_iter(bio, out->at, out->len);
	} else if (out->mapped) {
		flush_kernel_vmap_range(out->memory, out->len);
		bio_advance_iter(bio, out->at, out->len);
	} else {
		obd_copy_out(bio, out->at, out->memory + out->from, out->len);
	}
	if (out->cached) {
		obd_cache_touch(out->cached, out->from, out->from + out->len);
		obd_cache_insert(out->cached);
	}
}

void obd_output_end(struct obd_output *out, bool good)
{
	if (good)
		output_deliver(out);
	else
		obd_cache_free(out->cached);
	if (out->mapped)
		vm_unmap_ram(out->memory, out->len >> PAGE_SHIFT);
}
