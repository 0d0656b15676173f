# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a full index is compacted; only when that is of no use, no space
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((4 * MIB))
SLOTS=2048
DEVICE=/dev/mapper/full

need_model

say 'entries that no commit has made superfluous yet'
new_upper tight $BYTES $((8 * MIB)) $((4096 + 16 * SLOTS))
helper upperlog cycle tight.index 860 850
open_upper tight $BYTES
again=()
for ((n = 0; n < 200; n++)); do
	again+=(discard 0 $SECTOR write 0 $SECTOR)
done
upper 'do' /dev/mapper/tight "${again[@]}"
[ "$(upper_counter tight compactions)" -ge 1 ] || fail 'not compacted'

writes=()
new_upper full $BYTES $((8 * MIB)) $((4096 + 16 * SLOTS))
open_upper full $BYTES
expect_upper full log_slots $SLOTS

say 'an event while everything still fits'
before=$(events full)
for ((n = 0; n < SLOTS / 2; n += 16)); do
	for ((i = n; i < n + 16; i++)); do
		writes+=(write $((i * 2 * SECTOR)) $SECTOR)
	done
	upper 'do' $DEVICE "${writes[@]}" flush 0 0
	writes=()
	[ "$(events full)" = "$before" ] || break
done
expect_event full "$before"
expect_equal 'events of a log that remains low' "$(events full)" \
	$((before + 1))
upper 'do' $DEVICE discard 0 $((SLOTS * SECTOR)) flush 0 0

say 'few extents, many entries'
model --model saved --ops 20000 --max 4096 --mix 20,35,30,10,5 \
	--length 262144 $DEVICE
[ "$(upper_counter full compactions)" -gt 1 ] || fail 'not compacted'
reopen full
"$MODEL" compare --model saved $DEVICE
expect_at_most 'log entries' "${CHECKED%% *}" $SLOTS

say 'many extents'
model --model saved --ops 10000 --max 512 --errors --mix 20,70,0,0,10 \
	$DEVICE | tee log
grep -qE ' [1-9][0-9]* errors$' log || fail 'it all fitted'
expect_upper full mode rw
[ "$(events full)" -ge 1 ] || fail 'no event'
reopen full
"$MODEL" compare --model saved $DEVICE
expect_at_most 'log entries' "${CHECKED%% *}" $SLOTS

say 'grown'
truncate -s $((4096 + 16 * 16 * SLOTS)) full.index
losetup --set-capacity "$INDEX"
dmsetup suspend --noflush --nolockfs full
dmsetup resume full
expect_upper full log_slots $((16 * SLOTS))
model --model saved --ops 5000 --max 512 --mix 20,70,0,0,10 $DEVICE
upper 'do' $DEVICE discard 0 $BYTES flush 0 0
reopen full
cmp -n $BYTES $DEVICE /dev/zero
