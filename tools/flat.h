/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Layers of an image that lie on one another, seen as one.
 */
#ifndef OVERLAYBD_FLAT_H
#define OVERLAYBD_FLAT_H

#include "tools/output.h"
#include "tools/reader.h"
#include "tools/source.h"
#include "tools/stack.h"

/* Readers that no thread uses at the moment. */
struct flat_pool;

/**
 * struct flat - some layers, seen as one
 * @stack: the image
 * @first: the lowest of the layers; the upper is the one behind the lowers
 * @end: one past the highest
 * @nr_sectors: virtual size that the layers give the disk, 0 if none has one
 * @keeps_zeroed: whether what reads as zeros is told from what no layer maps
 * @map: their merged index
 * @number: what @map calls @first
 * @upper_blob: data of the upper
 * @pool: memory for reading
 */
struct flat {
	const struct stack *stack;
	unsigned int first;
	unsigned int end;
	u64 nr_sectors;
	bool keeps_zeroed;
	struct obd_map map;
	unsigned int number;
	struct obd_blob upper_blob;
	struct flat_pool *pool;
};

/**
 * flat_init - merge the indexes of layers
 * @flat: filled in; release with flat_release(), also after a failure
 * @stack: the image, its upper loaded
 * @first: the lowest layer
 * @end: one past the highest; above @first
 * @keep_zeroed: tell what reads as zeros from what no layer maps
 * @limit: sector behind which nothing is wanted; 0 for all that is mapped
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno.
 */
int flat_init(struct flat *flat, const struct stack *stack,
	      unsigned int first, unsigned int end, bool keep_zeroed,
	      u64 limit, struct obd_error *err);

/**
 * flat_layers - how many layers an image has, the upper included
 * @stack: the image
 */
unsigned int flat_layers(const struct stack *stack);

/**
 * flat_lookup - find out who serves a sector
 * @flat: the layers
 * @sector: below @flat->map.nr_sectors
 * @range: the answer: a layer of the image; OBD_BELOW, which takes
 *	@keeps_zeroed, where no layer maps it; OBD_HOLE where it reads as zeros
 */
void flat_lookup(const struct flat *flat, u64 sector,
		 struct obd_range *range);

/**
 * flat_blob - what holds the data of a layer
 * @flat: the layers
 * @layer: of a range
 */
const struct obd_blob *flat_blob(const struct flat *flat, int layer);

/**
 * flat_read_range - read data of one layer
 * @flat: the layers
 * @reader: memory of the thread
 * @range: what flat_lookup() returned, or a part of it; of a layer
 * @buf: where to
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno.
 */
int flat_read_range(const struct flat *flat, struct reader *reader,
		    const struct obd_range *range, void *buf,
		    struct obd_error *err);

/**
 * flat_source - the bytes of the disk, as far as the layers map them
 * @flat: the layers; must outlive the source
 *
 * All else reads as zeros.
 */
struct source flat_source(const struct flat *flat);

/**
 * flat_release - free what flat_init() allocated
 * @flat: the layers; a zeroed one is fine
 */
void flat_release(struct flat *flat);

#endif
