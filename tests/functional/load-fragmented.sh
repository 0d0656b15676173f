# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: tables load where no 64 KiB of memory are in one piece
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

need_tool
need_faults
device fill disk 0 $((8 * MIB))
cp disk lower
device sprinkle sectors=6000 lower
create_layer --raw lower layer0
create_layer --raw disk --base lower layer1
new_upper writable $((8 * MIB))

fault_filter fail_page_alloc
echo 4 >/sys/kernel/debug/fail_page_alloc/min-order
echo 0 >/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait
echo 100 >/sys/kernel/debug/fail_page_alloc/probability
stack_create pieces $((8 * MIB / SECTOR)) -- layer0 layer1
open_upper writable $((8 * MIB))
fault_off fail_page_alloc
# Of 16 bytes each, more than the half of that.
[ "$(counter pieces extents)" -gt 2048 ] || fail 'the index is too small'
cmp /dev/mapper/pieces disk

# More entries than a page holds, and what the log ends with read again.
writes=()
for ((n = 0; n < 300; n++)); do
	writes+=(write $((n * 8192)) $SECTOR)
done
upper 'do' /dev/mapper/writable "${writes[@]}" flush 0 0 \
	write $((7 * MIB)) $SECTOR flush 0 0
reopen writable
upper 'do' /dev/mapper/writable write $((6 * MIB)) $SECTOR flush 0 0
dmsetup remove --retry writable
expect_equal 'entries' "$(upper check writable.data writable.index)" \
	'302 302 310'
