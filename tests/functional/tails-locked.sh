# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: what joins a tail is left alone while another call is at it
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit

# lock_tail: as a call does that makes or removes $TAIL, until unlock_tail.
lock_tail()
{
	rm -f locked
	python3 -c '
import fcntl, sys, time
offset = 14695981039346656037
for byte in b"/" + sys.argv[1].encode():
    offset = (offset ^ byte) * 1099511628211 % (1 << 64)
f = open("/dev/mapper/control", "r+b", buffering=0)
fcntl.lockf(f, fcntl.LOCK_EX, 1, offset >> 2)
print("locked", flush=True)
time.sleep(60)' "$TAIL" >locked &
	holder=$!
	defer kill $holder
	retry grep -q locked locked
}

unlock_tail()
{
	kill $holder
	wait $holder || true
}

# In the background: WAITER is the process.
start_tool()
{
	"$TOOL" "$@" >tool.log 2>&1 &
	WAITER=$!
	sleep 1
}

need_fixtures
need_tool
config=$(fixture_config turbo-gz)
open_image "$config" image
TAIL=$(dmsetup info -c --noheadings -o name | grep -m 1 '^overlaybd-tail-')
UUID=$(dmsetup info -c --noheadings -o uuid "$TAIL")
"$TOOL" close image

say 'made'
lock_tail
dmsetup create "$TAIL" --uuid "$UUID" --notable
defer dmsetup remove "$TAIL"
start_tool close image
expect_equal 'devices' "$(mapped_devices)" 'tail'
unlock_tail
wait $WAITER || expect_equal 'status of close' $? $EXIT_NO_DEVICE
expect_equal 'devices' "$(mapped_devices)" ''

say 'removed'
lock_tail
start_tool open "$config" image
! dmsetup info "$TAIL" >info.log 2>&1 || fail 'it was made in spite of the lock'
unlock_tail
wait $WAITER
expect_equal 'devices' "$(mapped_devices)" 'image tail tail'

say 'used: nobody has to wait'
lock_tail
open_image "$(fixture_config trailer-only-low)" low
"$TOOL" close low
unlock_tail
"$TOOL" close image
expect_equal 'devices' "$(mapped_devices)" ''
