# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: some of the memory that the map needs, but not all, hangs nothing
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((4 * MIB))
DEVICE=/dev/mapper/some
SLABS=/sys/kernel/slab
NODES=$SLABS/kmalloc-192/failslab
LEAVES=$SLABS/kmalloc-128/failslab
FAULTS=/sys/kernel/debug/failslab
NODE_BYTES=192 LEAF_BYTES=128

need_faults
[ -w $NODES ] && [ -w $LEAVES ] || skip 'this kernel cannot let nodes fail'
new_upper some $BYTES
open_upper some $BYTES
echo 1 >$NODES
echo 1 >$LEAVES
defer eval "echo 0 >$NODES; echo 0 >$LEAVES"
fault_filter failslab
echo Y >$FAULTS/cache-filter
echo N >$FAULTS/ignore-gfp-wait
defer eval "echo 0 >$FAULTS/probability; echo N >$FAULTS/cache-filter"

failed=0
for ((i = 0; i < 40; i++)); do
	upper 'do' $DEVICE write $((i * 8192)) 4096
	upper 'do' $DEVICE flush 0 0
	echo $((NODE_BYTES + LEAF_BYTES / 2)) >$FAULTS/space
	echo 100 >$FAULTS/probability
	dd if=/dev/zero of=$DEVICE bs=4096 count=1 oflag=direct,seek_bytes \
		conv=notrunc seek=$((2 * MIB + i * 8192)) 2>/dev/null ||
		failed=$((failed + 1))
	echo 0 >$FAULTS/probability
done
[ $failed -gt 0 ] || fail 'there always was enough memory'
upper 'do' $DEVICE write 0 $MIB flush 0 0
expect_upper some mode rw
