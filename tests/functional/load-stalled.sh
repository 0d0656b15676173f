# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: tables load while those of a device that does not answer cannot
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit

# More than layers are loaded at a time.
LAYERS=40

# table DEVICE COUNT: TABLE is a stack of one layer, again and again.
table()
{
	local line n

	line=" lower $1 $(stat -c %s layer)"
	TABLE="0 8 overlaybd $((3 * $2))"
	for ((n = 0; n < $2; n++)); do
		TABLE+=$line
	done
}

# waits PID: for something that cannot be interrupted.
waits()
{
	grep -q '^State:.D' "/proc/$1/status"
}

# has_ended PID: a child of this shell is no longer there.
has_ended()
{
	! kill -0 "$1" 2>/dev/null
}

# loads NAME: within the time of retry.
loads()
{
	table "$LOOP" 2
	dmsetup create "$1" --readonly --table "$TABLE" &
	defer dmsetup remove --retry "$1"
	defer dmsetup resume stalled
	retry has_ended $!
	wait $!
}

need_tool
device fill raw 0 65536
create_layer --raw raw layer
loop_attach layer
dm_create stalled "0 $(blockdev --getsz "$LOOP") linear $LOOP 0" --readonly
dmsetup suspend --noflush stalled

table /dev/mapper/stalled $LAYERS
dmsetup create waits --readonly --table "$TABLE" &
loader=$!
defer dmsetup remove --retry waits
retry waits $loader
sleep 0.2
loads healthy
waits $loader || fail 'it has not waited all the time'

dmsetup resume stalled
wait $loader
cmp -n 4096 /dev/mapper/waits raw
cmp -n 4096 /dev/mapper/healthy raw
