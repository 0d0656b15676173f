# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: who reads a gzip file all the time holds up no other's suspend
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit

BLOCK=65536
BLOCKS=64
SECONDS_BUSY=60
SECONDS_MOST=40

# is_busy: so many reads are under way that one waits for another.
is_busy()
{
	local fields

	read -ra fields <"/sys/dev/block/$NUMBER/inflight"
	[ "${fields[0]}" -ge 8 ]
}

need_tool
need_commands fio
need_target delay
device fill raw 0 $((BLOCKS * BLOCK))
slow_gzip raw 20 --span 256K
dm_create quiet "$STACK" --readonly
dm_create busy "$STACK 1 no_cache" --readonly

fio --name=busy --filename=/dev/mapper/busy --rw=randread --bs=4k --direct=1 \
	--ioengine=libaio --iodepth=32 --time_based --runtime=$SECONDS_BUSY \
	>fio.log 2>&1 &
busy=$!
defer kill $busy
NUMBER=$(dmsetup info -c --noheadings --separator : -o major,minor busy)
retry is_busy
start=$SECONDS
for n in {1..4}; do
	dmsetup message quiet 0 prefetch add 0 0 $BLOCKS
	sleep 0.2
	dmsetup suspend quiet
	dmsetup resume quiet
done
took=$((SECONDS - start))
kill -0 $busy || fail "fio has ended: $(cat fio.log)"
[ $took -le $SECONDS_MOST ] || fail "it took $took s to suspend it $n times"
