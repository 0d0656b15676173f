# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: blocks are read ahead for those who read in order, and only once
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit

BLOCKS=1024
SECTORS=$((BLOCKS * 4096 / SECTOR))

# device_reads: prints how often the layer's device has been read.
device_reads()
{
	local fields

	read -ra fields <"/sys/block/${LOOP#/dev/}/stat"
	say "${fields[0]}"
}

# reload NAME: with counters and a cache that begin anew.
reload()
{
	dmsetup remove --retry "$1"
	dmsetup create "$1" --readonly --table "$STACK"
}

# expect_ahead NAME LEAST: so many blocks at least were read ahead, few of
# them in vain, and none was decompressed twice.
expect_ahead()
{
	local ahead used blocks

	ahead=$(counter "$1" ahead_blocks)
	used=$(counter "$1" ahead_used)
	blocks=$(counter "$1" blocks)
	[ "$ahead" -ge "$2" ] || fail "only $ahead blocks were read ahead"
	[ $((100 * used)) -ge $((95 * ahead)) ] ||
		fail "of $ahead blocks read ahead, $used were used"
	[ $((100 * blocks)) -le $((103 * BLOCKS)) ] ||
		fail "$blocks blocks were decompressed, for $BLOCKS"
}

need_tool
device fill raw 0 $((BLOCKS * 4096))
create_layer --raw raw --compress lz4 layer
stack_create ahead $SECTORS -- layer

say 'large reads need none'
dd if=/dev/mapper/ahead of=/dev/null bs=1M iflag=direct status=none
expect_counter ahead ahead_blocks 0
expect_counter ahead blocks $BLOCKS

say 'small reads in order'
reload ahead
before=$(device_reads)
device sequential /dev/mapper/ahead raw
reads=$(($(device_reads) - before))
expect_ahead ahead $((BLOCKS * 9 / 10))
[ $reads -le $((BLOCKS / 8)) ] || fail "$reads reads of the layer's device"

for readers in 2 3 4; do
	say "$readers readers who take turns"
	reload ahead
	device sequential readers=$readers /dev/mapper/ahead raw
	expect_ahead ahead $((BLOCKS * 8 / 10))
done

say 'reads here and there'
reload ahead
device scattered /dev/mapper/ahead raw
expect_counter ahead ahead_blocks 0
expect_counter ahead blocks $((BLOCKS / 4))

say 'a corrupt block in between'
cp layer corrupt
device flip corrupt $(($(stat -c %s corrupt) / 2))
stack_create corrupt $SECTORS -- corrupt
device errors /dev/mapper/corrupt >errors
read -r offset length <errors
expect_equal 'runs of errors' "$(wc -l <errors)" 1
expect_equal 'bytes that cannot be read' "$length" 4096
[ "$(counter corrupt ahead_blocks)" -ge $((BLOCKS / 2)) ] ||
	fail 'nothing was read ahead'
expect_counter corrupt crc_errors 1
expect_equal 'reports' "$(kernel_log | grep -c 'has a wrong CRC')" 1
device around /dev/mapper/corrupt raw "$offset" 4096
expect_counter corrupt crc_errors 1
