// SPDX-License-Identifier: GPL-2.0-only
/*
 * Write a layer, and say what came out.
 */
#include "tools/layer-write.h"
#include "tools/names.h"
#include "tools/report.h"
#include "tools/writer-plain.h"
#include "tools/writer-tar.h"

/* What other implementations are known to read. */
#define COMMON_BLOCK_MIN	4096U
#define COMMON_BLOCK_MAX	65536U

static int write_blob(const struct output *out, u64 start,
		      const struct lsmt_image *image,
		      const struct layer_options *o,
		      struct layer_result *result, struct obd_error *err)
{
	struct source source = lsmt_image_source(image);
	struct progress progress;
	int r;

	progress_begin(&progress, "write", source.size);
	if (o->zfile.compressor) {
		r = zfile_write(out, start, &source, &o->zfile, o->nr_threads,
				&progress, &result->blob, err);
	} else {
		r = plain_write(out, start, &source, o->nr_threads, &progress,
				err);
		result->blob.size = source.size;
	}
	progress_end(&progress);
	result->total = result->blob.size;
	return r;
}

int layer_write(const struct output *out, const struct lsmt_image *image,
		const struct layer_options *options,
		struct layer_result *result, struct obd_error *err)
{
	u64 bound = options->zfile.compressor ?
		    zfile_bound(&options->zfile, image->size) : image->size;
	u32 prefix = options->tar ? tar_prefix(bound) : 0;
	int r;

	*result = (struct layer_result) {};
	r = write_blob(out, prefix, image, options, result, err);
	if (!r && options->tar)
		r = tar_write(out, prefix, result->blob.size, &result->total,
			      err);
	return r;
}

/* Nothing is wrong with such layers but that others may not read them. */
static void warn(const struct layer_options *o,
		 const struct layer_result *result)
{
	u32 block_size = o->zfile.block_size;

	if (!o->zfile.compressor)
		return;
	if (block_size < COMMON_BLOCK_MIN || block_size > COMMON_BLOCK_MAX)
		complain("warning: the block size is %u: other implementations read %u to %u",
			 block_size, COMMON_BLOCK_MIN, COMMON_BLOCK_MAX);
	else if (result->blob.largest > COMMON_BLOCK_MAX)
		complain("warning: a block that does not compress takes %u bytes: other implementations read at most %u; a smaller --block-size avoids it",
			 result->blob.largest, COMMON_BLOCK_MAX);
}

static void add_u64(struct json_object *o, const char *key, u64 value)
{
	json_object_object_add(o, key, json_object_new_uint64(value));
}

static void print_json_result(const char *path,
			      const struct lsmt_image *image,
			      const struct layer_options *options,
			      const struct layer_result *result)
{
	const struct compressor *compressor = options->zfile.compressor;
	const char *algorithm = compressor ? compressor->name : "none";
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "file", json_text(path));
	json_object_object_add(o, "uuid", json_text(options->info.uuid));
	add_u64(o, "virtual_size", options->info.virtual_size);
	add_u64(o, "entries", image->nr_used);
	add_u64(o, "layer_bytes", image->size);
	json_object_object_add(o, "algorithm",
			       json_object_new_string(algorithm));
	add_u64(o, "blob_bytes", result->blob.size);
	add_u64(o, "file_bytes", result->total);
	json_object_object_add(o, "ratio",
			       json_object_new_double((double)result->blob.size /
						      image->size));
	print_json(o);
	json_object_put(o);
}

void layer_report(const char *path, const struct lsmt_image *image,
		  const struct layer_options *options,
		  const struct layer_result *result)
{
	warn(options, result);
	if (options->json) {
		print_json_result(path, image, options, result);
		return;
	}
	print_name(stdout, path);
	printf(": %llu bytes, %.1f %% of a layer of %llu bytes with %u entries\n"
	       "uuid %s\n", (unsigned long long)result->total,
	       100.0 * result->blob.size / image->size,
	       (unsigned long long)image->size, image->nr_used,
	       options->info.uuid);
}
