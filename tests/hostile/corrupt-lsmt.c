// SPDX-License-Identifier: GPL-2.0-only
/*
 * Corrupt LSMT layers: header, trailer, index.
 */
#include "tests/hostile/corrupt.h"

#define LSMT_FIELD(member)	{ FIELD(lsmt_header, member) }

/* A field, and what becomes of a layer in which it has another value. */
struct rule {
	struct field field;
	const char *message;	/* NULL: the field is ignored */
};

#define IGNORED	NULL

static const struct rule header_rules[] = {
	{ LSMT_FIELD(magic0), "LSMT header: bad magic" },
	{ LSMT_FIELD(magic1), "LSMT header: bad magic" },
	{ LSMT_FIELD(size), "LSMT header: size is" },
	{ LSMT_FIELD(flags), "LSMT header: flags are" },
	{ LSMT_FIELD(index_offset), IGNORED },
	{ LSMT_FIELD(index_size), IGNORED },
	{ LSMT_FIELD(virtual_size), IGNORED },
	{ LSMT_FIELD(uuid), IGNORED },
	{ LSMT_FIELD(parent_uuid), IGNORED },
	{ LSMT_FIELD(reserved), IGNORED },
	{ LSMT_FIELD(version), "LSMT header: version is" },
	{ LSMT_FIELD(sub_version), IGNORED },
	{ LSMT_FIELD(user_tag), IGNORED },
	{ { "rest", sizeof(struct lsmt_header), 8 }, IGNORED },
};

/* index_offset, index_size and virtual_size have rules of their own below. */
static const struct rule trailer_rules[] = {
	{ LSMT_FIELD(magic0), "LSMT trailer: bad magic" },
	{ LSMT_FIELD(magic1), "LSMT trailer: bad magic" },
	{ LSMT_FIELD(size), "LSMT trailer: size is" },
	{ LSMT_FIELD(flags), "LSMT trailer: flags are" },
	{ LSMT_FIELD(uuid), IGNORED },
	{ LSMT_FIELD(parent_uuid), IGNORED },
	{ LSMT_FIELD(reserved), IGNORED },
	{ LSMT_FIELD(version), "LSMT trailer: version is" },
	{ LSMT_FIELD(sub_version), IGNORED },
	{ LSMT_FIELD(user_tag), IGNORED },
	{ { "rest", sizeof(struct lsmt_header), 8 }, IGNORED },
};

static const struct field flags_field = LSMT_FIELD(flags);
static const struct field index_offset_field = LSMT_FIELD(index_offset);
static const struct field index_size_field = LSMT_FIELD(index_size);
static const struct field virtual_size_field = LSMT_FIELD(virtual_size);

static size_t trailer_at(const struct good *good)
{
	return good->layer.len - LSMT_HEADER_SPACE;
}

static u64 index_at(const struct good *good)
{
	return get_field(good->layer.data + trailer_at(good),
			 &index_offset_field);
}

/* Wrap a corrupted layer and let it go. */
static void emit(const struct good *good, struct buffer *layer,
		 const char *message, const struct damage *damage,
		 const char *name)
{
	struct buffer blob = {};

	wrap_layer(&blob, good, layer);
	if (message)
		emit_refused(good, &blob, message, "%s", name);
	else
		emit_read(good, &blob, damage, "%s", name);
	buffer_release(&blob);
	buffer_release(layer);
}

static void set(const struct good *good, size_t at, const char *which,
		const struct field *field, u64 value, const char *label,
		const char *message, const struct damage *damage)
{
	struct buffer layer = {};
	char name[96];

	buffer_copy(&layer, &good->layer);
	put_field(layer.data + at, field, value);
	snprintf(name, sizeof(name), "lsmt-%s.%s.%s", which, field->name,
		 label);
	emit(good, &layer, message, damage, name);
}

static void sweep(const struct good *good, size_t at, const char *which,
		  const struct rule *rules, size_t nr)
{
	const char *label;
	size_t i, k;
	u64 value;

	for (i = 0; i < nr; i++) {
		const struct field *field = &rules[i].field;
		u64 old = get_field(good->layer.data + at, field);

		for (k = 0; k < NR_SWEEP; k++) {
			if (sweep_value(field, old, k, &label, &value))
				set(good, at, which, field, value, label,
				    rules[i].message, NULL);
		}
	}
}

static void toggle_flags(const struct good *good, size_t at, const char *which,
			 u32 ignored)
{
	const char *const bits[] = {
		"header", "data", "sealed", "gc", "sparse", "info_valid"
	};
	u64 old = get_field(good->layer.data + at, &flags_field);
	char message[64];
	u32 i;

	snprintf(message, sizeof(message), "LSMT %s: flags are", which);
	for (i = 0; i < ARRAY_SIZE(bits); i++)
		set(good, at, which, &flags_field, old ^ 1U << i, bits[i],
		    ignored >> i & 1 ? NULL : message, NULL);
}

static void corrupt_index_offset(const struct good *good)
{
	u64 limit = trailer_at(good), old = index_at(good);
	const struct {
		const char *label;
		u64 value;
		const char *message;
	} cases[] = {
		{ "zero", 0, "index_offset is 0, expected" },
		{ "one", 1, "index_offset is 1, expected" },
		{ "in-header", 4095, "index_offset is 4095, expected" },
		{ "max", ~0ULL, "index_offset is 18446744073709551615" },
		{ "wraps", ~0ULL - 15, "index_offset is 18446744073709551600" },
		{ "negative", 1ULL << 63, "index_offset is 92233720368547758" },
		{ "behind-trailer", limit + 1, "index_offset is" },
		{ "at-trailer", limit, "index_size is" },
		{ "more", old + 1, "index_size is" },
		{ "less", old - 1, "index entry 0" },
		{ "entry-more", old + 16, "index_size is" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		set(good, trailer_at(good), "trailer", &index_offset_field,
		    cases[i].value, cases[i].label, cases[i].message, NULL);
}

static void corrupt_index_size(const struct good *good)
{
	u64 old = get_field(good->layer.data + trailer_at(good),
			    &index_size_field);
	u64 data_end = index_at(good);
	u64 first_end = LSMT_HEADER_SPACE +
			good->layer_spec.extents[0].len * OBD_SECTOR_SIZE;
	const struct {
		const char *label;
		u64 value;
	} cases[] = {
		{ "more", old + 1 },
		{ "max", ~0ULL },
		{ "max32", ~0U },
		{ "wraps-to-zero", 1ULL << 60 },
		{ "wraps-to-old", 1ULL << 60 | old },
		{ "million", (1ULL << 20) + 1 },
	};
	struct damage all = {}, most = {};
	size_t i, at = trailer_at(good);

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		set(good, at, "trailer", &index_size_field, cases[i].value,
		    cases[i].label, "index_size is .*, expected at most", NULL);
	damage_layer(&all, good, 0, data_end);
	set(good, at, "trailer", &index_size_field, 0, "zero", NULL, &all);
	damage_layer(&most, good, first_end, data_end);
	set(good, at, "trailer", &index_size_field, 1, "one", NULL, &most);
	set(good, at, "trailer", &index_size_field, old - 1, "less", NULL,
	    NULL);
}

static void corrupt_virtual_size(const struct good *good)
{
	const char *odd = "virtual_size is .*, expected a multiple of 512";
	const char *large = "virtual_size is .*, expected at most";
	u64 old = good->layer_spec.virtual_size;
	const struct {
		const char *label;
		u64 value;
		const char *message;
	} cases[] = {
		{ "zero", 0, "no layer has a virtual size" },
		{ "one", 1, odd },
		{ "max", ~0ULL, odd },
		{ "more", old + 1, odd },
		{ "less", old - 1, odd },
		{ "max-sectors", ~0ULL - 511, large },
		{ "negative", 1ULL << 63, large },
		{ "last-sector", LSMT_OFFSET_MASK * 512 + 512, large },
		{ "sector-more", old + 512, NULL },
		{ "sector-less", old - 512, NULL },
		{ "sector", 512, NULL },
		{ "within-extent", 50 * 512, NULL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct damage damage = { .virtual_size = cases[i].value };

		set(good, trailer_at(good), "trailer", &virtual_size_field,
		    cases[i].value, cases[i].label, cases[i].message, &damage);
	}
}

/* Entries are taken apart, changed, and put together again. */
struct entry {
	u64 offset, moffset;
	u32 len;
	bool zeroed;
	u8 tag;
};

static struct entry get_entry(const u8 *raw)
{
	struct lsmt_entry e;

	memcpy(&e, raw, sizeof(e));
	return (struct entry) {
		.offset = lsmt_entry_offset(&e),
		.moffset = lsmt_entry_moffset(&e),
		.len = lsmt_entry_length(&e),
		.zeroed = lsmt_entry_zeroed(&e),
		.tag = lsmt_entry_tag(&e),
	};
}

static void put_entry(u8 *raw, const struct entry *entry)
{
	struct lsmt_entry e = {
		.where = cpu_to_le64(entry->offset |
				     (u64)entry->len << LSMT_OFFSET_BITS),
		.what = cpu_to_le64(entry->moffset |
				    (entry->zeroed ? LSMT_ZEROED : 0) |
				    (u64)entry->tag << LSMT_TAG_SHIFT),
	};

	memcpy(raw, &e, sizeof(e));
}

static void set_entry(const struct good *good, u32 i, struct entry entry,
		      const char *label, const char *message,
		      const struct damage *damage)
{
	struct buffer layer = {};
	char name[96];

	buffer_copy(&layer, &good->layer);
	put_entry(layer.data + index_at(good) + i * sizeof(struct lsmt_entry),
		  &entry);
	snprintf(name, sizeof(name), "lsmt-entry%u.%s", i, label);
	emit(good, &layer, message, damage, name);
}

enum { OFFSET, LENGTH, MOFFSET };

/* Data end of the layer and beyond, filled in below. */
#define DATA_END	(1ULL << 60)

static const struct entry_case {
	const char *label;
	u32 entry;
	int what;
	u64 value;
	const char *message;
} entry_cases[] = {
	{ "length-zero", 0, LENGTH, 0, "index entry 0: length is 0" },
	{ "length-zero", 2, LENGTH, 0, "index entry 2: length is 0" },
	{ "length-zero", 6, LENGTH, 0, "index entry 6: length is 0" },
	{ "length-max", 0, LENGTH, 16383, "index entry 0: moffset" },
	{ "length-max", 2, LENGTH, 16383, "index entry 3 overlaps" },
	{ "length-max", 6, LENGTH, 16383, "index entry 6: moffset" },
	{ "length-more", 6, LENGTH, 2, "index entry 6: moffset" },
	{ "length-more", 2, LENGTH, 9, "index entry 3 overlaps" },
	{ "length-more", 3, LENGTH, 34, "index entry 4 overlaps" },
	{ "length-overlaps", 0, LENGTH, 17, "index entry 1 overlaps" },
	{ "offset-zero", 1, OFFSET, 0, "index entry 1 overlaps" },
	{ "offset-one", 1, OFFSET, 1, "index entry 1 overlaps" },
	{ "offset-before-end", 1, OFFSET, 6, "index entry 1 overlaps" },
	{ "offset-less", 4, OFFSET, 160, "index entry 4 overlaps" },
	{ "offset-more", 3, OFFSET, 129, "index entry 4 overlaps" },
	{ "offset-like-next", 1, OFFSET, 120, "index entry 2 overlaps" },
	{ "offset-behind-all", 0, OFFSET, 2048, "index entry 1 overlaps" },
	{ "offset-last", 6, OFFSET, LSMT_OFFSET_MASK - 1, NULL },
	{ "offset-wraps", 5, OFFSET, LSMT_OFFSET_MASK - 1,
	  "index entry 5: offset .* pass the last sector" },
	{ "moffset-zero", 0, MOFFSET, 0, "index entry 0: moffset 0," },
	{ "moffset-one", 0, MOFFSET, 1, "index entry 0: moffset 1," },
	{ "moffset-in-header", 0, MOFFSET, 7, "index entry 0: moffset 7," },
	{ "moffset-zero", 6, MOFFSET, 0, "index entry 6: moffset 0," },
	{ "moffset-max", 0, MOFFSET, LSMT_MOFFSET_MASK,
	  "index entry 0: moffset 36028797018963967," },
	{ "moffset-max", 6, MOFFSET, LSMT_MOFFSET_MASK,
	  "index entry 6: moffset 36028797018963967," },
	{ "moffset-wraps", 1, MOFFSET, LSMT_MOFFSET_MASK - 99,
	  "index entry 1: moffset 36028797018963868," },
	{ "moffset-wraps-bytes", 1, MOFFSET, (1ULL << 55) - 8,
	  "index entry 1: moffset" },
	{ "moffset-in-index", 0, MOFFSET, DATA_END, "index entry 0: moffset" },
	{ "moffset-into-index", 0, MOFFSET, DATA_END - 6,
	  "index entry 0: moffset" },
	{ "moffset-into-index", 5, MOFFSET, DATA_END - 59,
	  "index entry 5: moffset" },
	{ "moffset-more", 6, MOFFSET, DATA_END, "index entry 6: moffset" },
};

static struct entry changed_entry(const struct good *good,
				  const struct entry_case *c)
{
	u64 end = index_at(good);
	struct entry entry = get_entry(good->layer.data + end +
				       c->entry * sizeof(struct lsmt_entry));

	if (c->what == OFFSET)
		entry.offset = c->value;
	else if (c->what == LENGTH)
		entry.len = c->value;
	else if (c->value >= DATA_END - 100)
		entry.moffset = c->value - DATA_END + end / OBD_SECTOR_SIZE;
	else
		entry.moffset = c->value;
	return entry;
}

static void damage_extent(struct damage *damage, u64 offset, u64 len)
{
	damage->ranges[damage->nr].offset = offset * OBD_SECTOR_SIZE;
	damage->ranges[damage->nr++].len = len * OBD_SECTOR_SIZE;
}

static void corrupt_entries(const struct good *good)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(entry_cases); i++) {
		const struct entry_case *c = &entry_cases[i];
		const struct layer_extent *x;
		struct damage damage = {};

		/* What moved away is no longer where it was. */
		x = &good->layer_spec.extents[c->entry];
		damage_extent(&damage, x->offset, x->len);
		set_entry(good, c->entry, changed_entry(good, c), c->label,
			  c->message, &damage);
	}
}

/* What the format allows, though nobody meant it: reads go astray in place. */
static void misplace_entries(const struct good *good)
{
	const struct layer_extent *x = good->layer_spec.extents;
	const u8 *index = good->layer.data + index_at(good);
	struct damage first = {}, third = {}, fifth = {};
	struct entry e = get_entry(index);

	damage_extent(&first, x[0].offset, x[0].len);
	e.offset = LSMT_OFFSET_PADDING;
	set_entry(good, 0, e, "offset-padding", NULL, &first);
	e = get_entry(index);
	e.moffset++;
	set_entry(good, 0, e, "moffset-more", NULL, &first);
	e = get_entry(index);
	e.zeroed = true;
	set_entry(good, 0, e, "zeroed", NULL, &first);
	e = get_entry(index);
	e.tag = 255;
	set_entry(good, 0, e, "tag-max", NULL, NULL);
	e = get_entry(index + 2 * sizeof(struct lsmt_entry));
	e.moffset = LSMT_MOFFSET_MASK;
	set_entry(good, 2, e, "zeroed-moffset-max", NULL, NULL);
	damage_extent(&third, x[2].offset, x[2].len);
	e.zeroed = false;
	e.moffset = LSMT_HEADER_SPACE / OBD_SECTOR_SIZE;
	set_entry(good, 2, e, "not-zeroed", NULL, &third);
	e = get_entry(index + 5 * sizeof(struct lsmt_entry));
	damage_extent(&fifth, x[5].offset, x[5].len + 1);
	e.offset++;
	set_entry(good, 5, e, "offset-more", NULL, &fifth);
	e.offset -= 2;
	fifth.nr = 0;
	damage_extent(&fifth, x[5].offset - 1, x[5].len + 1);
	set_entry(good, 5, e, "offset-less", NULL, &fifth);
}

static void swap_entries(const struct good *good)
{
	const size_t size = sizeof(struct lsmt_entry);
	struct buffer layer = {};
	u8 *index;

	buffer_copy(&layer, &good->layer);
	index = layer.data + index_at(good);
	memcpy(index, good->layer.data + index_at(good) + size, size);
	memcpy(index + size, good->layer.data + index_at(good), size);
	emit(good, &layer, "index entry 1 overlaps", NULL, "lsmt-index.swapped");
	buffer_copy(&layer, &good->layer);
	index = layer.data + index_at(good);
	memcpy(index + size, index, size);
	emit(good, &layer, "index entry 1 overlaps", NULL, "lsmt-index.twice");
	buffer_copy(&layer, &good->layer);
	memset(layer.data + index_at(good), 0xee, 4096);
	emit(good, &layer, "index entry", NULL, "lsmt-index.garbage");
	buffer_copy(&layer, &good->layer);
	memset(layer.data + index_at(good), 0, 4096);
	emit(good, &layer, "index entry 0: length is 0", NULL,
	     "lsmt-index.zeros");
}

void corrupt_lsmt(const struct good *good)
{
	size_t at = trailer_at(good);

	sweep(good, 0, "header", header_rules, ARRAY_SIZE(header_rules));
	sweep(good, at, "trailer", trailer_rules, ARRAY_SIZE(trailer_rules));
	toggle_flags(good, 0, "header", LSMT_FLAG_SEALED | LSMT_FLAG_GC |
		     LSMT_FLAG_INFO_VALID);
	toggle_flags(good, at, "trailer", LSMT_FLAG_GC | LSMT_FLAG_INFO_VALID);
	corrupt_index_offset(good);
	corrupt_index_size(good);
	corrupt_virtual_size(good);
	corrupt_entries(good);
	misplace_entries(good);
	swap_entries(good);
}
