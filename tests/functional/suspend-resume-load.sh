# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: reads wait while a device is suspended, and then are right
. "${0%/*}/lib.sh" || exit

need_tool
device fill compressible=1 raw 0 $((2 * MIB))
create_layer --raw raw --compress lz4 layer0
device fill seed=2 raw $((MIB / 2)) 65536
cp raw disk
create_layer --raw disk --compress zstd --block-size 16K layer1
stack_create suspend 4096 -- layer0 layer1

for options in '' '--noflush' '--nolockfs'; do
	say "suspend $options"
	# shellcheck disable=SC2086	# no option is no word
	dmsetup suspend $options suspend
	device compare direct=1 threads=2 /dev/mapper/suspend disk 2>read.log &
	reader=$!
	sleep 0.5
	[ "$(dmsetup info -c --noheadings -o suspended suspend)" = Suspended ] ||
		fail 'not suspended'
	kill -0 $reader || fail "a read did not wait: $(cat read.log)"
	dmsetup resume suspend
	wait $reader || fail "after resume: $(cat read.log)"
done

# Again and again, under reads.
device compare direct=1 threads=3 reads=400 /dev/mapper/suspend disk \
	2>read.log &
reader=$!
helper reload suspend 15 "$STACK"
wait $reader || fail "under suspends: $(cat read.log)"
