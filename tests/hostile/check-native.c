// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open every blob that make-corrupt made, read what opens, and compare with
 * what its manifest expects.
 *
 * Usage: check-native DIR
 */
#include <json-c/json.h>
#include <regex.h>

#include "tools/file.h"

#define READ_MAX	(2U << 20)	/* of a disk that claims to be larger */

/* A blob, opened as the only layer of a stack. */
struct disk {
	struct obd_dev dev;
	struct obd_layer layer;
	struct obd_map map;
	struct obd_scratch scratch;
	struct obd_error err;
};

static const char *dir;

static const char *get_text(json_object *entry, const char *key)
{
	return json_object_get_string(json_object_object_get(entry, key));
}

static u64 get_number(json_object *entry, const char *key)
{
	return json_object_get_uint64(json_object_object_get(entry, key));
}

static u64 number_at(json_object *array, size_t i)
{
	return json_object_get_uint64(json_object_array_get_idx(array, i));
}

static int complain(json_object *entry, const char *fmt, const char *what)
{
	printf("%s: ", get_text(entry, "name"));
	printf(fmt, what);
	printf("\n");
	return 1;
}

/* A block device that is made of a file ends at the last whole sector. */
static int open_disk(struct disk *d, const char *file, u64 bytes)
{
	struct obd_layer *layers[] = { &d->layer };
	char path[4096];
	int r;

	*d = (struct disk) {};
	snprintf(path, sizeof(path), "%s/%s", dir, file);
	r = obd_file_open(&d->dev, path);
	if (r)
		return obd_fail(&d->err, r, "no such file");
	d->dev.size = round_down(d->dev.size, OBD_SECTOR_SIZE);
	return obd_layer_open(&d->layer, &d->dev, bytes, &d->err) ?:
	       obd_stack_merge(&d->map, layers, 1, 0, 0, &d->err);
}

static void close_disk(struct disk *d)
{
	obd_scratch_release(&d->scratch);
	obd_map_release(&d->map);
	obd_layer_release(&d->layer);
	obd_file_close(&d->dev);
}

/* Bytes behind the disk's end are zeros. */
static int read_disk(struct disk *d, u64 pos, u8 *buf, u64 len)
{
	u64 sector = pos / OBD_SECTOR_SIZE;
	u64 end = sector + len / OBD_SECTOR_SIZE;
	struct obd_range range;
	int r = 0;

	memset(buf, 0, len);
	for (; !r && sector < end && sector < d->map.nr_sectors;
	     sector += range.len) {
		obd_map_lookup(&d->map, sector, &range);
		range.len = min(range.len, end - sector);
		if (range.layer != OBD_HOLE)
			r = obd_blob_read(&d->layer.blob,
					  range.moffset * OBD_SECTOR_SIZE, buf,
					  range.len * OBD_SECTOR_SIZE,
					  &d->scratch, &d->err);
		buf += range.len * OBD_SECTOR_SIZE;
	}
	return r;
}

/* The length of what is damaged, or of what is not, from @pos on. */
static u64 run_length(json_object *damaged, u64 pos, u64 end, bool *bad)
{
	size_t i, nr = damaged ? json_object_array_length(damaged) : 0;
	u64 next = end;

	*bad = false;
	for (i = 0; i < nr; i++) {
		json_object *range = json_object_array_get_idx(damaged, i);
		u64 from = number_at(range, 0), len = number_at(range, 1);

		if (pos >= from && pos < from + len) {
			*bad = true;
			return min(OBD_SECTOR_SIZE, end - pos);
		}
		if (from > pos)
			next = min(next, from);
	}
	return next - pos;
}

static int check_run(json_object *entry, struct disk *d, struct disk *good,
		     u64 pos, u64 len, bool bad)
{
	static u8 got[READ_MAX], wanted[READ_MAX];
	bool fails = json_object_get_boolean(json_object_object_get(entry,
								    "fails"));
	int r = read_disk(d, pos, got, len);

	if (bad)
		return fails && !r ?
		       complain(entry, "%s", "damage can be read") : 0;
	if (r)
		return complain(entry, "cannot be read: %s", d->err.text);
	if (read_disk(good, pos, wanted, len))
		return complain(entry, "good copy: %s", good->err.text);
	if (memcmp(got, wanted, len))
		return complain(entry, "%s", "reads differently");
	return 0;
}

/* Behind a smaller disk's end there is nothing to compare. */
static int check_reads(json_object *entry, struct disk *d)
{
	json_object *damaged = json_object_object_get(entry, "damaged");
	u64 size = get_number(entry, "virtual_size"), pos, len;
	struct disk good;
	int failed = 0;
	bool bad;

	if (d->layer.lsmt.virtual_sectors * OBD_SECTOR_SIZE != size)
		return complain(entry, "%s", "wrong virtual size");
	size = min(size, (u64)READ_MAX);
	if (open_disk(&good, get_text(entry, "good"),
		      get_number(entry, "good_bytes")))
		failed = complain(entry, "good copy: %s", good.err.text);
	for (pos = 0; !failed && pos < size; pos += len) {
		len = run_length(damaged, pos, size, &bad);
		failed = check_run(entry, d, &good, pos, len, bad);
	}
	close_disk(&good);
	return failed;
}

static bool matches(const char *pattern, const char *text)
{
	regex_t regex;
	bool found;

	if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB))
		return false;
	found = !regexec(&regex, text, 0, NULL, 0);
	regfree(&regex);
	return found;
}

static int check_entry(json_object *entry)
{
	bool refuse = !strcmp(get_text(entry, "expect"), "refuse");
	struct disk d;
	int failed, r;

	r = open_disk(&d, get_text(entry, "file"), get_number(entry, "bytes"));
	if (refuse && !r)
		failed = complain(entry, "opens, expected \"%s\"",
				  get_text(entry, "message"));
	else if (refuse)
		failed = !matches(get_text(entry, "message"), d.err.text) &&
			 complain(entry, "refused by \"%s\"", d.err.text);
	else if (r)
		failed = complain(entry, "does not open: %s", d.err.text);
	else
		failed = check_reads(entry, &d);
	close_disk(&d);
	return failed;
}

int main(int argc, char **argv)
{
	size_t i, nr, failed = 0;
	json_object *manifest;
	char path[4096];

	if (argc != 2) {
		fprintf(stderr, "Usage: check-native DIR\n");
		return 2;
	}
	dir = argv[1];
	snprintf(path, sizeof(path), "%s/manifest.json", dir);
	manifest = json_object_from_file(path);
	if (!manifest) {
		fprintf(stderr, "%s: %s\n", path, json_util_get_last_err());
		return 2;
	}
	nr = json_object_array_length(manifest);
	for (i = 0; i < nr; i++)
		failed += check_entry(json_object_array_get_idx(manifest, i));
	printf("%zu corrupt blobs, %zu not as expected\n", nr, failed);
	json_object_put(manifest);
	return failed ? 1 : 0;
}
