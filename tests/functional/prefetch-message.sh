# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: dmsetup message prefetch: what is brought, how fast, and when not
# Leaks: watched
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit

BLOCK=16384
BLOCKS=256

prefetch()
{
	local name=$1

	shift
	dmsetup message -- "$name" 0 prefetch "$@"
}

# is_done NAME: all that was asked for is there.
is_done()
{
	[ "$(counter "$1" prefetch_pending)" = 0 ] &&
		[ "$(counter "$1" prefetch_blocks)" -ge "$2" ]
}

has_brought()
{
	[ "$(counter fetch prefetch_blocks)" -gt 0 ]
}

# read_blocks NAME FIRST LAST: 4 KiB of each, backwards, so that nothing is
# read ahead.
read_blocks()
{
	local block

	for ((block = $3; block >= $2; block--)); do
		dd if="/dev/mapper/$1" of=/dev/null bs=4096 count=1 \
			status=none skip=$((block * BLOCK)) \
			iflag=direct,skip_bytes
	done
}

# expect_refused REGEX WORD...
expect_refused()
{
	local regex=$1

	shift
	expect_exit 1 "$regex" prefetch fetch "$@"
}

# restart: FETCH begins anew, with nothing in the cache, slowly.
restart()
{
	dmsetup remove --retry fetch
	dmsetup create fetch --readonly --table "$STACK"
	prefetch fetch rate 1
}

need_tool
device fill raw 0 $((BLOCKS * BLOCK))
create_layer --raw raw --compress lz4 --block-size $BLOCK layer0
device fill seed=2 disk 0 4096
truncate -s $((BLOCKS * BLOCK)) disk
create_layer --raw disk layer1
bytes=$(stat -c %s layer0)
stack_create fetch $((BLOCKS * BLOCK / SECTOR)) -- layer0 layer1

say 'these blocks and no others'
prefetch fetch add 0 10 3 0 100 2
retry is_done fetch 5
expect_counter fetch prefetch_blocks 5
expect_counter fetch blocks 5
read_blocks fetch 10 12
read_blocks fetch 100 101
expect_counter fetch blocks 5
expect_counter fetch cache_hits 5
expect_counter fetch prefetch_used 5
for block in 9 13 99 102; do
	read_blocks fetch $block $block
done
expect_counter fetch blocks 9
expect_counter fetch cache_hits 5
prefetch fetch add 0 9 5
retry is_done fetch 5
expect_counter fetch prefetch_blocks 5
expect_counter fetch ahead_blocks 0

say 'what is refused'
for words in '' 'add' 'add 0' 'add 0 1' 'add 0 1 1 0' 'add 2 0 1' 'add 1 0 1' \
	'add 0 0 0' "add 0 $((BLOCKS + 2)) 1" "add 0 1 $((BLOCKS + 2))" \
	'add 0 4294967295 2' 'add 0 1 4294967295' 'add 0 4294967296 1' \
	'add 0 -1 1' 'add 0 x 1' 'add a 0 1' 'add 0 0x1 1' 'rate' 'rate 0' \
	'rate x' 'rate 65537' 'rate 1 1' 'cancel 1' 'fetch'; do
	# shellcheck disable=SC2086	# words
	expect_refused 'Invalid argument' $words
done
expect_counter fetch prefetch_pending 0
dm_create uncached "$STACK 1 no_cache" --readonly
expect_exit 1 'not supported' prefetch uncached add 0 0 1
cache_limit 0
expect_refused 'not supported' add 0 0 1
cache_limit 16
dmsetup remove uncached

say 'all ranges of a message or none'
prefetch fetch rate 1000
expect_refused 'Invalid argument' add 0 200 1 0 x 1
expect_refused 'Invalid argument' add 0 200 1 0 0 0
prefetch fetch add 0 202 1
retry is_done fetch 6
expect_counter fetch prefetch_blocks 6

say 'no faster than it may'
restart
start=$EPOCHREALTIME
prefetch fetch add 0 0 192
retry is_done fetch 192
took=$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { print int((b - a) * 10) }')
[ "$took" -ge 20 ] || fail "3 MiB at 1 MiB/s in $took tenths of a second"
expect_counter fetch blocks 192

say 'cancelled'
restart
prefetch fetch add 0 0 100 0 100 100
prefetch fetch cancel
expect_counter fetch prefetch_pending 0
blocks=$(counter fetch prefetch_blocks)
sleep 0.5
[ "$(counter fetch prefetch_blocks)" -le $((blocks + 16)) ] ||
	fail 'it goes on'

say 'suspended and resumed'
restart
prefetch fetch add 0 0 200
retry has_brought
dmsetup suspend fetch
blocks=$(counter fetch prefetch_blocks)
sleep 0.7
expect_counter fetch prefetch_blocks "$blocks"
expect_counter fetch prefetch_pending 1
prefetch fetch add 0 200 1
expect_counter fetch prefetch_pending 2
prefetch fetch rate 1000
expect_counter fetch prefetch_blocks "$blocks"
dmsetup resume fetch
retry is_done fetch 201
expect_counter fetch prefetch_blocks 201

say 'as many ranges as there is room for'
restart
dmsetup suspend fetch
ranges=$(printf '0 5 1 %.0s' {1..8192})
for _ in {1..8}; do
	# shellcheck disable=SC2086	# words
	prefetch fetch add $ranges
done
expect_counter fetch prefetch_pending 65536
expect_refused 'No space left' add 0 5 1
prefetch fetch rate 1
dmsetup resume fetch
retry is_done fetch 1
expect_counter fetch prefetch_blocks 1

say 'removed while it is busy'
prefetch fetch add 0 0 200 0 200 50
start=$SECONDS
dmsetup remove --retry fetch
[ $((SECONDS - start)) -le 3 ] || fail 'that took long'

say 'of one blob'
line=${STACK#*lower }
dm_create zfile "0 8 overlaybd-zfile ${line%% *} $bytes" --readonly
prefetch zfile add 0 0 4
expect_exit 1 'Invalid argument' prefetch zfile add 1 0 4
