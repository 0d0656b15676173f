# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a writable layer opens, or not, whichever allocation fails
# Kernels: uml-debug 6.12
. "$(dirname "$0")/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((4 * MIB))

need_model
need_faults
base_layer $BYTES
new_upper faults $BYTES $((2 * BYTES)) 65536
open_upper faults $BYTES "$LOWERS"
model --model saved --base raw --ops 100 --max 16384 /dev/mapper/faults
dmsetup remove --retry faults
echo N >/sys/module/dm_overlaybd/parameters/parallel_load
defer eval 'echo Y >/sys/module/dm_overlaybd/parameters/parallel_load'
fault_filter failslab
fault_filter fail_page_alloc
echo 0 >/sys/kernel/debug/fail_page_alloc/min-order
echo N >/sys/kernel/debug/failslab/ignore-gfp-wait
echo N >/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait
helper failnth rw "$TABLE" | tee failures
grep -q "layer 1: no memory for a writable layer" failures ||
	fail "nothing failed of the layer"
fault_off failslab
fault_off fail_page_alloc
dm_create faults "$TABLE"
"$MODEL" compare --model saved --base raw /dev/mapper/faults
