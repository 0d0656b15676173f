# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a snapshot that can neither be made nor taken back leaves the new upper
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

SECTORS=$((8 * MIB / SECTOR))
HEADER=8	# sectors
DEVICE=/dev/mapper/live

# sealed: its trailer has been written, which begins like its header.
sealed()
{
	[ "$(grep -abo LSMT /dev/mapper/data | wc -l)" -ge 2 ]
}

# break_both: no writes to the new index, so that it cannot be used, and no reads
# of the old log, so that it cannot either. The log has been read by then, and
# that the trailer is on the disk takes long.
break_both()
{
	until suspended && sealed; do
		sleep 0.05
	done
	replace_table index "0 $HEADER linear $index 0
$HEADER $((SECTORS - HEADER)) error"
	replace_table new "0 $SECTORS flakey $new 0 0 600 1 error_writes"
}

need_tool
need_commands jq
need_target delay
need_target flakey
for file in data index new; do
	truncate -s 8M $file
	attach_rw $file
	declare "$file=$LOOP"
done
# shellcheck disable=SC2154	# declared above
dm_create data "0 $SECTORS delay $data 0 0 $data 0 0 $data 0 1500"
# shellcheck disable=SC2154
dm_create index "0 $SECTORS linear $index 0"
# shellcheck disable=SC2154
dm_create new "0 $SECTORS linear $new 0"
open_live

break_both &
expect_exit 1 'live is still suspended, the files of its new upper stay' \
	"$TOOL" snapshot live --upper new.data /dev/mapper/new --config next
wait $!
suspended || fail 'it goes on'
[ -e new.data ] || fail 'a file of the new upper is gone'

# It can be used all the same when the fault has passed.
replace_table index "0 $SECTORS linear $index 0"
replace_table new "0 $SECTORS linear $new 0"
dmsetup resume live
upper 'do' $DEVICE write $MIB 65536 flush 0 0
cp $DEVICE disk
"$TOOL" close live
expect_exit $EXIT_INVALID 'has been sealed' "$TOOL" open config live
bytes=$("$TOOL" seal --print-bytes /dev/mapper/data /dev/mapper/index)
expect_equal 'its length' "$(jq '.lowers[0].size' next)" "$bytes"
open_image next live
expect_same $DEVICE disk
"$TOOL" close live
