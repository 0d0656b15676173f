# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a trace with more ranges than the kernel queues waits for room
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

QUEUE=65536 MORE=66000

pending()
{
	counter queue prefetch_pending
}

is_full()
{
	[ "$(pending)" -gt $((QUEUE - 64)) ]
}

is_done()
{
	[ "$(pending)" = 0 ] && [ "$(counter queue prefetch_blocks)" = 2 ]
}

need_tool
device fill raw 0 $MIB
create_layer --raw raw --compress lz4 --block-size 4096 layer
write_config config layer
open_image config queue
"$TOOL" trace start queue
"$TOOL" trace stop -o empty queue 2>said
grep -q 'warning: queue: nothing has been recorded' said ||
	fail "of an empty trace it said: $(cat said)"

# A block and the one after the next, over and over again.
layer=$("$TOOL" trace show empty | awk '
	$1 ~ /^(bytes|data_bytes|block_size|table_crc|uuid)$/ && seen {
		printf "%s%s", comma, $2; comma = "," }
	/^layer 0/ { seen = 1 }')
eval "printf '0,10,1 0,12,1 %.0s' {1..$((MORE / 2))}" |
	xargs -x -s 1000000 -n $MORE python3 "$TREE/tests/tools/make-trace.py" \
		trace "$layer" --

# While it is suspended nothing is taken off the queue.
dmsetup suspend queue
defer dmsetup resume queue
"$TOOL" trace replay queue trace &
replay=$!
defer kill $replay
retry is_full
sleep 1
kill -0 $replay || fail 'it did not wait for room'
dmsetup resume queue
wait $replay
retry is_done

# Two at once may each find the room that the other takes.
dmsetup suspend queue
"$TOOL" trace replay queue trace &
replay=$!
defer kill $replay
"$TOOL" trace replay queue trace &
other=$!
defer kill $other
retry is_full
dmsetup resume queue
wait $replay
wait $other
expect_counter queue read_errors 0
