# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: suspend and resume while a gzip file is read ahead and brought
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit

BLOCK=65536
BLOCKS=64
TIMES=4

# fetch PID: ask for all, as long as there is somebody to read it. Tables without
# a cache refuse that.
fetch()
{
	while kill -0 "$1" 2>/dev/null; do
		dmsetup message ahead 0 prefetch add 0 0 $BLOCKS 2>/dev/null ||
			true
		sleep 0.05
	done
}

# prefetched: some of that has been brought.
prefetched()
{
	[ "$(single_counter ahead prefetch_blocks)" -gt 0 ]
}

# all_asked_for: whatever has been asked for is under way, or was.
all_asked_for()
{
	[ "$(single_counter ahead prefetch_pending)" = 0 ]
}

has_ended()
{
	! kill -0 "$1"
}

# done_so_far: what has been read of the file and inflated
done_so_far()
{
	say "$(single_counter ahead stored_bytes) $(single_counter ahead blocks)"
}

need_tool
need_target delay
device fill raw 0 $((BLOCKS * BLOCK))
# So small that there is always something to bring.
cache_limit 1
slow_gzip raw 20 --span 256K --checksums
dm_create ahead "$STACK" --readonly
start_device sequential readers=3 size=8192 rounds=0 /dev/mapper/ahead raw
fetch "$READER" &
fetcher=$!
retry prefetched
for ((n = 0; n < TIMES; n++)); do
	sleep 0.1
	dmsetup suspend ahead
	before=$(done_so_far)
	sleep 0.1
	expect_equal 'bytes and blocks' "$(done_so_far)" "$before"
	dmsetup resume ahead
done
helper reload ahead $TIMES "$STACK" "$STACK 1 no_cache" "$STACK"
# The last table has begun to count anew.
retry prefetched
stop_device
wait $fetcher
expect_equal 'errors' "$(single_counter ahead read_errors)" 0
cmp /dev/mapper/ahead raw

say 'the device below is suspended while bytes are read ahead'
# Nothing has been read before, nor is anything still to be prefetched.
dmsetup remove --retry ahead
dmsetup create ahead --readonly --table "$STACK"
dmsetup suspend slow
dd if=/dev/mapper/ahead of=part bs=64k count=1 skip=30 iflag=direct \
	status=none &
reader=$!
sleep 0.2
kill -0 $reader || fail 'it has been read'
dmsetup resume slow
wait $reader
dd if=raw bs=64k count=1 skip=30 status=none | cmp - part
expect_equal 'errors' "$(single_counter ahead read_errors)" 0

say 'the device below is suspended while bytes are prefetched'
dmsetup remove --retry ahead
dmsetup create ahead --readonly --table "$STACK"
# If what follows fails, the device above does not go before it is resumed.
defer dmsetup resume slow
dmsetup suspend slow
dmsetup message ahead 0 prefetch add 0 0 16
retry all_asked_for
dmsetup suspend ahead &
suspender=$!
retry has_ended $suspender
wait $suspender
[ "$(single_counter ahead stored_bytes)" != 0 ] || fail 'nothing was read'
expect_equal 'blocks' "$(single_counter ahead prefetch_blocks)" 0
expect_equal 'errors' "$(single_counter ahead read_errors)" 0
dmsetup resume slow
dmsetup resume ahead
cmp -n $((16 * BLOCK)) /dev/mapper/ahead raw
