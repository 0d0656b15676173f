# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: sealing that a crash interrupts loses nothing, and is done again
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
# shellcheck source=../crash/stack.sh
. "$TREE/tests/crash/stack.sh"

POINTS=${TORTURE_POINTS:-20}
SECTORS=2048
DATA=4096

need_tool
need_crash_tools
crash_folder
say "seed $SEED, $POINTS points"
blank_upper $SECTORS $DATA 512
loop_writable start
split_disk start "$LOOP" $DATA
dm_create load "$(upper_table start $SECTORS)"
crash_load --ops 300 --max-sectors 64 /dev/mapper/load history
sync /dev/mapper/load
cp /dev/mapper/load disk-before
dmsetup remove load
unsplit_disk start
losetup --detach "$LOOP"

start_log 64
split_disk log /dev/mapper/crash-log $DATA
"$TOOL" seal --print-bytes /dev/mapper/log-data /dev/mapper/log-index >bytes
dmsetup message crash-log 0 mark sealed=1
unsplit_disk log
stop_log

# Before, it is a writable layer, and afterwards a lower one. What is in between
# sealing again makes one.
cp start disk
loop_writable disk
split_disk disk "$LOOP" $DATA
bytes=$(cat bytes)
upper="0 $SECTORS overlaybd 3 upper /dev/mapper/disk-data /dev/mapper/disk-index"
lower="0 $SECTORS overlaybd 3 lower /dev/mapper/disk-data $bytes"
cat >check <<-END
	# holds_all TABLE
	holds_all()
	{
		dmsetup create crash --readonly --table "\$1" &&
			cmp /dev/mapper/crash disk-before &&
			dmsetup remove --retry crash
	}
	if [ -s marks ]; then
		echo sealed >>kinds
		holds_all "$lower" || exit
	elif dmsetup create crash --readonly --table "$upper" 2>/dev/null; then
		echo writable >>kinds
		dmsetup remove --retry crash
		holds_all "$upper" || exit
	else
		echo between >>kinds
	fi
	again=\$($TOOL seal --print-bytes /dev/mapper/disk-data \
		/dev/mapper/disk-index) && [ "\$again" = $bytes ] &&
		! dmsetup create crash --table "$upper" 2>/dev/null &&
		holds_all "$lower"
END
crash_replay --points "$POINTS" --every-flush --marks sealed marks \
	--run '. ./check'
for kind in writable sealed; do
	grep -q $kind kinds || fail "at no point it was $kind"
done
unsplit_disk disk
