# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: writes during a compaction that a crash ends do not keep its room
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((16 * MIB))
SLOTS=10880
SECTORS=5000
USED=5600
# The copy begins with the next sector of the log; that is its first write.
BATCH=4064
FROM=$((USED / 32 * 32 + 32))
# Between two that have data, of those in that write.
LATE=7981
DEVICE=/dev/mapper/crash

# has_slot FILE SLOT: it is not zero.
has_slot()
{
	! cmp -s -n 16 -i $((4096 + 16 * $2)):0 "$1" /dev/zero
}

need_target delay
new_upper crash $BYTES $((32 * MIB)) $((4096 + 16 * SLOTS))
helper upperlog cycle crash.index $USED $SECTORS
index=$INDEX slots=$(blockdev --getsz "$INDEX")
dm_create slow "0 $slots delay $index 0 0 $index 0 1000"
INDEX=/dev/mapper/slow
open_upper crash $BYTES
expect_upper crash log_entries $USED

say 'a commit, and another write before it has come to its end'
upper 'do' $DEVICE write $((BYTES - 4096)) 512
upper 'do' $DEVICE flush 0 0 &
flush=$!
sleep 0.5
upper 'do' $DEVICE write $((LATE * SECTOR)) 512
retry has_slot crash.index $((FROM + BATCH - 1))
cp crash.index after.index
cp crash.data after.data
! has_slot after.index $((FROM + BATCH)) || fail 'the copy is complete'
replace_table slow "0 $slots linear $index 0"
wait $flush
expect_upper crash mode rw

say 'after the crash'
attach_upper after
open_upper after $BYTES
upper 'do' /dev/mapper/after write $((BYTES / 2)) 512 flush 0 0 \
	write $((BYTES / 2 + 8192)) 512 flush 0 0
expect_upper after extents $((SECTORS + 4))
expect_upper after compactions 1
dmsetup remove --retry after
upper check after.data after.index >checked
