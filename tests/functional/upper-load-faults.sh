# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a writable layer opens, or not, whichever allocation fails
# Leaks: watched
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((4 * MIB))

need_model
need_faults
base_layer $BYTES
new_upper faults $BYTES $((2 * BYTES)) 65536
open_upper faults $BYTES "$LOWERS"
model --model saved --base raw --ops 100 --max 16384 /dev/mapper/faults
dmsetup remove --retry faults
fail_each rw "$TABLE" "layer 1: no memory for a writable layer"
dm_create faults "$TABLE"
"$MODEL" compare --model saved --base raw /dev/mapper/faults
