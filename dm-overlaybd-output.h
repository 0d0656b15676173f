/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a block of a ZFile is decompressed to for a bio: memory of the cache if
 * it is to stay, the bio's own if the bio wants all of it and nobody else may write
 * there, or else a bounce buffer.
 */
#ifndef DM_OVERLAYBD_OUTPUT_H
#define DM_OVERLAYBD_OUTPUT_H

#include "dm-overlaybd-codec.h"
#include "dm-overlaybd-read.h"

/**
 * struct obd_output - a block that a bio wants
 * @io: the bio
 * @at: the part of it that shows the block; in the end what follows
 * @block: the block
 * @from: first byte of it that the bio wants
 * @len: how many it wants
 * @whole: that is all of it
 * @direct: @memory is the bio's own
 * @mapped: @memory is the bio's own pages, mapped
 * @cached: what @memory is of, if it is the cache's; or NULL
 * @memory: where the block is decompressed to
 */
struct obd_output {
	struct obd_io *io;
	struct bvec_iter *at;
	u32 block;
	u32 from;
	u32 len;
	bool whole;
	bool direct;
	bool mapped;
	struct obd_cached *cached;
	void *memory;
};

/**
 * obd_output_maps - may pages be mapped for blocks of a source?
 * @source: of a ZFile
 *
 * Any context.
 *
 * Return: false if blocks go through the bounce buffer instead.
 */
bool obd_output_maps(const struct obd_source *source);

/**
 * obd_output_begin - choose the memory for a block
 * @out: filled in; end it with obd_output_end()
 * @io: a bio
 * @at: the part of it that shows the block
 * @block: one of its blocks
 * @slot: for the bounce buffer
 * @may_map: map pages if need be: may sleep then, else does not
 */
void obd_output_begin(struct obd_output *out, struct obd_io *io,
		      struct bvec_iter *at, u32 block, struct obd_slot *slot,
		      bool may_map);

/**
 * obd_output_end - see that the bio has a block, and the cache
 * @out: from obd_output_begin()
 * @good: the block is in @out->memory; or else the bio fails
 *
 * May sleep if @out->mapped, else does not.
 */
void obd_output_end(struct obd_output *out, bool good);

#endif
