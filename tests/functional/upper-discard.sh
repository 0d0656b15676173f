# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: what is discarded or zeroed reads as zeros, and its space is used
# Leaks: watched
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((8 * MIB))
DEVICE=/dev/mapper/discard

# expect_zeros OFFSET LENGTH: and what the lower layer has around it.
expect_zeros()
{
	cmp -n "$2" -i "$1:0" $DEVICE /dev/zero
	cmp -n "$1" $DEVICE raw
	cmp -i $(($1 + $2)) $DEVICE raw
}

base_layer $BYTES
# Room for 4 MiB of data.
new_upper discard $BYTES $((4096 + 4 * MIB))
open_upper discard $BYTES "$LOWERS"

say 'over the lower layer'
upper 'do' $DEVICE discard 1536 $((MIB + SECTOR))
expect_zeros 1536 $((MIB + SECTOR))
reopen discard
expect_zeros 1536 $((MIB + SECTOR))
expect_used discard 0
upper 'do' $DEVICE zero 1024 $((MIB + 1536))
expect_zeros 1024 $((MIB + 1536))

say 'over what was written'
upper 'do' $DEVICE write 0 $((3 * MIB)) discard 0 $((3 * MIB))
expect_zeros 0 $((3 * MIB))
reopen discard
expect_zeros 0 $((3 * MIB))
expect_used discard 0

say 'the space is used again'
for offset in 0 $((4 * MIB)) 0 $((4 * MIB)); do
	upper 'do' $DEVICE write "$offset" $((4 * MIB)) flush 0 0 ||
		fail "no space at $offset"
	expect_used discard $((4 * MIB))
	upper 'do' $DEVICE discard "$offset" $((4 * MIB)) flush 0 0
	expect_used discard 0
done
reopen discard
expect_zeros 0 $BYTES

say 'the lowest first'
upper 'do' $DEVICE write 0 $MIB write $((2 * MIB)) $MIB flush 0 0 \
	discard 0 $MIB flush 0 0
expect_used discard $MIB
upper 'do' $DEVICE write $((3 * MIB)) $MIB
reopen discard
expect_equal 'sectors and end' "${CHECKED#* }" \
	"$((2 * MIB / SECTOR)) $(((2 * MIB + 4096) / SECTOR))"

say 'what is zeros already'
upper 'do' $DEVICE discard 0 $BYTES flush 0 0
before=$(upper_counter discard log_entries)
upper 'do' $DEVICE discard 0 $BYTES zero $SECTOR $MIB \
	discard $((3 * MIB)) $((2 * MIB)) flush 0 0
expect_upper discard log_entries "$before"
upper 'do' $DEVICE write $MIB $SECTOR flush 0 0 discard 0 $BYTES flush 0 0
[ "$(upper_counter discard log_entries)" -gt "$before" ] ||
	fail 'one that is not has no entry'
reopen discard
expect_zeros 0 $BYTES

say 'secure erase'
expect_exit 1 'not supported' blkdiscard --secure --force \
	--length 4096 $DEVICE
