# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash source-path=SCRIPTDIR
# Description: a log has room for all that is under way, however long that takes
# Kernels: uml-debug
. "${0%/*}/lib.sh" || exit
. "$HERE/upper.sh"

BYTES=$((4 * MIB))
SLOTS=2048

# appends OFFSET KIB: fio appends so many blocks of a sector, each an extent of its
# own, many at a time.
appends()
{
	fio --name=slow --filename=/dev/mapper/slow --ioengine=libaio \
		--direct=1 --rw=write:512 --bs=512 --iodepth=500 \
		--offset="$1" --size="$2k" --io_size="$2k" >fio.log 2>&1
}

need_target delay
need_commands fio
new_upper slow $BYTES $((2 * BYTES)) $((4096 + 16 * SLOTS))
sectors=$(blockdev --getsz "$DATA")
data=$DATA
dm_create slow-data "0 $sectors delay $data 0 0 $data 0 0"
DATA=/dev/mapper/slow-data
open_upper slow $BYTES
appends 0 400
[ "$(upper_counter slow extents)" -gt 300 ] || fail "extents: $(dmsetup status slow)"

say 'writes that take 4 seconds'
replace_table slow-data "0 $sectors delay $data 0 0 $data 0 4000"
dmsetup suspend slow
dmsetup resume slow
appends 1M 330 || fail "$(grep -m 3 error fio.log)"
[ "$(upper_counter slow log_entries)" -le $SLOTS ] || fail 'beyond the log'
