/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Committed LSMT layers: header, data, index and trailer are made up from a
 * disk and its changes when they are read, so that writing a layer needs no
 * second copy of the data.
 */
#ifndef OVERLAYBD_WRITER_LSMT_H
#define OVERLAYBD_WRITER_LSMT_H

#include "dm-overlaybd-format.h"
#include "tools/changes.h"
#include "tools/source.h"

/*
 * What other implementations read at most, less what padding of the index
 * could add to it.
 */
#define LSMT_WRITE_MAX_ENTRIES	(1000000U / 256 * 256)

/* Of one entry; keeps the next one of a large extent aligned to pages. */
#define LSMT_WRITE_MAX_LEN	(LSMT_LENGTH_MAX / 8 * 8)

/**
 * struct lsmt_info - what a layer says of itself
 * @virtual_size: bytes, a multiple of the sector size
 * @uuid: text; derived from the content if it is empty
 * @parent_uuid: text; all zero if it is empty
 * @user_tag: text, or NULL
 */
struct lsmt_info {
	u64 virtual_size;
	char uuid[LSMT_UUID_SIZE];
	char parent_uuid[LSMT_UUID_SIZE];
	const char *user_tag;
};

/**
 * lsmt_fill_header - make a header or trailer
 * @h: filled in, but for index_offset and index_size, which are 0
 * @info: what it says; the user tag is shorter than LSMT_USER_TAG_SIZE
 * @flags: its flags
 */
void lsmt_fill_header(struct lsmt_header *h, const struct lsmt_info *info,
		      u32 flags);

/**
 * struct lsmt_image - a layer that is ready to be read
 * @disk: where its data comes from
 * @data: the entries of the index but for those of a target, in the order of
 *	their data
 * @nr_data: how many
 * @index: the index, padding included
 * @nr_used: entries that are no padding
 * @nr_entries: all of them
 * @index_offset: byte where the index begins
 * @size: bytes of the layer
 * @header: its first bytes
 * @trailer: its last bytes
 */
struct lsmt_image {
	struct source disk;
	struct lsmt_entry *data;
	u32 nr_data;
	struct lsmt_entry *index;
	u32 nr_used;
	u32 nr_entries;
	u64 index_offset;
	u64 size;
	struct lsmt_header header;
	struct lsmt_header trailer;
};

/**
 * lsmt_image_init - lay a layer out
 * @image: filled in; release with lsmt_image_release(), also after a failure
 * @disk: its disk; what it reads from must outlive @image
 * @changes: what it maps of that; coarsened if they are too many
 * @info: what the layer says of itself; the uuid is filled in
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno; -E2BIG if an index cannot hold it.
 */
int lsmt_image_init(struct lsmt_image *image, struct source disk,
		    struct changes *changes, struct lsmt_info *info,
		    struct obd_error *err);

/**
 * lsmt_image_source - the layer, to be read
 * @image: the layer; must outlive the source
 */
struct source lsmt_image_source(const struct lsmt_image *image);

/**
 * lsmt_image_release - free what lsmt_image_init() allocated
 * @image: the layer; a zeroed one is fine
 */
void lsmt_image_release(struct lsmt_image *image);

#endif
