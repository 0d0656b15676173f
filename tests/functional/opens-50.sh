# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: fifty opens at once, of fifty names and of one
# Kernels: 6.12
. "${0%/*}/lib.sh" || exit

open_one()
{
	"$TOOL" open config one
}

open_own()
{
	"$TOOL" open config "own$1"
}

close_own()
{
	"$TOOL" close "own$1"
}

devices()
{
	find /sys/block -name 'dm-*' | wc -l
}

loops()
{
	find /sys/block/loop*/loop -maxdepth 0 2>/dev/null | wc -l
}

need_tool
device fill raw 0 $MIB
create_layer --raw raw --compress lz4 layer0
device fill seed=2 raw 0 4096
create_layer --raw raw layer1
write_config config layer0 layer1
defer dmsetup remove_all

at_once open_own
expect_equal devices "$(devices)" 50
expect_equal 'loop devices of fifty' "$(loops)" 2
cmp /dev/mapper/own1 raw
cmp /dev/mapper/own50 raw
at_once close_own
expect_equal 'devices left' "$(devices)" 0

at_once open_one
expect_equal devices "$(devices)" 1
sort -u at-once.* >printed
expect_equal 'what they print' "$(cat printed)" /dev/mapper/one
cmp /dev/mapper/one raw
expect_equal 'loop devices' "$(loops)" 2
"$TOOL" close one
expect_equal 'devices left' "$(devices)" 0
