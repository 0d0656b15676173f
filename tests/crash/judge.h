/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Says whether what a sector holds after a crash can be right.
 *
 * Of what was promised to be durable, the latest must be there, or something
 * written to that sector later, or at the same time. What an operation that
 * was promised had overwritten must never come back.
 */
#ifndef CRASH_JUDGE_H
#define CRASH_JUDGE_H

#include "tests/crash/history.h"

enum verdict {
	VERDICT_RIGHT,
	VERDICT_BROKEN,		/* neither zeros nor a whole stamp */
	VERDICT_ELSEWHERE,	/* another sector's stamp */
	VERDICT_STALE,		/* was overwritten by what was promised */
	VERDICT_LOWER,		/* the same, and it is of before the load */
	VERDICT_UNKNOWN,	/* nothing that was ever written there */
};

/**
 * struct judge - knows a history by sectors
 * @history: the history
 * @first: of each sector, the first of its operations in @list; one more
 * @list: numbers of operations, sector by sector
 * @promised: all that ended before that time is durable
 * @fua: writes that are durable whatever @promised says
 */
struct judge {
	const struct history *history;
	u32 *first;
	u32 *list;
	u64 promised;
	bool *fua;
};

/* @history: whose operations lie within its sectors, which is checked. */
void judge_init(struct judge *judge, const struct history *history);
void judge_release(struct judge *judge);

/* Nothing has been promised yet. */
void judge_forget(struct judge *judge);

/* A flush or FUA write, @nr, is known to have succeeded. */
void judge_promise(struct judge *judge, u32 nr);

/* All flushes succeeded that said so, if not @honest, before a cut. */
void judge_promise_flushed(struct judge *judge, bool honest);

/* No crash: the last of everything must be there. */
void judge_promise_all(struct judge *judge);

/**
 * judge_sector - can that be right?
 * @judge: the judge
 * @sector: the sector
 * @buf: what it holds
 *
 * Return: the verdict.
 */
enum verdict judge_sector(const struct judge *judge, u64 sector,
			  const void *buf);

/* Prints what is wrong with a sector, and what should have been there. */
void judge_explain(const struct judge *judge, u64 sector, const void *buf);

#endif
