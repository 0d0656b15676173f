# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: space of which a commit could not take care is free when it is needed
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((8 * MIB))
DEVICE=/dev/mapper/late

# is_reading PID: that dd waits for what it reads.
is_reading()
{
	grep -qx dd "/proc/$1/comm" && grep -q '^State:.D' "/proc/$1/status"
}

need_target delay
new_upper late $BYTES $((4 * MIB + 4096))
SECTORS=$(blockdev --getsz "$DATA")
# Reads are slow, and writes take their time.
dm_create late-data "0 $SECTORS delay $DATA 0 15000 $DATA 0 300"
DATA=/dev/mapper/late-data
open_upper late $BYTES
upper 'do' $DEVICE write 0 $((4 * MIB)) flush 0 0
expect_used late $((4 * MIB))

say 'discard while a read delays what has been discarded before'
upper 'do' $DEVICE discard 0 $MIB
dd if=$DEVICE of=/dev/null bs=4096 count=1 skip=512 iflag=direct status=none &
retry is_reading $!
upper 'do' $DEVICE flush 0 0 discard $MIB $MIB flush 0 0
wait $!
expect_used late $((3 * MIB))
upper 'do' $DEVICE write $((4 * MIB)) $((2 * MIB))
expect_upper late used_sectors "$SECTORS"
