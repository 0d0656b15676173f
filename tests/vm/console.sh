# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2154	# rundir is that of run
#
# What a guest's console says about the kernel's health.

# Reports only: a bare call trace is not one, fault injection prints those too.
COMPLAINTS='BUG:|WARNING: |Oops|KASAN|UBSAN|ODEBUG|INFO: (task|possible|rcu|trying)'
COMPLAINTS+='|general protection|possible (recursive|circular|irq)|Kernel panic'
COMPLAINTS+='|refcount_t: |list_(add|del) corruption|unreferenced object'
COMPLAINTS+='|self-detected stall|detected stalls|blocked for more than'
# A target that does not put its devices.
COMPLAINTS+='|dm_put_device call missing'

# Prints the reports, each with what follows it, and fails when there is none.
console_complaints()
{
	grep -aE -m 20 -A 30 "$COMPLAINTS" "$rundir/console" | tr -d '\r'
}

console_tail()
{
	say 'the end of the console:'
	tail -n 15 "$rundir/console" | tr -d '\r'
	[ ! -s "$rundir/emulator.err" ] || tail -n 5 "$rundir/emulator.err"
}
