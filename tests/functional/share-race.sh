# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: devices over the same layers come and go at once, some loads fail
# Leaks: watched
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit

SECONDS_LONG=20
SIZE=$MIB

remove_all()
{
	dmsetup remove --retry victim share{0..3}
}

need_tool
device fill disk0 0 $SIZE
create_layer --raw disk0 --compress lz4 layer0
for nr in 1 2; do
	cp disk$((nr - 1)) disk$nr
	device sprinkle seed=$nr sectors=1000 disk$nr
	packed=(--compress zstd --block-size 16K)
	[ $nr != 2 ] || packed=()
	create_layer --raw disk$nr --base disk$((nr - 1)) "${packed[@]}" \
		layer$nr
done
images=()
lines=''
for nr in 0 1 2; do
	loop_attach layer$nr
	lines+=" lower $LOOP $(stat -c %s layer$nr)"
	images+=("disk$nr" "0 $((SIZE / SECTOR)) overlaybd $((3 * nr + 3))$lines")
done
# A layer that opens, but has entries out of order, and one that does not open.
cp layer2 smashed
end=$(($(stat -c %s smashed) - 12288))
device flip smashed $((end + 1)) $((end + 33)) $((end + 65))
loop_attach smashed
bad="0 $((SIZE / SECTOR)) overlaybd 9${lines% lower *} lower $LOOP"
images+=(- "$bad $(stat -c %s smashed)" - "$bad 8192")
# One more sector than there is.
images+=(- "0 $((SIZE / SECTOR + 1)) overlaybd 9$lines")

defer remove_all
helper share $SECONDS_LONG 3 "${images[@]}"
expect_equal 'bytes kept' "$(cache_bytes)" 0
