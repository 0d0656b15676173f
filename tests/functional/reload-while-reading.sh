# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: tables are replaced under verified reads, by another stack too
# Leaks: watched
. "${0%/*}/lib.sh" || exit

is_reading()
{
	[ "$(counter reload blocks)" -gt 0 ]
}

need_tool
need_commands fio
FIO=(fio --minimal --verify=crc32c --verify_interval=512 --size=4M)
"${FIO[@]}" --name=write --filename=disk --rw=write --bs=256k --do_verify=0 \
	>fio.log
cp disk other
device flip other 4096 1000000 2000000
create_layer --raw disk --compress zstd --block-size 16K layer0
create_layer --raw other --compress lz4 other0
create_layer --raw disk --base other other1
stack_create second 8192 -- other0 other1
second=$STACK
stack_create reload 8192 -- layer0
first=$STACK

"${FIO[@]}" --name=read --filename=/dev/mapper/reload --readonly --rw=randread \
	--norandommap --bsrange=512-256k --blockalign=512 \
	--ioengine=psync --direct=1 --numjobs=2 --time_based --runtime=600 \
	>fio.log 2>&1 &
reader=$!
defer kill "$reader"
retry is_reading
helper reload reload 24 "$second" "$first"
kill -0 "$reader" || { cat fio.log; fail 'fio has given up'; }
kill -INT "$reader"
status=0
wait "$reader" || status=$?
# It ends with 128 when it was told to stop.
if grep -qE 'verify failed|bad magic|io_u error' fio.log ||
	[[ $status != 0 && $status != 128 ]]; then
	cat fio.log
	fail "fio ended with $status"
fi
cmp /dev/mapper/reload disk
