# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: the cached blocks of a layer go with its last device
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit

# expect_kept BYTES: more than before the test.
expect_kept()
{
	expect_equal 'bytes kept' $(($(cache_bytes) - before)) "$1"
}

need_tool
device fill raw 0 $MIB
create_layer --raw raw --compress lz4 layer0
device fill seed=2 disk 65536 262144
truncate -s $MIB disk
create_layer --raw disk --compress zstd --block-size 16K layer1
before=$(cache_bytes)
stack_create other 2048 -- layer1
other=$STACK
stack_create one 2048 -- layer0
dm_create two "$STACK" --readonly
device scattered size=1024 step=8192 /dev/mapper/one raw
bytes=$(counter one cache_bytes)
[ "$bytes" -ge $((MIB / 2)) ] || fail "only $bytes bytes are kept"
expect_kept "$bytes"
expect_counter one shared_cache_bytes "$bytes"
device scattered /dev/mapper/other disk
others=$(counter other cache_bytes)
[ "$others" -ge 262144 ] || fail "only $others bytes are kept"
expect_counter other shared_cache_bytes 0
expect_kept $((bytes + others))

say 'the last device goes'
dmsetup remove --retry one
expect_kept $((bytes + others))
expect_counter two shared_cache_bytes 0
dmsetup remove --retry two
expect_kept "$others"

say 'the last table goes'
dmsetup reload other --readonly --table "$STACK"
expect_kept "$others"
dmsetup suspend other
dmsetup resume other
expect_kept 0
cmp /dev/mapper/other raw
dmsetup reload other --readonly --table "$other"
dmsetup clear other
dmsetup remove --retry other
expect_kept 0
