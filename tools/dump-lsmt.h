/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Headers and entries of LSMT layers, as dump shows them.
 */
#ifndef OVERLAYBD_DUMP_LSMT_H
#define OVERLAYBD_DUMP_LSMT_H

#include "dm-overlaybd-lsmt.h"
#include "tools/report.h"

/**
 * dump_lsmt_header - show a header or trailer, if it is one
 * @report: the report
 * @h: the header
 * @key: its name in JSON
 * @title: its name in text
 */
void dump_lsmt_header(struct report *report, const struct lsmt_header *h,
		      const char *key, const char *title);

/**
 * dump_lsmt_index - show what an index comes to
 * @report: the report
 * @entries: the index, padding included
 * @nr: how many
 * @target_tag: tag of those whose data is in the target of the layer; 0 if none is
 */
void dump_lsmt_index(struct report *report, const struct lsmt_entry *entries,
		     u32 nr, u8 target_tag);

/**
 * dump_lsmt_entries - show all entries
 * @report: the report
 * @entries: the index; must stay until the report has ended
 * @nr: how many
 * @target_tag: see dump_lsmt_index()
 */
void dump_lsmt_entries(struct report *report,
		       const struct lsmt_entry *entries, u32 nr,
		       u8 target_tag);

#endif
