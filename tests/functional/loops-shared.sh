# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: devices over the same files share loop devices, until the last
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

loops()
{
	cat /sys/block/loop*/loop/backing_file 2>/dev/null | sort | xargs
}

# layer_devices NAME: the loop devices in its table.
layer_devices()
{
	dmsetup table "$1" | grep -oE 'lower [^ ]+' | xargs
}

# expect_loops NUMBER
expect_loops()
{
	retry loops_are "$1"
}

need_tool
device fill raw 0 $MIB
create_layer --raw raw --compress lz4 layer0
device fill seed=2 changed 0 4096
truncate -s $MIB changed
dd if=raw of=changed bs=4096 skip=1 seek=1 conv=notrunc status=none
create_layer --raw changed --base raw layer1
write_config config layer0 layer1
write_config other layer0

open_image config one
expect_equal 'loop devices of one' "$(loops)" "$PWD/layer0 $PWD/layer1"
open_image config two
expect_equal 'loop devices of both' "$(loops)" "$PWD/layer0 $PWD/layer1"
expect_equal 'layers of two' "$(layer_devices two)" "$(layer_devices one)"
open_image other three
expect_loops 2

# A name of its own for the same file is the same file.
ln layer1 hard
write_config linked layer0 hard
open_image linked four
expect_loops 2

# Who wants no direct I/O gets a loop device of its own, where it makes a
# difference; a file in the place of another is another.
open_image other buffered --direct-io=off
if grep -q 1 /sys/block/loop*/loop/dio; then
	expect_loops 3
fi
"$TOOL" close buffered
expect_loops 2
cp layer1 new
mv new layer1
open_image config five
expect_loops 3
cmp /dev/mapper/five changed
"$TOOL" close five
expect_loops 2

# One that does not go by itself is left alone, alike as it is.
create_layer --raw raw layer2
write_config kept layer2
open_image kept six
expect_loops 3
direct=$(cat "/sys/dev/block/$(layer_devices six | cut -d ' ' -f 2)/loop/dio")
"$TOOL" close six
expect_loops 2
direct_io=off
[ "$direct" = 0 ] || direct_io=on
losetup --find --read-only --direct-io=$direct_io "$PWD/layer2"
defer losetup --detach-all
expect_loops 3
open_image kept six
expect_loops 4
"$TOOL" close six
expect_loops 3
losetup --detach-all
expect_loops 2

# The same file twice in a stack.
write_config twice layer0 hard layer0
open_image twice seven
expect_loops 2
cmp /dev/mapper/seven raw
"$TOOL" close seven

# Two calls that look at a time would both find none: they wait for each other.
python3 -c '
import fcntl, sys, time
f = open("/dev/mapper/control", "r+b", buffering=0)
fcntl.lockf(f, fcntl.LOCK_EX, 1, 1 << 62)
print("locked", flush=True)
time.sleep(60)' >holder.log &
holder=$!
defer kill $holder
retry grep -q locked holder.log
write_config waiting layer2
defer "$TOOL" close eight
"$TOOL" open waiting eight >/dev/null &
waiter=$!
sleep 1
loops_are 2 || fail 'a loop device was set up in spite of the lock'
kill $holder
wait $waiter
expect_loops 3
"$TOOL" close eight
expect_loops 2

"$TOOL" close one
"$TOOL" close three
"$TOOL" close four
cmp /dev/mapper/two changed
expect_loops 2
"$TOOL" close two
expect_loops 0
