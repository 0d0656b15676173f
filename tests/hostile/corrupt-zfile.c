// SPDX-License-Identifier: GPL-2.0-only
/*
 * Corrupt ZFiles: header, trailer, jump table. Checksums are right unless they
 * are what is wrong.
 */
#include "tests/hostile/corrupt.h"

#define ZFILE_FIELD(member)	{ FIELD(zfile_header, member) }

struct rule {
	struct field field;
	const char *message;	/* behind "ZFile header: "; NULL: ignored */
};

#define IGNORED	NULL

/* Of the structure that is authoritative, header or trailer. */
static const struct rule rules[] = {
	{ ZFILE_FIELD(size), "size is" },
	{ ZFILE_FIELD(index_size), "index_size is" },
	{ ZFILE_FIELD(block_size), "block_size is" },
	{ ZFILE_FIELD(reserved0), IGNORED },
	{ ZFILE_FIELD(level), IGNORED },
	{ ZFILE_FIELD(use_dict), "use_dict is" },
	{ ZFILE_FIELD(reserved1), IGNORED },
	{ ZFILE_FIELD(reserved2), IGNORED },
	{ ZFILE_FIELD(dict_size), "dict_size is" },
	{ ZFILE_FIELD(reserved3), IGNORED },
	{ { "rest", sizeof(struct zfile_header), 8 }, IGNORED },
};

static const struct field fields[] = {
	ZFILE_FIELD(size),
	ZFILE_FIELD(digest),
	ZFILE_FIELD(index_offset),
	ZFILE_FIELD(index_size),
	ZFILE_FIELD(original_size),
	ZFILE_FIELD(index_crc),
	ZFILE_FIELD(block_size),
	ZFILE_FIELD(algorithm),
	ZFILE_FIELD(use_dict),
	ZFILE_FIELD(dict_size),
	ZFILE_FIELD(verify),
};

static const struct field magic0 = ZFILE_FIELD(magic0);
static const struct field magic1 = ZFILE_FIELD(magic1);
static const struct field digest = ZFILE_FIELD(digest);
static const struct field flags = ZFILE_FIELD(flags);
static const struct field index_offset = ZFILE_FIELD(index_offset);
static const struct field index_size = ZFILE_FIELD(index_size);
static const struct field original_size = ZFILE_FIELD(original_size);
static const struct field index_crc = ZFILE_FIELD(index_crc);
static const struct field block_size = ZFILE_FIELD(block_size);
static const struct field algorithm = ZFILE_FIELD(algorithm);
static const struct field verify = ZFILE_FIELD(verify);

/* Where the structure lies that tells about the index. */
struct place {
	const struct good *good;
	const char *which;
	size_t at;
};

static struct place authority(const struct good *good)
{
	bool trailer = good->zfile->trailer_only;

	return (struct place) {
		.good = good,
		.which = trailer ? "trailer" : "header",
		.at = trailer ? good->blob.len - ZFILE_HEADER_SPACE : 0,
	};
}

/* The other of the two, which is ignored but for its magic and one flag. */
static struct place other(const struct good *good)
{
	bool trailer = good->zfile->trailer_only;

	return (struct place) {
		.good = good,
		.which = trailer ? "header" : "trailer",
		.at = trailer ? 0 : good->blob.len - ZFILE_HEADER_SPACE,
	};
}

static void set(struct place p, const struct field *field, u64 value,
		const char *label, const char *message)
{
	struct buffer blob = {};

	buffer_copy(&blob, &p.good->blob);
	put_field(blob.data + p.at, field, value);
	if (!p.good->zfile->no_digest && field != &digest)
		zfile_set_digest(blob.data + p.at);
	if (message)
		emit_refused(p.good, &blob, message, "zfile-%s.%s.%s", p.which,
			     field->name, label);
	else
		emit_read(p.good, &blob, NULL, "zfile-%s.%s.%s", p.which,
			  field->name, label);
	buffer_release(&blob);
}

static u64 get(struct place p, const struct field *field)
{
	return get_field(p.good->blob.data + p.at, field);
}

static void sweep_field(struct place p, const struct field *field,
			const char *message)
{
	u64 old = get(p, field), value;
	const char *label;
	unsigned int i;

	for (i = 0; i < NR_SWEEP; i++)
		if (sweep_value(field, old, i, &label, &value))
			set(p, field, value, label, message);
}

static void sweep_rules(struct place p)
{
	char message[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rules); i++) {
		snprintf(message, sizeof(message), "ZFile %s: .*%s", p.which,
			 rules[i].message ? rules[i].message : "");
		sweep_field(p, &rules[i].field,
			    rules[i].message ? message : NULL);
	}
}

/* Without their flag both CRCs are garbage to ignore. */
static void corrupt_crcs(struct place p)
{
	bool ignored = p.good->zfile->no_digest;

	sweep_field(p, &digest, ignored ? NULL : "digest is .*, expected");
	sweep_field(p, &index_crc,
		    ignored ? NULL : "jump table: index_crc is .*, expected");
}

static void corrupt_magic(struct place p)
{
	const char *message = p.at ? "ZFile trailer: bad magic" :
			      "LSMT header: bad magic";

	sweep_field(p, &magic0, message);
	sweep_field(p, &magic1, message);
}

struct value_case {
	const struct field *field;
	const char *label;
	u64 value;
	const char *message;
};

static void set_all(struct place p, const struct value_case *cases, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		set(p, cases[i].field, cases[i].value, cases[i].label,
		    cases[i].message);
}

/* Without bit 3 a header hands over to the trailer, whatever else it says. */
static void corrupt_header_flags(struct place p)
{
	u64 old = get(p, &flags);
	const struct value_case cases[] = {
		{ &flags, "zero", 0, NULL },
		{ &flags, "one", 1, NULL },
		{ &flags, "not-overwritten", old & ~8ULL, NULL },
		{ &flags, "high-garbage", old | 0x7ffea4640b40, NULL },
		{ &flags, "sealed", old | 4, NULL },
		{ &flags, "max", ~0ULL, "ZFile header: flags are" },
		{ &flags, "no-header", old & ~1ULL, "ZFile header: flags are" },
		{ &flags, "no-data", old & ~2ULL, "ZFile header: flags are" },
		{ &flags, "table-packed", old | 32,
		  "flags are .*: compressed jump tables are not supported" },
	};

	set_all(p, cases, ARRAY_SIZE(cases));
}

static void corrupt_trailer_flags(struct place p)
{
	u64 old = get(p, &flags);
	const struct value_case cases[] = {
		{ &flags, "zero", 0, "ZFile trailer: flags are" },
		{ &flags, "one", 1, "ZFile trailer: flags are" },
		{ &flags, "max", ~0ULL, "ZFile trailer: flags are" },
		{ &flags, "header", old | 1, "ZFile trailer: flags are" },
		{ &flags, "no-data", old & ~2ULL, "ZFile trailer: flags are" },
		{ &flags, "not-sealed", old & ~4ULL,
		  "ZFile trailer: flags are" },
		{ &flags, "table-packed", old | 32,
		  "flags are .*: compressed jump tables are not supported" },
		{ &flags, "high-garbage", old | 0x7ffea4640b40, NULL },
		{ &flags, "overwritten", old | 8, NULL },
		{ &flags, "no-digest", old & ~16ULL, NULL },
	};

	set_all(p, cases, ARRAY_SIZE(cases));
}

static void corrupt_places(struct place p)
{
	u64 at = get(p, &index_offset), nr = get(p, &index_size);
	u64 end = p.good->blob.len - (p.at ? ZFILE_HEADER_SPACE : 0);
	const struct value_case cases[] = {
		{ &index_offset, "zero", 0, "index_offset is 0, expected 512" },
		{ &index_offset, "one", 1, "index_offset is 1, expected 512" },
		{ &index_offset, "in-header", 511, "index_offset is 511," },
		{ &index_offset, "max", ~0ULL, "index_offset is 184467440737" },
		{ &index_offset, "wraps", ~0ULL - 4 * nr + 1,
		  "index_offset is 184467440737" },
		{ &index_offset, "negative", 1ULL << 63, "index_offset is 922" },
		{ &index_offset, "behind", end - 4 * nr + 1,
		  "index_offset is" },
		{ &index_offset, "more", at + 1, "index_offset is|jump table" },
		{ &index_offset, "less", at - 1, "jump table" },
		{ &index_offset, "into-data", 512, "jump table" },
		{ &index_size, "wraps-to-zero", 1ULL << 62, "index_size is" },
		{ &index_size, "wraps-to-old", 1ULL << 62 | nr,
		  "index_size is" },
		{ &index_size, "high-half", 1ULL << 32 | nr, "index_size is" },
	};

	set_all(p, cases, ARRAY_SIZE(cases));
}

static void corrupt_sizes(struct place p)
{
	const char *cut = "does not decompress|LSMT trailer: bad magic";
	u64 old = get(p, &original_size), bs = get(p, &block_size);
	const struct value_case cases[] = {
		{ &original_size, "zero", 0, "original_size is 0, expected 1" },
		{ &original_size, "one", 1, "index_size is .*, expected 1" },
		{ &original_size, "max", ~0ULL, "original_size is 184467440" },
		{ &original_size, "wraps", ~0ULL - bs + 2,
		  "original_size is 184467440" },
		{ &original_size, "negative", 1ULL << 63,
		  "original_size is 922337" },
		{ &original_size, "more", old + 1, cut },
		{ &original_size, "less", old - 1, cut },
		{ &original_size, "block-more", old + bs, "index_size is" },
		{ &original_size, "block-less", old - bs, "index_size is" },
		{ &original_size, "last-block-full", round_up(old, bs), cut },
		{ &block_size, "256", 256, "block_size is 256, expected" },
		{ &block_size, "doubled", bs * 2, "index_size is" },
		{ &block_size, "halved", bs / 2, "index_size is" },
		{ &block_size, "largest", 1 << 20, "index_size is" },
		{ &block_size, "too-large", 2 << 20, "block_size is 2097152," },
		{ &block_size, "negative", 1U << 31, "block_size is 21474836" },
	};

	set_all(p, cases, ARRAY_SIZE(cases));
}

static void corrupt_coding(struct place p)
{
	u64 algo = get(p, &algorithm);
	bool crc = get(p, &verify);
	const struct value_case cases[] = {
		{ &algorithm, "zero", 0, "algorithm is 0, expected" },
		{ &algorithm, "three", 3, "algorithm is 3, expected" },
		{ &algorithm, "max", 255, "algorithm is 255, expected" },
		{ &algorithm, "other", 3 - algo, "block 0 does not decompress" },
		{ &verify, "other", !crc, crc ? "block 0 does not decompress" :
		  "block 0: wrong CRC" },
		{ &verify, "max", 255, crc ? NULL : "block 0: wrong CRC" },
	};

	set_all(p, cases, ARRAY_SIZE(cases));
}

/* Whatever stands in the one that is not looked at. */
static void corrupt_ignored(struct place p)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fields); i++)
		set(p, &fields[i], ~0ULL, "max", NULL);
	if (p.at) {
		set(p, &magic0, 0, "zero", NULL);
		set(p, &flags, ~0ULL, "max", NULL);
	}
}

/*
 * Jump tables.
 */

struct table {
	struct place p;
	struct buffer blob;
	u8 *entries;
	u32 nr;
};

static void table_begin(struct table *t, const struct good *good)
{
	*t = (struct table) { .p = authority(good) };
	buffer_copy(&t->blob, &good->blob);
	t->entries = t->blob.data + get(t->p, &index_offset);
	t->nr = get(t->p, &index_size);
}

static u32 table_get(const struct table *t, u32 i)
{
	const struct field entry = { "", i * sizeof(__le32), sizeof(__le32) };

	return get_field(t->entries, &entry);
}

static void table_put(struct table *t, u32 i, u32 value)
{
	const struct field entry = { "", i * sizeof(__le32), sizeof(__le32) };

	put_field(t->entries, &entry, value);
}

static void table_seal(struct table *t)
{
	u8 *info = t->blob.data + t->p.at;

	put_field(info, &index_crc, crc32c(ZFILE_META_CRC_SEED, t->entries,
					   t->nr * sizeof(__le32)));
	if (!t->p.good->zfile->no_digest)
		zfile_set_digest(info);
}

static void corrupt_entry(const struct good *good, u32 i, u32 value,
			  const char *label, const char *message)
{
	struct table t;

	table_begin(&t, good);
	table_put(&t, i, value);
	table_seal(&t);
	emit_refused(good, &t.blob, message, "table-entry%u.%s", i, label);
	buffer_release(&t.blob);
}

static void corrupt_entries(const struct good *good)
{
	u32 least = good->zfile->verify ? 5 : 1;
	char message[64];
	struct table t;
	u32 k;

	table_begin(&t, good);
	for (k = 0; k < 3; k++) {
		u32 i = k == 0 ? 0 : k == 1 ? t.nr / 2 : trailer_block(good);
		u32 old = table_get(&t, i);

		snprintf(message, sizeof(message), "jump table entry %u is", i);
		corrupt_entry(good, i, 0, "zero", message);
		corrupt_entry(good, i, least - 1, "least", message);
		corrupt_entry(good, i, ~0U, "max", message);
		corrupt_entry(good, i, 1U << 31, "negative", message);
		corrupt_entry(good, i, old | 1 << 16, "high-half", message);
		corrupt_entry(good, i, old + 1, "more",
			      "jump table: blocks end at byte");
		corrupt_entry(good, i, old - 1, "less", "block [0-9]+");
	}
	snprintf(message, sizeof(message), "jump table entry %u is", t.nr - 1);
	corrupt_entry(good, t.nr - 1, 0, "last-zero", message);
	corrupt_entry(good, t.nr - 1, ~0U, "last-max", message);
	corrupt_entry(good, t.nr - 1, table_get(&t, t.nr - 1) + 1, "last-more",
		      "jump table: blocks end at byte");
	buffer_release(&t.blob);
}

/* Sizes at their upper bound pass the table; larger ones pass the bound. */
static void corrupt_sums(const struct good *good)
{
	u32 bs = good->zfile->block_size, i;
	struct table t;

	table_begin(&t, good);
	for (i = 0; i < t.nr; i++)
		table_put(&t, i, bs + bs / 256 + 64 + ZFILE_CRC_SIZE);
	table_seal(&t);
	emit_refused(good, &t.blob, "jump table: blocks end at byte",
		     "table.sum");
	for (i = 0; i < t.nr; i++)
		table_put(&t, i, bs + bs / 256 + 64 + ZFILE_CRC_SIZE + 1);
	table_seal(&t);
	emit_refused(good, &t.blob, "jump table entry 0 is", "table.sum-more");
	for (i = 0; i < t.nr; i++)
		table_put(&t, i, ~0U);
	table_seal(&t);
	emit_refused(good, &t.blob, "jump table entry 0 is", "table.sum-wraps");
	buffer_release(&t.blob);
}

/* Block @i takes a byte of its successor: these two are corrupt. */
static void shift_boundary(const struct good *good, u32 i)
{
	u64 bs = good->zfile->block_size;
	struct damage damage = { .fails = true };
	struct table t;

	table_begin(&t, good);
	table_put(&t, i, table_get(&t, i) + 1);
	table_put(&t, i + 1, table_get(&t, i + 1) - 1);
	table_seal(&t);
	damage_layer(&damage, good, i * bs, (i + 2) * bs);
	emit_read(good, &t.blob, &damage, "table.shift%u", i);
	buffer_release(&t.blob);
}

static void unseal_table(const struct good *good)
{
	struct table t;

	table_begin(&t, good);
	table_put(&t, 1, table_get(&t, 1) + 1);
	table_put(&t, 2, table_get(&t, 2) - 1);
	emit_refused(good, &t.blob, "jump table: index_crc is .*, expected",
		     "table.unsealed");
	buffer_release(&t.blob);
}

void corrupt_zfile(const struct good *good)
{
	struct place p = authority(good), q = other(good);

	corrupt_magic(p);
	if (p.at) {
		corrupt_magic(q);
		corrupt_trailer_flags(p);
	} else {
		corrupt_header_flags(p);
	}
	sweep_rules(p);
	corrupt_crcs(p);
	corrupt_places(p);
	corrupt_sizes(p);
	corrupt_coding(p);
	corrupt_ignored(q);
	corrupt_entries(good);
	corrupt_sums(good);
	if (good->zfile->verify)
		shift_boundary(good, 2);
	if (!good->zfile->no_digest)
		unseal_table(good);
}
