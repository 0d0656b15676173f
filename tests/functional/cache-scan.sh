# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: what is read often stays in the cache when much is read once
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit

LIMIT=8
BLOCK=16384
# Every second block of the beginning: nothing is read ahead.
HOT_BLOCKS=64
HOT_BYTES=$((2 * HOT_BLOCKS * BLOCK))
SCAN_BYTES=$((4 * LIMIT * MIB))

read_hot()
{
	device scattered step=$((2 * BLOCK)) /dev/mapper/hot raw
}

# scan BLOCK_SIZE: all but what is hot.
scan()
{
	dd if=/dev/mapper/scan of=/dev/null bs="$1" status=none \
		skip=$HOT_BYTES iflag=direct,skip_bytes
}

# expect_hot: nine tenths of it are there.
expect_hot()
{
	local gone

	gone=$(counter hot blocks)
	read_hot
	gone=$(($(counter hot blocks) - gone))
	[ $((10 * gone)) -le $HOT_BLOCKS ] ||
		fail "$gone of $HOT_BLOCKS blocks were gone"
}

need_tool
device fill raw 0 $((HOT_BYTES + SCAN_BYTES))
create_layer --raw raw --compress lz4 --block-size $BLOCK layer
cache_limit $LIMIT
stack_create scan $(((HOT_BYTES + SCAN_BYTES) / SECTOR)) -- layer
dm_create hot "${STACK/ $(((HOT_BYTES + SCAN_BYTES) / SECTOR)) / $((HOT_BYTES / SECTOR)) }" \
	--readonly
for _ in 1 2 3; do
	read_hot
done
expect_hot
for size in 4k 1M 1M 64k; do
	say "a scan in reads of $size"
	before=$(counter scan blocks)
	scan $size
	[ $(($(counter scan blocks) - before)) -ge \
		$((SCAN_BYTES / BLOCK * 3 / 4)) ] ||
		fail 'the cache holds more than it may'
	expect_hot
done
