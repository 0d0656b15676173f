# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: blocks of many pages come out right, mapped or copied
. "${0%/*}/lib.sh" || exit

PARAMETER=/sys/module/dm_overlaybd/parameters/map_pages

need_tool
modprobe dm-overlaybd
before=$(cat $PARAMETER)
defer eval "echo $before >$PARAMETER"
device fill compressible=1 disk 0 $((4 * MIB))
create_layer --raw disk --compress lz4 --block-size 64K lz4
create_layer --raw disk --compress zstd --block-size 256K --tar zstd

for layer in lz4 zstd; do
	for mapped in Y N; do
		say "$layer, map_pages=$mapped"
		echo $mapped >$PARAMETER
		stack_create pages $((4 * MIB / SECTOR)) no_cache -- $layer
		# A MiB of anonymous memory, and the pages of a cache.
		dd if=/dev/mapper/pages of=copy bs=1M iflag=direct status=none
		cmp copy disk
		cmp /dev/mapper/pages disk
		device compare direct=1 threads=3 reads=60 /dev/mapper/pages disk
		dmsetup remove --retry pages
	done
done
