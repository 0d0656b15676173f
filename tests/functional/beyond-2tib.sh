# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: extents beyond 2 TiB, in plain and compressed layers
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

TIB=$((MIB * MIB))
# The last of these is in the last 64 KiB of the disk.
SPOTS=(0 $((2 * TIB - 4096)) $((2 * TIB + 8 * MIB)) $((4 * TIB - SECTOR))
	$((5 * TIB - 65536)))

need_tool
truncate -s $((5 * TIB)) base
for spot in "${SPOTS[@]}"; do
	device fill base "$spot" 65536
done
create_layer --raw base --compress lz4 layer0
cp --sparse=always base disk
device fill seed=2 disk $((2 * TIB)) $((3 * SECTOR))
device fill seed=2 disk $((4 * TIB + 7 * SECTOR)) 4096
create_layer --raw disk --base base layer1
write_config config layer0 layer1
open_image config large
expect_equal size "$(blockdev --getsize64 /dev/mapper/large)" $((5 * TIB))
for spot in "${SPOTS[@]}"; do
	cmp -i "$spot" -n 65536 /dev/mapper/large disk
done
# The hole in front of each, that 32-bit sectors would fill with another's data.
for spot in "${SPOTS[@]:1}"; do
	cmp -n 65536 -i "$((spot - 65536)):0" /dev/mapper/large /dev/zero
done
