# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: the crash tests pass a device that does nothing, and no broken one
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
# shellcheck source=../crash/stack.sh
. "$TREE/tests/crash/stack.sh"

SECTORS=8192

need_crash_tools
need_target flakey
crash_folder
"$CRASH/crash-load" --fill start $SECTORS
cp start disk

# log_end FILTER: the number of the last entry of the log that is like that.
log_end()
{
	"$CRASH/crash-replay" --list log start disk | grep -E "$1" |
		tail -n 1 | cut -d : -f 1
}

say 'a log that is written late is in order'
start_log 64
echo 4 >"/sys/block/${LOG_LOOP#/dev/}/queue/nr_requests"
chrt --idle --pid 0 "$(pgrep -x log-write)"
dd if=/dev/zero of=/dev/mapper/crash-log bs=$SECTOR count=8000 oflag=direct \
	conv=fsync status=none
dd if=/dev/zero of=/dev/mapper/crash-log bs=$SECTOR seek=$((SECTORS - 1)) \
	count=1 oflag=direct status=none
stop_log
[ "$(log_end ": $((SECTORS - 1)) \+ 1")" -gt "$(log_end ': 7999 \+ 1')" ] ||
	fail 'what was written last is not'

say 'the load'
start_log 64
dm_create load "0 $SECTORS linear /dev/mapper/crash-log 0"
# FUA writes would go into the log as such, and with them goes its order.
crash_load --ops 600 --log crash-log --no-fua --lone-flushes --no-discard \
	/dev/mapper/load history
"$CRASH/crash-check" --live /dev/mapper/load history
dmsetup remove load
stop_log

say 'a device that does nothing'
loop_writable disk
table="0 $SECTORS linear $LOOP 0"
crash_replay --points 120 --table "$table" --history history

# expect_judged COUNT OPTION...: that is what it says.
expect_judged()
{
	local count=$1

	shift
	crash_replay --points 120 "$@" >told
	grep -qE "^$count points of " told || fail "not $count: $(cat told)"
}

say 'what counts is what has been judged'
expect_judged 0 --only 40
expect_judged 1 --only 40 --table "$table" --history history
expect_judged "$((120 + $("$CRASH/crash-replay" --list log start disk |
	grep -cE ' flush| mark')))" --every-flush --run true

# expect_wrong WHAT OPTION...: there are points at which sectors are like that.
expect_wrong()
{
	local what=$1 status=0

	shift
	crash_replay --points 120 --history history "$@" >wrong || status=$?
	expect_equal "status of crash-replay ($(tail wrong))" $status 1
	grep -qE "$what" wrong || fail "not one sector is $what: $(tail wrong)"
}

say 'one whose last flush does nothing'
expect_wrong 'overwritten (long )?since' --table "$table" --forget-flushes 1

say 'one that is a sector off'
dm_create turn "0 $((SECTORS - 1)) linear $LOOP 1
$((SECTORS - 1)) 1 linear $LOOP 0"
expect_wrong "another sector's" --table "0 $SECTORS linear /dev/mapper/turn 0"

say 'one that forgets what is written when it is removed'
expect_wrong 'expected write' --change-every 1 \
	--table "0 $SECTORS flakey $LOOP 0 0 600 1 drop_writes"
