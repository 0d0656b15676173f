# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: where the device answers at once, nothing is read ahead
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit

BLOCKS=1024
SECTORS=$((BLOCKS * 4096 / SECTOR))
WINDOW=8

modprobe -q brd rd_nr=1 rd_size=8192 || skip 'this kernel has no ramdisk'
defer modprobe -r brd
[ "$(blockdev --getsize64 /dev/ram0)" = 8388608 ] || skip 'it has others'
need_tool
device fill raw 0 $((BLOCKS * 4096))
create_layer --raw raw --compress lz4 layer
dd if=layer of=/dev/ram0 bs=64K conv=fsync status=none

say 'it has to be read before that is known'
dm_create quick "0 $SECTORS overlaybd 3 lower /dev/ram0 $(stat -c %s layer)" \
	--readonly
device sequential /dev/mapper/quick raw
ahead=$(counter quick ahead_blocks)
[ "$ahead" -le $WINDOW ] || fail "$ahead blocks were read ahead"
blocks=$(counter quick blocks)
[ "$blocks" -le $((BLOCKS + WINDOW)) ] ||
	fail "$blocks blocks were decompressed, for $BLOCKS"

say 'the same layer on a device that does not'
stack_create slow $SECTORS -- layer
device sequential /dev/mapper/slow raw
[ "$(counter slow ahead_blocks)" -ge $((BLOCKS / 2)) ] ||
	fail 'little was read ahead'
