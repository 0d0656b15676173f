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

# scattered: a block into pages of which eight are the same one, which holds what
# came last then; the others hold what they should. The block's second half says
# again what the first one does.
scattered()
{
	python3 - /dev/mapper/pages <<-'END'
		import mmap
		import os
		import sys

		PAGE = 4096
		fd = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECT)
		same = mmap.mmap(-1, PAGE)
		pages = [mmap.mmap(-1, PAGE) for _ in range(8)]
		# In the layer there is a header of a page before the data.
		os.preadv(fd, [same] * 8 + pages, 15 * PAGE)
		with open("twice", "rb") as file:
		    file.seek((15 + 8) * PAGE)
		    for number, page in enumerate(pages):
		        if page[:] != file.read(PAGE):
		            sys.exit(f"page {8 + number} is wrong")
	END
}

head -c 32768 /dev/urandom >half
cat half half half half half half half half >twice
create_layer --raw twice --compress lz4 --block-size 64K twice-lz4
create_layer --raw twice --compress zstd --block-size 64K twice-zstd
for layer in twice-lz4 twice-zstd; do
	for mapped in Y N; do
		say "$layer, map_pages=$mapped"
		echo $mapped >$PARAMETER
		stack_create pages 512 no_cache -- $layer
		scattered
		cmp -n 262144 /dev/mapper/pages twice
		dmsetup remove --retry pages
	done
done

for layer in lz4 zstd; do
	for mapped in Y N; do
		say "$layer, map_pages=$mapped"
		echo $mapped >$PARAMETER
		stack_create pages $((4 * MIB / SECTOR)) no_cache -- $layer
		# A MiB of a user's memory, and the pages of a cache.
		dd if=/dev/mapper/pages of=copy bs=1M iflag=direct status=none
		cmp copy disk
		cmp /dev/mapper/pages disk
		device compare direct=1 threads=3 reads=60 /dev/mapper/pages disk
		dmsetup remove --retry pages
	done
done
