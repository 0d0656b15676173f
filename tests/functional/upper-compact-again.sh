# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a log that a crash left while it was made shorter is not full for good
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$MIB
SLOTS=1024
USED=400
DEVICE=/dev/mapper/again

# interrupted COPIED: so many slots of the copy have been moved to the front.
interrupted()
{
	say "interrupted after $1 slots"
	new_upper again $BYTES $((2 * MIB)) $((4096 + 16 * SLOTS))
	device fill raw 0 $((2 * MIB - 4096))
	dd if=raw of=again.data bs=4096 seek=1 conv=notrunc status=none
	helper upperlog copied again.index $((32 * 18)) $USED "$1"
	upper flatten again.data again.index wanted
	open_upper again $BYTES
	expect_upper again log_entries $USED
	cmp $DEVICE wanted
	upper 'do' $DEVICE write 1024 512 discard 0 1024 flush 0 0
	reopen again
	expect_upper again mode rw
	dd if=wanted of=rest bs=2048 skip=1 status=none
	cmp <(tail -c +2049 $DEVICE) rest
	dmsetup remove --retry again
	losetup --detach "$DATA"
	losetup --detach "$INDEX"
}

interrupted 0
interrupted 96
interrupted 352
