# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: one commit serves all who asked for a flush while it could not begin
# Kernels: 6.12
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((8 * MIB))
THREADS=8
ROUNDS=10
FLUSH_MS=150	# so long that all others ask in the meantime

# flush_all WHERE: every thread writes and flushes; COMMITS are what it took.
flush_all()
{
	local before

	before=$(upper_counter group commits)
	upper flushes $DEVICE $THREADS $ROUNDS "$1"
	COMMITS=$(($(upper_counter group commits) - before))
	say "$((THREADS * ROUNDS)) flushes in $COMMITS commits"
}

DEVICE=/dev/mapper/group
need_target delay
new_upper group $BYTES
dm_create slow "0 $(blockdev --getsz "$DATA") delay $DATA 0 0 $DATA 0 0 $DATA 0 $FLUSH_MS"
DATA=/dev/mapper/slow
open_upper group $BYTES

# Whoever comes first has a commit alone, the others share the next one. A
# thread never has two of its flushes in one.
for where in 0 $((THREADS * SECTOR)) 0; do
	say "from $where on"
	flush_all "$where"
	expect_at_most commits "$COMMITS" $((THREADS * ROUNDS / 2 - 1))
	[ "$COMMITS" -ge $ROUNDS ] || fail "$COMMITS commits for $ROUNDS rounds"
done
