# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: what a recorded start reads is prefetched at the next one
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

# read_block NAME BLOCK [COUNT]: of 4096 bytes, not from the page cache.
read_block()
{
	dd if="/dev/mapper/$1" of=/dev/null bs=$((4096 * ${3:-1})) \
		iflag=direct,skip_bytes skip=$(($2 * 4096)) count=1 status=none
}

# start_up NAME: what the program that starts reads.
start_up()
{
	read_block "$1" 40
	read_block "$1" 10
	read_block "$1" 70 2
	read_block "$1" 40
}

# The last range is on its way when nothing is queued any more.
is_prefetched()
{
	[ "$(counter "$1" prefetch_pending)" = 0 ] &&
		[ "$(counter "$1" prefetch_blocks)" = 4 ]
}

# expect_prefetched NAME FILE: all four blocks, and that the start finds them.
expect_prefetched()
{
	local stored blocks

	retry is_prefetched "$1"
	expect_counter "$1" prefetch_used 0
	stored=$(counter "$1" stored_bytes)
	blocks=$(counter "$1" blocks)
	start_up "$1"
	expect_counter "$1" stored_bytes "$stored"
	expect_counter "$1" blocks "$blocks"
	expect_counter "$1" prefetch_used 4
	cmp "/dev/mapper/$1" "$2"
}

ranges()
{
	"$TOOL" trace show --ranges "$1" | sed -n '/^ranges/,$p' |
		tail -n +2 | tr -s ' \n' ' '
}

need_tool
device fill raw 0 $MIB
create_layer --raw raw --compress lz4 --block-size 4096 layer
device fill seed=2 other 0 $MIB
create_layer --raw other --compress lz4 --block-size 4096 other-layer
device fill seed=3 top 0 4096
create_layer --raw top --virtual-size 1M top-layer
cp raw covered
dd if=top of=covered bs=4096 count=1 conv=notrunc status=none
write_config config layer
write_config stacked layer top-layer
write_config above other-layer layer
write_config others other-layer top-layer

open_image config first
"$TOOL" trace start first
start_up first
"$TOOL" trace stop -o start.trace first
"$TOOL" close first
# The first block of the layer is its header; what was read twice is there once.
expect_equal ranges "$(ranges start.trace)" ' 0 41 1 0 11 1 0 71 2 '

open_image config second --trace start.trace
expect_prefetched second raw
"$TOOL" close second

# With another layer on top, and as another layer of the stack.
open_image stacked third --trace start.trace --prefetch-rate 1000
expect_prefetched third covered
"$TOOL" close third
open_image above fourth
"$TOOL" trace replay --wait --rate 1000 fourth start.trace
expect_prefetched fourth raw
"$TOOL" close fourth

# Of which no layer is there.
expect_exit 1 'start.trace is a trace of other layers' \
	"$TOOL" open --trace start.trace others fifth
expect_exit $EXIT_NO_DEVICE 'no device' "$TOOL" status fifth
open_image others fifth
expect_exit 1 'start.trace is a trace of other layers' \
	"$TOOL" trace replay fifth start.trace
expect_counter fifth prefetch_blocks 0
"$TOOL" close fifth

# Where nothing is kept there is no use in it.
open_image config uncached --no-cache
expect_exit 1 'uncached: the device has no cache' \
	"$TOOL" trace replay uncached start.trace
"$TOOL" close uncached

# Some are there.
open_image above sixth
"$TOOL" trace start sixth
start_up sixth
"$TOOL" trace stop -o above.trace sixth
"$TOOL" close sixth
expect_equal ranges "$(ranges above.trace)" ' 1 41 1 1 11 1 1 71 2 '
open_image config seventh
"$TOOL" trace replay --wait seventh above.trace
expect_prefetched seventh raw
