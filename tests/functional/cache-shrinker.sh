# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: the kernel takes the cache's memory when it needs it
. "${0%/*}/lib.sh" || exit

TIMES=30

drop()
{
	echo 2 >/proc/sys/vm/drop_caches
}

need_tool
device fill raw 0 $((4 * MIB))
create_layer --raw raw --compress lz4 --block-size 16K layer
stack_create shrink 8192 -- layer
# More than once, so that all is worth keeping.
device scattered /dev/mapper/shrink raw
device scattered /dev/mapper/shrink raw
kept=$(counter shrink cache_bytes)
[ "$kept" -ge $((4 * MIB)) ] || fail "only $kept bytes are kept"

say 'nobody reads'
for ((n = 0; n < TIMES && $(cache_bytes); n++)); do
	drop
done
expect_equal "bytes left after $n times" "$(cache_bytes)" 0
expect_counter shrink cache_bytes 0
blocks=$(counter shrink blocks)
device scattered /dev/mapper/shrink raw
[ "$(counter shrink blocks)" -ge $((blocks + 256)) ] ||
	fail 'blocks were not gone'

say 'somebody reads'
start_device compare threads=3 direct=1 reads=0 /dev/mapper/shrink raw
for ((n = 0; n < TIMES; n++)); do
	drop
done
stop_device
