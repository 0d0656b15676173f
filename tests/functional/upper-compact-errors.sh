# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a device that cannot be written behind the log costs nothing of it
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$MIB
SLOTS=1024
USED=400
DEVICE=/dev/mapper/again

# index_becomes TABLE
index_becomes()
{
	dmsetup load again-index --table "$1"
	dmsetup suspend --nolockfs again-index
	dmsetup resume again-index
}

# A crash has left a copy of the log, from sector 26 on, that is to take its place:
# it will end in sector 20.
new_upper again $BYTES $((2 * MIB)) $((4096 + 16 * SLOTS))
device fill raw 0 $((2 * MIB - 4096))
dd if=raw of=again.data bs=4096 seek=1 conv=notrunc status=none
helper upperlog copied again.index $((32 * 18)) $USED 0
upper flatten again.data again.index wanted

disk=$INDEX
dm_create again-index "0 40 linear $disk 0"
INDEX=/dev/mapper/again-index
upper_table $BYTES
dmsetup create again --notable
defer dmsetup remove --retry again
dmsetup load again --table "$TABLE"
index_becomes "0 21 linear $disk 0
21 5 error
26 14 linear $disk 26"
dmsetup resume again || say 'it failed'
index_becomes "0 40 linear $disk 0"
dmsetup resume again
cmp $DEVICE wanted
upper 'do' $DEVICE write 1024 512 flush 0 0
expect_upper again mode rw
reopen again
dd if=wanted of=rest bs=1536 skip=1 status=none
cmp <(tail -c +1537 $DEVICE) rest
