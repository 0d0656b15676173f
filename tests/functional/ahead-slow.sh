# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: who wants a block that is being read ahead waits for it
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

BLOCKS=256
SECTORS=$((BLOCKS * 4096 / SECTOR))

# expect_once NAME...: they have had all blocks decompressed, most of them ahead,
# and each of them once, but for a few until it is clear who reads in order.
expect_once()
{
	local name blocks=0 ahead=0

	for name; do
		blocks=$((blocks + $(counter "$name" blocks)))
		ahead=$((ahead + $(counter "$name" ahead_blocks)))
	done
	[ $blocks -le $((BLOCKS + 16 * $#)) ] ||
		fail "$blocks blocks were decompressed, for $BLOCKS"
	[ $ahead -ge $((BLOCKS / 2)) ] || fail "$ahead were read ahead"
}

need_tool
need_target delay
device fill raw 0 $((BLOCKS * 4096))
create_layer --raw raw --compress lz4 layer
slow_stack first $SECTORS 20 layer

say 'one reader'
device sequential /dev/mapper/first raw
expect_once first

say 'another one who reads the same through another device'
dmsetup remove --retry first
dmsetup create first --readonly --table "$STACK"
dm_create second "$STACK" --readonly
start_device sequential /dev/mapper/second raw
device sequential /dev/mapper/first raw
wait "$READER" || fail "$(cat reader.log)"
expect_once first second

say 'the device goes that brings what another waits for'
dmsetup remove --retry first
dmsetup remove --retry second
dmsetup create first --readonly --table "$STACK"
dmsetup create second --readonly --table "$STACK"
start_device sequential rounds=2 /dev/mapper/second raw
for _ in {1..5}; do
	dd if=/dev/mapper/first of=/dev/null bs=4096 count=40 iflag=direct \
		status=none
	dmsetup remove --retry first
	dmsetup create first --readonly --table "$STACK"
done
wait "$READER" || fail "$(cat reader.log)"

say 'a corrupt block among those that are waited for'
cp layer corrupt
device flip corrupt $(($(stat -c %s corrupt) / 2))
slow_stack corrupt $SECTORS 20 corrupt
device errors /dev/mapper/corrupt >errors
expect_equal 'runs of errors' "$(wc -l <errors)" 1
read -r offset length <errors
expect_equal 'bytes that cannot be read' "$length" 4096
expect_counter corrupt crc_errors 1
[ "$(counter corrupt ahead_blocks)" -ge $((BLOCKS / 4)) ] ||
	fail 'few were read ahead'
device around /dev/mapper/corrupt raw "$offset" 4096
expect_counter corrupt crc_errors 1
