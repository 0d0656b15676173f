# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: writes that may not wait, and would have to, cost no space
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((8 * MIB))
DEVICE=/dev/mapper/nowait

# Of one request at a time, which it ends in a timer's interrupt.
modprobe -q null_blk nr_devices=1 memory_backed=1 gb=1 hw_queue_depth=1 \
	submit_queues=1 irqmode=2 completion_nsec=1000000000 no_sched=1 ||
	skip 'this kernel has no null_blk'
defer modprobe -r null_blk
new_upper nowait $BYTES
dd if=nowait.data of=/dev/nullb0 bs=4096 count=1 oflag=direct status=none
DATA=/dev/nullb0
open_upper nowait $BYTES
helper nowait $DEVICE 100 8192 /sys/block/nullb0/inflight
upper 'do' $DEVICE flush 0 0
expect_used nowait $((8192 + 4096))
