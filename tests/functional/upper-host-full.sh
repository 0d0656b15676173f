# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a full file system below fails writes, until it has room again
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((32 * MIB))
ROOM=8
DEVICE=/dev/mapper/full

host=$PWD/host
mkdir host
mount -t tmpfs -o size=${ROOM}m none host
defer umount "$host"
cd "$host"
new_upper full $BYTES
open_upper full $BYTES

say 'what does not fit'
upper 'do' $DEVICE write 0 $MIB flush 0 0
for ((i = 0; i < 8; i++)); do
	expect_exit 1 '' upper 'do' $DEVICE write $((8 * MIB)) $((8 * MIB))
done
expect_upper full mode rw
# All that did not fit is free, but for one bio at the most: of one that the
# file system takes a part of, the loop device says that it has been written.
used=$(upper_counter full used_sectors)
expect_at_most 'used sectors' "$used" $(((ROOM + 1) * MIB / SECTOR))

say 'room again'
mount -o remount,size=64m "$host"
dd if=/dev/zero of=$DEVICE bs=$MIB oflag=direct conv=fsync status=none \
	count=$((BYTES / MIB))
expect_used full $BYTES
cd ..
