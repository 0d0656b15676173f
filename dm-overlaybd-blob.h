/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A blob on a device: which bytes of the device it is (tar), how they are
 * coded (ZFile), and the layer inside (LSMT). Reads metadata synchronously:
 * all functions may sleep, and none belongs into the I/O path.
 */
#ifndef DM_OVERLAYBD_BLOB_H
#define DM_OVERLAYBD_BLOB_H

#include "dm-overlaybd-lsmt.h"
#include "dm-overlaybd-merge.h"
#include "dm-overlaybd-zfile.h"

/*
 * What a blob lies on: a block device in the kernel, a file in user space.
 * Each environment defines the structure and these two functions.
 */
struct obd_dev;

/**
 * obd_dev_size - bytes that can be read
 * @dev: the device
 *
 * Return: bytes.
 */
u64 obd_dev_size(const struct obd_dev *dev);

/**
 * obd_dev_read - read bytes, at any alignment
 * @dev: the device
 * @pos: first byte
 * @buf: where to
 * @len: bytes; @pos + @len does not pass obd_dev_size()
 *
 * May sleep.
 *
 * Return: 0, or a negative errno.
 */
int obd_dev_read(struct obd_dev *dev, u64 pos, void *buf, u32 len);

/**
 * obd_dev_interrupted - has the user given up?
 * @dev: the device that is being read
 *
 * Asked between the steps of long work; lets others run.
 *
 * Return: true if the work is to end with -EINTR.
 */
bool obd_dev_interrupted(const struct obd_dev *dev);

/**
 * struct obd_blob - a blob, opened
 * @dev: what it lies on
 * @start: byte of the device where it begins, behind any tar header
 * @size: its bytes there
 * @data_size: bytes when decompressed
 * @compressed: whether it is a ZFile
 * @zfile: the ZFile, if it is
 *
 * Immutable once opened.
 */
struct obd_blob {
	struct obd_dev *dev;
	u64 start;
	u64 size;
	u64 data_size;
	bool compressed;
	struct obd_zfile zfile;
};

/* Memory for obd_blob_read(); one user at a time. Begins zeroed. */
struct obd_scratch {
	struct obd_codec codec;
	u8 *in;		/* stored blocks */
	u8 *out;	/* one decompressed block */
	u32 in_size;
	u32 out_size;
};

/**
 * obd_scratch_release - free what obd_blob_read() allocated
 * @scratch: the scratch memory; a zeroed one is fine
 */
void obd_scratch_release(struct obd_scratch *scratch);

/**
 * obd_blob_open - recognise a blob, check its headers, load its jump table
 * @blob: filled in; release with obd_blob_release(), also after a failure
 * @dev: what it lies on; outlives the blob
 * @bytes: exact length of the blob, or of the tar around it; 0 means the
 *	device's size. May pass the end of the device by less than a sector,
 *	which a block device over a file cuts off
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno.
 */
int obd_blob_open(struct obd_blob *blob, struct obd_dev *dev, u64 bytes,
		  struct obd_error *err);

/**
 * obd_blob_stamp - a checksum over either end of a blob
 * @dev: what it lies on
 * @bytes: its exact length; as for obd_blob_open(), but not 0
 * @stamp: the checksum
 * @err: the reason, on failure
 *
 * The ends hold headers, trailers and the last part of the index or the jump
 * table: another blob in the same place is found out, if not a forged one.
 *
 * Return: 0, or a negative errno.
 */
int obd_blob_stamp(struct obd_dev *dev, u64 bytes, u32 *stamp,
		   struct obd_error *err);

/**
 * obd_blob_release - free what obd_blob_open() allocated
 * @blob: the blob; a zeroed one is fine
 */
void obd_blob_release(struct obd_blob *blob);

/**
 * obd_blob_read - read decompressed bytes
 * @blob: an opened blob
 * @pos: first byte
 * @buf: where to
 * @len: bytes; @pos + @len must not pass @blob->data_size
 * @scratch: scratch memory, grows as needed
 * @err: the reason, on failure
 *
 * CRCs are checked.
 *
 * Return: 0; -EBADMSG for a wrong CRC, -EILSEQ for a block that does not
 * decompress; or another negative errno.
 */
int obd_blob_read(const struct obd_blob *blob, u64 pos, void *buf, u64 len,
		  struct obd_scratch *scratch, struct obd_error *err);

/**
 * struct obd_layer - an LSMT layer in a blob
 * @blob: the blob
 * @lsmt: what its trailer says
 * @nr_stored: index entries on disk, padding included
 * @turbo: its data may be in a target, which is the next layer of the stack and
 *	has no index of its own; set before the index is loaded
 * @entries: its checked index, @lsmt.nr_entries of them; NULL when not loaded
 * @target: the entries whose data is in the target; NULL likewise
 * @nr_target: how many
 */
struct obd_layer {
	struct obd_blob blob;
	struct obd_lsmt lsmt;
	u32 nr_stored;
	bool turbo;
	struct lsmt_entry *entries;
	struct lsmt_entry *target;
	u32 nr_target;
};

/**
 * obd_layer_open - open a blob and the LSMT layer in it
 * @layer: filled in; release with obd_layer_release(), also after a failure
 * @dev: see obd_blob_open()
 * @bytes: see obd_blob_open()
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno.
 */
int obd_layer_open(struct obd_layer *layer, struct obd_dev *dev, u64 bytes,
		   struct obd_error *err);

/**
 * obd_layer_open_headers - open a blob and the LSMT layer in it, but its index
 * @layer: see obd_layer_open()
 * @dev: see obd_blob_open()
 * @bytes: see obd_blob_open()
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno.
 */
int obd_layer_open_headers(struct obd_layer *layer, struct obd_dev *dev,
			   u64 bytes, struct obd_error *err);

/**
 * obd_layer_count_entries - may the index of a layer be in memory, too?
 * @layer: an opened layer whose index is not loaded
 * @nr: index entries of layers before, 0 to begin with; those of this one are
 *	added, but for what may be padding
 * @err: the reason, on failure
 *
 * Return: 0, or -E2BIG if no stack can have so many.
 */
int obd_layer_count_entries(const struct obd_layer *layer, u64 *nr,
			    struct obd_error *err);

/**
 * obd_layer_load_index - read and check the index of a layer
 * @layer: an opened layer whose index is not loaded
 * @err: the reason, on failure
 *
 * Return: 0, or a negative errno.
 */
int obd_layer_load_index(struct obd_layer *layer, struct obd_error *err);

/**
 * obd_layer_drop_index - free the index of a layer that has been merged
 * @layer: the layer
 */
void obd_layer_drop_index(struct obd_layer *layer);

/**
 * obd_layer_release - free what obd_layer_open() allocated
 * @layer: the layer; a zeroed one is fine
 */
void obd_layer_release(struct obd_layer *layer);

/**
 * obd_stack_index - the index of a layer
 * @layers: opened layers with their indexes
 * @nr: number of the layer; what a target holds is in the index below it
 *
 * Return: the index.
 */
struct obd_index obd_stack_index(struct obd_layer *const *layers,
				 unsigned int nr);

/**
 * obd_layer_check_target - check that a target holds all that a layer says
 * @layer: the layer, with its index; any other than a turbo one is fine
 * @target: the layer behind it
 * @err: the reason, on failure
 *
 * Return: 0, or -EINVAL.
 */
int obd_layer_check_target(const struct obd_layer *layer,
			   const struct obd_layer *target,
			   struct obd_error *err);

/**
 * obd_stack_sectors - virtual size of a stack
 * @layers: opened layers, lowest first
 * @nr: how many
 *
 * Return: that of the highest layer that has one, in sectors; 0 if none has.
 */
u64 obd_stack_sectors(struct obd_layer *const *layers, unsigned int nr);

/**
 * obd_stack_merge - merge the indexes of a stack, or of its upper layers
 * @map: see obd_map_build()
 * @layers: opened layers, lowest first, from @first on with their indexes; a
 *	target is a layer behind the one that it belongs to
 * @nr: 1 to LSMT_MAX_LAYERS
 * @first: the lowest layer to merge, below @nr
 * @least: where the map of those below @first ends; 0 if there are none
 * @err: the reason, on failure
 *
 * The map ends with the virtual size of the whole stack, or behind the last sector
 * that a layer maps, or with @least, whatever is most.
 *
 * Return: 0, or a negative errno; -EINVAL if no layer has a virtual size.
 */
int obd_stack_merge(struct obd_map *map, struct obd_layer *const *layers,
		    unsigned int nr, unsigned int first, u64 least,
		    struct obd_error *err);

#endif
