# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: the disk grows by a longer table, in use, and never shrinks
# Leaks: watched
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

OLD=$((8 * MIB))
NEW=$((12 * MIB))
DEVICE=/dev/mapper/grow

need_model
new_upper grow $OLD $((32 * MIB))
upper_table $NEW
expect_exit 1 . dmsetup create grow --table "$TABLE"
expect_log "length is $((NEW / SECTOR)) sectors, expected at most $((OLD / SECTOR))"
open_upper grow $OLD
old=$TABLE
model --model saved --ops 4000 --max 65536 $DEVICE

say 'longer'
upper_table $NEW
start_model --model saved --max 65536 $DEVICE
sleep 1
replace_table grow "$TABLE"
expect_equal size "$(blockdev --getsize64 $DEVICE)" $NEW
expect_equal 'sizes in the headers' "$(upper sizes grow.data grow.index)" \
	"$NEW $NEW"
stop_model
"$MODEL" compare --model saved $DEVICE
model --model saved --ops 4000 --max 65536 $DEVICE

say 'not shorter'
expect_exit 1 . dmsetup load grow --table "$old"
expect_log "length is $((OLD / SECTOR)) sectors, expected"
model --model saved --ops 1000 --max 65536 $DEVICE

# What is shorter from the start is a window, and changes nothing.
say 'reopened'
reopen grow
"$MODEL" compare --model saved $DEVICE
dmsetup remove --retry grow
TABLE=$old
dm_create grow "$TABLE"
expect_equal size "$(blockdev --getsize64 $DEVICE)" $OLD
upper 'do' $DEVICE write 0 4096
dmsetup remove --retry grow
expect_equal 'sizes in the headers' "$(upper sizes grow.data grow.index)" \
	"$NEW $NEW"
