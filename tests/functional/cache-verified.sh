# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: cached blocks of who checks no CRCs are not in the way of who does
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

BYTES=$((4 * MIB))
BLOCKS=$((BYTES / 4096))

# device_reads: how many reads the loop device has had.
device_reads()
{
	local fields

	read -ra fields <"/sys/block/${LOOP#/dev/}/stat"
	say "${fields[0]}"
}

has_brought_all()
{
	[ "$(counter "$1" prefetch_blocks)" = $BLOCKS ]
}

# prefetch_all NAME: all blocks, until they are there.
prefetch_all()
{
	dmsetup message "$1" 0 prefetch add 0 0 $BLOCKS
	retry has_brought_all "$1"
}

need_tool
device fill compressible=1 disk 0 $BYTES
create_layer --raw disk --compress lz4 --block-size 4K layer
stack_create trusting $((BYTES / SECTOR)) no_verify -- layer
dm_create checking "${STACK% 1 no_verify}" --readonly
prefetch_all trusting

before=$(device_reads)
dd if=/dev/mapper/checking of=copy bs=1M iflag=direct status=none
cmp copy disk
reads=$(($(device_reads) - before))
expect_counter checking cache_hits 0
[ $reads -le 64 ] || fail "$reads reads for 4 MiB in reads of 1 MiB"

prefetch_all checking
cmp /dev/mapper/checking disk
# Some may be in the page cache.
[ "$(counter checking cache_hits)" -ge $((BLOCKS - 16)) ] ||
	fail 'what was brought with its CRC checked is not used'
