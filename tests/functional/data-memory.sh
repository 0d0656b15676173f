# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: memory to read into is kept for the next read, until the last device goes
. "${0%/*}/lib.sh" || exit

# slabs: prints how many there are, whether in use or not.
slabs()
{
	awk '/^overlaybd_data_/ { slabs += $15; caches++ }
		END { print caches == 3 ? slabs : "not three caches" }' \
		/proc/slabinfo
}

# expect_some: memory is kept.
expect_some()
{
	[ "$(slabs)" -gt 0 ] || fail "$1: nothing is kept"
}

need_tool
[ -r /proc/slabinfo ] || skip 'this kernel has no /proc/slabinfo'
device fill compressible=1 raw 0 $MIB
expect_equal 'slabs before' "$(slabs)" 0
for size in 4K 16K 64K; do
	create_layer --raw raw --compress lz4 --block-size $size layer$size
	stack_create blocks$size $((MIB / SECTOR)) no_cache -- layer$size
	device compare direct=1 /dev/mapper/blocks$size raw
done
expect_some 'after reads'
dmsetup remove --retry blocks4K
dmsetup remove --retry blocks16K
expect_some 'with one device left'
device compare direct=1 /dev/mapper/blocks64K raw
dmsetup remove --retry blocks64K
expect_equal 'slabs without a device' "$(slabs)" 0
