# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: devices are read-only, and cannot be made otherwise
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit

need_tool
need_commands blkdiscard
device fill raw 0 $MIB
create_layer --raw raw layer
stack_create ro 2048 -- layer
expect_equal 'blockdev --getro' "$(blockdev --getro /dev/mapper/ro)" 1

expect_exit 1 . dmsetup create rw --table "$STACK"
expect_log 'without an upper layer the device must be read-only: use dmsetup --readonly'
expect_exit 1 . dmsetup reload ro --table "$STACK"

expect_exit 1 'Operation not permitted|Read-only|Input/output error' \
	dd if=raw of=/dev/mapper/ro bs=4096 count=1 oflag=direct conv=notrunc
expect_exit 1 'not permitted|not supported|[Rr]ead-only|Input/output error|Bad file descriptor' \
	blkdiscard /dev/mapper/ro
expect_exit 1 'not permitted|not supported|[Rr]ead-only|Input/output error|Bad file descriptor' \
	blkdiscard --zeroout /dev/mapper/ro

# The flag is the device's own only: the module has to refuse by itself, too.
blockdev --setrw /dev/mapper/ro || true
dd if=raw of=/dev/mapper/ro bs=4096 count=1 oflag=direct conv=notrunc \
	2>write.log && fail 'a write succeeded'
cmp /dev/mapper/ro raw
