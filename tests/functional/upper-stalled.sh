# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a flush does not wait for the memory that other writes wait for
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((64 * MIB))
DEVICE=/dev/mapper/stalled
WRITES=4

# write_block FILE OFFSET [CONVERSION]
write_block()
{
	dd if="$1" of=$DEVICE bs=4096 oflag=direct,seek_bytes seek="$2" \
		conv="notrunc${3:+,$3}" status=none
}

need_faults
head -c 4096 /dev/urandom >block
new_upper stalled $BYTES
open_upper stalled $BYTES
write_block block 0 fsync
head -c 4096 /dev/urandom >other
refuse_any
probability 100
writers=()
for ((i = 1; i <= WRITES; i++)); do
	write_block block $((i * 4 * MIB + 4096)) &
	writers+=($!)
done
sleep 1
# It is mapped already.
start=$SECONDS
write_block other 0 fsync
[ $((SECONDS - start)) -lt 20 ] ||
	fail 'a flush waits for memory that it does not need'
for pid in "${writers[@]}"; do
	kill -0 "$pid" || fail 'a write had memory'
done
probability 0
for pid in "${writers[@]}"; do
	wait "$pid" || fail 'a write failed that could have had memory'
done
reopen stalled
cmp -n 4096 other $DEVICE
for ((i = 1; i <= WRITES; i++)); do
	cmp -n 4096 block $DEVICE 0 $((i * 4 * MIB + 4096))
done
