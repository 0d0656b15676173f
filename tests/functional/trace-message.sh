# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: dmsetup message trace: what was read, in which order
# Leaks: watched
. "${0%/*}/lib.sh" || exit

BLOCKS=1024

trace()
{
	dmsetup message -- trace 0 trace "$@"
}

# read_pages FIRST COUNT [BYTES]: reads of 4 KiB, or of so many, of the disk.
# They are one block each, or part of one; the header of a layer is in front.
read_pages()
{
	dd if=/dev/mapper/trace of=/dev/null bs=4096 count="$2" skip="$1" \
		status=none iflag=direct
}

# expect_trace LINE...: that is what it says from the first entry on.
expect_trace()
{
	expect_equal 'trace' "$(trace read 0)" "$(printf '%s\n' "$@")"
}

expect_refused()
{
	expect_exit 1 "$1" trace "${@:2}"
}

# expect_sound: what is read while it grows is whole, from any entry on.
expect_sound()
{
	trace read "$1" >trace.log
	awk -v blocks=$((BLOCKS + 2)) '
		NR == 1 && (NF != 3 || $1 > 20000) { exit 1 }
		NR > 1 && (NF != 3 || $1 > 1 || $2 < 1 || $3 < 1 ||
			   $2 + $3 > blocks) { exit 1 }' trace.log ||
		fail "a trace reads $(head -n 20 trace.log)"
}

is_growing()
{
	trace read 0 >trace.log
	[ "$(wc -l <trace.log)" -gt 10 ]
}

need_tool
device fill raw 0 $((BLOCKS * 4096))
create_layer --raw raw --compress lz4 layer0
device fill seed=2 raw 65536 8192
device fill seed=2 disk 65536 8192
truncate -s $((BLOCKS * 4096)) disk
create_layer --raw disk --compress lz4 layer1
stack_create trace $((BLOCKS * 8)) -- layer0 layer1

say 'nothing is recorded unless asked for'
read_pages 0 4
expect_trace '0 0 0'

say 'in order, and what belongs together in one line'
trace start
read_pages 100 3
read_pages 10 1
read_pages 15 4
read_pages 10 1
dd if=/dev/mapper/trace of=/dev/null bs=64k count=1 skip=8 status=none \
	iflag=direct
lines=('0 101 3' '0 11 1' '0 16 1' '1 1 2' '0 19 1' '0 11 1' '0 129 16')
expect_trace '7 0 1' "${lines[@]}"
expect_equal 'from the fifth on' "$(trace read 5)" \
	$'7 0 1\n0 11 1\n0 129 16'
expect_equal 'from the end on' "$(trace read 7)" '7 0 1'
expect_equal 'from behind the end on' "$(trace read 4294967295)" '7 0 1'
# What is read twice in a row, or is in the cache, is no other use.
read_pages 200 1
read_pages 200 2
expect_trace '8 0 1' "${lines[@]}" '0 201 2'

say 'stopped, cleared, and begun anew'
expect_refused 'busy' start
trace stop
read_pages 300 1
expect_trace '8 0 0' "${lines[@]}" '0 201 2'
trace stop
trace clear
expect_trace '0 0 0'
trace start 10
read_pages 300 1
trace start 10 2>/dev/null && fail 'it records twice'
expect_trace '1 0 1' '0 301 1'
trace stop
trace start
expect_trace '0 0 1'
trace clear
read_pages 300 1
expect_trace '0 0 0'

say 'what does not fit is counted'
trace start 2
for page in 300 310 320 330 321; do
	read_pages $page 1
done
expect_trace '2 3 1' '0 301 1' '0 311 1'
read_pages 311 1
expect_trace '2 3 1' '0 301 1' '0 311 2'
trace clear

say 'what is refused'
for words in '' 'start 0' 'start 1048577' 'start -1' 'start x' 'start 1 1' \
	'read' 'read x' 'read -1' 'read 4294967296' 'read 1 1' 'stop 1' \
	'clear 1' 'record'; do
	# shellcheck disable=SC2086	# words
	expect_refused 'Invalid argument' $words
done
expect_trace '0 0 0'

say 'read, stopped and begun anew while it is growing'
trace start 20000
start_device compare direct=1 threads=2 reads=0 /dev/mapper/trace raw
retry is_growing
for ((n = 0; n < 8; n++)); do
	expect_sound $((n * 100))
	expect_sound 0
	if ((n % 4 == 3)); then
		trace stop
		trace start 20000
	fi
done
retry is_growing
stop_device
trace stop
# It is cleared with the device.
trace start
