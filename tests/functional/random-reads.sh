# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: random reads of 512 bytes to 1 MiB, checked by fio
. "${0%/*}/lib.sh" || exit

# Every sector knows where it belongs.
FIO=(fio --minimal --verify=crc32c --verify_interval=512 --size=12M)

need_tool
need_commands fio
"${FIO[@]}" --name=write --filename=disk --rw=write --bs=256k --do_verify=0 \
	>fio.log

# Three layers take turns: what the lower ones hold is wrong here and there.
cp disk upper
for ((at = 12345; at < 12 * MIB; at += 300000)); do
	wrong+=("$at")
done
device flip upper "${wrong[@]}"
cp upper lower
wrong=()
for ((at = 99999; at < 12 * MIB; at += 222222)); do
	wrong+=("$at" $((at + SECTOR)))
done
device flip lower "${wrong[@]}"
create_layer --raw lower --compress zstd --block-size 64K --tar layer0
create_layer --raw upper --base lower layer1
create_layer --raw disk --base upper --compress lz4 layer2
stack_create random $((24 * 1024)) -- layer0 layer1 layer2

READ=("${FIO[@]}" --filename=/dev/mapper/random --readonly --rw=randread
	--norandommap --bsrange=512-1M --blockalign=512 --ioengine=psync
	--numjobs=4 --io_size=12M --group_reporting)
"${READ[@]}" --name=direct --direct=1 >fio.log
"${READ[@]}" --name=buffered --direct=0 --invalidate=1 >fio.log
cmp /dev/mapper/random disk
