// SPDX-License-Identifier: GPL-2.0-only
/*
 * Says whether what a sector holds after a crash can be right.
 */
#include "tests/crash/judge.h"

#include <inttypes.h>

#define EXPLAINED_MAX	12	/* operations told of a sector */

static void check_range(const struct history *h, u32 nr)
{
	const struct op *op = &h->ops[nr];

	if (op->sector > h->sectors || op->len > h->sectors - op->sector)
		die("history: operation %u is beyond the device", nr);
}

/* Counts, sums up, and fills from the end of each sector's part. */
void judge_init(struct judge *judge, const struct history *history)
{
	u64 n = history->sectors;
	u64 s;
	u32 i;

	judge->history = history;
	judge->first = xcalloc(n + 1, sizeof(*judge->first));
	judge->fua = xcalloc(history->nr_ops, sizeof(*judge->fua));
	for (i = 0; i < history->nr_ops; i++) {
		const struct op *op = &history->ops[i];

		check_range(history, i);
		for (s = 0; op_changes(op) && s < op->len; s++)
			judge->first[op->sector + s]++;
	}
	for (s = 1; s <= n; s++)
		judge->first[s] += judge->first[s - 1];
	judge->list = xcalloc(judge->first[n], sizeof(*judge->list));
	for (i = history->nr_ops; i-- > 0;) {
		const struct op *op = &history->ops[i];

		for (s = 0; op_changes(op) && s < op->len; s++)
			judge->list[--judge->first[op->sector + s]] = i;
	}
	judge_forget(judge);
}

void judge_release(struct judge *judge)
{
	free(judge->first);
	free(judge->list);
	free(judge->fua);
}

void judge_forget(struct judge *judge)
{
	judge->promised = 0;
	memset(judge->fua, 0, judge->history->nr_ops * sizeof(*judge->fua));
}

void judge_promise(struct judge *judge, u32 nr)
{
	const struct op *op;

	if (nr >= judge->history->nr_ops)
		die("there is no operation %u", nr);
	op = &judge->history->ops[nr];
	if (op->type == OP_WRITE && op->flags & OP_FUA)
		judge->fua[nr] = true;
	else if (op->type != OP_FLUSH)
		die("operation %u promises nothing", nr);
	judge->promised = max(judge->promised, op->begin);
}

static bool is_promise(const struct op *op)
{
	if (op->flags & OP_FAILED)
		return false;
	return op->type == OP_FLUSH || op->flags & OP_FUA;
}

void judge_promise_flushed(struct judge *judge, bool honest)
{
	const struct history *h = judge->history;
	u64 cut = UINT64_MAX;
	u32 i;

	for (i = 0; i < h->nr_ops && !honest; i++)
		if (h->ops[i].type == OP_CUT)
			cut = min(cut, h->ops[i].begin);
	for (i = 0; i < h->nr_ops; i++)
		if (is_promise(&h->ops[i]) && h->ops[i].end < cut)
			judge_promise(judge, i);
}

void judge_promise_all(struct judge *judge)
{
	judge->promised = UINT64_MAX;
}

static bool is_durable(const struct judge *judge, u32 nr)
{
	const struct op *op = &judge->history->ops[nr];

	if (op->flags & OP_FAILED)
		return false;
	return op->end < judge->promised || judge->fua[nr];
}

/* When the last began of what must be there; 0 if there is nothing. */
static u64 newest_durable(const struct judge *judge, u64 sector)
{
	u64 newest = 0;
	u32 i;

	for (i = judge->first[sector]; i < judge->first[sector + 1]; i++) {
		u32 nr = judge->list[i];

		if (is_durable(judge, nr))
			newest = max(newest, judge->history->ops[nr].begin);
	}
	return newest;
}

enum verdict judge_sector(const struct judge *judge, u64 sector,
			  const void *buf)
{
	const struct history *h = judge->history;
	u64 newest = newest_durable(judge, sector);
	u64 at = sector;
	u64 content = stamp_read(buf, &at);
	bool initial = h->initial[sector] == content;
	bool known = false;
	u32 i;

	if (content == CONTENT_BROKEN)
		return VERDICT_BROKEN;
	if (at != sector)
		return VERDICT_ELSEWHERE;
	if (initial && !newest)
		return VERDICT_RIGHT;
	for (i = judge->first[sector]; i < judge->first[sector + 1]; i++) {
		u32 nr = judge->list[i];

		if (history_content(h, nr) != content)
			continue;
		known = true;
		if (h->ops[nr].end >= newest)
			return VERDICT_RIGHT;
	}
	if (known)
		return VERDICT_STALE;
	return initial ? VERDICT_LOWER : VERDICT_UNKNOWN;
}

static const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = {
		[VERDICT_RIGHT] = "right",
		[VERDICT_BROKEN] = "broken",
		[VERDICT_ELSEWHERE] = "another sector's",
		[VERDICT_STALE] = "overwritten long since",
		[VERDICT_LOWER] = "of before the load, overwritten since",
		[VERDICT_UNKNOWN] = "never written there",
	};

	return names[verdict];
}

static void explain_op(const struct judge *judge, u32 nr)
{
	static const char *const types[] = { "write", "discard", "zero" };
	const struct op *op = &judge->history->ops[nr];

	printf("    %s %u.%u, sectors %" PRIu64 " + %u, time %" PRIu64
	       " to %" PRIu64 "%s%s%s\n", types[op->type],
	       judge->history->generation, nr, op->sector, op->len, op->begin,
	       op->end, op->flags & OP_FUA ? ", fua" : "",
	       op->flags & OP_FAILED ? ", failed" : "",
	       is_durable(judge, nr) ? ", durable" : "");
}

void judge_explain(const struct judge *judge, u64 sector, const void *buf)
{
	u32 first = judge->first[sector], last = judge->first[sector + 1];
	char name[2][64];
	u64 at = sector;
	u64 content = stamp_read(buf, &at);
	u32 i;

	printf("  sector %" PRIu64 ": %s of sector %" PRIu64 ": %s; initially %s\n",
	       sector, content_name(content, name[0], sizeof(name[0])), at,
	       verdict_name(judge_sector(judge, sector, buf)),
	       content_name(judge->history->initial[sector], name[1],
			    sizeof(name[1])));
	if (last - first > EXPLAINED_MAX)
		first = last - EXPLAINED_MAX;
	for (i = first; i < last; i++)
		explain_op(judge, judge->list[i]);
}
