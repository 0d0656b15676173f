# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: fio writes with four jobs, in mixed sizes, and verifies
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((32 * MIB))

need_commands fio
new_upper fio $BYTES
open_upper fio $BYTES
FIO=(fio --minimal --filename=/dev/mapper/fio --size=8M --offset_increment=8M
	--numjobs=4 --bsrange=512-256k --blockalign=512 --rw=randwrite
	--verify=crc32c --verify_interval=512 --group_reporting)
say 'direct'
"${FIO[@]}" --name=direct --direct=1 --ioengine=libaio --iodepth=8 \
	>fio.log || { cat fio.log; fail 'direct'; }
say 'buffered, with fsync'
FIO+=(--name=buffered --ioengine=psync --fsync=16)
"${FIO[@]}" >fio.log || { cat fio.log; fail 'buffered'; }
reopen fio
"${FIO[@]}" --verify_only >fio.log || { cat fio.log; fail 'reopened'; }
