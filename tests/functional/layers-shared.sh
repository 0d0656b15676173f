# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: devices over the same layers share their tables and maps
# Leaks: watched
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit

DEVICES=100

expect_alone()
{
	expect_counter "$1" shared_map_bytes 0
	expect_counter "$1" shared_table_bytes 0
}

expect_shared()
{
	expect_counter "$1" shared_map_bytes "$(counter "$1" map_bytes)"
	expect_counter "$1" shared_table_bytes "$(counter "$1" table_bytes)"
}

# private_bytes: prints what all devices have of maps and tables that no other
# has: fields map_bytes and table_bytes without those that are shared.
private_bytes()
{
	dmsetup status --target overlaybd |
		awk '{ sum += $7 + $8 - $15 - $16 } END { print sum }'
}

# many_devices: a line that creates them all.
many_devices()
{
	local name

	for name in "${names[@]}"; do
		printf '%s,,,ro,%s;' "$name" "$STACK"
	done
}

need_tool
device fill raw 0 $((2 * MIB))
create_layer --raw raw --compress lz4 layer0
cp raw disk
device fill seed=2 disk 65536 65536
create_layer --raw disk --base raw --compress zstd layer1
cp disk below
device fill seed=3 disk $MIB 4096
create_layer --raw disk --base below layer2

say 'two'
stack_create first 4096 -- layer0 layer1 layer2
expect_times first '^layers 3 shared 0 open_us [0-9]+ merge_us [0-9]+ map private$'
expect_alone first
dm_create second "$STACK" --readonly
expect_times second '^layers 3 shared 3 open_us [0-9]+ merge_us [0-9]+ map shared$'
expect_shared first
expect_shared second
device each reads=10 disk /dev/mapper/first /dev/mapper/second

say 'the first goes first, then the second'
dmsetup remove --retry first
expect_alone second
cmp /dev/mapper/second disk
dm_create first "$STACK" --readonly
expect_times first ' shared 3 .* map shared$'
expect_shared second
dmsetup remove --retry first
expect_alone second
dmsetup remove --retry second

say 'what is left of both is nothing'
dm_create first "$STACK" --readonly
expect_times first ' shared 0 .* map private$'
one=$(private_bytes)
[ "$one" -gt 0 ] || fail 'a device without maps and tables'
dmsetup remove --retry first

say 'a table in the inactive slot shares as well'
dm_create first "$STACK" --readonly
dmsetup reload first --readonly --table "$STACK"
expect_shared first
dmsetup clear first
expect_alone first
dmsetup remove --retry first

say "$DEVICES"
mapfile -t names < <(seq -f 'many%.0f' 0 $((DEVICES - 1)))
defer dmsetup remove --retry "${names[@]}"
dmsetup create --concise "$(many_devices)"
expect_equal 'bytes that one has alone' "$(private_bytes)" 0
device each reads=2 disk "${names[@]/#//dev/mapper/}"
dmsetup remove --retry "${names[@]:1}"
expect_equal 'bytes of the last' "$(private_bytes)" "$one"
cmp "/dev/mapper/${names[0]}" disk
