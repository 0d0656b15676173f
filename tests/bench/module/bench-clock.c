// SPDX-License-Identifier: GPL-2.0-only
/*
 * The clock of the benchmarks for programs: the parameter "now" gives
 * nanoseconds. In User Mode Linux a program's own computing does not count,
 * what the kernel does for it does.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>

#include "bench-clock.h"

static int now_get(char *buffer, const struct kernel_param *kp)
{
	return scnprintf(buffer, PAGE_SIZE, "%llu\n", bench_clock());
}

static const struct kernel_param_ops now_ops = {
	.get = now_get,
};

module_param_cb(now, &now_ops, NULL, 0444);
MODULE_PARM_DESC(now, "nanoseconds");

static int __init bench_init(void)
{
	return 0;
}

static void __exit bench_exit(void)
{
}

module_init(bench_init);
module_exit(bench_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Clock of the benchmarks");
