# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: what dmsetup says of a writable layer, and tables that load again
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((4 * MIB))
DEVICE=/dev/mapper/status

base_layer $BYTES
new_upper status $BYTES $((4096 + 8 * MIB)) $((4096 + 16 * 1024))
open_upper status $BYTES "$LOWERS" 'low_water 64'
read -ra fields < <(dmsetup status status)
expect_equal fields ${#fields[@]} 34
expect_upper status mode rw
expect_upper status extents 0
expect_used status 0
expect_upper status data_sectors $((8 * MIB / SECTOR + 8))
expect_upper status log_entries 0
expect_upper status log_slots 1024
expect_upper status pending 0
expect_upper status compactions 0

say 'counters'
upper 'do' $DEVICE write 0 4096 write 8192 4096 write 65536 512
expect_used status 8704
expect_upper status extents 3
[ "$(upper_counter status map_bytes)" -gt 0 ] || fail 'a map without bytes'
commits=$(upper_counter status commits)
upper 'do' $DEVICE flush 0 0
expect_upper status pending 0
expect_upper status log_entries 3
[ "$(upper_counter status commits)" -gt "$commits" ] || fail 'no commit'
commits=$(upper_counter status commits)
upper 'do' $DEVICE flush 0 0 flush 0 0 write 0 4096 flush 0 0
expect_upper status log_entries 3

say 'tables'
line=$(dmsetup table status)
[[ $line == *"upper "*' 2 low_water 64' ]] || fail "table: $line"
dmsetup remove --retry status
TABLE=$line
dm_create status "$TABLE"
expect_equal table "$(dmsetup table status)" "$line"
expect_upper status log_entries 3
expect_upper status extents 3
expect_used status 8704
