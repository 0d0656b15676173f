// SPDX-License-Identifier: GPL-2.0-only
/*
 * Show what is in the two files of a writable layer.
 */
#include "tools/commands.h"
#include "tools/dump-lsmt.h"
#include "tools/dump-upper.h"
#include "tools/upper.h"

struct log_facts {
	u64 data_size;
	u64 index_size;
	u64 log_entries;
	u64 log_end;
	u64 log_data_end;
	u64 live_data_end;
	u64 live_bytes;
};

static const struct row log_rows[] = {
	ROW(struct log_facts, data_size, ROW_U64),
	ROW(struct log_facts, index_size, ROW_U64),
	ROW(struct log_facts, log_entries, ROW_U64),
	ROW(struct log_facts, log_end, ROW_U64),
	ROW(struct log_facts, log_data_end, ROW_U64),
	ROW(struct log_facts, live_data_end, ROW_U64),
	ROW(struct log_facts, live_bytes, ROW_U64),
};

static void dump_log(struct report *report, const struct upper *upper)
{
	const struct log_facts facts = {
		.data_size = upper->data.size,
		.index_size = upper->index.size,
		.log_entries = upper->log_slots,
		.log_end = upper_log_end(upper),
		.log_data_end = upper->log_data_end,
		.live_data_end = upper_live_end(upper),
		.live_bytes = upper->replay.data_sectors << OBD_SECTOR_SHIFT,
	};

	report_section(report, "log", "log", log_rows, ARRAY_SIZE(log_rows),
		       &facts);
}

static void dump_all(struct report *report, const struct upper *upper, bool ok,
		     bool entries)
{
	const struct replay *replay = &upper->replay;

	dump_lsmt_header(report, &upper->data_header, "data_header",
			 "data header");
	dump_lsmt_header(report, &upper->index_header, "index_header",
			 "index header");
	if (!ok)
		return;
	dump_log(report, upper);
	dump_lsmt_index(report, replay->entries, replay->nr, 0);
	if (entries)
		dump_lsmt_entries(report, replay->entries, replay->nr, 0);
}

int dump_upper(const char *data, const char *index, bool entries, bool json)
{
	struct report report;
	struct upper upper;
	struct obd_error err;
	int r = upper_open(&upper, data, index, &err);

	report_begin(&report, json);
	dump_all(&report, &upper, !r, entries);
	if (r && json)
		json_object_object_add(report.json, "error",
				       json_text(err.text));
	report_end(&report);
	upper_close(&upper);
	if (!r)
		return EXIT_OK;
	fflush(stdout);
	complain("%s, %s: %s", data, index, err.text);
	return exit_code_of(r);
}

void upper_suggest(const char *path)
{
	struct lsmt_header h;
	struct obd_error err;
	struct obd_dev dev;

	if (!obd_file_open(&dev, path) && dev.size >= LSMT_HEADER_SPACE &&
	    !obd_dev_read(&dev, 0, &h, sizeof(h)) &&
	    !obd_lsmt_check_header(&h, "data",
				   LSMT_FLAG_HEADER | LSMT_FLAG_DATA,
				   LSMT_FLAG_SEALED, &err))
		complain("%s: is this the data of a writable layer? Give its index as --index%s",
			 path, obd_file_is_device(&dev) ?
			 "; has it been sealed? Give a configuration that says its \"size\"" :
			 "");
	obd_file_close(&dev);
}
