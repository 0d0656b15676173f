// SPDX-License-Identifier: GPL-2.0-only
/*
 * Make corrupt blobs and a manifest of what must become of each.
 *
 * Usage: make-corrupt --out DIR
 *
 * DIR/manifest.json is an array of objects:
 *
 *	name		unique, [a-z0-9._-]
 *	file		the blob, in DIR
 *	bytes		its length, for the table line
 *	good		the blob it was made from, in DIR; itself an entry "same"
 *	good_bytes	the length of that
 *	expect		"refuse", "read" or "same"
 *	message		(refuse) regular expression, to be found in the reason
 *	virtual_size	(read, same) of the disk, bytes
 *	damaged		(read) [[offset, length], ...] of the disk, in bytes;
 *			everything else reads as from the good blob, and zeros
 *			behind its end
 *	fails		(read) whether reading a damaged sector must fail; if
 *			not, it may, and may give any bytes
 */
#include <json-c/json.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "tests/hostile/corrupt.h"

static const char *out_dir;
static json_object *manifest;

static const struct layer_extent extents[] = {
	{ .offset = 0, .len = 7 },
	{ .offset = 16, .len = 100 },
	{ .offset = 120, .len = 8, .zeroed = true },
	{ .offset = 128, .len = 33 },
	{ .offset = 161, .len = 40 },
	{ .offset = 300, .len = 60 },
	{ .offset = 1000, .len = 1 },
};

static const struct zfile_spec lz4_spec = {
	.block_size = 4096, .algorithm = ZFILE_ALGO_LZ4, .verify = true,
};

static const struct zfile_spec lz4_plain_spec = {
	.block_size = 4096, .algorithm = ZFILE_ALGO_LZ4, .no_digest = true,
};

static const struct zfile_spec lz4_trailer_spec = {
	.block_size = 8192, .algorithm = ZFILE_ALGO_LZ4, .verify = true,
	.trailer_only = true,
};

static const struct zfile_spec zstd_spec = {
	.block_size = 16384, .algorithm = ZFILE_ALGO_ZSTD, .verify = true,
};

static struct good goods[] = {
	{ .name = "plain" },
	{ .name = "plain-tar", .tar = true },
	{ .name = "lz4", .zfile = &lz4_spec },
	{ .name = "lz4-nocrc", .zfile = &lz4_plain_spec },
	{ .name = "lz4-trailer", .zfile = &lz4_trailer_spec },
	{ .name = "zstd", .zfile = &zstd_spec },
	{ .name = "zstd-pax", .zfile = &zstd_spec, .tar = true, .pax = true },
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void write_blob(const char *name, const struct buffer *blob)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", out_dir, name);
	f = fopen(path, "wb");
	if (!f || fwrite(blob->data, 1, blob->len, f) != blob->len ||
	    fclose(f))
		die(path);
}

static void add_text(json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, json_object_new_string(text));
}

static void add_number(json_object *o, const char *key, u64 number)
{
	json_object_object_add(o, key, json_object_new_uint64(number));
}

static json_object *new_entry(const struct good *good, const char *name,
			      const char *file, u64 bytes, const char *expect)
{
	json_object *o = json_object_new_object();

	add_text(o, "name", name);
	add_text(o, "file", file);
	add_number(o, "bytes", bytes);
	add_text(o, "good", good->name);
	add_number(o, "good_bytes", good->blob.len);
	add_text(o, "expect", expect);
	json_object_array_add(manifest, o);
	return o;
}

static void make_name(char *name, size_t size, const struct good *good,
		      const char *fmt, va_list ap)
{
	int n = snprintf(name, size, "%s.", good->name);

	vsnprintf(name + n, size - n, fmt, ap);
}

void emit_refused(const struct good *good, const struct buffer *blob,
		  const char *message, const char *fmt, ...)
{
	json_object *o;
	char name[128];
	va_list ap;

	va_start(ap, fmt);
	make_name(name, sizeof(name), good, fmt, ap);
	va_end(ap);
	write_blob(name, blob);
	o = new_entry(good, name, name, blob->len, "refuse");
	add_text(o, "message", message);
}

static void add_damage(json_object *o, const struct damage *damage)
{
	json_object *ranges = json_object_new_array();
	unsigned int i;

	for (i = 0; i < damage->nr; i++) {
		json_object *range = json_object_new_array();
		u64 offset = damage->ranges[i].offset;
		u64 len = damage->ranges[i].len;

		json_object_array_add(range, json_object_new_uint64(offset));
		json_object_array_add(range, json_object_new_uint64(len));
		json_object_array_add(ranges, range);
	}
	json_object_object_add(o, "damaged", ranges);
	json_object_object_add(o, "fails",
			       json_object_new_boolean(damage->fails));
}

static void add_readable(const struct good *good, const char *name,
			 const char *file, u64 bytes,
			 const struct damage *damage)
{
	u64 virtual_size = good->layer_spec.virtual_size;
	json_object *o;

	o = new_entry(good, name, file, bytes, damage ? "read" : "same");
	if (damage && damage->virtual_size)
		virtual_size = damage->virtual_size;
	add_number(o, "virtual_size", virtual_size);
	if (damage)
		add_damage(o, damage);
}

void emit_read(const struct good *good, const struct buffer *blob,
	       const struct damage *damage, const char *fmt, ...)
{
	char name[128];
	va_list ap;

	va_start(ap, fmt);
	make_name(name, sizeof(name), good, fmt, ap);
	va_end(ap);
	write_blob(name, blob);
	add_readable(good, name, name, blob->len, damage);
}

void emit_length(const struct good *good, u64 bytes, const char *message,
		 const char *name)
{
	char full[128];

	snprintf(full, sizeof(full), "%s.%s", good->name, name);
	if (message)
		add_text(new_entry(good, full, good->name, bytes, "refuse"),
			 "message", message);
	else
		add_readable(good, full, good->name, bytes, NULL);
}

static void compress_layer(struct buffer *out, const struct good *good,
			   const struct buffer *layer)
{
	if (good->zfile)
		build_zfile(out, layer, good->zfile);
	else
		buffer_copy(out, layer);
}

void wrap_layer(struct buffer *out, const struct good *good,
		const struct buffer *layer)
{
	struct buffer member = {};

	compress_layer(&member, good, layer);
	if (good->tar)
		build_tar(out, &member, good->pax ? TAR_PAX : TAR_USTAR);
	else
		buffer_copy(out, &member);
	buffer_release(&member);
}

static void add_range(struct damage *damage, u64 offset, u64 len)
{
	unsigned int i = damage->nr++;

	if (i == CORRUPT_MAX_DAMAGE)
		abort();
	damage->ranges[i].offset = offset;
	damage->ranges[i].len = len;
}

void damage_layer(struct damage *damage, const struct good *good, u64 from,
		  u64 to)
{
	const struct layer_spec *spec = &good->layer_spec;
	u64 begin = LSMT_HEADER_SPACE;
	u32 i;

	for (i = 0; i < spec->nr; i++) {
		const struct layer_extent *x = &spec->extents[i];
		u64 len = x->zeroed ? 0 : (u64)x->len * OBD_SECTOR_SIZE;
		u64 a = max(begin, from), b = min(begin + len, to);

		if (a < b)
			add_range(damage, x->offset * OBD_SECTOR_SIZE + a -
				  begin, b - a);
		begin += len;
	}
}

u32 trailer_block(const struct good *good)
{
	return (good->layer.len - LSMT_HEADER_SPACE) / good->zfile->block_size;
}

u64 get_field(const u8 *raw, const struct field *field)
{
	__le64 value = 0;

	memcpy(&value, raw + field->at, min(field->width, sizeof(value)));
	return le64_to_cpu(value);
}

void put_field(u8 *raw, const struct field *field, u64 value)
{
	__le64 le = cpu_to_le64(value);

	memcpy(raw + field->at, &le, min(field->width, sizeof(le)));
}

bool sweep_value(const struct field *field, u64 old, unsigned int i,
		 const char **label, u64 *value)
{
	static const char *const labels[NR_SWEEP] = {
		"zero", "one", "max", "more", "less"
	};
	u64 mask = field->width >= sizeof(u64) ? ~0ULL :
		   (1ULL << field->width * 8) - 1;
	u64 values[NR_SWEEP] = { 0, 1, mask, old + 1, old - 1 };
	unsigned int k;

	*label = labels[i];
	*value = values[i] & mask;
	for (k = 0; k < i; k++)
		if ((values[k] & mask) == *value)
			return false;
	return *value != old;
}

static void make_good(struct good *good)
{
	good->layer_spec = (struct layer_spec) {
		.virtual_size = 1 << 20,
		.extents = extents,
		.nr = ARRAY_SIZE(extents),
		.seed = 1,
	};
	build_layer(&good->layer, &good->layer_spec);
	compress_layer(&good->blob, good, &good->layer);
	good->size = good->blob.len;
	wrap_layer(&good->blob, good, &good->layer);
	good->start = !good->tar ? 0 : good->pax ? 3 * TAR_BLOCK_SIZE :
		      TAR_BLOCK_SIZE;
	write_blob(good->name, &good->blob);
	add_readable(good, good->name, good->name, good->blob.len, NULL);
}

static void corrupt(const struct good *good)
{
	corrupt_length(good);
	if (good->tar)
		corrupt_tar(good);
	if (!good->zfile == !good->tar)
		corrupt_lsmt(good);
	if (good->zfile && !good->tar) {
		corrupt_zfile(good);
		corrupt_blocks(good);
	}
}

int main(int argc, char **argv)
{
	char path[4096];
	size_t i;

	if (argc != 3 || strcmp(argv[1], "--out")) {
		fprintf(stderr, "Usage: make-corrupt --out DIR\n");
		return 2;
	}
	out_dir = argv[2];
	if (mkdir(out_dir, 0755) && errno != EEXIST)
		die(out_dir);
	manifest = json_object_new_array();
	for (i = 0; i < ARRAY_SIZE(goods); i++) {
		make_good(&goods[i]);
		corrupt(&goods[i]);
		buffer_release(&goods[i].layer);
		buffer_release(&goods[i].blob);
	}
	snprintf(path, sizeof(path), "%s/manifest.json", out_dir);
	if (json_object_to_file_ext(path, manifest, JSON_C_TO_STRING_PRETTY))
		die(path);
	printf("%zu blobs\n", json_object_array_length(manifest));
	json_object_put(manifest);
	return 0;
}
