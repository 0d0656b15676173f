# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: an upper keeps what it promised, whenever the disk crashes
# Kernels: uml-debug
# Timeout: 900
. "${0%/*}/lib.sh" || exit
# shellcheck source=../crash/stack.sh
. "$TREE/tests/crash/stack.sh"

POINTS=${TORTURE_POINTS:-360}
SECTORS=8192

# load_upper DATA_SECTORS GENERATION OPTION...: a load on what "start" holds;
# "log" and "history" tell of it.
load_upper()
{
	local data=$1 generation=$2

	shift 2
	start_log 192
	split_disk log /dev/mapper/crash-log "$data"
	dm_create load "$(upper_table log $SECTORS)"
	[ "$generation" != 1 ] ||
		cmp -n $((SECTORS * SECTOR)) /dev/mapper/load raw
	crash_load --log crash-log --generation "$generation" "$@" \
		/dev/mapper/load history || fail "$(dmsetup status load)"
	"$CRASH/crash-check" --live /dev/mapper/load history
	dmsetup status load
	expect_equal mode "$(upper_counter load mode)" rw
	COMPACTIONS=$(upper_counter load compactions)
	dmsetup remove load
	unsplit_disk log
	stop_log
}

# crash_upper DATA_SECTORS OPTION...: crash it at points of the log. "disk" is
# left as after one of these.
crash_upper()
{
	local data=$1

	shift
	cp start disk
	loop_writable disk
	split_disk disk "$LOOP" "$data"
	crash_replay --table "$(upper_table disk $SECTORS)" --history history "$@"
	unsplit_disk disk
	losetup --detach "$LOOP"
	kernel_log | grep 'could not be written' >failures || return 0
	fail "no disk has failed, but: $(cat failures)"
}

need_tool
need_crash_tools
crash_folder
lower_image $SECTORS
say "seed $SEED, $POINTS points"

say 'room enough'
data=$((SECTORS + 1024))
blank_upper $SECTORS $data 2048
load_upper $data 1 --ops 1000
crash_upper $data --points $((POINTS * 5 / 18))

say 'what crashed goes on'
crash_replay --only $((SEED % 50 + 40))
cp disk start
load_upper $data 2 --ops 500
crash_upper $data --points $((POINTS * 5 / 18))

say 'data space that is used again and again'
data=$((SECTORS * 3 / 4))
blank_upper $SECTORS $data 2048
load_upper $data 1 --ops 1000 --may-fail
crash_upper $data --points $((POINTS / 6)) --change-every 0

# The first sector of the log is written at first, and when it is compacted.
say 'a log that is full again and again'
SECTORS=512
data=$((SECTORS + 1024))
blank_upper $SECTORS $data 52
load_upper $data 1 --ops 6000 --max-sectors 64
[ "$COMPACTIONS" -gt 0 ] || fail "it has never been compacted"
crash_upper $data --points $((POINTS * 5 / 18)) --near $((data + 8))
