# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: overwriting the same 64 MiB again and again takes no more space
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((256 * MIB))
SET=$((64 * MIB))
DEVICE=/dev/mapper/hour

need_model
new_upper hour $BYTES
open_upper hour $BYTES
dd if=/dev/zero of=$DEVICE bs=$MIB count=$((SET / MIB)) oflag=direct conv=fsync \
	status=none
entries=$(upper_counter hour log_entries)
for _ in 1 2; do
	model --model saved --ops 10000 --max 65536 --mix 5,90,0,0,5 \
		--length $SET $DEVICE
	expect_used hour $SET
done
expect_upper hour log_entries "$entries"
reopen hour
upper cut hour.data hour.index
expect_equal 'size of the data file' "$(stat -c %s hour.data)" $((SET + 4096))
expect_at_most 'size of the index file' "$(stat -c %s hour.index)" 65536
