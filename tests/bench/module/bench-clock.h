/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The clock of the benchmarks. User Mode Linux is a process of a machine that
 * has other things to do as well: the processor time that it was given says
 * more than the time that went by. What it waits for does not count then, and
 * there is nothing to wait for: its ramdisks copy, and all its threads are one
 * thread of the host's.
 */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <linux/ktime.h>

#ifdef CONFIG_UML

#define HOST_NR_CLOCK_GETTIME		228	/* x86-64 */
#define HOST_CLOCK_THREAD_CPUTIME_ID	3

/* The host's system call: what is a kernel here is a program there. */
static inline u64 bench_clock(void)
{
	struct { s64 sec, nsec; } t = {};
	long r = HOST_NR_CLOCK_GETTIME;

	asm volatile("syscall"
		     : "+a" (r)
		     : "D" (HOST_CLOCK_THREAD_CPUTIME_ID), "S" (&t)
		     : "rcx", "r11", "memory");
	return t.sec * 1000000000ULL + t.nsec;
}

#else

static inline u64 bench_clock(void)
{
	return ktime_get_ns();
}

#endif

#endif
