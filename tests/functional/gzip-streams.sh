# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: who reads a gzip file in order has each byte inflated once
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

BLOCK=65536
BLOCKS=96

# expect_blocks NAME WANTED: so many blocks have been inflated.
expect_blocks()
{
	expect_equal "blocks of $1" "$(single_counter "$1" blocks)" "$2"
}

# fresh OPTION...: the device, with an empty cache.
fresh()
{
	dmsetup remove --retry gzip
	dmsetup create gzip --readonly --table "$STACK${*:+ $# $*}"
}

need_tool
device fill compressible=1 raw 0 $((BLOCKS * BLOCK))
gzip -n <raw >raw.gz
"$TOOL" gzindex --span 1M --out index raw.gz >gzindex.log
gzip_create gzip $((BLOCKS * BLOCK)) raw.gz index

say 'in order, whatever the size of a read'
for size in 4k 64k 128k 1M; do
	fresh
	dd if=/dev/mapper/gzip of=/dev/null bs=$size iflag=direct status=none
	expect_blocks gzip $BLOCKS
done
fresh
cmp /dev/mapper/gzip raw
expect_blocks gzip $BLOCKS

say 'without the cache'
for size in 4k 60k 128k; do
	fresh no_cache
	dd if=/dev/mapper/gzip of=copy bs=$size iflag=direct status=none
	cmp copy raw
	expect_blocks gzip $BLOCKS
done
cache_limit 0
fresh
dd if=/dev/mapper/gzip of=copy bs=4k iflag=direct status=none
cmp copy raw
expect_blocks gzip $BLOCKS
cp cache_mib "$PARAMETERS/cache_mib"

say 'two readers, each in its own half'
fresh
dd if=/dev/mapper/gzip of=/dev/null bs=128k iflag=direct status=none count=24 &
dd if=/dev/mapper/gzip of=/dev/null bs=128k iflag=direct status=none count=24 \
	skip=24
wait
blocks=$(single_counter gzip blocks)
# The second may begin a block or more before its half, at an access point.
[ "$blocks" -ge $BLOCKS ] && [ "$blocks" -le $((BLOCKS + 20)) ] ||
	fail "$blocks blocks inflated, expected some $BLOCKS"

say 'what was passed by is kept, for other devices as well'
fresh
dmsetup create other --readonly --table "$STACK"
defer dmsetup remove --retry other
dd if=/dev/mapper/gzip of=/dev/null bs=4k iflag=direct status=none count=1 \
	skip=$((15 * BLOCK / 4096))
before=$(single_counter gzip blocks)
dd if=/dev/mapper/other of=/dev/null bs=4k iflag=direct status=none count=1 \
	skip=$((14 * BLOCK / 4096))
expect_blocks other 0
expect_blocks gzip "$before"
[ "$(single_counter other cache_hits)" = 1 ] ||
	fail 'the other device has not found the block'

say 'prefetched'
fresh
dmsetup message gzip 0 prefetch add 0 40 5
for _ in {1..50}; do
	[ "$(single_counter gzip prefetch_blocks)" = 5 ] && break
	sleep 0.1
done
expect_equal prefetched "$(single_counter gzip prefetch_blocks)" 5
# What was passed by on the way there was not asked for.
dd if=/dev/mapper/gzip of=/dev/null bs=64k iflag=direct status=none count=16 \
	skip=32
expect_equal 'prefetched and read' "$(single_counter gzip prefetch_used)" 5

say 'small members: the file is read once'
python3 -S -c '
import gzip
data = open("raw", "rb").read(4 << 20)
with open("members.gz", "wb") as out:
    for at in range(0, len(data), 1000):
        out.write(gzip.compress(data[at:at + 1000]))'
"$TOOL" gzindex --out members.index members.gz >gzindex.log
gzip_create members $((4 * MIB)) members.gz members.index
cmp -n $((4 * MIB)) /dev/mapper/members raw
stored=$(single_counter members stored_bytes)
size=$(stat -c %s members.gz)
[ "$stored" -le $((size * 5 / 4)) ] ||
	fail "$stored bytes were read of a file of $size"
