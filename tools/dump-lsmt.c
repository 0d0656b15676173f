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
	u64 target_entries;
	u64 target_bytes;
	u64 target_end;
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
	ROW(struct index_facts, target_entries, ROW_U64),
	ROW(struct index_facts, target_bytes, ROW_U64),
	ROW(struct index_facts, target_end, ROW_U64),
};

struct entries {
	const struct lsmt_entry *entries;
	u8 target_tag;
};

void dump_lsmt_header(struct report *report, const struct lsmt_header *h,
		      const char *key, const char *title)
{
	if (!memcmp(h->magic0, LSMT_MAGIC0, LSMT_MAGIC0_SIZE))
		report_section(report, key, title, lsmt_rows,
			       ARRAY_SIZE(lsmt_rows), h);
}

static bool in_target(const struct lsmt_entry *e, u8 target_tag)
{
	return target_tag && !lsmt_entry_zeroed(e) &&
	       lsmt_entry_tag(e) == target_tag;
}

static const char *place(const struct lsmt_entry *e, u8 target_tag)
{
	if (lsmt_entry_zeroed(e))
		return "none";
	return in_target(e, target_tag) ? "target" : "layer";
}

static void count_target(struct index_facts *facts, const struct lsmt_entry *e)
{
	facts->target_entries++;
	facts->target_bytes += (u64)lsmt_entry_length(e) << OBD_SECTOR_SHIFT;
	facts->target_end = max(facts->target_end, lsmt_entry_moffset(e) +
						   lsmt_entry_length(e));
}

static void count_entry(struct index_facts *facts, const struct lsmt_entry *e,
			u8 target_tag)
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
	if (in_target(e, target_tag))
		count_target(facts, e);
}

void dump_lsmt_index(struct report *report, const struct lsmt_entry *entries,
		     u32 nr, u8 target_tag)
{
	struct index_facts facts = { .entries = nr };
	u32 i;

	for (i = 0; i < nr; i++)
		count_entry(&facts, &entries[i], target_tag);
	report_section(report, "index", "index", index_rows,
		       ARRAY_SIZE(index_rows), &facts);
}

static bool put_entry(struct printbuf *pb, const void *ctx, u32 nr, bool json)
{
	const struct entries *list = ctx;
	const struct lsmt_entry *e = &list->entries[nr];
	unsigned long long offset = lsmt_entry_offset(e);
	unsigned long long moffset = lsmt_entry_moffset(e);
	bool zeroed = lsmt_entry_zeroed(e);
	const char *where = place(e, list->target_tag);

	if (offset == LSMT_OFFSET_PADDING)
		return false;
	if (json)
		sprintbuf(pb, "{ \"offset\": %llu, \"length\": %u, \"moffset\": %llu, \"zeroed\": %s, \"tag\": %u, \"in\": \"%s\" }",
			  offset, lsmt_entry_length(e), moffset,
			  zeroed ? "true" : "false", lsmt_entry_tag(e), where);
	else
		sprintbuf(pb, "%llu %u %llu %d %u%s%s", offset,
			  lsmt_entry_length(e), moffset, zeroed,
			  lsmt_entry_tag(e), list->target_tag ? " " : "",
			  list->target_tag ? where : "");
	return true;
}

void dump_lsmt_entries(struct report *report,
		       const struct lsmt_entry *entries, u32 nr,
		       u8 target_tag)
{
	const struct entries list = { entries, target_tag };

	report_list(report, "entries", target_tag ?
		    "entries (sectors: offset length moffset, then zeroed, tag, and where the data is)" :
		    "entries (sectors: offset length moffset, then zeroed and tag)",
		    nr, put_entry, &list, sizeof(list));
}
