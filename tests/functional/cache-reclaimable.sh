# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: blocks in the cache are memory that the kernel counts as reclaimable
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

# reclaimable: KiB of slabs that can be given back.
reclaimable()
{
	awk '$1 == "SReclaimable:" { print $2 }' /proc/meminfo
}

need_tool
device fill compressible=1 raw 0 $((8 * MIB))
create_layer --raw raw --compress lz4 layer
stack_create cached $((8 * MIB / SECTOR)) -- layer
before=$(reclaimable)
for _ in 1 2; do
	dd if=/dev/mapper/cached of=/dev/null bs=4k iflag=direct status=none
done
bytes=$(counter cached cache_bytes)
[ "$bytes" -gt $((4 * MIB)) ] || fail "only $bytes bytes are cached"
grown=$(($(reclaimable) - before))
[ $grown -gt $((bytes / 1024 * 3 / 4)) ] ||
	fail "$bytes bytes are cached, $grown KiB more are reclaimable"
