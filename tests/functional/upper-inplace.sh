# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: what is mapped is overwritten in place, and nothing is logged
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((16 * MIB))
USED=$((8 * MIB))

need_model
new_upper inplace $BYTES
open_upper inplace $BYTES
expect_used inplace 0
expect_upper inplace extents 0

# Small writes one after the other become few extents and entries.
dd if=/dev/urandom of=written bs=$MIB count=$((USED / MIB)) status=none
dd if=written of=/dev/mapper/inplace bs=16k oflag=direct conv=fsync status=none
expect_used inplace $USED
expect_upper inplace pending 0
extents=$(upper_counter inplace extents)
entries=$(upper_counter inplace log_entries)
expect_at_most extents "$extents" 4
expect_at_most 'log entries' "$entries" $((USED / 16384))
cmp -n $USED /dev/mapper/inplace written

head -c $BYTES /dev/zero >base
dd if=written of=base conv=notrunc status=none
model --model saved --base base --ops 20000 --max 65536 --mix 20,70,0,0,10 \
	--race 20 --length $USED /dev/mapper/inplace
expect_used inplace $USED
expect_upper inplace extents "$extents"
expect_upper inplace log_entries "$entries"
reopen inplace
expect_equal 'end of the data' "${CHECKED##* }" $(((USED + 4096) / SECTOR))
"$MODEL" compare --model saved --base base /dev/mapper/inplace
