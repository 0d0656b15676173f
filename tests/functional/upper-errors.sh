# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: errors below fail what they concern, and a lost log the layer
# Leaks: watched
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((16 * MIB))
HALF=$((BYTES / 2))
DEVICE=/dev/mapper/errors

need_model
need_target flakey
new_upper errors $BYTES $((32 * MIB))
data=$DATA index=$INDEX
sectors=$(blockdev --getsz "$data") slots=$(blockdev --getsz "$index")
dm_create errors-data "0 $sectors linear $data 0"
dm_create errors-index "0 $slots linear $index 0"
DATA=/dev/mapper/errors-data INDEX=/dev/mapper/errors-index
open_upper errors $BYTES
model --model saved --ops 3000 --max 65536 --length $HALF $DEVICE

say 'data that cannot be written'
# Beyond what is in use: neither can what fails be read.
reopen errors
good_sectors=$((${CHECKED##* } + 512))
replace_table errors-data "0 $good_sectors linear $data 0
$good_sectors $((sectors - good_sectors)) error"
model --model saved --ops 3000 --max 65536 --mix 30,65,0,0,5 --errors \
	$DEVICE | tee log
grep -qE ' [1-9][0-9]* errors$' log || fail 'nothing failed'
expect_upper errors mode rw
replace_table errors-data "0 $sectors linear $data 0"
model --model saved --ops 3000 --max 65536 $DEVICE
reopen errors
"$MODEL" compare --model saved $DEVICE

say 'a log that cannot be written'
upper 'do' $DEVICE discard $HALF $HALF flush 0 0
replace_table errors-index \
	"0 $slots flakey $index 0 0 600 1 error_writes"
before=$(events errors)
cp saved flushed
upper 'do' $DEVICE write $HALF 4096
expect_exit 1 EIO upper 'do' $DEVICE flush 0 0
expect_event errors "$before"
expect_upper errors mode failed
expect_log 'error -5.*no writes'
for operation in write discard zero; do
	expect_exit 1 EIO upper 'do' $DEVICE $operation 0 4096
done
expect_exit 1 EIO upper 'do' $DEVICE flush 0 0
"$MODEL" compare --model flushed --length $HALF $DEVICE
replace_table errors-index "0 $slots linear $index 0"
# That it could be written again changes nothing: entries may be missing.
expect_exit 1 EIO upper 'do' $DEVICE write 0 4096
expect_upper errors mode failed

say 'opened again'
reopen errors
expect_upper errors mode rw
"$MODEL" compare --model flushed --length $HALF $DEVICE
upper 'do' $DEVICE write 0 $BYTES

say 'more data than there is space cannot be written, and then all can'
upper 'do' $DEVICE discard 0 $BYTES flush 0 0
expect_used errors 0
replace_table errors-data "0 $sectors error"
for n in {1..6}; do
	! dd if=/dev/zero of=$DEVICE bs=8M count=1 oflag=direct conv=notrunc \
		2>>log || fail 'it was written'
done
expect_used errors 0
replace_table errors-data "0 $sectors linear $data 0"
upper 'do' $DEVICE write 0 $BYTES flush 0 0
expect_used errors $BYTES

say 'where writing has failed is used last'
replace_table errors-data "0 8 linear $data 0
8 8 error
16 $((sectors - 16)) linear $data 16"
upper 'do' $DEVICE discard 0 $BYTES flush 0 0
failed=0
# Twice as much as there is.
for n in {1..9}; do
	expect_used errors 0
	upper 'do' $DEVICE write 0 $HALF >log 2>&1 || failed=$((failed + 1))
	upper 'do' $DEVICE discard 0 $BYTES flush 0 0
done
expect_equal 'writes that failed' $failed 1
