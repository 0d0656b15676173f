# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Files on a file system on an upper, and crashes. To be sourced after stack.sh.

# crash_files TYPE SECTORS POINTS EVENTS MKFS FSCK [WHOLE]: both are commands that
# get the device as their last argument; see crash-replay for the last one.
crash_files()
{
	local type=$1 sectors=$2 points=$3 events=$4 mkfs=$5 fsck=$6 whole=${7:-1}
	local data=$(($2 + 2048))

	say "seed $SEED, $points points"
	say 'an empty file system'
	blank_upper "$sectors" $data 2048
	loop_writable start
	split_disk start "$LOOP" $data
	dm_create empty "$(upper_table start "$sectors")"
	$mkfs /dev/mapper/empty
	dmsetup remove --retry empty
	unsplit_disk start
	losetup --detach "$LOOP"

	say 'files'
	start_log 192
	split_disk log /dev/mapper/crash-log $data
	dm_create load "$(upper_table log "$sectors")"
	mkdir mnt
	defer umount mnt
	mount -t "$type" -o discard /dev/mapper/load mnt
	"$CRASH/crash-files" write --seed "$SEED" --events "$events" \
		--log crash-log mnt files
	umount mnt
	dmsetup remove --retry load
	unsplit_disk log
	stop_log

	say 'crashes'
	cp start disk
	loop_writable disk
	split_disk disk "$LOOP" $data
	cat >check <<-END
		$CRASH/crash-files check $type /dev/mapper/crash mnt files marks &&
			$fsck /dev/mapper/crash >fsck.log 2>&1 || {
				cat fsck.log
				exit 1
			}
	END
	crash_replay --points "$points" --table "$(upper_table disk "$sectors")" \
		--marks file marks --run '. ./check' --whole "$whole"
}
