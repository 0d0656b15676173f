# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: nobody waits for what a prefetch of a gzip file has to pass by
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit

BLOCK=65536
BLOCKS=128

reads()
{
	[ "$(single_counter seek stored_bytes)" -gt 0 ]
}

need_tool
need_target delay
device fill raw 0 $((BLOCKS * BLOCK))
# All of it is behind one access point.
slow_gzip raw 50 --span 1G
dm_create seek "$STACK" --readonly
dmsetup message seek 0 prefetch add 0 $((BLOCKS - 1)) 1
retry reads
dmsetup suspend seek
read=$(single_counter seek stored_bytes)
[ "$read" -lt $(($(stat -c %s raw.gz) / 2)) ] || fail "$read bytes were read first"

say 'it goes on where it is wanted'
dmsetup resume seek
cmp /dev/mapper/seek raw
expect_equal 'errors' "$(single_counter seek read_errors)" 0
