# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: the fields of dmsetup status, and tables that load again
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit

# expect_reload NAME: its own table line makes a device with that line again.
expect_reload()
{
	local line

	line=$(dmsetup table "$1")
	dm_create "$1-again" "$line" --readonly
	expect_equal "table of $1-again" "$(dmsetup table "$1-again")" "$line"
	dmsetup remove --retry "$1-again"
}

need_tool
# 16 blocks of data behind one of header, then index and trailer in one each.
device fill raw 0 65536
truncate -s $MIB raw
create_layer --raw raw --compress lz4 --block-size 4096 packed
device fill seed=2 changed 8192 4096
truncate -s $MIB changed
dd if=raw of=changed bs=4096 count=2 conv=notrunc status=none
dd if=raw of=changed bs=4096 skip=3 seek=3 conv=notrunc status=none
create_layer --raw changed --base raw plain

stack_create status 2048 no_cache -- packed plain
expect_counter status layers 2
expect_counter status extents 4
expect_counter status unverified 0
[ "$(counter status map_bytes)" -gt 0 ] || fail 'a map without bytes'
[ "$(counter status table_bytes)" -gt 0 ] || fail 'a jump table without bytes'
for field in stored_bytes blocks deferred read_errors crc_errors \
	decompress_errors; do
	expect_counter status $field 0
done
dd if=/dev/mapper/status of=/dev/null bs=4096 skip=4 count=5 iflag=direct \
	status=none
expect_counter status blocks 5
[ "$(counter status stored_bytes)" -ge $((5 * 4096)) ] ||
	fail 'compressed bytes are not counted'
# What is in the plain layer, or in none, takes no decompression.
dd if=/dev/mapper/status of=/dev/null bs=4096 skip=2 count=1 iflag=direct \
	status=none
dd if=/dev/mapper/status of=/dev/null bs=4096 skip=16 iflag=direct status=none
expect_counter status blocks 5
expect_reload status

line=$(dmsetup table status)
[[ $line == *' 1 no_cache' ]] || fail 'no_cache not shown'
line=${line% 1 no_cache}
for options in '' ' 1 no_verify' ' 2 no_verify no_cache'; do
	dm_create option "$line$options" --readonly
	expect_equal "table with$options" "$(dmsetup table option)" \
		"$line$options"
	expect_reload option
	dmsetup remove --retry option
done

loop_attach packed
bytes=$(stat -c %s packed)
dm_create zfile "0 8 overlaybd-zfile $LOOP $bytes 1 no_verify" --readonly
dd if=/dev/mapper/zfile of=/dev/null bs=4096 iflag=direct status=none
read -ra fields < <(dmsetup status zfile)
expect_equal 'fields of the status of overlaybd-zfile' ${#fields[@]} 20
expect_equal 'unverified layers of it' "${fields[19]}" 1
expect_equal 'blocks of overlaybd-zfile' "${fields[5]}" 1
expect_reload zfile
