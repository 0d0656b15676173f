# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: fio verifies a raw disk whose writes reclaim has to write back
# Kernels: uml-debug 6.12
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

JOBS=4
SIZE=40		# MiB of each
LEAVE=96	# MiB of memory, less than what is written
BYTES=$((JOBS * SIZE * MIB))

need_commands fio
new_upper fio $BYTES
# Loop devices over files in memory are not to need more of it.
fallocate -l "$(stat -c %s fio.data)" fio.data
fallocate -l "$(stat -c %s fio.index)" fio.index
open_upper fio $BYTES
reclaim_only
fill_memory $LEAVE

FIO=(fio --minimal --filename=/dev/mapper/fio "--size=${SIZE}M"
	"--offset_increment=${SIZE}M" "--numjobs=$JOBS" --bsrange=512-128k
	--blockalign=512 --rw=randwrite --ioengine=psync --verify=crc32c
	--verify_interval=512 --group_reporting --name=job)
note_reclaim
"${FIO[@]}" >fio.log || { cat fio.log; fail 'written'; }
expect_reclaim $((JOBS * SIZE - LEAVE))
umount fill
reopen fio
"${FIO[@]}" --verify_only >fio.log || { cat fio.log; fail 'reopened'; }
