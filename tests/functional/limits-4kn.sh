# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: limits of the queue; devices with 4096-byte sectors are refused
. "${0%/*}/lib.sh" || exit

limit()
{
	local node

	node=$(readlink -f "/dev/mapper/$1")
	cat "/sys/dev/block/$(stat -c '%Hr:%Lr' "$node")/queue/$2"
}

need_tool
device fill raw 0 $MIB
create_layer --raw raw layer
create_layer --raw raw --compress lz4 --block-size 4096 layer-4k
create_layer --raw raw --compress zstd --block-size 65536 layer-64k
gzip -n <raw >raw.gz
"$TOOL" gzindex --out index raw.gz >gzindex.log

stack_create plain 2048 -- layer
stack_create packed 2048 -- layer-4k
stack_create mixed 2048 -- layer-64k layer layer-4k
expect_equal io_min "$(limit plain minimum_io_size)" 512
expect_equal io_min "$(limit packed minimum_io_size)" 4096
expect_equal io_min "$(limit mixed minimum_io_size)" 65536
gzip_create zipped $MIB raw.gz index
expect_equal io_min "$(limit zipped minimum_io_size)" 65536
for name in plain packed mixed zipped; do
	expect_equal 'logical block size' "$(limit $name logical_block_size)" 512
done

loop_attach layer --sector-size 4096
expect_exit 1 . dmsetup create 4kn --readonly --table \
	"0 2048 overlaybd 3 lower $LOOP $(stat -c %s layer)"
expect_log "layer 0: device $LOOP has logical blocks of 4096 bytes, expected 512: put a loop device"
