// SPDX-License-Identifier: GPL-2.0-only
/*
 * Check archives that hold the data of other layers.
 */
#include "tools/packed.h"
#include "tools/verify-gzip.h"
#include "tools/verify-target.h"

static int open_file(struct obd_dev *dev, const char *what,
		     struct obd_error *err, const char *path)
{
	int r = obd_file_open(dev, path);

	return r ? obd_fail(err, r, "%scannot open it: %s", what,
			    obd_file_error(r)) : 0;
}

static int open_gzip(struct verify_target *t)
{
	struct gzip_file *file = &t->gzip;
	int r;

	file->data = &t->data;
	file->index = &t->index;
	r = open_file(&t->index, "gzip index: ", &t->err, t->index_path) ?:
	    obd_gzip_open(&file->gzip, &t->index, t->index.size, t->data.size,
			  &t->err);
	t->layer.blob.data_size = file->gzip.data_size;
	return r;
}

void verify_target_open(struct verify_target *target, const char *path,
			const char *index_path)
{
	*target = (struct verify_target) {
		.path = path,
		.index_path = index_path,
		.data.fd = -1,
		.index.fd = -1,
	};
	target->r = open_file(&target->data, "", &target->err, path);
	target->layer.blob.data_size = target->data.size;
	if (!target->r)
		target->r = index_path ? open_gzip(target) :
			    packed_refuse(&target->data, &target->err);
}

static void print_text(const struct verify_target *t,
		       const struct verify_gzip_result *result)
{
	const struct obd_gzip *gzip = &t->gzip.gzip;

	if (!t->index_path) {
		printf(", plain: holds no checksums, nothing but its length was checked");
		return;
	}
	printf(", gzip, %llu member%s, %llu bytes of data, %u access points",
	       (unsigned long long)result->nr_members,
	       result->nr_members == 1 ? "" : "s",
	       (unsigned long long)gzip->data_size, gzip->nr_points);
	if (gzip->sums)
		printf(", %llu of %u blocks bad",
		       (unsigned long long)result->nr_bad, gzip->nr_sums);
	else
		printf(", no checksums in the index");
	if (result->unindexed)
		printf(", %llu bytes behind the last member that is indexed",
		       (unsigned long long)result->unindexed);
}

static void add_facts(struct verify *v, const struct verify_target *t,
		      const struct verify_gzip_result *result)
{
	const struct obd_gzip *gzip = &t->gzip.gzip;

	verify_add_string(v, "algorithm", t->index_path ? "gzip" : "none");
	verify_add_u64(v, "bytes", t->layer.blob.data_size);
	if (!t->index_path)
		return;
	verify_add_string(v, "index", t->index_path);
	verify_add_bool(v, "checksums", gzip->sums);
	verify_add_u64(v, "blocks", gzip->nr_sums);
	verify_add_u64(v, "bad_blocks", result->nr_bad);
	verify_add_u64(v, "points", gzip->nr_points);
	verify_add_u64(v, "members", result->nr_members);
	verify_add_u64(v, "unindexed_bytes", result->unindexed);
}

int verify_target(const struct verify_target *target,
		  const struct verify_options *options)
{
	struct verify_gzip_result result = {};
	struct verify v;

	verify_begin(&v, options, target->path);
	if (target->r)
		verify_error(&v, target->r, target->err.text);
	else if (target->index_path)
		verify_gzip(&v, &target->gzip, &result);
	verify_verdict(&v);
	if (options->results)
		add_facts(&v, target, &result);
	else if (!target->r)
		print_text(target, &result);
	return verify_end(&v);
}

void verify_target_close(struct verify_target *target)
{
	obd_gzip_release(&target->gzip.gzip);
	obd_file_close(&target->data);
	obd_file_close(&target->index);
}
