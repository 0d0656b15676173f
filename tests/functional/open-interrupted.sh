# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: an open that is interrupted leaves nothing behind, an ignored signal does no harm
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

need_tool
need_target delay
device fill disk 0 $MIB
create_layer --raw disk --compress lz4 file
size=$(stat -c %s file)
truncate -s %4K file
loop_attach file
# Reads are slow: most of the time the table is being loaded.
dm_create slow "0 $(blockdev --getsz "$LOOP") delay $LOOP 0 200"
"$TOOL" create-upper --size 2M data index >create.log
cat >config <<END
{ "lowers": [ { "file": "/dev/mapper/slow", "size": $size } ],
  "upper": { "data": "data", "index": "index" } }
END
bytes=$(stat -c %s data)

# is_loading: the tool has made the device.
is_loading()
{
	[ -e /dev/mapper/live ] || dmsetup info live >/dev/null 2>&1
}

# interrupted_open: a signal comes while the table is loaded.
interrupted_open()
{
	"$TOOL" open config live >open.log 2>&1 &
	until is_loading || ! kill -0 $! 2>/dev/null; do
		sleep 0.01
	done
	kill -TERM $! || fail "it was faster: $(cat open.log)"
	status=0
	wait $! || status=$?
}

interrupted_open
expect_equal 'status' "$status" 143
! dmsetup info live >/dev/null 2>&1 || fail 'the device is there'
expect_equal 'length of data' "$(stat -c %s data)" "$bytes"
expect_equal 'loop devices' "$(losetup --list --noheadings | grep -c index)" 0

trap '' TERM
interrupted_open
trap 'exit 143' TERM
expect_equal 'status with the signal ignored' "$status" 0
"$TOOL" close live
