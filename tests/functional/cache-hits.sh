# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: what the cache keeps, for whom, and how much of it
. "${0%/*}/lib.sh" || exit

BLOCK=65536

# read_block NAME BLOCK BYTES: read so much of the beginning of a block. A
# layer's header is in front of its data, a block's first 4 KiB in the blob.
read_block()
{
	dd if="/dev/mapper/$1" of=/dev/null bs="$3" count=1 status=none \
		skip=$(($2 * BLOCK - 4096)) iflag=direct,skip_bytes
}

# expect_reads NAME BLOCKS HITS: blocks decompressed and found, up to now.
expect_reads()
{
	expect_counter "$1" blocks "$2"
	expect_counter "$1" cache_hits "$3"
}

need_tool
device fill raw 0 $((2 * MIB))
create_layer --raw raw --compress lz4 --block-size 64K layer
empty=$(cache_bytes)
stack_create one 4096 -- layer
dm_create two "$STACK" --readonly
dm_create uncached "$STACK 1 no_cache" --readonly

say 'a part of a block brings it'
read_block one 2 4096
expect_reads one 1 0
one_block=$(($(cache_bytes) - empty))
[ $one_block -ge $BLOCK ] || fail "$one_block bytes were kept"
expect_counter two cache_bytes $one_block
expect_counter two shared_cache_bytes $one_block
read_block two 2 8192
read_block one 2 4096
expect_reads two 0 1
expect_reads one 1 1

say 'whole blocks come in when they are read again'
for block in 10 12 14; do
	read_block one $block $BLOCK
done
expect_reads one 4 1
expect_equal 'bytes kept' $(($(cache_bytes) - empty)) $one_block
for block in 10 12 14; do
	read_block two $block $BLOCK
done
expect_reads two 3 1
expect_equal 'bytes kept' $(($(cache_bytes) - empty)) $((4 * one_block))
for block in 10 12 14; do
	read_block one $block $BLOCK
done
expect_reads one 4 4

say 'no_cache neither looks nor keeps'
read_block uncached 2 4096
read_block uncached 20 4096
read_block uncached 20 4096
expect_reads uncached 3 0
expect_equal 'bytes kept' $(($(cache_bytes) - empty)) $((4 * one_block))
read_block two 20 4096
expect_reads two 4 1
dmsetup remove --retry uncached

say 'a cache without room'
cache_limit 0
expect_equal 'bytes kept' "$(cache_bytes)" 0
read_block one 2 4096
read_block one 2 4096
expect_reads one 6 4
expect_equal 'bytes kept' "$(cache_bytes)" 0

say 'a cache too small for what is read'
cache_limit 1
max=$((MIB + 4 * $(nproc) * one_block))
start_device compare threads=2 direct=1 reads=0 /dev/mapper/one raw
for _ in {1..1000}; do
	bytes=$(<$PARAMETERS/cache_bytes)
	[ "$bytes" -le $max ] || fail "it holds $bytes bytes"
	[ "$(counter one blocks)" -le 500 ] || break
done
stop_device
[ "$(cache_bytes)" -gt $((MIB - 2 * one_block)) ] || fail 'it is not full'
expect_exit 1 . dd of=$PARAMETERS/cache_mib <<<nonsense
expect_equal 'limit after nonsense' "$(cat $PARAMETERS/cache_mib)" 1
dmsetup remove --retry one two

# Noise is stored as it is, so that any byte of it decompresses.
say 'what nobody has checked is not shown to those who check'
cp layer corrupt
device flip corrupt $(($(stat -c %s corrupt) / 2))
stack_create unverified 4096 no_verify -- corrupt
dm_create verified "${STACK% 1 no_verify}" --readonly
device errors /dev/mapper/unverified >errors
expect_equal 'errors that nobody looked for' "$(cat errors)" ''
! cmp -s /dev/mapper/unverified raw || fail 'nothing is corrupt'
[ "$(counter unverified cache_hits)" -gt 0 ] || fail 'nothing was kept'
read -r offset length < <(device errors /dev/mapper/verified)
expect_equal 'bytes that cannot be read' "$length" $BLOCK
device around /dev/mapper/verified raw "$offset" $BLOCK
[ "$(counter verified blocks)" -ge $((2 * MIB / BLOCK)) ] ||
	fail 'blocks were taken over unchecked'
