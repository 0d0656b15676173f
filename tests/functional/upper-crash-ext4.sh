# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: files on ext4 on an upper live through crashes, once fsynced
# Kernels: uml-debug
# Timeout: 900
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=../crash/stack.sh
. "$TREE/tests/crash/stack.sh"

POINTS=${TORTURE_POINTS:-150}
SECTORS=32768
DATA=$((SECTORS + 2048))

need_tool
need_crash_tools
need_filesystem ext4
crash_folder
say "seed $SEED, $POINTS points"

say 'an empty file system'
blank_upper $SECTORS $DATA 2048
loop_writable start
split_disk start "$LOOP" $DATA
dm_create empty "$(upper_table start $SECTORS)"
mkfs.ext4 -q -b 1024 /dev/mapper/empty
dmsetup remove --retry empty
unsplit_disk start
losetup --detach "$LOOP"

say 'files'
start_log 192
split_disk log /dev/mapper/crash-log $DATA
dm_create load "$(upper_table log $SECTORS)"
mkdir mnt
defer umount mnt
mount -t ext4 -o discard /dev/mapper/load mnt
"$CRASH/crash-files" write --seed "$SEED" --events 400 --log crash-log mnt files
umount mnt
dmsetup remove --retry load
unsplit_disk log
stop_log

say 'crashes'
cp start disk
loop_writable disk
split_disk disk "$LOOP" $DATA
cat >check <<END
$CRASH/crash-files check /dev/mapper/crash mnt files marks &&
	e2fsck -fn /dev/mapper/crash >fsck.log 2>&1 || {
		cat fsck.log
		exit 1
	}
END
crash_replay --points "$POINTS" --table "$(upper_table disk $SECTORS)" \
	--marks file marks --run '. ./check'
