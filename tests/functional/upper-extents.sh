# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: many extents come and go, at once or one by one
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((8 * MIB))
DEVICE=/dev/mapper/extents

need_model
new_upper extents $BYTES
open_upper extents $BYTES
# Trees of two levels and more, with full nodes: some of what is in them is
# only freed when nobody can be reading any more.
for count in 200 4000; do
	upper apart $DEVICE $count
	extents=$(upper_counter extents extents)
	[ "$extents" -ge "$count" ] || fail "$count are $extents extents"
	reopen extents
	expect_upper extents extents "$extents"
	upper 'do' $DEVICE discard 0 $BYTES
	expect_at_most extents "$(upper_counter extents extents)" 8
	cmp -n $BYTES $DEVICE /dev/zero
	upper apart $DEVICE $count
	upper 'do' $DEVICE discard 4096 $((BYTES - 8192))
	upper 'do' $DEVICE discard 0 $BYTES
	cmp -n $BYTES $DEVICE /dev/zero
done
model --model saved --ops 10000 --max 512 --mix 10,70,10,10,0 $DEVICE
say "$(upper_counter extents extents) extents, $(upper_counter extents map_bytes) bytes"
model --model saved --ops 3000 --max $((2 * MIB)) --mix 10,10,40,40,0 $DEVICE
reopen extents
"$MODEL" compare --model saved $DEVICE
