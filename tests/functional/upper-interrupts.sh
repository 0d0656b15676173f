# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a data device that ends bios in interrupts holds nothing up
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((16 * MIB))
DEVICE=/dev/mapper/interrupts
SECONDS_MAX=60
HEAD=4096

# suspend: which waits for bios, but not for one that has ended.
suspend()
{
	local pid deadline=$((SECONDS + SECONDS_MAX))

	dmsetup suspend interrupts &
	pid=$!
	while kill -0 $pid 2>/dev/null; do
		[ $SECONDS -lt $deadline ] || fail 'it waits for nothing'
		sleep 0.1
	done
	wait $pid
}

need_model
DISK=/dev/ubda
[ -b $DISK ] || DISK=/dev/vda
[ -b $DISK ] || skip 'the guest has no disk'
cmp -sn $HEAD $DISK /dev/zero || skip "$DISK is not empty, and may be somebody's"
defer dd if=/dev/zero of=$DISK bs=$HEAD count=1 oflag=direct

new_upper interrupts $BYTES
dd if=interrupts.data of=$DISK bs=1M oflag=direct status=none
DATA=$DISK
open_upper interrupts $BYTES
start_model --threads 8 --max 65536 --mix 60,20,15,0,5 $DEVICE
for ((n = $(operations 40); n > 0; n--)); do
	sleep 0.2
	suspend
	dmsetup resume interrupts
done
stop_model
dmsetup remove interrupts
