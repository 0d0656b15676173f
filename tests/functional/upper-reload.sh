# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: tables are replaced under verified writes, and nothing is lost
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((16 * MIB))
DEVICE=/dev/mapper/reload

need_model
base_layer $BYTES
new_upper reload $BYTES
open_upper reload $BYTES "$LOWERS"
first=$TABLE
upper_table $BYTES "$LOWERS" 'no_cache low_water 8'
start_model --model saved --base raw --max 65536 --race 20 $DEVICE
helper reload rw reload 24 "$TABLE" "$first"
stop_model
"$MODEL" compare --model saved --base raw $DEVICE

# Loaded and dropped again; then the one in use is not a bit worse for it.
dmsetup load reload --table "$TABLE"
dmsetup clear reload
model --model saved --base raw --ops 2000 --max 65536 $DEVICE

# Read-only, and back.
dmsetup suspend reload
dmsetup load reload --readonly --table "$TABLE"
dmsetup resume reload
expect_upper reload mode ro
"$MODEL" compare --model saved --base raw $DEVICE
replace_table reload "$first"
expect_upper reload mode rw
model --model saved --base raw --ops 2000 --max 65536 $DEVICE
reopen reload
"$MODEL" compare --model saved --base raw $DEVICE
