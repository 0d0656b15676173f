# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: writes while the log is made shorter do not take the room for that
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

SLOTS=13792
USED=7008
BYTES=$((16 * MIB))
HALF=$((BYTES / 2))
DEVICE=/dev/mapper/compact

need_target delay
new_upper compact $BYTES $((2 * BYTES)) $((4096 + 16 * SLOTS))
helper upperlog dots compact.index $USED
SECTORS=$(blockdev --getsz "$INDEX")
LOOP_INDEX=$INDEX
FAST="0 $SECTORS linear $LOOP_INDEX 0"
dm_create compact-index "$FAST"
INDEX=/dev/mapper/compact-index
open_upper compact $BYTES
replace_table compact-index \
	"0 $SECTORS delay $LOOP_INDEX 0 0 $LOOP_INDEX 0 6000"

upper 'do' $DEVICE flush 0 0
# Now the first sectors are being written down. Make room, and take it.
operations=()
for ((i = 0; i < HALF; i += MIB)); do
	operations+=(discard $i $MIB)
done
for ((i = 0; i < 1000; i++)); do
	operations+=(write $((HALF + 4096 * i + 1024)) 512)
done
upper 'do' $DEVICE "${operations[@]}" flush 0 0
expect_upper compact mode rw
replace_table compact-index "$FAST"
reopen compact
[ "${CHECKED%% *}" -lt $USED ] || fail 'the log is not shorter'
cmp -n $HALF $DEVICE /dev/zero
