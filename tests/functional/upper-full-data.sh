# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a full data device fails what does not fit, and can be grown
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((32 * MIB))
ROOM=$((8 * MIB))
DEVICE=/dev/mapper/full

need_model
new_upper full $BYTES $((4096 + ROOM))
open_upper full $BYTES
expect_upper full data_sectors $(((ROOM + 4096) / SECTOR))

say 'an event when less than an eighth is left'
upper 'do' $DEVICE write 0 $((7 * MIB - SECTOR))
expect_equal events "$(events full)" 0
upper 'do' $DEVICE write $((7 * MIB - SECTOR)) $SECTOR
expect_event full 0

say 'or less than the option says'
upper_table $BYTES '' "low_water $((MIB / 2 / SECTOR))"
reopen full
upper 'do' $DEVICE write $((7 * MIB)) $((MIB / 2))
expect_equal events "$(events full)" 0
upper 'do' $DEVICE write $((7 * MIB + MIB / 2)) $SECTOR
expect_event full 0
# One, not one for every write.
upper 'do' $DEVICE write $((7 * MIB + MIB / 2 + SECTOR)) $((MIB / 2 - SECTOR))
expect_equal events "$(events full)" 1
expect_used full $ROOM

say 'what does not fit'
expect_exit 1 ENOSPC upper 'do' $DEVICE write $((16 * MIB)) 65536
expect_event full 1
expect_upper full mode rw
cmp -n 65536 -i $((16 * MIB)):0 $DEVICE /dev/zero

say 'it is told once more when the device has been suspended'
dmsetup suspend full
dmsetup resume full
before=$(events full)
expect_exit 1 ENOSPC upper 'do' $DEVICE write $((16 * MIB)) 65536
expect_event full "$before"

say 'the rest goes on'
dd if=$DEVICE of=base bs=$MIB status=none
model --model saved --base base --ops 5000 --max 65536 --mix 30,60,0,0,10 \
	--length $ROOM $DEVICE
model --model saved --base base --ops 5000 --max 65536 --errors $DEVICE |
	tee log
grep -qE ' [1-9][0-9]* errors$' log || fail 'it all fitted'
expect_upper full mode rw
reopen full
"$MODEL" compare --model saved --base base $DEVICE
expect_at_most 'end of the data' "${CHECKED##* }" $(((ROOM + 4096) / SECTOR))

say 'grown'
truncate -s $((BYTES + 2 * MIB)) full.data
losetup --set-capacity "$DATA"
dmsetup suspend --noflush --nolockfs full
dmsetup resume full
expect_upper full data_sectors $(((BYTES + 2 * MIB) / SECTOR))
model --model saved --base base --ops 5000 --max 65536 $DEVICE
reopen full
"$MODEL" compare --model saved --base base $DEVICE
