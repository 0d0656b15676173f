# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: how a recording begins and ends, and what it says then
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

read_block()
{
	dd if=/dev/mapper/record of=/dev/null bs=4096 skip="$1" count=1 \
		iflag=direct status=none
}

is_recording()
{
	dmsetup message record 0 trace read 0 | grep -q '^[0-9]* [0-9]* 1'
}

# record_in_background OPTION...: RECORDER is its process.
record_in_background()
{
	"$TOOL" trace record -o trace "$@" record >recorded 2>&1 &
	RECORDER=$!
	defer kill $RECORDER
	retry is_recording
}

# expect_recorded REGEX: the recorder has ended well, said so, and left nothing.
expect_recorded()
{
	wait "$RECORDER" || fail "trace record: $(cat recorded)"
	grep -qE -- "$1" recorded || fail "it said: $(cat recorded)"
	"$TOOL" trace show trace >shown
	expect_equal 'files beside the trace' "$(find . -name '.trace*')" ''
}

need_tool
device fill raw 0 $MIB
create_layer --raw raw --compress lz4 --block-size 4096 layer
write_config config layer
open_image config record

# A signal ends it, or the time, or somebody else.
record_in_background
read_block 5
read_block 100
kill -TERM "$RECORDER"
expect_recorded 'trace: 2 ranges, 2 blocks'
record_in_background --seconds 6
while kill -0 "$RECORDER" 2>/dev/null; do
	read_block 7
done
expect_recorded 'trace: 1 ranges, 1 blocks'
record_in_background
read_block 7
"$TOOL" trace stop record
expect_recorded 'trace: 1 ranges, 1 blocks'

# What goes on where the last read ended, even if that has been fetched.
record_in_background
read_block 30
sleep 1
read_block 31
kill -TERM "$RECORDER"
expect_recorded 'trace: 1 ranges, 2 blocks'

# One at a time; what does not fit is counted.
record_in_background --entries 2
expect_exit $EXIT_BUSY 'is being recorded already' "$TOOL" trace start record
expect_exit $EXIT_BUSY 'is being recorded already' \
	"$TOOL" trace record -o trace2 record
for block in 1 9 3 50; do
	read_block $block
done
kill -TERM "$RECORDER"
expect_recorded 'warning: record: 2 reads did not fit'
grep -q 'trace: 2 ranges, 2 blocks' recorded || fail "$(cat recorded)"

# A recorder that is killed leaves a recording that can be ended.
record_in_background
read_block 11
kill -KILL "$RECORDER"
wait "$RECORDER" || true
rm -f .trace.*
"$TOOL" trace stop -o trace record >recorded
grep -q 'trace: 1 ranges, 1 blocks' recorded || fail "$(cat recorded)"

# A trace takes the place of no layer; only reads of layers can be traced.
hash=$(sha256sum layer)
for verb in record stop; do
	expect_exit $EXIT_BUSY 'layer is in use by the device record' \
		"$TOOL" trace $verb -o layer record
done
! is_recording || fail 'recording for a file that is in use'
expect_equal 'the layer' "$(sha256sum layer)" "$hash"
dm_create zeros '0 8 zero'
expect_exit 1 'its target is zero, expected overlaybd' "$TOOL" trace start zeros
expect_exit 1 'its target is zero, expected overlaybd' "$TOOL" trace stop zeros

# Nothing is recorded, and nothing written, where the file cannot be.
expect_exit 1 'No such file' "$TOOL" trace record -o missing/trace record
! is_recording || fail 'recording for a file that cannot be'
expect_exit $EXIT_NO_DEVICE 'no device nobody' \
	"$TOOL" trace record -o trace2 nobody
expect_exit $EXIT_NO_DEVICE 'no device nobody' "$TOOL" trace stop nobody
[ ! -e trace2 ] || fail 'a trace of nothing'

# What cannot be written can be had again.
mkdir full
mount -t tmpfs -o size=4k none full
defer umount full
dd if=/dev/zero of=full/file bs=4k count=1 status=none
"$TOOL" trace record -o full/trace record >recorded 2>&1 &
RECORDER=$!
defer kill $RECORDER
retry is_recording
read_block 40
kill -TERM "$RECORDER"
! wait "$RECORDER" || fail 'a trace was written where there is no space'
grep -q 'No space left on device; the kernel still has the recording' recorded ||
	fail "it said: $(cat recorded)"
"$TOOL" trace stop -o trace record >recorded
grep -q 'trace: 1 ranges, 1 blocks' recorded || fail "$(cat recorded)"

# Another table begins with nothing recorded.
record_in_background
read_block 20
sleep 2
dmsetup table record | dmsetup load --readonly record
dmsetup resume record
expect_recorded 'warning: record has got another table'
grep -q 'trace: 1 ranges, 1 blocks' recorded || fail "$(cat recorded)"

# The device may be closed meanwhile.
record_in_background
read_block 20
sleep 3
"$TOOL" close record
expect_recorded 'warning: record is gone'
grep -q 'trace: 1 ranges, 1 blocks' recorded || fail "$(cat recorded)"

# Nothing would ever match a trace of no layers.
"$TOOL" create-upper --size 1M data index >created
printf '{ "lowers": [], "upper": { "data": "%s", "index": "%s" } }\n' \
	"$PWD/data" "$PWD/index" >alone
open_image alone record
expect_exit 1 'and there are none' "$TOOL" trace record -o trace3 record
[ ! -e trace3 ] || fail 'a trace of no layers'
