# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: blocks of a gzip file stay within the cache's limit, and go on demand
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

BLOCK=65536
SIZE=$((8 * MIB))
LIMIT=2

drop()
{
	echo 2 >/proc/sys/vm/drop_caches
}

expect_within()
{
	local bytes

	bytes=$(cache_bytes)
	[ "$bytes" -le $((LIMIT * MIB)) ] || fail "$bytes bytes are kept"
	[ "$bytes" -ge $((LIMIT * MIB / 4)) ] || fail "only $bytes bytes are kept"
}

read_all()
{
	dd if=/dev/mapper/cached bs=256k iflag=direct status=none | cmp - raw
}

is_read()
{
	[ "$(single_counter cached blocks)" -gt "$before" ]
}

need_tool
device fill compressible=1 raw 0 $SIZE
gzip -n <raw >raw.gz
"$TOOL" gzindex --span 256K --checksums --out index raw.gz >made
gzip_create cached $SIZE raw.gz index

say 'all of it'
read_all
expect_equal 'blocks inflated' "$(single_counter cached blocks)" $((SIZE / BLOCK))
kept=$(single_counter cached cache_bytes)
[ "$kept" -ge $SIZE ] || fail "only $kept bytes are kept"
read_all
expect_equal 'blocks inflated' "$(single_counter cached blocks)" $((SIZE / BLOCK))

say 'the kernel wants it back'
for ((n = 0; n < 30 && $(cache_bytes); n++)); do
	drop
done
expect_equal "bytes left after $n times" "$(cache_bytes)" 0
expect_equal 'bytes of the device' "$(single_counter cached cache_bytes)" 0
read_all
expect_equal 'blocks inflated' "$(single_counter cached blocks)" \
	$((2 * SIZE / BLOCK))

say 'less than the file'
cache_limit $LIMIT
read_all
expect_within
device compare direct=1 reads=40 threads=2 /dev/mapper/cached raw
expect_within

say 'the kernel wants it back while it is read'
before=$(single_counter cached blocks)
start_device compare threads=3 direct=1 reads=0 /dev/mapper/cached raw
retry is_read
for _ in {1..20}; do
	drop
done
stop_device

say 'with the device its blocks go'
dmsetup remove --retry cached
expect_equal 'bytes left' "$(cache_bytes)" 0
