# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: suspend, resume and new tables while blocks are brought ahead
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit

BLOCKS=1024
TIMES=6

# fetch PID: ask for all, as long as there is somebody to read it. Tables without
# a cache refuse that.
fetch()
{
	while kill -0 "$1" 2>/dev/null; do
		dmsetup message background 0 prefetch add 0 0 $BLOCKS 2>/dev/null ||
			true
		sleep 0.05
	done
}

# prefetched: some of that has been brought.
prefetched()
{
	[ "$(counter background prefetch_blocks)" -gt 0 ]
}

need_tool
need_target delay
device fill raw 0 $((BLOCKS * 4096))
create_layer --raw raw --compress lz4 layer
# So small that there is always something to bring.
cache_limit 1
slow_stack background $((BLOCKS * 8)) 20 layer
start_device sequential readers=3 size=2048 rounds=0 \
	/dev/mapper/background raw
fetch "$READER" &
fetcher=$!
retry prefetched
for ((n = 0; n < TIMES; n++)); do
	dmsetup suspend background
	before=$(counter background blocks)
	sleep 0.1
	expect_counter background blocks "$before"
	dmsetup resume background
	sleep 0.1
done
helper reload background $TIMES "$STACK" "$STACK 1 no_cache" "$STACK"
# The last table has begun to count anew.
retry prefetched
stop_device
wait $fetcher
expect_counter background read_errors 0
cmp /dev/mapper/background raw
