// SPDX-License-Identifier: GPL-2.0-only
/*
 * Show headers and entries of LSMT layers.
 */
#include "tools/dump-lsmt.h"

static const char *const lsmt_flags[] = {
	"header", "data", "sealed", "gc", "sparse", "info-valid", NULL,
};

static const struct row lsmt_rows[] = {
	ROW(struct lsmt_header, size, ROW_LE32),
	ROW_BITS(struct lsmt_header, flags, ROW_FLAGS32, lsmt_flags),
	ROW(struct lsmt_header, index_offset, ROW_LE64),
	ROW(struct lsmt_header, index_size, ROW_LE64),
	ROW(struct lsmt_header, virtual_size, ROW_LE64),
	ROW(struct lsmt_header, uuid, ROW_TEXT),
	ROW(struct lsmt_header, parent_uuid, ROW_TEXT),
	ROW(struct lsmt_header, version, ROW_U8),
	ROW(struct lsmt_header, sub_version, ROW_U8),
	ROW(struct lsmt_header, user_tag, ROW_TEXT),
};

struct index_facts {
	u64 entries;
	u64 padding;
	u64 zeroed;
	u64 mapped_bytes;
	u64 zeroed_bytes;
	u64 largest_bytes;
	u64 end_sector;
	u64 largest_tag;
};

static const struct row index_rows[] = {
	ROW(struct index_facts, entries, ROW_U64),
	ROW(struct index_facts, padding, ROW_U64),
	ROW(struct index_facts, zeroed, ROW_U64),
	ROW(struct index_facts, mapped_bytes, ROW_U64),
	ROW(struct index_facts, zeroed_bytes, ROW_U64),
	ROW(struct index_facts, largest_bytes, ROW_U64),
	ROW(struct index_facts, end_sector, ROW_U64),
	ROW(struct index_facts, largest_tag, ROW_U64),
};

struct entries {
	const struct lsmt_entry *entries;
	u32 nr;
};

void dump_lsmt_header(struct report *report, const struct lsmt_header *h,
		      const char *key, const char *title)
{
	if (!memcmp(h->magic0, LSMT_MAGIC0, LSMT_MAGIC0_SIZE))
		report_section(report, key, title, lsmt_rows,
			       ARRAY_SIZE(lsmt_rows), h);
}

static void count_entry(struct index_facts *facts, const struct lsmt_entry *e)
{
	u64 bytes = (u64)lsmt_entry_length(e) << OBD_SECTOR_SHIFT;

	if (lsmt_entry_offset(e) == LSMT_OFFSET_PADDING) {
		facts->padding++;
		return;
	}
	if (lsmt_entry_zeroed(e)) {
		facts->zeroed++;
		facts->zeroed_bytes += bytes;
	} else {
		facts->mapped_bytes += bytes;
	}
	facts->largest_bytes = max(facts->largest_bytes, bytes);
	facts->end_sector = max(facts->end_sector, lsmt_entry_offset(e) +
						   lsmt_entry_length(e));
	facts->largest_tag = max_t(u64, facts->largest_tag, lsmt_entry_tag(e));
}

void dump_lsmt_index(struct report *report, const struct lsmt_entry *entries,
		     u32 nr)
{
	struct index_facts facts = { .entries = nr };
	u32 i;

	for (i = 0; i < nr; i++)
		count_entry(&facts, &entries[i]);
	report_section(report, "index", "index", index_rows,
		       ARRAY_SIZE(index_rows), &facts);
}

static void print_entries(const struct entries *list)
{
	u32 i;

	puts("entries (sectors: offset length moffset, then zeroed and tag):");
	for (i = 0; i < list->nr; i++) {
		const struct lsmt_entry *e = &list->entries[i];

		if (lsmt_entry_offset(e) == LSMT_OFFSET_PADDING)
			continue;
		printf("  %llu %u %llu %d %u\n",
		       (unsigned long long)lsmt_entry_offset(e),
		       lsmt_entry_length(e),
		       (unsigned long long)lsmt_entry_moffset(e),
		       lsmt_entry_zeroed(e), lsmt_entry_tag(e));
	}
}

/* A million of objects would take a gigabyte: the text is made at once. */
static int entries_to_json(struct json_object *o, struct printbuf *pb,
			   int level, int flags)
{
	const struct entries *list = json_object_get_userdata(o);
	const char *before = "[";
	u32 i;

	(void)level;
	(void)flags;
	for (i = 0; i < list->nr; i++) {
		const struct lsmt_entry *e = &list->entries[i];

		if (lsmt_entry_offset(e) == LSMT_OFFSET_PADDING)
			continue;
		sprintbuf(pb, "%s\n    { \"offset\": %llu, \"length\": %u, \"moffset\": %llu, \"zeroed\": %s, \"tag\": %u }",
			  before, (unsigned long long)lsmt_entry_offset(e),
			  lsmt_entry_length(e),
			  (unsigned long long)lsmt_entry_moffset(e),
			  lsmt_entry_zeroed(e) ? "true" : "false",
			  lsmt_entry_tag(e));
		before = ",";
	}
	return sprintbuf(pb, "%s]", *before == '[' ? before : "\n  ");
}

static void free_list(struct json_object *o, void *list)
{
	(void)o;
	free(list);
}

void dump_lsmt_entries(struct report *report,
		       const struct lsmt_entry *entries, u32 nr)
{
	struct entries *list = malloc(sizeof(*list));
	struct json_object *o;

	if (!list)
		return;
	*list = (struct entries) { entries, nr };
	if (!report->json) {
		print_entries(list);
		free(list);
		return;
	}
	o = json_object_new_array();
	json_object_set_serializer(o, entries_to_json, list, free_list);
	json_object_object_add(report->json, "entries", o);
}
