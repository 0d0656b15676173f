# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: fio verifies files in ext4 while little memory is left
# Kernels: uml-debug
# Timeout: 900
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((192 * MIB))
JOBS=4
SIZE=24		# MiB of each
LEAVE=56	# MiB of memory, less than what is written

need_commands fio mkfs.ext4
need_filesystem ext4
new_upper fio $BYTES
# Loop devices over files in memory are not to need more of it.
fallocate -l $((160 * MIB)) fio.data
open_upper fio $BYTES
mkfs.ext4 -q -F /dev/mapper/fio
mkdir mounted
defer umount mounted
mount -o discard /dev/mapper/fio mounted
reclaim_only
fill_memory $LEAVE

FIO=(fio --minimal --directory=mounted "--size=${SIZE}M" "--numjobs=$JOBS"
	--bsrange=1k-128k --rw=randwrite --ioengine=psync --verify=crc32c
	--verify_interval=1k --group_reporting --name=job)
note_reclaim
"${FIO[@]}" >fio.log || { cat fio.log; fail 'written'; }
expect_reclaim $((JOBS * SIZE - LEAVE))
umount fill mounted
e2fsck -fn /dev/mapper/fio >fsck.log 2>&1 || { cat fsck.log; fail 'fsck'; }
reopen fio
mount /dev/mapper/fio mounted
"${FIO[@]}" --verify_only >fio.log || { cat fio.log; fail 'reopened'; }
